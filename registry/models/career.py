"""Posts, pay, judgements and organisations as tables (document: `registry.schema.career`). Amounts are whole VND."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from registry.models.lists import NAME, Decision, Period, ProfileRow, by_decision, by_words, in_years, no_overlap, one_a_year
from registry.models.profiles import StaffProfile


class Posting(ProfileRow, Period, Decision):
    """One row of item 33: a post held in [valid_from, valid_to). The open one is the current post; no two overlap.

    `unit` is null for a unit that this installation does not keep; `unit_name` then says where, as declared.
    """

    staff = models.ForeignKey(StaffProfile, models.PROTECT, related_name="postings")
    title = models.CharField(_("post"), max_length=200)
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, null=True, related_name="+", verbose_name=_("unit"))
    unit_name = models.CharField(_("unit (as written)"), max_length=250, null=True)
    position_group = models.CharField(max_length=10, null=True)
    movement = models.CharField(max_length=10, null=True)

    class Meta(ProfileRow.Meta):
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        constraints = [
            *Period.Meta.constraints,
            models.CheckConstraint(condition=Q(unit__isnull=False) | Q(unit_name__isnull=False), name=NAME + "place"),
            no_overlap(),
        ]
        indexes = [by_decision(), by_words("title", name="registry_posting_title", condition=Q(valid_to=None))]

    def __str__(self) -> str:
        return self.title


class PlannedPost(ProfileRow, Period, Decision):
    """Item 24: a post for which the person is planned."""

    title = models.CharField(max_length=200)
    term = models.CharField(max_length=50, null=True)

    class Meta(ProfileRow.Meta):
        constraints = [*Period.Meta.constraints]


class Secondment(ProfileRow, Period, Decision):
    """Decree 170/2025/NĐ-CP art. 26: work at a host, on the sending unit's payroll. A person is seconded to one place at a time."""

    host = models.CharField(max_length=250)
    host_unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, null=True, related_name="+")
    title = models.CharField(max_length=200, null=True)
    reason = models.CharField(max_length=10, null=True)

    class Meta(ProfileRow.Meta):
        constraints = [*Period.Meta.constraints, no_overlap()]
        indexes = [by_decision()]


class SalaryPeriod(ProfileRow, Period, Decision):
    """Item 37.1: one step of the scale, or one pay of a job position (`amount`), in [valid_from, valid_to)."""

    rank_code = models.CharField(max_length=20, null=True)
    step = models.IntegerField(null=True)
    coefficient = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    percent = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    amount = models.DecimalField(max_digits=12, decimal_places=0, null=True)

    class Meta(ProfileRow.Meta):
        constraints = [
            *Period.Meta.constraints,
            no_overlap(),
            models.CheckConstraint(
                condition=Q(rank_code__isnull=False, step__isnull=False, coefficient__isnull=False, step__gte=1, coefficient__gt=0)
                | Q(rank_code=None, step=None, coefficient=None, amount__isnull=False, amount__gt=0),
                name=NAME + "whole",
            ),
            models.CheckConstraint(condition=Q(percent=None) | Q(percent__gt=0, percent__lte=100), name=NAME + "percent"),
        ]
        indexes = [by_decision()]


class Allowance(ProfileRow, Period, Decision):
    """Items 30.2 and 37.2: an allowance, as a share, a coefficient or an amount. One of each kind at a time."""

    kind = models.CharField(max_length=10)
    percent = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    coefficient = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    amount = models.DecimalField(max_digits=12, decimal_places=0, null=True)
    form = models.CharField(max_length=100, null=True)

    class Meta(ProfileRow.Meta):
        constraints = [
            *Period.Meta.constraints,
            no_overlap("kind"),
            models.CheckConstraint(
                condition=(Q(percent__isnull=False) | Q(coefficient__isnull=False) | Q(amount__isnull=False))
                & (Q(percent=None) | Q(percent__gt=0))
                & (Q(coefficient=None) | Q(coefficient__gt=0))
                & (Q(amount=None) | Q(amount__gt=0)),
                name=NAME + "value",
            ),
        ]
        indexes = [by_decision()]


class AnnualResult(ProfileRow):
    """Item 35.1: the year's grade, emulation title and highest commendation."""

    year = models.IntegerField()
    grade = models.CharField(max_length=10, null=True)
    emulation = models.CharField(max_length=10, null=True)
    commendation = models.CharField(max_length=10, null=True)
    decision_number = models.CharField(max_length=50, null=True)

    class Meta(ProfileRow.Meta):
        constraints = [
            in_years("year"),
            one_a_year(),
            models.CheckConstraint(
                condition=Q(grade__isnull=False) | Q(emulation__isnull=False) | Q(commendation__isnull=False), name=NAME + "says_something"
            ),
        ]
        indexes = [by_decision()]


class Discipline(ProfileRow, Period):
    """Item 35.2: `side` is the Party's or the administration's, `valid_from` the day of the decision."""

    side = models.CharField(max_length=10)
    form = models.CharField(max_length=10)
    act = models.CharField(max_length=500, null=True)
    authority = models.CharField(max_length=250, null=True)
    decision_number = models.CharField(max_length=50, null=True)

    class Meta(ProfileRow.Meta):
        constraints = [*Period.Meta.constraints]


class Membership(ProfileRow, Period):
    """Decree 27/2026/NĐ-CP group 7: a political or socio-political organisation, and what the person is in it."""

    organisation = models.CharField(max_length=250)
    title = models.CharField(max_length=200, null=True)

    class Meta(ProfileRow.Meta):
        constraints = [*Period.Meta.constraints]
