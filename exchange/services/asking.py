"""On the hub: is a certificate behind an agency's signature revoked? By the same evidence as at the agency, and by the same judgement.

What responders told the agency when the signature came in travels with it and is judged for that moment. Where nothing came along (an agency that
asks nobody, or of before), the hub asks by itself, before anything is locked; what it is told later than the signature was received knows more,
and a revocation after that moment does not count. Old signatures are judged by the lists alone: of expired certificates responders say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from exchange.contract import Envelope, Signed
from exchange.models import AgencyManifest
from orgtree import clock
from workflows.cms import VerifiedSignature, verify_detached
from workflows.documents import digest
from workflows.ocsp import LONGEST
from workflows.refusals import RefusalCode, SignatureRefused
from workflows.services.revocation import Asked, responders_ask
from workflows.trust import TrustStore


@dataclass(frozen=True)
class Answers:
    """Answers (OCSPResponse, DER) about one signature's certificates. `at` is when the hub asked; None: they came with the signature."""

    answers: tuple[bytes, ...] = ()
    at: datetime | None = None
    silent: tuple[str, ...] = ()


AskedFor = Mapping[bytes, Answers | SignatureRefused]
"""By the SHA-256 of a signature: what the hub was told, or why what it was told does not count."""
NOBODY: AskedFor = {}


def responders_asked(envelope: Envelope, *, agency_id: int) -> AskedFor:
    """Ask about each signature of `envelope` that brought no answers, is recent, and is not known yet. Call it outside any transaction."""
    recent = clock.now() - LONGEST
    signed: list[Envelope | Signed] = [envelope, *envelope.signed_before]
    waiting = {digest(one.signature): one for one in signed if not one.answers and one.received_at > recent}
    known = AgencyManifest.objects.filter(agency=agency_id, signature_digest__in=list(waiting)).values_list("signature_digest", flat=True)
    for one in known:
        del waiting[bytes(one)]
    return {name: _asked(one) for name, one in waiting.items()}


def _asked(signed: Envelope | Signed) -> Answers | SignatureRefused:
    try:
        asked: Asked = responders_ask(signature=signed.signature)
    except SignatureRefused as refused:
        return refused
    return Answers(asked.responses, clock.now() if asked.responses else None, asked.silent)


def answers_for(signed: Envelope | Signed, asked: AskedFor) -> Answers:
    """What came along, else what the hub was told. Raises SignatureRefused where that was no answer to its question."""
    if signed.answers:
        return Answers(tuple(signed.answers))
    told = asked.get(digest(signed.signature), Answers())
    if isinstance(told, SignatureRefused):
        raise told
    return told


def signature_judge(signed: Envelope | Signed, known: Answers) -> VerifiedSignature:
    """The signature as of the moment at which the agency's server received it. Raises SignatureRefused."""
    trust = TrustStore.load(settings.TRUST_DIRECTORY)
    try:
        return verify_detached(
            content=signed.manifest, signature=signed.signature, moment=signed.received_at, trust=trust, responses=known.answers, asked_at=known.at
        )
    except SignatureRefused as refused:
        if refused.code == RefusalCode.REVOCATION_UNKNOWN and known.silent:
            raise SignatureRefused(RefusalCode.OCSP_UNREACHABLE, f"{'; '.join(known.silent)}; {refused.reason}") from refused
        raise
