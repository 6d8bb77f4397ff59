"""What stands in the way of a delivery, in words, and what the operator can do about it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

BEHIND = "BEHIND_REFUSED"
MARKED = "DOES_NOT_LEAVE"
RECALLED = "RECALLED"


@dataclass(frozen=True)
class Remedy:
    """`title`: what is wrong, in a few words. `advice`: what to do. `resend`: may sending again help as it is?"""

    title: str | Promise
    advice: str | Promise
    resend: bool = True


_SETTLE = _("Compare the record with the other side's (Reconciliation): take over what it holds, or settle with its operator which one holds.")
REMEDIES: dict[str, Remedy] = {
    "RULE": Remedy(_("The record breaks a rule"), _("Correct the record. The corrected version goes by itself and replaces this one."), resend=False),
    "DOCUMENT_INVALID": Remedy(
        _("The record is incomplete or has a wrong form"), _("Correct the record. The corrected version goes by itself and replaces this one."), False
    ),
    "WRONG_OWNER": Remedy(
        _("The record or a unit it names belongs to another agency"),
        _("Settle with that agency who keeps the person; if the unit is wrong, correct the record."),
    ),
    "VERSION_GAP": Remedy(_("An earlier version is missing at the other side"), _("Send again; the earlier version is sent first."), True),
    "VERSION_CONFLICT": Remedy(_("The other side holds another document under this version"), _SETTLE, False),
    "SIGNATURE_REFUSED": Remedy(
        _("The signature was refused"), _("Have the certificate registered at the other side or the request signed anew, then send again.")
    ),
    "TIME_OUT_OF_BOUNDS": Remedy(
        _("The signature is too old, or a clock is wrong"),
        _("Check the server's clock. For a first delivery of everything ask the other side's operator for a longer limit, then send again."),
    ),
    "MANIFEST_INVALID": Remedy(_("The signed statement is not understood"), _("The two programs differ: tell the other side's operator."), False),
    "WRONG_AGENCY": Remedy(
        _("The signature names another agency"), _("Check the agency identifier of this installation and of the certificate, then send again.")
    ),
    "SEAL_MISSING": Remedy(
        _("The organisation’s seal is missing"),
        _("The other side asks for it. Put the route with the seal in force and change the record once more; the sealed version replaces this one."),
        False,
    ),
    "PROOF_INVALID": Remedy(_("The record is not what was signed"), _("Run verify_ledger: what is stored may have been tampered with."), False),
    "CONFLICT": Remedy(_("The record was busy at the other side"), _("Send again.")),
    "UNSIGNED": Remedy(_("Nobody signed the request digitally"), _("Make the change once more and have it approved with a signature."), False),
    "NO_RECEIPT": Remedy(_("The other side gave no answer for this record"), _("Send again: the other side tells whether it holds the record.")),
    "OTHER_RECORD": Remedy(_("The other side answered for another record"), _("Tell the other side's operator, then send again.")),
    "OTHER_DIGEST": Remedy(_("The other side holds another document"), _SETTLE, False),
    "OTHER_SIZE": Remedy(_("The other side counts another number of records"), _("Tell the other side's operator, then send again.")),
    "REMOTE_FAILED": Remedy(_("The other side could not process the batch"), _("Its operator was told. Send again once it is mended.")),
    MARKED: Remedy(
        _("It is marked “does not leave” (state secret)"),
        _("It stays here. When two people lift the mark on the person's page, it goes by itself."),
        False,
    ),
    BEHIND: Remedy(_("It stands behind a record that was refused"), _("Mend what it stands behind; it follows by itself."), False),
    RECALLED: Remedy(_("Taken back before it was sent"), _("Send again when it may go.")),
}
UNKNOWN = Remedy("", _("Read what the other side says, mend it, then send again."))


def remedy_of(code: str) -> Remedy:
    return REMEDIES.get(code, UNKNOWN)


def title_of(code: str) -> str:
    """The cause in words; a code that we do not know stands for itself."""
    return str(remedy_of(code).title) or code or "–"
