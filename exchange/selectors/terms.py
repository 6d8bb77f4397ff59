"""The legal clock: by when what became true here has to have reached the national database.

A person's file: within 3 working days (Decree 27/2026/NĐ-CP art. 19). A unit: within a day, since people's files wait for it. The
term begins the day after the change (Civil Code 91/2015/QH13 art. 147) and ends with its last day.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet

from exchange.choices import DeliveryState
from exchange.contract import PROFILE_KIND, UNIT_KIND
from exchange.models import Delivery
from orgtree import clock
from workflows.models import CalendarDay
from workflows.services.deadlines import works

UNIT_DAYS, PROFILE_WORKING_DAYS = 1, 3
LONGEST = 40  # days back within which a term of three working days began, whatever the holidays
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
    today = clock.today()
    return deliveries.filter(
        Q(message__kind=UNIT_KIND, message__created_at__lt=_start(today - timedelta(days=UNIT_DAYS)))
        | Q(message__kind=PROFILE_KIND, message__created_at__lt=_start(_profiles_before(today))),
        state__in=UNFINISHED,
    )


def _profiles_before(today: date) -> date:
    """The first day on which a person's change is not late yet: fewer than three working days have passed since."""
    begin = today - timedelta(days=LONGEST)
    exceptions = dict(CalendarDay.objects.filter(day__gte=begin).values_list("day", "works"))
    day, passed = today, 0
    while passed < PROFILE_WORKING_DAYS and day > begin:
        day -= timedelta(days=1)
        passed += works(day, exceptions)
    return day


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), clock.ZONE)
