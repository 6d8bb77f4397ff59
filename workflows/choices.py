"""States, severities and the table of moves."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Severity(TextChoices):
    ERROR = "error", _("Error")
    WARNING = "warning", _("Warning")
    SUGGESTION = "suggestion", _("Suggestion")


class RiskClass(TextChoices):
    """How much a change can harm, in order: a request has the highest class (the first letter) of its records."""

    A = "A", _("Identity, rank, pay, discipline")
    B = "B", _("Post and unit")
    C = "C", _("Contact and the like")


class Act(TextChoices):
    """What a change of one record is meant as: two acts with two verbs, and what a person declares of themself. "" where nobody said."""

    CORRECT = "correct", _("Correct a mistake")
    RECORD = "record", _("Record a change")
    OWN = "own", _("Declared by the person")
    REVOKE = "revoke", _("Revoke a signature")


WRITTEN_ACTS = (Act.CORRECT, Act.RECORD, Act.OWN)  # what somebody writes into a file by hand


class Ground(TextChoices):
    """Why a signature on an applied request is revoked: what the law knows as a reason to take back what was issued."""

    CONTENT = "content", _("What was signed is wrong in substance (Decree 30/2020/NĐ-CP, Article 18)")
    AUTHORITY = "authority", _("It was signed without authority, or against procedure")
    DECISION = "decision", _("The decision it stands on was cancelled, withdrawn or replaced")
    JUDGMENT = "judgment", _("A court, an inspection or the settling of a complaint demands it")
    KEY = "key", _("The signing key was lost or used by somebody else (Law 20/2023/QH15 on electronic transactions)")


class RequestState(TextChoices):
    DRAFT = "draft", _("Draft")
    CHECKING = "checking", _("Being checked")
    READY = "ready", _("Ready to submit")
    IN_REVIEW = "in_review", _("Awaiting approval")
    APPROVED = "approved", _("Approved")
    SCHEDULED = "scheduled", _("Scheduled")
    APPLYING = "applying", _("Being applied")
    APPLIED = "applied", _("Applied")
    RETURNED = "returned", _("Returned")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    RECALLED = "recalled", _("Recalled")
    CONFLICT = "conflict", _("Conflict")
    EXPIRED = "expired", _("Expired")
    FAILED = "failed", _("Failed")


S = RequestState
# Every move a request can make. `withdrawn` is for requests that no one has approved yet, `recalled` for approved ones that are
# not applied yet, `expired` for reviews that nobody finished in time.
MOVES: dict[RequestState, frozenset[RequestState]] = {
    S.DRAFT: frozenset({S.CHECKING, S.WITHDRAWN}),
    S.CHECKING: frozenset({S.READY, S.DRAFT, S.FAILED}),
    S.READY: frozenset({S.DRAFT, S.IN_REVIEW, S.WITHDRAWN, S.EXPIRED}),
    S.IN_REVIEW: frozenset({S.APPROVED, S.RETURNED, S.WITHDRAWN, S.EXPIRED}),
    S.APPROVED: frozenset({S.SCHEDULED, S.APPLYING, S.RECALLED, S.FAILED}),
    S.SCHEDULED: frozenset({S.APPLYING, S.RECALLED, S.FAILED}),
    S.APPLYING: frozenset({S.APPLIED, S.CONFLICT}),
    S.RETURNED: frozenset({S.DRAFT, S.WITHDRAWN}),
    S.CONFLICT: frozenset({S.WITHDRAWN}),
    S.APPLIED: frozenset(),
    S.WITHDRAWN: frozenset(),
    S.RECALLED: frozenset(),
    S.EXPIRED: frozenset(),
    S.FAILED: frozenset(),
}
del S

# From submit to end an item blocks any other change of the same record; drafts do not block.
OPEN_STATES = (RequestState.IN_REVIEW, RequestState.APPROVED, RequestState.SCHEDULED, RequestState.APPLYING)


class ItemState(TextChoices):
    DRAFT = "draft", _("Draft")
    OPEN = "open", _("Open")
    APPLIED = "applied", _("Applied")
    EXCLUDED = "excluded", _("Returned by the approver")
    CONFLICT = "conflict", _("Conflict")
    ENDED = "ended", _("Ended without effect")


class Op(TextChoices):
    CREATE = "create", _("New")
    UPDATE = "update", _("Change")


class ReturnReason(TextChoices):
    """Why an approver gives one record of a request back."""

    EVIDENCE = "evidence", _("Evidence is missing")
    VALUE = "value", _("A value does not agree with the documents")
    PERSON = "person", _("The record belongs to somebody else")
    AUTHORITY = "authority", _("Not within our authority")
    OTHER = "other", _("Another reason")


class Verdict(TextChoices):
    APPROVE = "approve", _("Approved")
    RETURN = "return", _("Returned")


class JobState(TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class ReadAction(TextChoices):
    """What somebody did with a person's file that changed nothing."""

    OPEN = "open", _("Opened")
    REVIEW = "review", _("Looked at in a change request")
    REVEAL = "reveal", _("Revealed a masked value")
    EXPORT = "export", _("Exported in a list")
    PRINT = "print", _("Printed")


class ReadReason(TextChoices):
    """Why a masked value was needed (Law 91/2025/QH15 on personal data: for a named purpose, and no more than that)."""

    PREPARE = "prepare", _("To prepare or check a change")
    DECISION = "decision", _("For a personnel decision (appointment, salary, retirement, leave)")
    VERIFY = "verify", _("To verify identity or match the population database")
    COMPLAINT = "complaint", _("To settle a complaint, an inspection or an audit")
    REQUEST = "request", _("At the person's own request")
    OTHER = "other", _("Another reason")


class GrantOp(TextChoices):
    GIVE = "give", _("Give")
    RENEW = "renew", _("Renew")
    END = "end", _("End")


class GrantState(TextChoices):
    """How a proposal to give or end a grant stands. Only `proposed` moves on, and once."""

    PROPOSED = "proposed", _("Waits for confirmation")
    CONFIRMED = "confirmed", _("Confirmed")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    LAPSED = "lapsed", _("Lapsed")


class NoticeKind(TextChoices):
    """What a notice tells; its texts are in workflows.selectors.notices."""

    WAITING = "waiting", _("A request waits for my decision")
    HALF_TIME = "half_time", _("Half of the time to decide has passed")
    OVERDUE = "overdue", _("A decision is overdue")
    OVERDUE_BELOW = "overdue_below", _("A decision in a unit below is overdue")
    NOBODY = "nobody", _("Nobody can decide on a request")
    RETURNED = "returned", _("My request was returned")
    ROWS_RETURNED = "rows_returned", _("Records of my request were returned")
    APPLIED = "applied", _("My request has been applied")
    NOT_APPLIED = "not_applied", _("My request could not be applied")
    EXPIRED = "expired", _("My request has expired")
    RECALLED = "recalled", _("My request was recalled")
    REVOKED = "revoked", _("A signature on a request of mine was revoked")
    STANDS_IN = "stands_in", _("I decide in somebody’s place")
    IS_STOOD_IN = "is_stood_in", _("Somebody decides in my place")
    GRANT_WAITING = "grant_waiting", _("A grant waits for confirmation")
    GRANT_DECIDED = "grant_decided", _("A grant that I proposed was decided")
    GRANT_GIVEN = "grant_given", _("I was given a role")
    GRANT_ENDED = "grant_ended", _("A role of mine has ended")
    GRANT_ENDS = "grant_ends", _("A role ends soon")
    GRANT_MOVED = "grant_moved", _("A role of mine follows a reorganisation")
    GRANT_UNCLEAR = "grant_unclear", _("Grants wait for a decision after a reorganisation")
    ACCOUNT = "account", _("My account")
    BREAK_GLASS = "break_glass", _("Emergency rights were taken")
    SUPERUSER_WAITING = "superuser_waiting", _("A superuser’s rights wait for confirmation")
    TRANSFER = "transfer", _("People who come from or go to another agency")
    CLAIM = "claim", _("People whom another agency claims too")
    CERTIFICATE_WAITING = "certificate_waiting", _("A signing certificate waits for confirmation")
    SUPERUSER_ENDS = "superuser_ends", _("A superuser’s term ends soon")
    CATALOGUE = "catalogue", _("The national platform has a new version of a code list")
    NUMBER_WAITING = "number_waiting", _("The personal number of an account waits for confirmation")


class CaseMatter(TextChoices):
    """What a notice of the kinds TRANSFER and CLAIM is about; the label is its text. `agency` is the other one."""

    OFFERED = "offered", _("%(agency)s offers a person to your agency, to be taken over by %(due)s.")
    WITHDRAWN = "withdrawn", _("%(agency)s has withdrawn the offer of a person to your agency.")
    LAPSED_HERE = "lapsed_here", _("The offer of a person by %(agency)s has lapsed: your agency did not take it up in time.")
    TAKEN = "taken", _("%(agency)s has taken up the offer of a person of yours and is taking them over.")
    COMPLETED = "completed", _("%(agency)s has taken over a person who left your agency; the file is theirs from now on.")
    REFUSED = "refused", _("%(agency)s has refused a person whom your agency offered; the person stays yours.")
    LAPSED = "lapsed", _("The offer of a person to %(agency)s has lapsed, since nobody took it up; the person stays yours.")
    LATE = "late", _("A transfer with %(agency)s was to be done by %(due)s and is late.")
    ASKED = "asked", _("%(agency)s claims a person of yours too. Say whose the person is by %(due)s.")
    DECIDED = "decided", _("It was decided about a person whom %(agency)s claims too; what is to be done is due on %(due)s.")
    CLOSED = "closed", _("The case of a person whom %(agency)s claimed too is closed.")
    CLAIM_LATE = "claim_late", _("The case of a person whom %(agency)s claims too was due on %(due)s and is late.")


class AccountMatter(TextChoices):
    """What a notice of the kind ACCOUNT is about; the label is its text."""

    DEVICE = "device", _("Your account was used on a device that it had not been used on before%(where)s, at %(at)s.")
    PASSWORD = "password", _("The password of your account was changed at %(at)s.")
    FACTOR_ADDED = "factor_added", _("An authenticator app or a passkey was added to your account at %(at)s.")
    FACTOR_REMOVED = "factor_removed", _("An authenticator app or a passkey was removed from your account at %(at)s.")
    CODES = "codes", _("New recovery codes were made for your account at %(at)s.")
    CERTIFICATE = "certificate", _("The certificate or the personal number by which your signatures count was changed at %(at)s.")
    REGISTERED = "registered", _("A signing certificate was registered on your account at %(at)s: what it signs counts as yours.")
    UNREGISTERED = "unregistered", _("A signing certificate of your account was ended at %(at)s: what it signs no longer counts as yours.")
    EMAIL = "email", _("The e-mail address of your account was changed at %(at)s.")
    LOGGED_OUT = "logged_out", _("Somebody who looks after accounts logged your devices out at %(at)s.")
    SUPERUSER_GIVEN = "superuser_given", _("You were given a superuser’s rights, or they were renewed, at %(at)s.")
    SUPERUSER_ENDED = "superuser_ended", _("Your rights as a superuser ended at %(at)s.")


class System(TextChoices):
    """Programs that write requests, or decide a stage, in nobody's name; the values are kept with them."""

    INTAKE = "exchange.intake", _("An agency, over the line")
    VERIFIED = "verified agency signature", _("The agency’s signature, verified")
    PARTY = "party", _("The Party database")


def system_words(name: str) -> str:
    """What people read where a program did it."""
    return str(System(name).label) if name in System.values else name


class CertificateWay(TextChoices):
    """How a certificate came to be registered."""

    OWN = "own", _("by the holder")
    OFFICE = "office", _("by administrators")
    FORMER = "former", _("typed, before a proof was asked for")


class CertificateState(TextChoices):
    ASKED = "asked", _("Waits for the signature")
    PROVED = "proved", _("Waits for confirmation")
    IN_FORCE = "in_force", _("In force")
    REFUSED = "refused", _("Refused")
    ENDED = "ended", _("Ended")


class MailWish(TextChoices):
    """When somebody wants notices by e-mail."""

    DIGEST = "digest", _("Once each working day, in one message")
    AT_ONCE = "at_once", _("At once, what waits for me; the rest once a day")
    NONE = "none", _("Not at all")


class MailState(TextChoices):
    QUEUED = "queued", _("Waits to be sent")
    SENT = "sent", _("Sent")
    PARKED = "parked", _("Could not be sent")


class AttachmentKind(TextChoices):
    """What may be attached as evidence; found from the bytes, never from a name."""

    PDF = "pdf", "PDF"
    JPEG = "jpeg", "JPEG"
    PNG = "png", "PNG"


class MarkState(TextChoices):
    """A mark "does not leave" (state secret)."""

    PROPOSED = "proposed", _("Proposed")
    IN_FORCE = "in_force", _("In force")
    REFUSED = "refused", _("Refused")
    LIFTING = "lifting", _("To be lifted")
    LIFTED = "lifted", _("Lifted")


# In doubt nothing leaves: a mark holds from its proposal until it is refused or lifted.
MARKS_HOLD = (MarkState.PROPOSED, MarkState.IN_FORCE, MarkState.LIFTING)
