"""Signs a manifest, or the statement by which a certificate is registered: detached CMS, CAdES-BES, SHA-256, the chain inside.

The one place in the project that makes signatures; the agent's page, the demo and the tests all come here, with a key of
`signing_agent.keys`. The attributes signed with the manifest are signing-time, signing-certificate-v2 (which makes it CAdES-BES,
ETSI EN 319 122-1), content-type and message-digest.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes

from signing_agent.keys import Key, KeyFile, SigningRefused
from workflows.coroutines import complete
from workflows.manifest import SIGNED, Statement
from workflows.registration import Registration, read_signable


class PurposeRefused(SigningRefused):
    """The manifest is not one that a person signs."""


class OtherCertificate(SigningRefused):
    """What is to be registered is another certificate than that of this key."""


class CertificateNotCurrent(SigningRefused):
    """The certificate is not valid at the time of signing."""


def sign_with(key: Key, *, pin: str, manifest: bytes, signed_at: datetime | None = None) -> bytes:
    """DER of a detached CMS signature over `manifest`, made with `key`, which `pin` opens.

    `signed_at` (aware; now by default) becomes the signing-time attribute. Raises ManifestInvalid for bytes that are
    neither a manifest/1 nor a registration/1 (nothing else is ever signed), PurposeRefused, OtherCertificate, CertificateNotCurrent, and
    what the key raises (KeyRefused).
    """
    said = read_signable(manifest)
    purpose_check(said)
    moment = signed_at or datetime.now(UTC)
    with key.opened(pin) as signer:
        if isinstance(said, Registration) and hashlib.sha256(signer.signing_cert.dump()).hexdigest() != said.certificate:
            raise OtherCertificate(signer.signing_cert.subject.human_friendly)
        validity = signer.signing_cert["tbs_certificate"]["validity"]
        first, last = validity["not_before"].native, validity["not_after"].native
        if not first <= moment <= last:
            raise CertificateNotCurrent(f"{first:%d/%m/%Y} - {last:%d/%m/%Y}")
        signer.embed_roots = False  # a verifier trusts its own copy of the root; ours would only be weight
        attributes = PdfCMSSignedAttributes(signing_time=moment.replace(microsecond=0))
        signing = signer.async_sign_general_data(manifest, "sha256", use_cades=True, signed_attr_settings=attributes)
        return complete(signing).dump()


def purpose_check(said: Statement | Registration) -> None:
    """Raises PurposeRefused for a manifest that no person signs."""
    if isinstance(said, Statement) and said.purpose not in SIGNED:
        raise PurposeRefused(said.purpose)


def sign_manifest(*, p12: bytes, pin: str, manifest: bytes, signed_at: datetime | None = None) -> bytes:
    """The same with the key of the PKCS#12 container `p12`."""
    return sign_with(KeyFile(p12), pin=pin, manifest=manifest, signed_at=signed_at)
