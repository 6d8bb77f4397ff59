"""Named failures of the gate. Each has a code for programs and a message that says what is wrong and what to do."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _


class GateError(Exception):
    """Base of the gate's refusals. `code` is stable; `str()` is for people."""

    code = "GATE"
    text = _("The change request could not be processed.")

    def __init__(self, text: object = None, **detail: object) -> None:
        self.detail = detail
        super().__init__(text or self.text)

    def __str__(self) -> str:
        return str(self.args[0])


class WrongState(GateError):
    code = "WRONG_STATE"
    text = _("The request is no longer in the state that this step needs. Reload the page to see where it stands.")


class NotAllowed(GateError):
    code = "NOT_ALLOWED"
    text = _("You do not have the right to do this in the units concerned.")


class OwnRequest(NotAllowed):
    code = "OWN_REQUEST"
    text = _("You wrote, uploaded or repaired part of this request, so somebody else must decide on it.")


class AlreadyDecided(NotAllowed):
    code = "ALREADY_DECIDED"
    text = _("You have already decided on this request, so somebody else must decide on what is left.")


class RouteMissing(GateError):
    code = "ROUTE_MISSING"
    text = _("No route is in force for this change. Ask the administrator to put one in force.")


class RouteInvalid(GateError):
    code = "ROUTE_INVALID"
    text = _("The route needs at least one step with a signature, and each step a name, a right to approve or edit, and sensible numbers.")


class DelegationInvalid(GateError):
    code = "DELEGATION_INVALID"
    text = _("A delegation needs somebody else as receiver, at least one risk class, a decision number, and a period that has not ended.")


class AbsenceInvalid(GateError):
    code = "ABSENCE_INVALID"
    text = _("An absence ends after today, begins before it ends, and does not overlap another one of the same person.")


class DelegationChain(GateError):
    code = "DELEGATION_CHAIN"
    text = _("The receiver already stands in for somebody who stands in for another: a delegation is passed on once at most, and never in a circle.")


class EffectiveDatePast(GateError):
    code = "EFFECTIVE_DATE_PAST"
    text = _("The day on which the changes take effect has passed. Choose today or a later day.")


class SampleNotOpened(GateError):
    code = "SAMPLE_NOT_OPENED"
    text = _("Open every record of your sample before you approve.")


class RecordBusy(GateError):
    code = "RECORD_BUSY"
    text = _("Another open request already changes one of these records. Wait until it has ended, or ask its author to withdraw it.")


class NothingToRetry(GateError):
    code = "NOTHING_TO_RETRY"
    text = _("Nothing of this request can be tried once more: it has not ended, all of it became true, or somebody else wrote it.")


class NothingToRevoke(GateError):
    code = "NOTHING_TO_REVOKE"
    text = _(
        "There is no signature here that you could revoke: it was not applied, its records are being revoked already, or it is not yours to judge."
    )


class TooLarge(GateError):
    code = "TOO_LARGE"
    text = _("A request holds at most 100,000 records. Split the file and send it in parts.")


class EvidenceBroken(GateError):
    code = "EVIDENCE_BROKEN"
    text = _("What is stored for this request is not what was signed. Nothing was applied; tell the administrator.")


class ReasonMissing(GateError):
    code = "REASON_MISSING"
    text = _("Say why the request is returned.")


class PurposeMissing(GateError):
    code = "PURPOSE_MISSING"
    text = _("Say what the value is needed for: choose a reason, and describe it in a few words when it is another one.")


class OwnGrant(NotAllowed):
    code = "OWN_GRANT"
    text = _("You proposed this, or it is your own right, so somebody else must confirm it.")


class OwnCertificate(NotAllowed):
    code = "OWN_CERTIFICATE"
    text = _("You began this registration, or the certificate is your own, so somebody else must confirm it.")


class GrantChangeOpen(GateError):
    code = "GRANT_CHANGE_OPEN"
    text = _("The same is proposed already and waits for confirmation.")


class GrantReasonMissing(GateError):
    code = "GRANT_REASON_MISSING"
    text = _("Say why, best with the number of the written decision.")


class GrantListInvalid(GateError):
    """`problems` says, for each line that cannot be taken, its number, column, value and remedy; nothing was recorded."""

    code = "GRANT_LIST_INVALID"
    text = _("Nothing was recorded. Correct the lines named below and send the list again.")


class SetUpOver(GateError):
    code = "SET_UP_OVER"
    text = _("Two people can already give grants there: propose it in the program, and let the other one confirm it.")


class EvidenceRefused(GateError):
    code = "EVIDENCE_REFUSED"
    text = _("The file could not be taken as evidence.")

    @classmethod
    def empty(cls) -> EvidenceRefused:
        return cls(_("The file is empty. Scan the decision again, or choose another file."))

    @classmethod
    def too_large(cls, megabytes: int) -> EvidenceRefused:
        return cls(str(_("The file is larger than {limit} MB. Scan it in black and white or with 200 dots per inch.")).format(limit=megabytes))

    @classmethod
    def foreign(cls) -> EvidenceRefused:
        return cls(_("The file is not a whole PDF, JPEG or PNG, whatever its name says. Scan or save the decision in one of these."))

    @classmethod
    def too_many(cls, limit: int) -> EvidenceRefused:
        return cls(str(_("A request takes {limit} files at most. Put several pages into one PDF.")).format(limit=limit))

    @classmethod
    def settled(cls) -> EvidenceRefused:
        return cls(_("The request was submitted; its evidence stays as it is."))


class MarkRefused(GateError):
    code = "MARK_REFUSED"
    text = _("The mark could not be set.")

    @classmethod
    def no_reason(cls) -> MarkRefused:
        return cls(_("Say why, with the decision or the list of state secrets that it stands on."))

    @classmethod
    def already(cls) -> MarkRefused:
        return cls(_("The same mark is already there."))

    @classmethod
    def moved(cls) -> MarkRefused:
        return cls(_("Somebody else decided on this mark meanwhile. Reload the page."))

    @classmethod
    def own(cls) -> MarkRefused:
        return cls(_("Who proposed it cannot confirm it: somebody else has to."))
