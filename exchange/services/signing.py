"""Signatures over statements of the exchange, made by people outside this server: by the operator or the agency's seal, or by the other side."""

from __future__ import annotations

from django.conf import settings

from exchange.models import Agency
from exchange.selectors.signers import fingerprints_named
from orgtree import clock
from orgtree.models import User
from workflows.cms import SignatureRefused, TrustStore, VerifiedSignature, bind_to_agency, verify_detached
from workflows.services.signing import bind_to_account


def signature_own(*, actor: User | None, content: bytes, signature: bytes) -> VerifiedSignature:
    """A detached signature over `content`, by `actor` or by this installation's agency. Raises SignatureRefused."""
    verified = _verified(content, signature)
    if actor is not None:
        try:
            bind_to_account(verified, actor)
        except SignatureRefused:
            pass
        else:
            return verified
    bind_to_agency(verified, organization_identifier=settings.AUTHORITY)
    return verified


def signature_of(*, agency: str, content: bytes, signature: bytes, sender: Agency | None = None) -> VerifiedSignature:
    """The same by somebody of another agency, or its seal; on the hub `sender` is the agency that it knows. Raises SignatureRefused."""
    verified = _verified(content, signature)
    bind_to_agency(verified, organization_identifier=agency, fingerprints=fingerprints_named(sender, verified) if sender else ())
    return verified


def _verified(content: bytes, signature: bytes) -> VerifiedSignature:
    return verify_detached(content=content, signature=signature, moment=clock.now(), trust=TrustStore.load(settings.TRUST_DIRECTORY))
