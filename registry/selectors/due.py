"""Whose next salary step or retirement falls before a day, as conditions on the files: the same law as `selectors.derived`, in SQL.

A test holds the two equal.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Case, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When

from registry.models import LIVE_ROWS, RankCode, SalaryStep
from registry.rules.expressions import AddMonths, months_put_off
from registry.selectors.derived import FEMALE, MALE, add_months, retirement

SHORTEST_STEP = 24  # months; a step shorter than this is not in Decree 204/2004/NĐ-CP
OVERFRAME_MONTHS = 12
_OLDEST = 90


def with_next_step(files: QuerySet[Any]) -> QuerySet[Any]:
    """Annotates `next_step_on`: when the next step, or the next over-frame share, is due; null where rank or class is not known."""
    scale = SalaryStep.objects.filter(
        salary_class=Subquery(RankCode.objects.filter(code=OuterRef(OuterRef("rank_code"))).values("salary_class")[:1]), step=OuterRef("step")
    )
    disciplines, results = (LIVE_ROWS[name]._default_manager.all() for name in ("disciplines", "annual_results"))
    has_share = Q(step__gte=F("last_step"), overframe_date__isnull=False)
    return (
        files.annotate(step_months=Subquery(scale.values("months")[:1]), last_step=Subquery(scale.values("max_step")[:1]))
        .annotate(
            pay_begun=Case(When(has_share, then=F("overframe_date")), default=F("step_date")),
            pay_lasts=Case(When(has_share, then=Value(OVERFRAME_MONTHS)), default=F("step_months"), output_field=IntegerField()),
        )
        .annotate(step_delay=months_put_off(disciplines, results, begun="pay_begun"))
        .annotate(next_step_on=AddMonths(F("pay_begun"), F("pay_lasts") + F("step_delay")))
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
