"""The deliveries that wait for a person or for their turn, the least time left first, with the names of their records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Case, F, QuerySet, Value, When
from django.utils.functional import Promise

from exchange.choices import DeliveryState
from exchange.contract import PROFILE_KIND, UNIT_KIND
from exchange.models import Channel, Delivery
from exchange.selectors.names import record_names
from exchange.selectors.sight import deliveries_seen
from exchange.selectors.terms import PROFILE_WORKING_DAYS, UNFINISHED, UNIT_DAYS, due_days, late
from orgtree import clock
from orgtree.models import User

PAGE = 50


@dataclass(frozen=True)
class Line:
    """One delivery of the queue: its record by name, its unit, and the day by whose end it is due."""

    delivery: Delivery
    name: str
    unit: str
    due: date

    @property
    def is_person(self) -> bool:
        return self.delivery.message.kind == PROFILE_KIND

    @property
    def is_late(self) -> bool:
        return self.due < clock.today()

    @property
    def label(self) -> str | Promise:
        return DeliveryState(self.delivery.state).label


def queue(*, user: User, channel: Channel, cause: str | None = None, state: str = "", only_late: bool = False) -> QuerySet[Delivery]:
    """What of a channel is not finished and `user` sees, the least time left first; of one cause, in one state, or only what is late."""
    rows = deliveries_seen(user).filter(channel=channel, state__in=UNFINISHED)
    if cause is not None:
        rows = rows.filter(error_code=cause, state__in=[DeliveryState.REJECTED, DeliveryState.PARKED])
    if state in UNFINISHED:
        rows = rows.filter(state=state)
    if only_late:
        rows = late(rows)
    # A unit's term is shorter by the days between the two; what is left is sorted by when it was written.
    head_start = Case(When(message__kind=UNIT_KIND, then=Value(PROFILE_WORKING_DAYS - UNIT_DAYS)), default=Value(0))
    return rows.select_related("message", "channel").alias(head=head_start).order_by(F("message__created_at__date") - F("head"), "message_id")


def lines(deliveries: Sequence[Delivery]) -> list[Line]:
    """The deliveries of a page with names and terms; three queries."""
    names = record_names([(one.message.kind, one.message.key) for one in deliveries])
    due = due_days([(one.message.kind, one.message.created_at) for one in deliveries])
    return [Line(one, *names[one.message.kind, one.message.key], day) for one, day in zip(deliveries, due, strict=True)]
