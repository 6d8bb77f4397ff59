"""Deadlines in working days of Viet Nam: Monday to Friday, less holidays, and the weekend days that are worked instead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from django.db.models import DateField, Max
from django.db.models.expressions import RawSQL

from orgtree import clock
from workflows.choices import Verdict
from workflows.models import CalendarDay, Decision, Stage, StageTerm


def works(day: date, exceptions: Mapping[date, bool]) -> bool:
    return exceptions.get(day, day.weekday() < 5)


def working_day_back(day: date, days: int, *, within: int = 40) -> RawSQL:
    """As an expression, so that whoever compares with it asks no query for it: the `days`-th working day before `day`, by the rule of `works`;
    where the last `within` days hold fewer, the first of those."""
    return RawSQL(
        "coalesce((select d.day::date from generate_series(%s::date - %s, %s::date - 1, interval '1 day') as d(day) "
        "left join workflows_calendarday c on c.day = d.day where coalesce(c.works, extract(isodow from d.day) < 6) "
        "order by d.day desc offset %s limit 1), %s::date - %s)",
        [day, within, day, days - 1, day, within],
        output_field=DateField(),
    )


def working_days_after(day: date, days: int) -> date:
    """The last day of a term of `days` working days that begins the day after `day` (Civil Code 91/2015/QH13 art. 147, 148)."""
    return term_end(day, days, dict(CalendarDay.objects.filter(day__gt=day).values_list("day", "works")))


def term_end(day: date, days: int, exceptions: Mapping[date, bool]) -> date:
    """The same with the days that differ from the week (True where they are worked) at hand."""
    end = day
    while days > 0 or not works(end, exceptions):
        end += timedelta(days=1)
        days -= works(end, exceptions)
    return end


def stage_opened_at(stage: Stage) -> datetime | None:
    """A stage opens with the last approval before it, the first one with the submit; None before that."""
    if stage.number == 1:
        return stage.request.submitted_at
    earlier = Decision.objects.filter(stage__request=stage.request_id, stage__number__lt=stage.number, verdict=Verdict.APPROVE)
    last: datetime | None = earlier.aggregate(last=Max("decided_at"))["last"]
    return last or stage.request.submitted_at


def stage_term(stage: Stage) -> StageTerm:
    """The terms of a stage that has opened, noted once: half time, the deadline, and twice the term, when the level above is told."""
    found = StageTerm.objects.filter(stage=stage).first()
    if found is not None:
        return found
    opened = stage_opened_at(stage) or clock.now()
    first, days = opened.astimezone(clock.ZONE).date(), stage.days
    ends: dict[str, date] = {}
    if days:
        ends = {"due_on": working_days_after(first, days), "above_on": working_days_after(first, 2 * days)}
        if days > 1:
            ends["half_on"] = working_days_after(first, days // 2)
    made, _new = StageTerm.objects.get_or_create(stage=stage, defaults={"opened_at": opened, **ends})
    return made
