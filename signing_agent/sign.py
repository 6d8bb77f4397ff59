"""Signs a manifest: detached CMS, CAdES-BES, SHA-256, the chain inside.

The one place in the project that makes signatures; the agent's page, the demo and the tests all come here, with a key of
`signing_agent.keys`. The attributes signed with the manifest are signing-time, signing-certificate-v2 (which makes it CAdES-BES,
ETSI EN 319 122-1), content-type and message-digest.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes

from signing_agent.keys import Key, KeyFile, SigningRefused
from workflows.coroutines import complete
from workflows.manifest import SIGNED, read_manifest


class PurposeRefused(SigningRefused):
    """The manifest is not one that a person signs."""


class CertificateNotCurrent(SigningRefused):
    """The certificate is not valid at the time of signing."""


def sign_with(key: Key, *, pin: str, manifest: bytes, signed_at: datetime | None = None) -> bytes:
    """DER of a detached CMS signature over `manifest`, made with `key`, which `pin` opens.

    `signed_at` (aware; now by default) becomes the signing-time attribute. Raises ManifestInvalid for bytes that are
    not a manifest/1 (nothing else is ever signed), PurposeRefused, CertificateNotCurrent, and what the key raises (KeyRefused).
    """
    purpose = read_manifest(manifest).purpose
    if purpose not in SIGNED:
        raise PurposeRefused(purpose)
    moment = signed_at or datetime.now(UTC)
    with key.opened(pin) as signer:
        validity = signer.signing_cert["tbs_certificate"]["validity"]
        first, last = validity["not_before"].native, validity["not_after"].native
        if not first <= moment <= last:
            raise CertificateNotCurrent(f"{first:%d/%m/%Y} - {last:%d/%m/%Y}")
        signer.embed_roots = False  # a verifier trusts its own copy of the root; ours would only be weight
        attributes = PdfCMSSignedAttributes(signing_time=moment.replace(microsecond=0))
        signing = signer.async_sign_general_data(manifest, "sha256", use_cades=True, signed_attr_settings=attributes)
        return complete(signing).dump()


def sign_manifest(*, p12: bytes, pin: str, manifest: bytes, signed_at: datetime | None = None) -> bytes:
    """The same with the key of the PKCS#12 container `p12`."""
    return sign_with(KeyFile(p12), pin=pin, manifest=manifest, signed_at=signed_at)
