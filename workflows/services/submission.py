"""The author's own moves: submit, and withdraw while nobody has decided."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from orgtree import clock
from orgtree.models import User
from workflows import merkle
from workflows.choices import MOVES, ItemState, RequestState
from workflows.errors import EffectiveDatePast, NotAllowed, RecordBusy, WrongState
from workflows.locks import request_lock
from workflows.models import ChangeRequest, Decision, Stage
from workflows.services.attachments import attachments_statement
from workflows.services.audit import audit
from workflows.services.deadlines import working_days_after
from workflows.services.leaves import request_leaves
from workflows.services.moves import request_move
from workflows.services.routing import route_freeze

SUBTREE_LEVEL = 8  # nodes over 256 leaves, kept so that one proof needs one block of leaves


def request_submit(*, actor: User | None, request_id: UUID, system_stage: str = "", effective_on: date | None = None) -> ChangeRequest:
    """Freeze leaves, root and route, and hand the request to its first stage.

    Raises NotAllowed for anyone but the author, WrongState when it is not ready, RecordBusy when another open request changes
    one of its records. `system_stage` names the check of the program that decides instead of a person (the hub's intake).
    Changes with a day `effective_on` are applied on that day (EffectiveDatePast before today), the others when they are approved.
    """
    if effective_on is not None and effective_on < clock.today():
        raise EffectiveDatePast
    with transaction.atomic():
        request = request_lock(request_id)
        if request.author_id != (actor.pk if actor else None):
            raise NotAllowed
        if RequestState.IN_REVIEW not in MOVES[RequestState(request.state)]:
            raise WrongState(state=request.state)
        tree = merkle.levels(request_leaves(request))
        subtrees = b"".join(tree[SUBTREE_LEVEL]) if len(tree) > SUBTREE_LEVEL else b""
        lasts = _route_freeze(request, system_stage)
        attached = attachments_statement(request)
        request_move(
            request,
            RequestState.IN_REVIEW,
            **({"evidence": {**request.evidence, "attachments": attached}} if attached else {}),
            root=tree[-1][0],
            subtrees=subtrees,
            submitted_at=Now(),
            effective_on=effective_on,
            expires_on=working_days_after(clock.today(), lasts) if lasts else None,
        )
        try:
            with transaction.atomic():
                request.items.filter(state=ItemState.DRAFT).update(state=ItemState.OPEN)
        except IntegrityError as error:
            raise RecordBusy from error
        audit(actor=actor, action="request.submitted", request=request, root=tree[-1][0].hex(), count=request.count, **_said(attached))
    return request


def request_withdraw(*, actor: User, request_id: UUID) -> ChangeRequest:
    """Take a request back before anyone decided on it. Raises NotAllowed for others than its author, WrongState later on."""
    with transaction.atomic():
        request = request_lock(request_id)
        if request.author_id != actor.pk:
            raise NotAllowed
        if Decision.objects.filter(stage__request=request, verdict="approve").exists():
            raise WrongState
        request_move(request, RequestState.WITHDRAWN)
        request.items.filter(state__in=[ItemState.DRAFT, ItemState.OPEN]).update(state=ItemState.ENDED)
        audit(actor=actor, action="request.withdrawn", request=request)
    return request


def _said(attached: list[dict[str, Any]]) -> dict[str, Any]:
    """Hashes of the attached files for the audit trail; nothing where nothing is attached."""
    return {"attachments": [one["sha256"] for one in attached]} if attached else {}


def _route_freeze(request: ChangeRequest, system_stage: str) -> int | None:
    """Working days that the review may last; a check of the program decides at once."""
    if system_stage:
        Stage.objects.create(request=request, number=1, name=system_stage, action="", needs_signature=False, system=system_stage)
        return None
    return route_freeze(request)
