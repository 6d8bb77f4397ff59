"""Whose next salary step or retirement falls before a day, as conditions on the files: the same law as `selectors.derived`, in SQL.

A test holds the two equal.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Case, Count, DateField, Exists, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from registry.models import LIVE_ROWS, RankCode, SalaryStep
from registry.selectors.derived import FAILED_GRADES, FAILED_MONTHS, FEMALE, MALE, STEP_DELAY, add_months, retirement

SHORTEST_STEP = 24  # months; a step shorter than this is not in Decree 204/2004/NĐ-CP
OVERFRAME_MONTHS = 12
_OLDEST = 90


class AddMonths(Func):
    """A date and a number of months; the last day of a shorter month, as in Python's twin."""

    template = "(%(expressions)s)::int))::date"
    arg_joiner = " + make_interval(months => ("
    output_field = DateField()


def with_next_step(files: QuerySet[Any]) -> QuerySet[Any]:
    """Annotates `next_step_on`: when the next step, or the next over-frame share, is due; null where rank or class is not known."""
    scale = SalaryStep.objects.filter(
        salary_class=Subquery(RankCode.objects.filter(code=OuterRef(OuterRef("rank_code"))).values("salary_class")[:1]), step=OuterRef("step")
    )
    delays = Case(*(When(form=form, then=Value(months)) for form, months in STEP_DELAY.items()), default=Value(0), output_field=IntegerField())
    disciplines = LIVE_ROWS["disciplines"]._default_manager.filter(staff=OuterRef("pk"), valid_from__gte=OuterRef("step_date"))
    failed = LIVE_ROWS["annual_results"]._default_manager.filter(
        staff=OuterRef("pk"), grade__in=FAILED_GRADES, year__gte=Func(OuterRef("step_date"), template="extract(year from %(expressions)s)")
    )
    delay = Coalesce(Subquery(disciplines.values("staff").annotate(total=Sum(delays)).values("total")), 0) + FAILED_MONTHS * Coalesce(
        Subquery(failed.values("staff").annotate(total=Count("pk")).values("total")), 0
    )
    return files.annotate(
        step_months=Subquery(scale.values("months")[:1]), last_step=Subquery(scale.values("max_step")[:1]), step_delay=delay
    ).annotate(
        next_step_on=Case(
            When(step__lt=F("last_step"), then=AddMonths(F("step_date"), F("step_months") + F("step_delay"))),
            When(last_step__isnull=False, overframe_date__isnull=True, then=AddMonths(F("step_date"), F("step_months"))),
            When(last_step__isnull=False, then=AddMonths(F("overframe_date"), Value(OVERFRAME_MONTHS))),
            output_field=DateField(),
        )
    )


def step_due(files: QuerySet[Any], *, by: date) -> QuerySet[Any]:
    """Files whose next step is due on or before the day."""
    old_enough = Q(step_date__lte=add_months(by, -OVERFRAME_MONTHS))  # no step is due earlier: what the index on step_date narrows
    return with_next_step(files.filter(old_enough)).filter(next_step_on__lte=by)


def retires(*, by: date) -> Q:
    """People who leave on account of their age on or before the day (Decree 135/2020/NĐ-CP)."""
    return Q(gender=MALE, birth_date__lte=_last_birth(MALE, by)) | Q(gender=FEMALE, birth_date__lte=_last_birth(FEMALE, by))


def _last_birth(gender: str, by: date) -> date:
    """The latest day of birth with which somebody has left by the day. Leaving later never comes with an earlier birth, so halve."""
    low, high = add_months(by, -12 * _OLDEST).toordinal(), by.toordinal()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if retirement(date.fromordinal(middle), gender).leaves <= by else (low, middle)
    return date.fromordinal(low)


def has_row(rows: str, **wanted: Any) -> Exists:
    """Whether a file has a row of the list `rows` with these values."""
    return Exists(LIVE_ROWS[rows]._default_manager.filter(staff=OuterRef("pk"), **wanted))
