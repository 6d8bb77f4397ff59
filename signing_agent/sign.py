"""Signs a manifest with a PKCS#12 key: detached CMS, CAdES-BES, SHA-256, the chain inside.

The one place in the project that makes signatures; the agent's page, the demo and the tests all call `sign_manifest`.
The attributes signed with the manifest are signing-time, signing-certificate-v2 (which makes it CAdES-BES, ETSI EN
319 122-1), content-type and message-digest.
"""

from __future__ import annotations

from datetime import UTC, datetime

from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import Certificate
from pyhanko.sign.signers import SimpleSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes

from workflows.coroutines import complete
from workflows.manifest import read_manifest


class SigningRefused(Exception):
    """The key cannot or must not sign this. Subclasses say why."""


class KeyFileInvalid(SigningRefused):
    """The file is not a PKCS#12 container that can be read here, or holds no key with a certificate."""


class PinWrong(SigningRefused):
    """The PIN does not open the key file (PKCS#12 cannot tell a wrong PIN from a damaged file)."""


class PurposeRefused(SigningRefused):
    """The manifest is not one that a person signs."""


class CertificateNotCurrent(SigningRefused):
    """The certificate is not valid at the time of signing."""


def sign_manifest(*, p12: bytes, pin: str, manifest: bytes, signed_at: datetime | None = None) -> bytes:
    """DER of a detached CMS signature over `manifest`, made with the key of the PKCS#12 container `p12`.

    `signed_at` (aware; now by default) becomes the signing-time attribute. Raises ManifestInvalid for bytes that are
    not a manifest/1 (nothing else is ever signed), PurposeRefused, PinWrong, KeyFileInvalid, CertificateNotCurrent.
    """
    purpose = read_manifest(manifest).purpose
    if purpose != "approve":
        raise PurposeRefused(purpose)
    moment = signed_at or datetime.now(UTC)
    certificate = _certificate(p12=p12, pin=pin)
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not first <= moment <= last:
        raise CertificateNotCurrent(f"{first:%d/%m/%Y} - {last:%d/%m/%Y}")
    signer = SimpleSigner.load_pkcs12_data(p12, other_certs=(), passphrase=pin.encode())
    signer.embed_roots = False  # a verifier trusts its own copy of the root; ours would only be weight
    attributes = PdfCMSSignedAttributes(signing_time=moment.replace(microsecond=0))
    signing = signer.async_sign_general_data(manifest, "sha256", use_cades=True, signed_attr_settings=attributes)
    return complete(signing).dump()


def check_key_file(p12: bytes) -> None:
    """Raises KeyFileInvalid unless `p12` is a PKCS#12 container; needs no PIN, so it can be asked at start."""
    try:
        version = asn1_pkcs12.Pfx.load(p12, strict=True)["version"].native
    except (ValueError, TypeError) as error:
        raise KeyFileInvalid(str(error)) from error
    if version != "v3":
        raise KeyFileInvalid(f"PKCS#12 version {version}")


def _certificate(*, p12: bytes, pin: str) -> Certificate:
    """The signer's certificate; that it can be read proves the PIN, the container and the key."""
    check_key_file(p12)
    try:
        key, certificate, _chain = pkcs12.load_key_and_certificates(p12, pin.encode())
    except ValueError as error:
        raise PinWrong from error
    except UnsupportedAlgorithm as error:
        raise KeyFileInvalid(str(error)) from error
    if key is None or certificate is None:
        raise KeyFileInvalid("there is no private key with a certificate in the file")
    return certificate
