"""Why a signature does not count: one code a cause, each with a message that says what happened and what to do."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from workflows.errors import GateError


class RefusalCode(TextChoices):
    """Why a signature is refused; the label says what happened and what to do."""

    NOT_CMS = "not_cms", _("This is not a signature file. Choose the .p7s file that the signing tool made for this manifest.")
    TOO_LARGE = "too_large", _("The signature file is larger than 64 KB. Sign again without attaching documents or time-stamps.")
    NOT_DETACHED = "not_detached", _("The signature carries the document inside. Sign again and choose a detached signature (.p7s).")
    MALFORMED = "malformed", _("The signature file is damaged or incomplete. Download the manifest and sign it again.")
    NOT_SIGNED_BY_ONE = "not_signed_by_one", _("The file holds no signature, or more than one. Each person signs the manifest alone.")
    ALTERED = "altered", _("The signature does not belong to this manifest, or one of them was altered. Download the manifest again and sign it.")
    OTHER_MANIFEST = (
        "other_manifest",
        _("The signature belongs to another statement: of another request, another step, or one prepared before. Sign the one shown here."),
    )
    WRONG_PURPOSE = (
        "wrong_purpose",
        _("The signature was given for another purpose: to approve, to revoke, to seal or to register a certificate. Sign the statement shown here."),
    )
    UNTRUSTED = "untrusted", _("No trusted authority stands behind the certificate. Sign with the one your office gave you, its chain included.")
    EXPIRED = "expired", _("The certificate has expired. Renew it, then sign again.")
    NOT_YET_VALID = "not_yet_valid", _("The certificate is not valid yet. Check its first day of validity, or sign with the current one.")
    REVOKED = "revoked", _("The certificate was revoked. Ask the certificate authority for a new one.")
    REVOCATION_UNKNOWN = (
        "revocation_unknown",
        _("It cannot be told whether the certificate was revoked. Ask the operator to update the revocation lists, then sign again."),
    )
    OCSP_UNKNOWN = (
        "ocsp_unknown",
        _("The certificate authority does not know the certificate. Sign with the one it gave you, or ask it what became of yours."),
    )
    OCSP_STALE = (
        "ocsp_stale",
        _("The certificate authority’s answer about the certificate is not of now. Sign again; if it stays so, tell the operator."),
    )
    OCSP_WRONG_SIGNER = (
        "ocsp_wrong_signer",
        _("The answer about the certificate was not signed by its authority. Do not sign until the operator has looked into it."),
    )
    OCSP_REPLAYED = (
        "ocsp_replayed",
        _("The answer about the certificate belongs to another question. Sign again; if it stays so, tell the operator."),
    )
    OCSP_UNREADABLE = (
        "ocsp_unreadable",
        _("The certificate authority’s answer about the certificate cannot be read. Sign again; if it stays so, tell the operator."),
    )
    OCSP_UNREACHABLE = (
        "ocsp_unreachable",
        _(
            "The certificate authority does not answer, and there is no current revocation list. "
            "Sign again later, or ask the operator to update the revocation lists."
        ),
    )
    WRONG_USAGE = "wrong_usage", _("The certificate is not meant for signing documents. Choose your signing certificate.")
    WEAK_ALGORITHM = (
        "weak_algorithm",
        _("The signature uses an algorithm or a key that is too weak. Sign with SHA-256 and RSA 2048, ECDSA P-256 or stronger."),
    )
    CLOCK_SKEW = "clock_skew", _("The clock of the signing computer is more than 10 minutes off. Set it right, then sign again.")
    WRONG_PERSON = (
        "wrong_person",
        _("The certificate is not known to be yours. Sign with your own, or register it first: My account, Signing certificates."),
    )
    NOT_A_CERTIFICATE = (
        "not_a_certificate",
        _("This is no certificate. Choose the certificate’s file (.cer, .crt, .pem), or any signature file (.p7s) that was made with it."),
    )
    CERTIFICATE_NUMBERED = (
        "certificate_numbered",
        _("The certificate carries the account’s own personal number: it counts already, without being registered."),
    )
    CERTIFICATE_KNOWN = "certificate_known", _("The certificate is registered on this account already.")
    CERTIFICATE_TAKEN = (
        "certificate_taken",
        _("The certificate is registered for another person. If it is yours, have the other registration ended first."),
    )
    SEAL_CERTIFICATE = "seal_certificate", _("The certificate is the organisation’s: it has sealed requests, so it cannot be a person’s.")
    OTHER_CERTIFICATE = (
        "other_certificate",
        _("The statement was signed with another certificate than the one to be registered. Sign it with that one, or begin anew with this one."),
    )
    CHALLENGE_OVER = "challenge_over", _("The time to sign the statement is over. Begin anew, and sign within the hour.")
    OTHER_SITE = "other_site", _("The statement was made at another address of this site. Begin anew on the page that you have open.")
    CHALLENGE_USED = "challenge_used", _("The statement was answered already. Begin anew if another certificate is to be registered.")
    SAME_PERSON = (
        "same_person",
        _("The certificate is that of somebody who wrote part of this request or has decided on it already. Somebody else must sign."),
    )
    WRONG_SEAL = (
        "wrong_seal",
        _("The certificate is not the organisation’s own. Sign this step with the organisation’s device, not with a person’s."),
    )
    WRONG_AGENCY = "wrong_agency", _("The certificate is not the sending agency's. Sign with one of that agency, or register it at the hub.")


class SignatureRefused(GateError):
    """A signature that does not count. `str()` and `message` are for the signer, translated; `reason` for the audit record, in English."""

    def __init__(self, code: RefusalCode, reason: str = "") -> None:
        super().__init__(code.label, reason=reason)
        self.code: RefusalCode = code
        self.reason = reason

    @property
    def message(self) -> str:
        return str(self)
