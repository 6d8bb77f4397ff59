"""Is a certificate revoked, asked of its own authority: what is asked (RFC 6960), and whether an answer holds.

Pure: who asks over the network is `exchange.services.responders`; what is kept with a signature, `services/revocation.py`. An answer
counts when the issuer signed it, or a certificate that the issuer itself issued for just this (id-kp-OCSPSigning), and when it was
fresh at the moment at which the signature is judged.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from workflows.refusals import RefusalCode, SignatureRefused

MAX_RESPONSE_BYTES = 32 * 1024
NONCE_BYTES = 32  # RFC 9654
LONGEST_PATH = 6
CLOCK_TOLERANCE = timedelta(minutes=10)
# An answer without an end is good for the moment at which it was given (RFC 6960, 4.2.2.1); a little longer, so that one can sign.
WITHOUT_END = timedelta(minutes=30)
LONGEST = timedelta(days=7)  # however long the authority says that its answer holds

Pair = tuple[x509.Certificate, x509.Certificate]  # a certificate and the one of its issuer


class NoAnswer(Exception):
    """The responder says that it cannot answer now (tryLater, unauthorized, ...): as if it had not been reached."""


@dataclass(frozen=True)
class Question:
    """What is asked of one responder about one certificate. `body` is the DER of an OCSPRequest with `nonce`."""

    pair: Pair
    responder: str
    body: bytes
    nonce: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate asked about, lower-case hex."""
        return self.pair[0].fingerprint(hashes.SHA256()).hex()


def issued_by(certificate: x509.Certificate, candidates: Collection[x509.Certificate]) -> Iterator[Pair]:
    """The certificates from `certificate` up to one that is signed by itself, each with its issuer out of `candidates`."""
    current = certificate
    for _step in range(LONGEST_PATH):
        if current.issuer == current.subject:
            return
        issuer = next((one for one in candidates if one.subject == current.issuer and _issued(current, one)), None)
        if issuer is None:
            return
        yield current, issuer
        current = issuer


def questions(pairs: Sequence[Pair], *, responders: Collection[str]) -> list[Question]:
    """What to ask: one question for each certificate that names one of `responders` (addresses that the operator allows)."""
    allowed = {one.rstrip("/"): one for one in responders}
    found = []
    for certificate, issuer in pairs:
        responder = next((allowed[address.rstrip("/")] for address in _addresses(certificate) if address.rstrip("/") in allowed), None)
        if responder is None:
            continue
        nonce = secrets.token_bytes(NONCE_BYTES)
        # The digest only names the issuer; SHA-1 is the one that every responder understands (RFC 5019, 2.1.1).
        builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1()).add_extension(x509.OCSPNonce(nonce), critical=False)  # noqa: S303
        found.append(Question((certificate, issuer), responder, builder.build().public_bytes(Encoding.DER), nonce))
    return found


def response_check(question: Question, response: bytes) -> None:
    """Whether `response` (DER) answers `question`. Raises SignatureRefused, and NoAnswer when the responder declines.

    A responder may leave the nonce out (many sign their answers in advance); one that gives another than ours answers somebody else.
    """
    answer = _read(response)
    if answer.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise NoAnswer(answer.response_status.name.lower())
    if not _is_about(answer, question.pair):
        raise SignatureRefused(RefusalCode.OCSP_UNREADABLE, f"the answer of {question.responder} is about another certificate")
    nonce = _nonce(answer)
    if nonce is not None and nonce != question.nonce:
        raise SignatureRefused(RefusalCode.OCSP_REPLAYED, f"{question.responder} answered with another nonce")


def response_judge(response: bytes, pairs: Sequence[Pair], *, moment: datetime, asked_at: datetime | None = None) -> Pair | None:
    """The pair of `pairs` that `response` says to be good at `moment`, or None if it is about none of them. Raises SignatureRefused.

    A revocation dated after `moment` does not count: the certificate was good then. An answer that was asked for later (`asked_at`) must be
    fresh then; it knows more than one of `moment` did.
    """
    asked = max(asked_at or moment, moment)
    answer = _read(response)
    if answer.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise SignatureRefused(RefusalCode.OCSP_UNREADABLE, answer.response_status.name)
    pair = next((one for one in pairs if _is_about(answer, one)), None)
    if pair is None:
        return None
    name = pair[0].subject.rfc4514_string()
    _check_signer(answer, pair[1], asked)
    _check_fresh(answer, asked, name)
    if answer.certificate_status == ocsp.OCSPCertStatus.UNKNOWN:
        raise SignatureRefused(RefusalCode.OCSP_UNKNOWN, name)
    revoked = answer.revocation_time_utc
    if answer.certificate_status == ocsp.OCSPCertStatus.REVOKED and revoked is not None and revoked <= moment:
        raise SignatureRefused(RefusalCode.REVOKED, f"{name} was revoked at {revoked.isoformat()}, says its responder")
    return pair


def _read(response: bytes) -> ocsp.OCSPResponse:
    if len(response) > MAX_RESPONSE_BYTES:
        raise SignatureRefused(RefusalCode.OCSP_UNREADABLE, f"{len(response)} bytes")
    try:
        answer = ocsp.load_der_ocsp_response(response)
        if answer.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL:
            _ = answer.serial_number, answer.extensions  # several answers in one, or rubbish inside: found here
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SignatureRefused(RefusalCode.OCSP_UNREADABLE, str(error)[:300]) from error
    return answer


def _addresses(certificate: x509.Certificate) -> list[str]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return []
    wanted = (one.access_location for one in access if one.access_method == AuthorityInformationAccessOID.OCSP)
    return [one.value for one in wanted if isinstance(one, x509.UniformResourceIdentifier)]


def _is_about(answer: ocsp.OCSPResponse, pair: Pair) -> bool:
    certificate, issuer = pair
    name = answer.hash_algorithm.name
    if name not in ("sha1", "sha256", "sha384", "sha512"):
        return False
    return (
        answer.serial_number == certificate.serial_number
        and answer.issuer_name_hash == hashlib.new(name, issuer.subject.public_bytes()).digest()
        and answer.issuer_key_hash == hashlib.new(name, _key_bits(issuer)).digest()
    )


def _key_bits(issuer: x509.Certificate) -> bytes:
    """The bits of the subject's public key without its algorithm, which is what a CertID is made of (RFC 6960, 4.1.1)."""
    key = issuer.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    raise SignatureRefused(RefusalCode.WEAK_ALGORITHM, "an authority's key is neither RSA nor ECDSA")


def _nonce(answer: ocsp.OCSPResponse) -> bytes | None:
    try:
        return answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        return None


def _check_signer(answer: ocsp.OCSPResponse, issuer: x509.Certificate, moment: datetime) -> None:
    """The issuer itself, or one to whom the issuer gave this very task (RFC 6960, 4.2.2.2)."""
    if _signed(answer, issuer):
        return
    for one in answer.certificates:
        if _may_answer_for(one, issuer, moment) and _signed(answer, one):
            return
    raise SignatureRefused(RefusalCode.OCSP_WRONG_SIGNER, f"neither {issuer.subject.rfc4514_string()} nor one of its responders signed the answer")


def _may_answer_for(certificate: x509.Certificate, issuer: x509.Certificate, moment: datetime) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    valid = certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc
    return valid and ExtendedKeyUsageOID.OCSP_SIGNING in usage and certificate.issuer == issuer.subject and _issued(certificate, issuer)


def _signed(answer: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    try:
        digest = answer.signature_hash_algorithm
        if not isinstance(digest, hashes.SHA256 | hashes.SHA384 | hashes.SHA512):
            return False
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(digest))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check_fresh(answer: ocsp.OCSPResponse, moment: datetime, name: str) -> None:
    begins = answer.this_update_utc
    ends = min(answer.next_update_utc or begins + WITHOUT_END, begins + LONGEST)
    if not begins - CLOCK_TOLERANCE <= moment <= ends:
        raise SignatureRefused(
            RefusalCode.OCSP_STALE, f"{name}: the answer holds from {begins.isoformat()} to {ends.isoformat()}, not at {moment.isoformat()}"
        )


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True
