"""Verifies one detached CMS signature over a manifest, and binds it to the person or agency it claims to be from.

The cryptography is pyHanko's and pyhanko-certvalidator's; this module decides what is acceptable and turns every way of
failing into one `RefusalCode` with a message that says what to do. It knows no models: `services/signing.py` stores what
comes out of here. Format: RFC 5652 (CMS), ETSI EN 319 122-1 (CAdES-BES); path validation: RFC 5280 with revocation
lists that the operator keeps in TRUST_DIRECTORY, and with answers of the authorities' responders (RFC 6960) that the caller
brings along; nothing is fetched here.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import algos, cms, keys, x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation, extract_self_reported_ts, validate_sig_integrity
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.utils import CMSAlgorithmUsagePolicy
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    CRLValidationError,
    DisallowedAlgorithmError,
    ExpiredError,
    InsufficientRevinfoError,
    InvalidCertificateError,
    NotYetValidError,
    OCSPValidationError,
    PathError,
    RevokedError,
    ValidationError,
)
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint, CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule

from workflows.coroutines import complete
from workflows.ocsp import Pair, issued_by, response_judge
from workflows.refusals import RefusalCode, SignatureRefused
from workflows.trust import TrustStore

logger = logging.getLogger(__name__)

__all__ = [
    "RefusalCode",
    "SignatureRefused",
    "TrustStore",
    "VerifiedSignature",
    "asked_of",
    "bind_to_agency",
    "bind_to_person",
    "bind_to_seal",
    "verify_detached",
]

MAX_SIGNATURE_BYTES = 64 * 1024
CLOCK_TOLERANCE = timedelta(minutes=10)
MAX_CERTIFICATES = 6  # a real chain has two to four; the paths through n namesakes grow as n!
SUBJECT_LENGTH = 500  # workflows.models.Signature.subject

DIGESTS = frozenset({"sha256", "sha384", "sha512"})
CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})
RSA_BITS = 2048

SIGNER_USAGE = KeyUsageConstraints(
    key_usage={"digital_signature", "non_repudiation"},
    # An extended usage need not be there, but one that is there must allow documents: a web server's key must not sign.
    extd_key_usage={"client_auth", "email_protection", "any_extended_key_usage", "microsoft_document_signing", "1.3.6.1.5.5.7.3.36"},
    explicit_extd_key_usage_required=False,
)
EVERY_CERTIFICATE_CHECKED = CertRevTrustPolicy(
    RevocationCheckingPolicy(ee_certificate_rule=RevocationCheckingRule.CRL_REQUIRED, intermediate_ca_cert_rule=RevocationCheckingRule.CRL_REQUIRED),
    retroactive_revinfo=True,
)
EITHER = RevocationCheckingRule.CRL_OR_OCSP_REQUIRED
EVERY_CERTIFICATE_ANSWERED = CertRevTrustPolicy(
    RevocationCheckingPolicy(ee_certificate_rule=EITHER, intermediate_ca_cert_rule=EITHER), retroactive_revinfo=True
)

# Object identifiers of the parts of a subject, with the ways in which Vietnamese and European authorities write a person's number.
COMMON_NAME, SERIAL_NUMBER, ORGANIZATION_IDENTIFIER, USER_ID = "2.5.4.3", "2.5.4.5", "2.5.4.97", "0.9.2342.19200300.100.1.1"
PERSONAL_NUMBER = re.compile(r"(?:CCCD: ?|PNOVN-|IDCVN-)([0-9]{12})")


@dataclass(frozen=True)
class VerifiedSignature:
    """A signature that holds: over these bytes, by this certificate, at the moment it was judged.

    `digest` is the SHA-256 of the signature's DER; `fingerprint` that of the signer's certificate, lower-case hex;
    `chain` is DER, the signer's certificate first, the trust anchor last. Numbers are None where the subject has none.
    """

    digest: bytes
    fingerprint: str
    subject: str
    common_name: str | None
    personal_number: str | None
    organization_identifier: str | None
    signed_at: datetime | None
    chain: list[bytes]


def verify_detached(
    *, content: bytes, signature: bytes, moment: datetime, trust: TrustStore, responses: Collection[bytes] = (), asked_at: datetime | None = None
) -> VerifiedSignature:
    """Judge a detached CMS `signature` (DER) over `content` as of `moment`, the aware time at which it was received.

    Raises SignatureRefused, and nothing else, whatever the bytes are. Revocation must be known for every certificate of the path; lists newer than
    `moment` count, since they know more, and a revocation after `moment` does not. `responses` are answers of OCSP responders (DER), asked at
    `asked_at` (by default `moment`): each must hold, and where one is good no list is needed; a list that says "revoked" outweighs it.
    """
    if moment.tzinfo is None:
        raise ValueError("moment must be an aware time")
    if len(signature) > MAX_SIGNATURE_BYTES:
        raise SignatureRefused(RefusalCode.TOO_LARGE, f"{len(signature)} bytes")
    with _refusing_what_breaks_the_parser():
        signed = _read(signature)
        signer = _signer_info(signed)
        certificate, others = certificates_of(signed)
        check_algorithms(signer, certificate)
        _check_integrity(signed, signer, certificate, content)
        chain = validated_chain(certificate, others, moment, trust, responses, asked_at)
        check_usage(certificate)
        signed_at = extract_self_reported_ts(signer)
        _check_clock(signed_at, moment)
        return VerifiedSignature(
            digest=hashlib.sha256(signature).digest(),
            fingerprint=hashlib.sha256(certificate.dump()).hexdigest(),
            subject=certificate.subject.human_friendly[:SUBJECT_LENGTH],
            common_name=_only(certificate, COMMON_NAME),
            personal_number=personal_number_of(certificate),
            organization_identifier=_only(certificate, ORGANIZATION_IDENTIFIER),
            signed_at=signed_at,
            chain=chain,
        )


def bind_to_person(verified: VerifiedSignature, *, personal_number: str | None, fingerprints: Collection[str] = ()) -> None:
    """Raises SignatureRefused(WRONG_PERSON) unless the subject carries this personal number, or the certificate is a registered one.

    `fingerprints` are those of the certificates that are registered for the person (SHA-256, lower-case hex); a certificate that carries
    somebody else's number is never one of them.
    """
    if personal_number and verified.personal_number == personal_number:
        return
    if verified.personal_number is None and verified.fingerprint in fingerprints:
        return
    raise SignatureRefused(RefusalCode.WRONG_PERSON, f"{verified.subject} has neither the signer's personal number nor is it registered for them")


def bind_to_agency(verified: VerifiedSignature, *, organization_identifier: str, fingerprints: Collection[str] = ()) -> None:
    """Raises SignatureRefused(WRONG_AGENCY) unless the certificate names the agency (2.5.4.97) or is one registered for it."""
    if verified.fingerprint in fingerprints or (organization_identifier and verified.organization_identifier == organization_identifier):
        return
    raise SignatureRefused(
        RefusalCode.WRONG_AGENCY, f"{verified.organization_identifier or 'no agency'} in the certificate, not {organization_identifier}"
    )


def bind_to_seal(verified: VerifiedSignature, *, organization_identifier: str) -> None:
    """Raises SignatureRefused(WRONG_SEAL) unless the certificate is the organisation's own: it names the organisation and no person."""
    if verified.personal_number is not None or verified.organization_identifier != organization_identifier:
        raise SignatureRefused(RefusalCode.WRONG_SEAL, f"{verified.subject} is not the certificate of {organization_identifier} itself")


class StrongAlgorithms(CMSAlgorithmUsagePolicy):
    """An allow-list for the signature itself and for every certificate of its path, at any time."""

    def digest_algorithm_allowed(self, algo: algos.DigestAlgorithm, moment: datetime | None) -> AlgorithmUsageConstraint:
        name = algo["algorithm"].native
        return AlgorithmUsageConstraint(name in DIGESTS, failure_reason=f"digest {name}")

    def signature_algorithm_allowed(
        self, algo: algos.SignedDigestAlgorithm, moment: datetime | None, public_key: keys.PublicKeyInfo | None
    ) -> AlgorithmUsageConstraint:
        mechanism = algo["algorithm"].native
        try:
            known = algo.signature_algo in ("rsassa_pkcs1v15", "rsassa_pss", "ecdsa")
            # The plain mechanism "RSA" names no digest: then it is the one of the message, which is checked by itself.
            strong_digest = mechanism == "rsassa_pkcs1v15" or algo.hash_algo in DIGESTS
        except ValueError:
            known = strong_digest = False
        if not known or not strong_digest:
            return AlgorithmUsageConstraint(False, failure_reason=f"mechanism {mechanism}")
        if public_key is not None and not _strong_key(public_key):
            return AlgorithmUsageConstraint(False, failure_reason=f"{public_key.algorithm} key of {public_key.bit_size} bits")
        return AlgorithmUsageConstraint(True)


def _strong_key(public_key: keys.PublicKeyInfo) -> bool:
    if public_key.algorithm in ("rsa", "rsassa_pss"):
        return public_key.bit_size >= RSA_BITS
    return public_key.algorithm == "ec" and public_key.curve[1] in CURVES


ALGORITHMS = StrongAlgorithms()

# First match wins, so a class stands before its bases.
PATH_REFUSALS: tuple[tuple[type[Exception], RefusalCode], ...] = (
    (RevokedError, RefusalCode.REVOKED),
    (ExpiredError, RefusalCode.EXPIRED),
    (NotYetValidError, RefusalCode.NOT_YET_VALID),
    (InsufficientRevinfoError, RefusalCode.REVOCATION_UNKNOWN),
    (CRLValidationError, RefusalCode.REVOCATION_UNKNOWN),
    (OCSPValidationError, RefusalCode.REVOCATION_UNKNOWN),
    (DisallowedAlgorithmError, RefusalCode.WEAK_ALGORITHM),
    (PathError, RefusalCode.UNTRUSTED),
    (ValidationError, RefusalCode.UNTRUSTED),
)


@contextmanager
def _refusing_what_breaks_the_parser() -> Iterator[None]:
    """asn1crypto parses lazily and trips over a mutated structure with whatever exception comes first, deep inside pyHanko.

    None of them may become a server error that a signature can provoke, so all are one refusal, with the cause logged.
    """
    try:
        yield
    except SignatureRefused:
        raise
    except Exception as error:
        logger.info("A signature could not be read", exc_info=error)
        raise SignatureRefused(RefusalCode.MALFORMED, f"{type(error).__name__}: {error}"[:SUBJECT_LENGTH]) from error


def _read(signature: bytes) -> cms.SignedData:
    try:
        envelope = cms.ContentInfo.load(signature, strict=True)
        content_type = envelope["content_type"].native
    except (ValueError, TypeError) as error:
        raise SignatureRefused(RefusalCode.NOT_CMS, str(error)) from error
    if content_type != "signed_data":
        raise SignatureRefused(RefusalCode.NOT_CMS, f"content type {content_type}")
    signed = envelope["content"]
    if signed["encap_content_info"]["content"].native is not None:
        raise SignatureRefused(RefusalCode.NOT_DETACHED)
    if len(signed["certificates"]) > MAX_CERTIFICATES:
        raise SignatureRefused(RefusalCode.MALFORMED, f"more than {MAX_CERTIFICATES} certificates")
    return signed


def _signer_info(signed: cms.SignedData) -> cms.SignerInfo:
    signers = signed["signer_infos"]
    if len(signers) != 1:
        raise SignatureRefused(RefusalCode.NOT_SIGNED_BY_ONE, f"{len(signers)} signatures")
    # Without signed attributes the signature is over the bytes alone, and bytes that happen to be attributes could be passed off as a manifest.
    if not len(signers[0]["signed_attrs"]):
        raise SignatureRefused(RefusalCode.MALFORMED, "no signed attributes")
    return signers[0]


def certificates_of(signed: cms.SignedData) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """The signer's certificate and the others that came along."""
    try:
        found = extract_certs_for_validation(signed)
    except SignatureValidationError as error:
        raise SignatureRefused(RefusalCode.MALFORMED, error.failure_message) from error
    return found.signer_cert, found.other_certs


def check_algorithms(signer: cms.SignerInfo, certificate: x509.Certificate) -> None:
    mechanism, digest = signer["signature_algorithm"], signer["digest_algorithm"]
    for verdict in (
        ALGORITHMS.digest_algorithm_allowed(digest, None),
        ALGORITHMS.signature_algorithm_allowed(mechanism, None, certificate.public_key),
        ALGORITHMS.digest_combination_allowed(mechanism, digest, None),
    ):
        if not verdict:
            raise SignatureRefused(RefusalCode.WEAK_ALGORITHM, verdict.failure_reason or "")


def check_key(certificate: x509.Certificate) -> None:
    """Raises SignatureRefused(WEAK_ALGORITHM) for a key with which nothing that is signed would count."""
    if not _strong_key(certificate.public_key):
        raise SignatureRefused(RefusalCode.WEAK_ALGORITHM, f"{certificate.public_key.algorithm} key of {certificate.public_key.bit_size} bits")


def _check_integrity(signed: cms.SignedData, signer: cms.SignerInfo, certificate: x509.Certificate, content: bytes) -> None:
    content_digest = hashlib.new(signer["digest_algorithm"]["algorithm"].native, content).digest()
    try:
        intact, valid = validate_sig_integrity(signer, certificate, expected_content_type="data", actual_digest=content_digest)
    except SignatureValidationError as error:
        raise SignatureRefused(RefusalCode.MALFORMED, error.failure_message) from error
    if not (intact and valid):
        raise SignatureRefused(RefusalCode.ALTERED, "the manifest differs" if valid else "the signature value does not match")


def signed_digest(signature: bytes) -> bytes | None:
    """SHA-256 of what a signature says that it is over; None where it names another digest, or is none. Says nothing of whether it holds."""
    with suppress(SignatureRefused), _refusing_what_breaks_the_parser():
        signer = _signer_info(_read(signature[:MAX_SIGNATURE_BYTES]))
        if signer["digest_algorithm"]["algorithm"].native == "sha256":
            (found,) = next(one["values"].native for one in signer["signed_attrs"] if one["type"].native == "message_digest")
            return bytes(found)
    return None


def asked_of(signature: bytes, trust: TrustStore) -> list[Pair]:
    """The certificates of the signer's path, each with its issuer, about which a responder may be asked: only where they lead to an anchor."""
    if len(signature) > MAX_SIGNATURE_BYTES:
        return []
    try:
        with _refusing_what_breaks_the_parser():
            certificate, others = certificates_of(_read(signature))
            pairs = _pairs(certificate, others, trust)
    except SignatureRefused:
        return []  # said, with its code, when the signature is judged
    return pairs if pairs and pairs[-1][1].public_bytes(Encoding.DER) in trust.anchors else []


def _pairs(certificate: x509.Certificate, others: list[x509.Certificate], trust: TrustStore) -> list[Pair]:
    known = (*trust.anchors, *trust.intermediates, *(one.dump() for one in others))
    return list(issued_by(load_der_x509_certificate(certificate.dump()), [load_der_x509_certificate(der) for der in known]))


def validated_chain(
    certificate: x509.Certificate,
    others: list[x509.Certificate],
    moment: datetime,
    trust: TrustStore,
    responses: Collection[bytes] = (),
    asked_at: datetime | None = None,
) -> list[bytes]:
    """DER of the path, signer first. Raises SignatureRefused with the code of what is wrong with it."""
    if responses:
        pairs = _pairs(certificate, others, trust)
        for response in responses:
            response_judge(response, pairs, moment=moment, asked_at=asked_at)
    try:
        return _path(certificate, others, moment, trust, EVERY_CERTIFICATE_CHECKED, ())
    except SignatureRefused as refused:
        if not responses or refused.code != RefusalCode.REVOCATION_UNKNOWN:
            raise
    return _path(certificate, others, moment, trust, EVERY_CERTIFICATE_ANSWERED, responses)


def _path(
    certificate: x509.Certificate,
    others: list[x509.Certificate],
    moment: datetime,
    trust: TrustStore,
    policy: CertRevTrustPolicy,
    responses: Collection[bytes],
) -> list[bytes]:
    with trust.lent() as known:
        context = ValidationContext(
            trust_roots=known.anchors,
            other_certs=known.intermediates,
            crls=known.revocation_lists,
            ocsps=list(responses),
            moment=moment,
            allow_fetching=False,
            revinfo_policy=policy,
            algorithm_usage_policy=ALGORITHMS,
        )
        try:
            path = complete(CertificateValidator(certificate, intermediate_certs=others, validation_context=context).async_validate_path())
        except tuple(kind for kind, _code in PATH_REFUSALS) as error:
            code = next(code for kind, code in PATH_REFUSALS if isinstance(error, kind))
            raise SignatureRefused(code, str(error)) from error
        return [item.dump() for item in reversed(list(path))]


def check_usage(certificate: x509.Certificate) -> None:
    if certificate.ca:
        raise SignatureRefused(RefusalCode.WRONG_USAGE, "the certificate is of an authority, not of a person")
    try:
        SIGNER_USAGE.validate(certificate)
    except InvalidCertificateError as error:
        raise SignatureRefused(RefusalCode.WRONG_USAGE, error.failure_msg) from error


def _check_clock(signed_at: datetime | None, moment: datetime) -> None:
    if signed_at is not None and abs(moment - signed_at) > CLOCK_TOLERANCE:
        raise SignatureRefused(RefusalCode.CLOCK_SKEW, f"signed at {signed_at.isoformat()}, received at {moment.isoformat()}")


def _values(certificate: x509.Certificate, attribute: str) -> set[str]:
    return {str(part["value"].native) for group in certificate.subject.chosen for part in group if part["type"].dotted == attribute}


def _only(certificate: x509.Certificate, attribute: str) -> str | None:
    """The attribute of the subject; None when there is none, or several that disagree."""
    values = _values(certificate, attribute)
    return values.pop() if len(values) == 1 else None


def agencies_of(certificate: x509.Certificate) -> frozenset[str]:
    """The agencies that the subject names (organizationIdentifier); a certificate of one agency names one."""
    return frozenset(_values(certificate, ORGANIZATION_IDENTIFIER))


def personal_number_of(certificate: x509.Certificate) -> str | None:
    """The person's 12 digits from the user identifier or the serial number of the subject; a bare number is not believed to be one."""
    texts = _values(certificate, USER_ID) | _values(certificate, SERIAL_NUMBER)
    numbers = {match[1] for text in texts if (match := PERSONAL_NUMBER.fullmatch(text.strip()))}
    return numbers.pop() if len(numbers) == 1 else None
