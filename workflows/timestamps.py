"""RFC 3161 time-stamps over signatures: the request, the answer of a time-stamping authority, and whether its token holds.

What is stamped is the signature's value (the octets that the key made), as a CAdES signature-time-stamp does (ETSI EN 319 122-1,
5.3), so a token can be put into the CMS by whoever wants a CAdES-T file. Paths and revocation are checked as for signatures.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import ClassVar

from asn1crypto import algos, cms, core, tsp, x509
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_sig_integrity

from workflows.cms import CLOCK_TOLERANCE, SignatureRefused, certificates_of, check_algorithms, validated_chain
from workflows.errors import GateError
from workflows.trust import TrustStore

MAX_TOKEN_BYTES = 64 * 1024


class StampProblem(TextChoices):
    """Why a time-stamp is refused."""

    UNREADABLE = "unreadable", _("The time-stamping authority sent something that is not a time-stamp.")
    NOT_GRANTED = "not_granted", _("The time-stamping authority did not grant the time-stamp.")
    OTHER_REQUEST = "other_request", _("The time-stamp answers another request.")
    OTHER_SIGNATURE = "other_signature", _("The time-stamp is over another signature.")
    ALTERED = "altered", _("The time-stamp was altered.")
    WRONG_USAGE = "wrong_usage", _("The certificate is not one of a time-stamping authority.")
    CLOCK_SKEW = "clock_skew", _("The time-stamp is more than 10 minutes away from our clock.")


class StampRefused(GateError):
    """A time-stamp that does not count; `reason` is for the operator, in English."""

    def __init__(self, problem: StampProblem, reason: str = "") -> None:
        super().__init__(problem.label, reason=reason)
        self.code: str = problem.value
        self.reason = reason


class Answer(core.Sequence):
    """TimeStampResp (RFC 3161, 2.4.2). asn1crypto's own demands the token that a refusal leaves out."""

    _fields: ClassVar = [("status", tsp.PKIStatusInfo), ("time_stamp_token", cms.ContentInfo, {"optional": True})]


def signature_value(der: bytes) -> bytes:
    """The octets of the one signer's signature in a detached CMS that has been verified."""
    return cms.ContentInfo.load(der)["content"]["signer_infos"][0]["signature"].native


def stamp_request(message: bytes) -> bytes:
    """DER of a TimeStampReq over the SHA-256 of `message`, with a nonce, asking for the authority's certificate."""
    imprint = tsp.MessageImprint(
        {"hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}), "hashed_message": hashlib.sha256(message).digest()}
    )
    return tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "nonce": secrets.randbits(63) | 1, "cert_req": True}).dump()


def stamp_token(*, request: bytes, response: bytes) -> bytes:
    """The token (DER) out of a TimeStampResp, if it answers `request`. Raises StampRefused."""
    if len(response) > MAX_TOKEN_BYTES:
        raise StampRefused(StampProblem.UNREADABLE, f"{len(response)} bytes")
    asked = tsp.TimeStampReq.load(request)
    try:
        answer = Answer.load(response, strict=True)
        status = answer["status"]["status"].native
        if status not in ("granted", "granted_with_mods"):
            raise StampRefused(StampProblem.NOT_GRANTED, f"{status} {answer['status']['fail_info'].native or ''}".strip())
        info = _info(answer["time_stamp_token"]["content"])
        if info["nonce"].native != asked["nonce"].native or info["message_imprint"].native != asked["message_imprint"].native:
            raise StampRefused(StampProblem.OTHER_REQUEST)
        return answer["time_stamp_token"].dump()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StampRefused(StampProblem.UNREADABLE, f"{type(error).__name__}: {error}"[:300]) from error


def verify_stamp(*, token: bytes, message: bytes, trust: TrustStore, near: datetime | None = None) -> datetime:
    """The moment (aware, UTC) that `token` gives to `message`, judged as of that very moment.

    `near`, the present when a token comes in, may be 10 minutes away. Raises StampRefused, and SignatureRefused for the
    authority's certificate: untrusted, expired, revoked, or revocation unknown.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise StampRefused(StampProblem.UNREADABLE, f"{len(token)} bytes")
    try:
        signed = cms.ContentInfo.load(token, strict=True)["content"]
        info = _info(signed)
        moment: datetime = info["gen_time"].native
        (signer,) = signed["signer_infos"]
        certificate, others = certificates_of(signed)
        check_algorithms(signer, certificate)
        _check_imprint(info, message)
        _check_integrity(signed, signer, certificate)
        _check_usage(certificate)
        validated_chain(certificate, others, moment, trust)
    except (StampRefused, SignatureRefused):
        raise
    except Exception as error:  # asn1crypto parses lazily and trips over a mutated structure with whatever comes first
        raise StampRefused(StampProblem.UNREADABLE, f"{type(error).__name__}: {error}"[:300]) from error
    if near is not None and abs(near - moment) > CLOCK_TOLERANCE:
        raise StampRefused(StampProblem.CLOCK_SKEW, f"{moment.isoformat()} against {near.isoformat()}")
    return moment


def _info(signed: cms.SignedData) -> tsp.TSTInfo:
    info = signed["encap_content_info"]["content"].parsed
    if not isinstance(info, tsp.TSTInfo):
        raise StampRefused(StampProblem.UNREADABLE, "no TSTInfo inside")
    return info


def _check_imprint(info: tsp.TSTInfo, message: bytes) -> None:
    imprint = info["message_imprint"]
    if imprint["hash_algorithm"]["algorithm"].native != "sha256" or imprint["hashed_message"].native != hashlib.sha256(message).digest():
        raise StampRefused(StampProblem.OTHER_SIGNATURE)


def _check_integrity(signed: cms.SignedData, signer: cms.SignerInfo, certificate: x509.Certificate) -> None:
    content = bytes(signed["encap_content_info"]["content"])
    actual = hashlib.new(signer["digest_algorithm"]["algorithm"].native, content).digest()
    try:
        intact, valid = validate_sig_integrity(signer, certificate, expected_content_type="tst_info", actual_digest=actual)
    except SignatureValidationError as error:
        raise StampRefused(StampProblem.ALTERED, error.failure_message) from error
    if not (intact and valid):
        raise StampRefused(StampProblem.ALTERED)


def _check_usage(certificate: x509.Certificate) -> None:
    """RFC 3161, 2.3: the one extended usage is time-stamping, and it is critical."""
    usages = certificate.extended_key_usage_value
    if usages is None or usages.native != ["time_stamping"] or "extended_key_usage" not in certificate.critical_extensions:
        raise StampRefused(StampProblem.WRONG_USAGE, certificate.subject.human_friendly[:300])
