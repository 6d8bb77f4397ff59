"""Deciding: the manifest that is shown and signed, approval, and return.

Who may decide is one function, `may_decide`; the database says the same once more (walls.DECISION_GUARD).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Func
from django.db.models.functions import Now

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User
from workflows.choices import ItemState, RequestState, Verdict
from workflows.cms import SignatureRefused
from workflows.dispatch import send_on_commit
from workflows.documents import digest
from workflows.errors import NotAllowed, OwnRequest, ReasonMissing, WrongState
from workflows.locks import request_lock
from workflows.manifest import build_manifest, read_manifest
from workflows.models import ChangeRequest, Contribution, Decision, Manifest, Stage
from workflows.services.audit import audit
from workflows.services.moves import request_move
from workflows.services.signing import refusal_record, signature_record

APPLY_TASK = "workflows.apply"


def may_decide(*, actor: User, request: ChangeRequest) -> Stage:
    """The stage that `actor` may decide now. Raises WrongState, OwnRequest or NotAllowed.

    Whoever contributed any part is out (promise 1); the right of the stage's action is needed in every unit that an item touches.
    """
    stage = current_stage(request)
    if request.author_id == actor.pk or Contribution.objects.filter(request=request, user=actor).exists():
        raise OwnRequest
    units = _units_touched(request)
    if (
        stage.system
        or scope.outside(actor, Action(stage.action), units)
        or (_founds_root(request) and not scope.can(actor, Action(stage.action), None))
    ):
        raise NotAllowed
    return stage


def current_stage(request: ChangeRequest) -> Stage:
    """The first stage without an approval. Raises WrongState when the request is not under review."""
    if request.state != RequestState.IN_REVIEW:
        raise WrongState(state=request.state)
    stage = request.stages.exclude(decisions__verdict=Verdict.APPROVE).order_by("number").first()
    if stage is None:
        raise WrongState(state=request.state)
    return stage


def manifest_prepare(*, actor: User, request_id: UUID, excluded: Iterable[int] = ()) -> Manifest:
    """Make the statement that `actor` will sign, with the leaf indexes to leave out added to those of earlier stages."""
    with transaction.atomic():
        request = request_lock(request_id)
        stage = may_decide(actor=actor, request=request)
        return _manifest_make(request, stage, actor, excluded)


def request_approve(*, actor: User, manifest_digest: bytes, signature: bytes) -> ChangeRequest:
    """Approve the stage that the manifest was prepared for, with `signature` (CMS detached, DER) over its bytes.

    The last stage approved, the request goes to the workers. Raises what may_decide raises, WrongState for a manifest of
    another person or of a stage that has been decided, and SignatureRefused, which is audited.
    """
    manifest = Manifest.objects.select_related("request").get(pk=manifest_digest)
    try:
        with transaction.atomic():
            request = request_lock(manifest.request_id)
            stage = may_decide(actor=actor, request=request)
            if manifest.user_id != actor.pk or manifest.stage != stage.number:
                raise WrongState(state=request.state)
            signed = signature_record(actor=actor, manifest=manifest, der=signature)
            Decision.objects.create(stage=stage, user=actor, verdict=Verdict.APPROVE, manifest=manifest, signature=signed)
            _exclude(request, manifest)
            audit(
                actor=actor,
                action="request.approved",
                request=request,
                stage=stage.number,
                manifest=manifest_digest.hex(),
                signature=bytes(signed.digest).hex(),
            )
            _advance(request)
    except SignatureRefused as refused:
        refusal_record(actor=actor, manifest=manifest, refused=refused)
        raise
    return request


def request_approve_by_system(*, request_id: UUID, excluded: Iterable[int] = ()) -> ChangeRequest:
    """Approve the current stage in the name of the program's check that it carries; the caller has made that check.

    What the check stood on is the request's `evidence` (the agency's manifest and signature), named again in the seal.
    """
    with transaction.atomic():
        request = request_lock(request_id)
        stage = current_stage(request)
        manifest = _manifest_make(request, stage, None, excluded)
        Decision.objects.create(stage=stage, user=None, verdict=Verdict.APPROVE, manifest=manifest)
        _exclude(request, manifest)
        audit(actor=None, action="request.approved", request=request, stage=stage.number, system=stage.system)
        _advance(request)
    return request


def request_return(*, actor: User, request_id: UUID, reason: str) -> ChangeRequest:
    """Give the whole request back to its author, saying why; its records are free again. Raises ReasonMissing and may_decide's."""
    if not reason.strip():
        raise ReasonMissing
    with transaction.atomic():
        request = request_lock(request_id)
        stage = may_decide(actor=actor, request=request)
        Decision.objects.create(stage=stage, user=actor, verdict=Verdict.RETURN, reason=reason.strip())
        request_move(request, RequestState.RETURNED, decided_at=Now())
        request.items.filter(state=ItemState.OPEN).update(state=ItemState.ENDED, reason=reason.strip()[:300])
        audit(actor=actor, action="request.returned", request=request, stage=stage.number, reason=reason.strip())
    return request


def _manifest_make(request: ChangeRequest, stage: Stage, actor: User | None, excluded: Iterable[int]) -> Manifest:
    earlier = request.items.filter(state=ItemState.EXCLUDED).values_list("leaf_index", flat=True)
    prepared = clock.now().replace(microsecond=0)
    body = build_manifest(
        purpose="approve" if actor else "accept",
        authority=settings.AUTHORITY,
        request=request.pk,
        unit=request.unit_id,
        unit_name=request.unit.name if request.unit else None,
        title=request.title,
        stage=stage.number,
        count=request.count,
        kinds=request.kinds,
        root=bytes(request.root or b""),
        excluded=sorted({*earlier, *excluded}),
        decider={"name": actor.display_name, "user": actor.username} if actor else {"name": stage.name, "user": stage.system},
        prepared_at=prepared,
    )
    manifest, _ = Manifest.objects.get_or_create(
        digest=digest(body), defaults={"body": body, "request": request, "stage": stage.number, "user": actor, "prepared_at": prepared}
    )
    return manifest


def _exclude(request: ChangeRequest, manifest: Manifest) -> None:
    """Free the records that the decider left out, by leaf index; the rest goes on with the same root."""
    excluded = read_manifest(bytes(manifest.body)).excluded
    request.items.filter(state=ItemState.OPEN, leaf_index__in=excluded).update(state=ItemState.EXCLUDED)


def _advance(request: ChangeRequest) -> None:
    if not request.stages.exclude(decisions__verdict=Verdict.APPROVE).exists():
        request_move(request, RequestState.APPROVED, decided_at=Now())
        send_on_commit(APPLY_TASK, str(request.pk))


def _units_touched(request: ChangeRequest) -> set[UUID]:
    """Units of all items, less those that the request itself founds: these are judged by their parents."""
    named = set(request.items.annotate(unit=Func("units", function="unnest")).values_list("unit", flat=True).distinct())
    return named - set(request.items.filter(op="create", key__in=named).values_list("key", flat=True))


def _founds_root(request: ChangeRequest) -> bool:
    return request.items.filter(units=[]).exists()
