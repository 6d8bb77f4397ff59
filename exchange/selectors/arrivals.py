"""Who deals with people that come from other agencies, and what they see."""

from __future__ import annotations

from django.db.models import Case, IntegerField, QuerySet, Value, When

from exchange.choices import TransferState
from exchange.models import IncomingTransfer
from exchange.selectors.sight import installation_top, operates_line
from orgtree import scope
from orgtree.choices import Action
from orgtree.models import User


def receives(user: User) -> bool:
    """Whoever may edit, approve or operate at the top of the installation: the person who comes stands in nobody's unit yet."""
    if operates_line(user):
        return True
    top = installation_top()
    return top is not None and (scope.can(user, Action.EDIT, top) or scope.can(user, Action.APPROVE, top))


def arrivals() -> QuerySet[IncomingTransfer]:
    """What waits first, the nearest day before the rest."""
    waits = Case(
        When(state=TransferState.OFFERED, then=Value(0)),
        When(state=TransferState.TAKEN, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return IncomingTransfer.objects.select_related("request").defer("document", "evidence", "places").order_by(waits, "due_on", "pk")
