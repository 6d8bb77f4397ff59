"""On the hub: operators say of which agency a certificate is that names none: one brings it and the agency's own word, another confirms."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from exchange.models import Agency, AgencySigner
from exchange.selectors.sight import operates_line
from orgtree import clock
from orgtree.models import User
from workflows.certificates import SigningCertificate, certificate_judge, certificate_read
from workflows.choices import GrantState
from workflows.errors import NotAllowed, ReasonMissing, WrongState
from workflows.refusals import SignatureRefused
from workflows.services.audit import audit
from workflows.trust import TrustStore


def signer_propose(*, actor: User, agency: Agency, body: bytes, source: str) -> AgencySigner:
    """Say that the certificate in the file `body` is the agency's, and where the agency says so itself.

    Raises NotAllowed, ValidationError.
    """
    _operators_only(actor)
    if not source.strip():
        raise ValidationError({"source": _("Say where the agency itself names this certificate, for example the number of its dispatch.")})
    certificate = _judged(body)
    try:
        with transaction.atomic():
            signer = AgencySigner.objects.create(
                agency=agency,
                fingerprint=certificate.fingerprint,
                subject=certificate.subject,
                certificate=certificate.der,
                valid_until=certificate.valid_until,
                source=" ".join(source.split())[:300],
                proposer=actor,
            )
            audit(actor=actor, action="agency.signer_proposed", source=signer.source, **_said(signer))
    except IntegrityError as error:
        raise ValidationError({"certificate": _("This certificate is said to be an agency’s already, or waits for confirmation.")}) from error
    return signer


def signer_confirm(*, actor: User, agency: Agency, signer_id: UUID) -> AgencySigner:
    """The second operator: signatures by it count as the agency's from now on. Raises NotAllowed, also for who proposed it, WrongState."""
    with transaction.atomic():
        signer = _to_decide(actor, agency, signer_id)
        signer.state, signer.decider, signer.decided_at = GrantState.CONFIRMED, actor, clock.now()
        signer.save(update_fields=["state", "decider", "decided_at"])
        audit(actor=actor, action="agency.signer_confirmed", **_said(signer))
    return signer


def signer_refuse(*, actor: User, agency: Agency, signer_id: UUID, reason: str) -> AgencySigner:
    """No, and why; who proposed it takes it back in the same way. Raises NotAllowed, ReasonMissing, WrongState."""
    if not reason.strip():
        raise ReasonMissing
    with transaction.atomic():
        signer = _to_decide(actor, agency, signer_id, own=True)
        signer.state = GrantState.WITHDRAWN if signer.proposer_id == actor.pk else GrantState.REFUSED
        signer.decider, signer.decided_at, signer.note = actor, clock.now(), reason.strip()[:300]
        signer.save(update_fields=["state", "decider", "decided_at", "note"])
        audit(actor=actor, action=f"agency.signer_{signer.state}", reason=signer.note, **_said(signer))
    return signer


def signer_end(*, actor: User, agency: Agency, signer_id: UUID, reason: str) -> AgencySigner:
    """What it signs from now on is not the agency's; what was taken stays. One operator is enough. Raises NotAllowed, ReasonMissing, WrongState."""
    if not reason.strip():
        raise ReasonMissing
    with transaction.atomic():
        signer = _locked(actor, agency, signer_id)
        if signer.state != GrantState.CONFIRMED or signer.ended_at is not None:
            raise WrongState(state=signer.state)
        signer.ended_by, signer.ended_at, signer.end_reason = actor, clock.now(), reason.strip()[:300]
        signer.save(update_fields=["ended_by", "ended_at", "end_reason"])
        audit(actor=actor, action="agency.signer_ended", reason=signer.end_reason, **_said(signer))
    return signer


def _judged(body: bytes) -> SigningCertificate:
    try:
        certificate = certificate_read(body)
        certificate_judge(certificate, moment=clock.now(), trust=TrustStore.load(settings.TRUST_DIRECTORY))
    except SignatureRefused as refused:
        raise ValidationError({"certificate": str(refused)}) from refused
    if certificate.agencies:
        told = ", ".join(sorted(certificate.agencies))
        raise ValidationError(
            {"certificate": _("This certificate names its agency itself (%s). That counts, and nobody says otherwise here.") % told}
        )
    return certificate


def _to_decide(actor: User, agency: Agency, signer_id: UUID, *, own: bool = False) -> AgencySigner:
    signer = _locked(actor, agency, signer_id)
    if signer.state != GrantState.PROPOSED:
        raise WrongState(state=signer.state)
    if signer.proposer_id == actor.pk and not own:
        raise NotAllowed
    return signer


def _locked(actor: User, agency: Agency, signer_id: UUID) -> AgencySigner:
    _operators_only(actor)
    return AgencySigner.objects.select_for_update(of=("self",)).select_related("agency").get(pk=signer_id, agency=agency)


def _operators_only(actor: User) -> None:
    if not operates_line(actor):
        raise NotAllowed


def _said(signer: AgencySigner) -> dict[str, Any]:
    return {"agency": signer.agency.code, "certificate": signer.fingerprint, "signer": str(signer.pk)}
