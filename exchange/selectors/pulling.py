"""At an agency: who may ask what the other side holds, who may put it into a request, and what is due."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from exchange.choices import DeliveryState, PullState
from exchange.models import Channel, Delivery, Pull
from exchange.selectors.sight import installation_top
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from workflows.choices import OPEN_STATES, ItemState, RequestState
from workflows.models import ChangeItem

UNDECIDED = (*OPEN_STATES, RequestState.DRAFT, RequestState.CHECKING, RequestState.READY)


def may_ask(user: User, unit: OrgUnit | None) -> bool:
    """Whoever operates the line there, or works on the records: of the unit, or (None) of the whole installation."""
    place = unit or installation_top()
    return scope.can(user, Action.OPERATE, place) or scope.can(user, Action.EDIT, place)


def may_stage(user: User, pull: Pull) -> bool:
    """Whoever may change the records there by hand."""
    return scope.can(user, Action.EDIT, pull.unit or installation_top())


def asks_somewhere(user: User) -> bool:
    return user.is_active and (user.is_superuser or bool(scope.intervals(user, Action.OPERATE)) or bool(scope.intervals(user, Action.EDIT)))


def pulls_due() -> list[UUID]:
    """Runs that go on now: nobody works on them, because they wait no longer or their worker was killed."""
    now = clock.now()
    at_work = Pull.objects.filter(state__in=[PullState.RUNNING, PullState.STAGING], not_before__lte=now, claimed_until__lte=now)
    return list(at_work.order_by("not_before").values_list("pk", flat=True))


def moving(channel: Channel, kind: str, keys: Collection[UUID]) -> set[UUID]:
    """Those of these records of which something is still on its way to the other side."""
    under_way = Delivery.objects.filter(channel=channel, state__in=[DeliveryState.WAITING, DeliveryState.SENT], message__kind=kind)
    return set(under_way.filter(message__key__in=keys).order_by().values_list("message__key", flat=True))


def waiting_requests(kind: str, documents: dict[UUID, bytes]) -> dict[UUID, UUID]:
    """The undecided request, by key, in which each of these records is changed already, or which holds this very document (by digest)."""
    items = ChangeItem.objects.filter(kind=kind, key__in=list(documents), request__state__in=UNDECIDED).exclude(state=ItemState.EXCLUDED)
    busy = items.filter(Q(request__state__in=OPEN_STATES) | Q(document__in=list(documents.values())))
    found = busy.order_by("pk").values_list("key", "request", "document", "request__state")
    return {key: request for key, request, document, state in found if state in OPEN_STATES or bytes(document) == documents[key]}
