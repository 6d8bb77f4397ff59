"""Deadlines in working days of Viet Nam: Monday to Friday, less holidays, and the weekend days that are worked instead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from django.db.models import Max

from orgtree import clock
from workflows.choices import Verdict
from workflows.models import CalendarDay, Decision, Stage


def works(day: date, exceptions: Mapping[date, bool]) -> bool:
    return exceptions.get(day, day.weekday() < 5)


def working_days_after(day: date, days: int) -> date:
    """The last day of a term of `days` working days that begins the day after `day` (Civil Code 91/2015/QH13 art. 147, 148)."""
    exceptions = dict(CalendarDay.objects.filter(day__gt=day).values_list("day", "works"))
    end = day
    while days > 0 or not works(end, exceptions):
        end += timedelta(days=1)
        days -= works(end, exceptions)
    return end


def stage_deadline(stage: Stage) -> date | None:
    """The day by whose end the stage should be decided, or None without a term. It opens with the approval before it, or the submit."""
    if stage.days is None or stage.request.submitted_at is None:
        return None
    earlier = Decision.objects.filter(stage__request=stage.request_id, stage__number__lt=stage.number, verdict=Verdict.APPROVE)
    opened = earlier.aggregate(last=Max("decided_at"))["last"] or stage.request.submitted_at
    return working_days_after(opened.astimezone(clock.ZONE).date(), stage.days)
