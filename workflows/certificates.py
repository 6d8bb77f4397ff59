"""A certificate by itself, without a signature: read from a file, and judged as a signer's is.

Pure; whose it is, is a matter of `services/certificates.py`. The judgement is `workflows.cms`'s, so that what may be registered is exactly
what may sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from asn1crypto import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates, load_pem_pkcs7_certificates
from cryptography.x509 import BasicConstraints, Certificate, ExtensionNotFound, load_der_x509_certificate, load_pem_x509_certificates

from workflows.cms import (
    MAX_CERTIFICATES,
    MAX_SIGNATURE_BYTES,
    SUBJECT_LENGTH,
    agencies_of,
    check_key,
    check_usage,
    personal_number_of,
    validated_chain,
)
from workflows.refusals import RefusalCode, SignatureRefused
from workflows.trust import TrustStore


@dataclass(frozen=True)
class SigningCertificate:
    """What a file held: the certificate of a person as DER, and the others that came along. It is valid from `valid_from` to `valid_until`.

    `agencies` are those that its subject names.
    """

    der: bytes
    others: tuple[bytes, ...]
    fingerprint: str
    subject: str
    personal_number: str | None
    valid_from: datetime
    valid_until: datetime
    agencies: frozenset[str] = frozenset()


def certificate_read(body: bytes) -> SigningCertificate:
    """The one certificate in `body` that is no authority's: a certificate file (PEM or DER), or a CMS file (.p7s, .p7b) that carries it.

    Raises SignatureRefused(NOT_A_CERTIFICATE).
    """
    if len(body) > MAX_SIGNATURE_BYTES:
        raise SignatureRefused(RefusalCode.NOT_A_CERTIFICATE, f"{len(body)} bytes")
    try:
        found = _certificates(body)
        own = [one for one in found if not _is_authority(one)]
        if len(own) != 1 or len(found) > MAX_CERTIFICATES:
            raise SignatureRefused(RefusalCode.NOT_A_CERTIFICATE, f"{len(own)} certificates of persons among {len(found)}")
        der = own[0].public_bytes(Encoding.DER)
        parsed = x509.Certificate.load(der)
        return SigningCertificate(
            der=der,
            others=tuple(one.public_bytes(Encoding.DER) for one in found if one is not own[0]),
            fingerprint=own[0].fingerprint(SHA256()).hex(),
            subject=_named(parsed),
            personal_number=personal_number_of(parsed),
            valid_from=own[0].not_valid_before_utc,
            valid_until=own[0].not_valid_after_utc,
            agencies=agencies_of(parsed),
        )
    except SignatureRefused:
        raise
    except Exception as error:  # whatever a file makes a parser do, it is no certificate
        raise SignatureRefused(RefusalCode.NOT_A_CERTIFICATE, f"{type(error).__name__}: {error}"[:SUBJECT_LENGTH]) from error


def certificate_judge(certificate: SigningCertificate, *, moment: datetime, trust: TrustStore) -> None:
    """Whether a signature by this certificate can count at `moment`: key, usage, dates, and as far as it can be told, chain and revocation.

    A certificate's file seldom brings its issuer's along, and no responder was asked: what is not known for want of these is judged with
    the signature. Raises SignatureRefused.
    """
    parsed = x509.Certificate.load(certificate.der)
    check_key(parsed)
    check_usage(parsed)
    if moment > certificate.valid_until:
        raise SignatureRefused(RefusalCode.EXPIRED, f"valid until {certificate.valid_until.isoformat()}")
    if moment < certificate.valid_from:
        raise SignatureRefused(RefusalCode.NOT_YET_VALID, f"valid from {certificate.valid_from.isoformat()}")
    try:
        validated_chain(parsed, [x509.Certificate.load(der) for der in certificate.others], moment, trust)
    except SignatureRefused as refused:
        alone = refused.code == RefusalCode.UNTRUSTED and not certificate.others
        if not alone and refused.code != RefusalCode.REVOCATION_UNKNOWN:
            raise


def _named(parsed: x509.Certificate) -> str:
    """The subject as people read it: name, office, organisation, without the names of the parts."""
    native = parsed.subject.native
    said = [native[part] for part in ("common_name", "title", "organizational_unit_name", "organization_name") if native.get(part)]
    words = ", ".join(one if isinstance(one, str) else ", ".join(one) for one in said)
    return (words or parsed.subject.human_friendly)[:SUBJECT_LENGTH]


def _certificates(body: bytes) -> list[Certificate]:
    text = body.lstrip()
    if text.startswith(b"-----BEGIN CERTIFICATE"):
        return load_pem_x509_certificates(text)
    if text.startswith(b"-----BEGIN"):
        return load_pem_pkcs7_certificates(text)
    try:
        return [load_der_x509_certificate(body)]
    except ValueError:
        return load_der_pkcs7_certificates(body)


def _is_authority(certificate: Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        return False
