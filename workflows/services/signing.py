"""A signature as the gate takes it: verified over the manifest's bytes, bound to the decider, stored once.

The cryptography is `workflows.cms`; this file adds who the signer must be and what is kept.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import BinaryField, Exists, F, Func, OuterRef, Q

from orgtree import clock
from orgtree.models import User
from workflows.cms import RefusalCode, SignatureRefused, VerifiedSignature, bind_to_person, bind_to_seal, signed_digest, verify_detached
from workflows.manifest import read_manifest
from workflows.models import ChangeRequest, Contribution, Decision, Manifest, RegisteredCertificate, Signature
from workflows.selectors.certificates import fingerprints_of, is_somebodys
from workflows.services.audit import audit
from workflows.services.revocation import NOBODY_ASKED, Asked, answers_keep
from workflows.trust import TrustStore


def signature_record(*, actor: User, manifest: Manifest, der: bytes, seal: bool = False, asked: Asked = NOBODY_ASKED) -> Signature:
    """Verify `der` (CMS detached) over the manifest at the server's receipt time and keep it: `actor`'s own, or as a `seal` the organisation's.

    `asked` is what responders said about the certificates, fetched before the transaction; it is kept with the signature. Must run
    inside the deciding transaction. Raises SignatureRefused with its code, also when the signer had a part in the request through
    another account.
    """
    received = clock.now()
    try:
        verified = signature_verify(bytes(manifest.body), der, received, asked)
    except SignatureRefused as refused:
        raise _what_else(manifest, der, refused) from refused
    if seal:
        bind_to_organisation(verified)
    else:
        bind_to_account(verified, actor)
    _refuse_same_person(actor, manifest.request, verified)
    signature = Signature(
        digest=verified.digest,
        manifest=manifest,
        der=der,
        user=actor,
        received_at=received,
        signed_at=verified.signed_at,
        fingerprint=verified.fingerprint,
        subject=verified.subject[:500],
    )
    Signature.objects.bulk_create([signature], ignore_conflicts=True)
    answers_keep(signature=signature, asked=asked)
    return signature


def bind_to_account(verified: VerifiedSignature, user: User) -> None:
    """Raises SignatureRefused(WRONG_PERSON) unless the certificate carries the personal number of `user`, or is registered for them now."""
    numbered = verified.personal_number is not None
    bind_to_person(verified, personal_number=user.personal_number, fingerprints=() if numbered else fingerprints_of(user))


def bind_to_organisation(verified: VerifiedSignature) -> None:
    """Raises SignatureRefused(WRONG_SEAL) unless the certificate is this organisation's own, and never was registered as a person's."""
    bind_to_seal(verified, organization_identifier=settings.AUTHORITY)
    if is_somebodys(verified.fingerprint):
        raise SignatureRefused(RefusalCode.WRONG_SEAL, f"{verified.subject} is registered as a person's certificate")


def signature_verify(content: bytes, der: bytes, moment: datetime, asked: Asked) -> VerifiedSignature:
    """`der` over `content` as of `moment`, with what responders said. Raises SignatureRefused."""
    trust = TrustStore.load(settings.TRUST_DIRECTORY)
    try:
        return verify_detached(content=content, signature=der, moment=moment, trust=trust, responses=asked.responses)
    except SignatureRefused as refused:
        if refused.code == RefusalCode.REVOCATION_UNKNOWN and asked.silent:
            raise SignatureRefused(RefusalCode.OCSP_UNREACHABLE, f"{'; '.join(asked.silent)}; {refused.reason}") from refused
        raise


def _what_else(manifest: Manifest, der: bytes, refused: SignatureRefused) -> SignatureRefused:
    """A signature over other bytes, told apart by what it is over: another statement of ours, or one of another purpose."""
    if refused.code != RefusalCode.ALTERED or (over := signed_digest(der)) is None or over == bytes(manifest.digest):
        return refused
    if RegisteredCertificate.objects.annotate(over=Func(F("statement"), function="sha256", output_field=BinaryField())).filter(over=over).exists():
        return SignatureRefused(RefusalCode.WRONG_PURPOSE, "signed to register a certificate")
    other = Manifest.objects.filter(pk=over).first()
    if other is None:
        return refused
    theirs, ours = (read_manifest(bytes(one.body)).purpose for one in (other, manifest))
    if theirs != ours:
        return SignatureRefused(RefusalCode.WRONG_PURPOSE, f"signed to {theirs}, not to {ours}")
    return SignatureRefused(RefusalCode.OTHER_MANIFEST, f"over the manifest {over.hex()} of request {other.request_id}")


def _refuse_same_person(actor: User, request: ChangeRequest, verified: VerifiedSignature) -> None:
    """Four eyes are two people, not two accounts: one person may have one account bound by the number, another by the certificate."""
    same = Q(certificates__fingerprint=verified.fingerprint, certificates__in_force_at__isnull=False)
    if verified.personal_number:
        same |= Q(personal_number=verified.personal_number)
    decisions = Decision.objects.filter(Q(user=OuterRef("pk")) | Q(on_behalf_of=OuterRef("pk")), stage__request=request)
    part = Q(pk=request.author_id) | Exists(Contribution.objects.filter(request=request, user=OuterRef("pk"))) | Exists(decisions)
    if User.objects.filter(same, part).exclude(pk=actor.pk).exists():
        raise SignatureRefused(RefusalCode.SAME_PERSON, f"{verified.subject} is bound to another account that had a part in the request")


def refusal_record(*, actor: User, manifest: Manifest, refused: SignatureRefused) -> None:
    """Keep in the audit trail that a signature was refused and why; called after the deciding transaction was rolled back."""
    audit(
        actor=actor,
        action="signature.refused",
        request=manifest.request,
        code=str(refused.code),
        reason=refused.reason,
        manifest=bytes(manifest.digest).hex(),
    )
