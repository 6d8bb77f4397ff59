"""A signature as the gate takes it: verified over the manifest's bytes, bound to the decider, stored once.

The cryptography is `workflows.cms`; this file adds who the signer must be and what is kept.
"""

from __future__ import annotations

from django.conf import settings

from orgtree import clock
from orgtree.models import User
from workflows.cms import SignatureRefused, bind_to_person, verify_detached
from workflows.models import Manifest, Signature
from workflows.services.audit import audit
from workflows.trust import TrustStore


def signature_record(*, actor: User, manifest: Manifest, der: bytes) -> Signature:
    """Verify `der` (CMS detached) over the manifest at the server's receipt time and keep it.

    Raises SignatureRefused with its code. Must run inside the deciding transaction.
    """
    received = clock.now()
    verified = verify_detached(content=bytes(manifest.body), signature=der, moment=received, trust=TrustStore.load(settings.TRUST_DIRECTORY))
    bind_to_person(verified, personal_number=actor.personal_number, certificate_fingerprint=actor.certificate_fingerprint)
    signature, _ = Signature.objects.get_or_create(
        digest=verified.digest,
        defaults={
            "manifest": manifest,
            "der": der,
            "user": actor,
            "received_at": received,
            "signed_at": verified.signed_at,
            "fingerprint": verified.fingerprint,
            "subject": verified.subject[:500],
        },
    )
    return signature


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
