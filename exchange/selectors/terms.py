"""The legal clock: by when what became true here has to have reached the national database.

A person's file: within 3 working days (Decree 27/2026/NĐ-CP art. 19). A unit: within a day, since people's files wait for it. The
term begins the day after the change (Civil Code 91/2015/QH13 art. 147) and ends with its last day.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta

from django.db.models import DateTimeField, Func, Q, QuerySet

from exchange.choices import DeliveryState
from exchange.contract import PROFILE_KIND, UNIT_KIND
from exchange.models import Delivery
from orgtree import clock
from workflows.models import CalendarDay
from workflows.services.deadlines import working_day_back, works

UNIT_DAYS, PROFILE_WORKING_DAYS = 1, 3
UNFINISHED = (DeliveryState.WAITING, DeliveryState.SENT, DeliveryState.REJECTED, DeliveryState.PARKED)


def due_days(messages: Collection[tuple[str, datetime]]) -> list[date]:
    """For each (kind, moment of writing) the day by whose end it should be received. One query."""
    exceptions = dict(CalendarDay.objects.filter(day__gte=min(moment for _kind, moment in messages)).values_list("day", "works")) if messages else {}
    return [_due_day(kind, made.astimezone(clock.ZONE).date(), exceptions) for kind, made in messages]


def _due_day(kind: str, day: date, exceptions: Mapping[date, bool]) -> date:
    if kind == UNIT_KIND:
        return day + timedelta(days=UNIT_DAYS)
    left = PROFILE_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= works(day, exceptions)
    return day


def late(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Those whose term has passed and that are not received: late, whoever's fault it is."""
    return deliveries.filter(is_late())


def is_late() -> Q:
    """The same as a condition."""
    today = clock.today()
    people_before = Func(
        working_day_back(today, PROFILE_WORKING_DAYS),
        template=f"(%(expressions)s)::timestamp at time zone '{clock.ZONE.key}'",
        output_field=DateTimeField(),
    )
    return Q(state__in=UNFINISHED) & (
        Q(message__kind=UNIT_KIND, message__created_at__lt=_start(today - timedelta(days=UNIT_DAYS)))
        | Q(message__kind=PROFILE_KIND, message__created_at__lt=people_before)
    )


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), clock.ZONE)
