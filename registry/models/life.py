"""Family, history, journeys and property as tables (document: `registry.schema.life`)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from registry.models.lists import NAME, Months, Period, ProfileRow, in_years, one_a_year


class Relative(ProfileRow):
    """One relative: who, how related, born when, and what the form asks to be told (home, work, membership)."""

    relation = models.CharField(max_length=10)
    full_name = models.CharField(max_length=100)
    birth_year = models.IntegerField(null=True)
    description = models.CharField(max_length=500, null=True)

    class Meta(ProfileRow.Meta):
        abstract = True
        constraints = [in_years("birth_year")]


class FamilyMember(Relative):
    """Item 36.1: the person's own family."""


class InLaw(Relative):
    """Item 36.2: the family of the wife or husband."""


class OldRegimeService(ProfileRow, Months):
    """Item 34.2: work for the former regime."""

    title = models.CharField(max_length=200)
    place = models.CharField(max_length=250, null=True)

    class Meta(ProfileRow.Meta):
        constraints = [*Months.Meta.constraints]


class ForeignOrganisation(ProfileRow, Months):
    """Item 34.3: relations with foreign organisations."""

    organisation = models.CharField(max_length=250)
    job = models.CharField(max_length=200, null=True)

    class Meta(ProfileRow.Meta):
        constraints = [*Months.Meta.constraints]


class ForeignTrip(ProfileRow, Period):
    """A journey abroad (not on the form; asked for by the Party's form and in practice)."""

    country = models.CharField(max_length=100)
    purpose = models.CharField(max_length=300, null=True)
    decision_number = models.CharField(max_length=50, null=True)

    class Meta(ProfileRow.Meta):
        constraints = [*Period.Meta.constraints]


class Income(ProfileRow):
    """Item 37.3: what came in during a year, in VND, from the salary and from all else."""

    year = models.IntegerField()
    salary_amount = models.DecimalField(max_digits=15, decimal_places=0, null=True)
    other_amount = models.DecimalField(max_digits=15, decimal_places=0, null=True)

    class Meta(ProfileRow.Meta):
        constraints = [
            in_years("year"),
            one_a_year(),
            models.CheckConstraint(
                condition=(Q(salary_amount__isnull=False) | Q(other_amount__isnull=False))
                & (Q(salary_amount=None) | Q(salary_amount__gte=0))
                & (Q(other_amount=None) | Q(other_amount__gte=0)),
                name=NAME + "amounts",
            ),
        ]


class Property(ProfileRow):
    """Item 37.3: a house, residential land or land for production. `area_m2` is square metres."""

    category = models.CharField(max_length=10)
    kind = models.CharField(max_length=10, null=True)
    description = models.CharField(max_length=300, null=True)
    area_m2 = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    certificate_no = models.CharField(max_length=50, null=True)

    class Meta(ProfileRow.Meta):
        constraints = [models.CheckConstraint(condition=Q(area_m2=None) | Q(area_m2__gt=0), name=NAME + "area")]
