"""How a request ends without effect after it was submitted: recalled by somebody, or expired by time."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Q

from orgtree import clock
from orgtree.models import User
from workflows.choices import ItemState, RequestState, Verdict
from workflows.errors import NotAllowed, ReasonMissing
from workflows.locks import request_lock
from workflows.models import ChangeRequest, Decision
from workflows.services.audit import audit
from workflows.services.moves import request_move


def request_recall(*, actor: User, request_id: UUID, reason: str) -> ChangeRequest:
    """Take back what was approved and is not applied yet; its records are free again.

    Raises NotAllowed for others than the author and those who approved it, ReasonMissing, and WrongState from the moment it is applied.
    """
    if not reason.strip():
        raise ReasonMissing
    with transaction.atomic():
        request = request_lock(request_id)
        if not may_recall(actor=actor, request=request):
            raise NotAllowed
        _end(request, RequestState.RECALLED, reason.strip())
        audit(actor=actor, action="request.recalled", request=request, reason=reason.strip())
    return request


def may_recall(*, actor: User, request: ChangeRequest) -> bool:
    """The author, and whoever approved it or in whose place it was approved. The state is request_recall's question."""
    approved = Decision.objects.filter(Q(user=actor) | Q(on_behalf_of=actor), stage__request=request, verdict=Verdict.APPROVE)
    return request.author_id == actor.pk or approved.exists()


def reviews_expire() -> int:
    """End every review whose last day has passed, so that its records are free for others; returns how many ended."""
    ended = 0
    late = ChangeRequest.objects.filter(state=RequestState.IN_REVIEW, expires_on__lt=clock.today())
    for pk in late.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            request = request_lock(pk)
            if request.state == RequestState.IN_REVIEW:  # somebody may have decided meanwhile
                _end(request, RequestState.EXPIRED, "")
                audit(actor=None, action="request.expired", request=request)
                ended += 1
    return ended


def _end(request: ChangeRequest, state: RequestState, reason: str) -> None:
    request_move(request, state)
    request.items.filter(state=ItemState.OPEN).update(state=ItemState.ENDED, reason=reason[:300])
