"""What the tables of rows have in common: the person, a half-open period, and the constraints that go with it."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from registry.models.profiles import StaffProfile

NAME = "%(app_label)s_%(class)s_"


class ProfileRow(models.Model):
    """One row of one list of a person's file. Labels and code lists stand in the field catalogue."""

    id = models.BigAutoField(primary_key=True)
    staff = models.ForeignKey(StaffProfile, models.PROTECT)

    class Meta:
        abstract = True
        default_permissions = ()


class Period(models.Model):
    """[valid_from, valid_to): a fact that still holds, or whose end nobody knows, has no end."""

    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"), null=True)

    class Meta:
        abstract = True
        constraints = [models.CheckConstraint(condition=Q(valid_to=None) | Q(valid_from__lt=F("valid_to")), name=NAME + "period")]


class Months(models.Model):
    """A period of whole months, as the form asks for it; either side may be unknown."""

    valid_from = models.DateField(_("from"), null=True)
    valid_to = models.DateField(_("to"), null=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(condition=Q(valid_to=None) | Q(valid_from=None) | Q(valid_from__lt=F("valid_to")), name=NAME + "period"),
            models.CheckConstraint(
                condition=(Q(valid_from=None) | Q(valid_from__day=1)) & (Q(valid_to=None) | Q(valid_to__day=1)), name=NAME + "months"
            ),
        ]


class Decision(models.Model):
    """The paper on which a fact stands."""

    decision_number = models.CharField(max_length=50, null=True)
    decision_date = models.DateField(null=True)

    class Meta:
        abstract = True


def no_overlap(*same: str) -> ExclusionConstraint:
    """No two rows of a person that agree in the columns `same` hold at one time."""
    return ExclusionConstraint(
        name=NAME + "overlap",
        expressions=[
            *((column, RangeOperators.EQUAL) for column in ("staff", *same)),
            (Func(F("valid_from"), F("valid_to"), function="daterange", output_field=DateRangeField()), RangeOperators.OVERLAPS),
        ],
    )


def by_decision() -> models.Index:
    """For the question which files a decision changed, its number written with or without accents and in any case."""
    return models.Index(Func(F("decision_number"), function="public.hoso_plain"), condition=Q(decision_number__isnull=False), name=NAME + "decision")


def by_words(column: str, *, name: str, condition: Q | None = None) -> GinIndex:
    """For parts of a text, accents and case aside."""
    return GinIndex(OpClass(Func(F(column), function="public.hoso_plain"), "gin_trgm_ops"), condition=condition, name=name)


def in_years(column: str) -> models.CheckConstraint:
    """A year that somebody now in service can have seen; null is let pass."""
    return models.CheckConstraint(condition=Q(**{column: None}) | Q(**{f"{column}__range": (1850, 2200)}), name=NAME + column)


def one_a_year() -> models.UniqueConstraint:
    return models.UniqueConstraint(fields=["staff", "year"], name=NAME + "one_a_year")
