"""Deciding: the manifest that is shown and signed, approval, and return.

Who may decide is one function, `selectors.deciding.mandate_of`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from orgtree import clock
from orgtree.models import User
from workflows.choices import ItemState, RequestState, Verdict
from workflows.cms import SignatureRefused
from workflows.dispatch import send_on_commit
from workflows.documents import digest
from workflows.errors import ReasonMissing, WrongState
from workflows.locks import request_lock
from workflows.manifest import Purpose, build_manifest, read_manifest
from workflows.models import ChangeRequest, Decision, Manifest, Signature, Stage
from workflows.selectors.deciding import Mandate, current_stage, mandate_of, open_stages
from workflows.selectors.revoking import revoked_statement, signatures_before
from workflows.services.audit import audit
from workflows.services.moves import request_move
from workflows.services.reviewing import rows_returned, sample_demand
from workflows.services.revocation import Asked, responders_ask
from workflows.services.signing import refusal_record, signature_record

APPLY_TASK = "workflows.apply"


def manifest_prepare(*, actor: User, request_id: UUID, excluded: Iterable[int] = ()) -> Manifest:
    """Make the statement that `actor` will sign. Left out are `excluded`, the rows that `actor` marked, and those of earlier stages.

    Raises what mandate_of raises, and SampleNotOpened.
    """
    with transaction.atomic():
        request = request_lock(request_id)
        mandate = mandate_of(actor=actor, request=request)
        sample_demand(request=request, stage=mandate.stage, user=actor)
        return _manifest_make(request, mandate.stage, mandate, {*excluded, *rows_returned(stage=mandate.stage, user=actor)})


def request_approve(*, actor: User, manifest_digest: bytes, signature: bytes = b"") -> ChangeRequest:
    """Approve the stage that the manifest was prepared for, with `signature` (CMS detached, DER) over its bytes.

    A stage that asks for no signature is approved without one; one that is given is checked all the same. The last stage
    approved, the request goes to the workers. Raises what may_decide raises, WrongState for a manifest of
    another person or of a stage that has been decided, and SignatureRefused, which is audited.
    """
    manifest = Manifest.objects.select_related("request").get(pk=manifest_digest)
    try:
        asked = responders_ask(signature=signature)  # over the network, so before anything is locked
        with transaction.atomic():
            request = request_lock(manifest.request_id)
            mandate = mandate_of(actor=actor, request=request)
            stage = mandate.stage
            if manifest.user_id != actor.pk or manifest.stage != stage.number or _decider_of(manifest) != mandate.signature_line:
                raise WrongState(state=request.state)
            sample_demand(request=request, stage=stage, user=actor)
            wanted = signature or stage.needs_signature
            signed = signature_record(actor=actor, manifest=manifest, der=signature, seal=stage.seal, asked=asked) if wanted else None
            Decision.objects.create(
                stage=stage,
                user=actor,
                verdict=Verdict.APPROVE,
                manifest=manifest,
                signature=signed,
                on_behalf_of=mandate.on_behalf_of,
                delegation=mandate.delegation,
            )
            _exclude(request, manifest, rows_returned(stage=stage, user=actor))
            audit(
                actor=actor,
                action=_deed(stage, signed),
                request=request,
                stage=stage.number,
                manifest=manifest_digest.hex(),
                signature=bytes(signed.digest).hex() if signed else None,
                **_asked(asked, signed),
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
        mandate = mandate_of(actor=actor, request=request)
        stage = mandate.stage
        Decision.objects.create(
            stage=stage,
            user=actor,
            verdict=Verdict.RETURN,
            reason=reason.strip(),
            on_behalf_of=mandate.on_behalf_of,
            delegation=mandate.delegation,
        )
        request_move(request, RequestState.RETURNED, decided_at=Now())
        request.items.filter(state=ItemState.OPEN).update(state=ItemState.ENDED, reason=reason.strip()[:300])
        audit(actor=actor, action="request.returned", request=request, stage=stage.number, reason=reason.strip())
    return request


def _asked(asked: Asked, signed: Signature | None) -> dict[str, Any]:
    """What responders answered, by digest, for the audit trail; nothing where nobody was asked."""
    return {"answers": asked.digests} if signed is not None and asked.answers else {}


def _deed(stage: Stage, signed: Signature | None) -> str:
    if signed is None:
        return "request.checked"
    return "request.sealed" if stage.seal else "request.approved"


def _purpose(request: ChangeRequest, stage: Stage, mandate: Mandate | None) -> Purpose:
    if mandate is None:
        return "accept"
    if stage.seal:
        return "seal"
    return "revoke" if request.revokes_id else "approve"


def _manifest_make(request: ChangeRequest, stage: Stage, mandate: Mandate | None, excluded: Iterable[int]) -> Manifest:
    earlier = request.items.filter(state=ItemState.EXCLUDED).values_list("leaf_index", flat=True)
    prepared = clock.now().replace(microsecond=0)
    body = build_manifest(
        purpose=_purpose(request, stage, mandate),
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
        decider={"name": mandate.signature_line, "user": mandate.actor.username} if mandate else {"name": stage.name, "user": stage.system},
        prepared_at=prepared,
        effective_on=request.effective_on,
        revokes=revoked_statement(request) if mandate else None,
        over=signatures_before(stage) if stage.seal else (),
    )
    user = mandate.actor if mandate else None
    manifest = Manifest(digest=digest(body), body=body, request=request, stage=stage.number, user=user, prepared_at=prepared)
    Manifest.objects.bulk_create([manifest], ignore_conflicts=True)  # asked for twice within a second it is the same one
    return manifest


def _decider_of(manifest: Manifest) -> str:
    return read_manifest(bytes(manifest.body)).decider.name


def _exclude(request: ChangeRequest, manifest: Manifest, reasons: Mapping[int, str] | None = None) -> None:
    """Free the records that the decider left out, by leaf index, each with its reason; the rest goes on with the same root."""
    by_reason: dict[str, list[int]] = {}
    for leaf in read_manifest(bytes(manifest.body)).excluded:
        by_reason.setdefault((reasons or {}).get(leaf, ""), []).append(leaf)
    for reason, leaves in by_reason.items():
        request.items.filter(state=ItemState.OPEN, leaf_index__in=leaves).update(state=ItemState.EXCLUDED, reason=reason[:300])


def _advance(request: ChangeRequest) -> None:
    if not open_stages(request.stages.all()).exists():
        request_move(request, RequestState.APPROVED, decided_at=Now())
        if request.effective_on and request.effective_on > clock.today():
            request_move(request, RequestState.SCHEDULED)  # the sweep applies it on its day
        else:
            send_on_commit(APPLY_TASK, str(request.pk))
