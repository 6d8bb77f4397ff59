"""States of the exchange."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ChannelKind(TextChoices):
    NATIONAL_HUB = "national_hub", _("National platform")
    POPULATION = "population", _("Population database")
    PARTY = "party", _("Party members’ database")


class Transport(TextChoices):
    """The way a channel's calls take (`exchange.transports`)."""

    DIRECT = "direct", _("Direct connection")
    LGSP = "lgsp", _("NDXP through the provincial LGSP")
    AGENT_NODE = "agent_node", _("Agent Node of the data centre")
    CARRIED = "carried", _("Carried by hand")


class Way(TextChoices):
    OUT = "out", _("Sent by us")
    IN = "in", _("Received by us")


class DeliveryState(TextChoices):
    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    RECEIVED = "received", _("Received")
    REJECTED = "rejected", _("Rejected")
    PARKED = "parked", _("Needs attention")
    REPLACED = "replaced", _("Replaced by a later version")


class BatchState(TextChoices):
    READY = "ready", _("To be sent")
    ACCEPTED = "accepted", _("Awaiting receipts")
    DONE = "done", _("Done")
    PARKED = "parked", _("Needs attention")


class InboundState(TextChoices):
    RECEIVED = "received", _("Received")
    PROCESSED = "processed", _("Processed")
    FAILED = "failed", _("Failed")


class Outcome(TextChoices):
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")


class ReconciliationState(TextChoices):
    RUNNING = "running", _("Being compared")
    EQUAL = "equal", _("Both sides hold the same")
    DIFFERENT = "different", _("There are differences")
    FAILED = "failed", _("Could not be compared")


class DifferenceKind(TextChoices):
    MISSING_THERE = "missing_there", _("Missing there")
    MISSING_HERE = "missing_here", _("Missing here")
    DIFFERS = "differs", _("Differs")
    ON_THE_WAY = "on_the_way", _("On its way")


class BodyKind(TextChoices):
    PROVINCE = "province", _("Province or city")
    CENTRAL = "central", _("Central body")


class Standing(TextChoices):
    """How a body stands on the list of those that have to send; `OFF` was added by mistake."""

    COUNTED = "counted", _("Counted")
    NOT_COUNTED = "not_counted", _("Not counted")
    OFF = "off", _("Taken off the list")


class TransferState(TextChoices):
    """A person's passing from one agency to another. `RELEASED` is the old agency's own: the hub has not been told yet."""

    RELEASED = "released", _("Released, not offered yet")
    OFFERED = "offered", _("Offered")
    TAKEN = "taken", _("Being taken over")
    COMPLETED = "completed", _("Taken over")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", pgettext_lazy("offer", "Lapsed")


TRANSFER_OPEN = (TransferState.RELEASED, TransferState.OFFERED, TransferState.TAKEN)
TRANSFER_ENDED = (TransferState.COMPLETED, TransferState.REFUSED, TransferState.WITHDRAWN, TransferState.EXPIRED)


class HookState(TextChoices):
    WAITING = "waiting", _("Waiting")
    TAKEN = "taken", _("Received")
    PARKED = "parked", _("Needs attention")


class KeyState(TextChoices):
    REQUESTED = "requested", _("Requested")
    ACTIVE = "active", _("Active")
    ROTATED = "rotated", _("Rotated")
    RETIRED = "retired", _("Retired")


class MatchOutcome(TextChoices):
    """What the population database says of one person. Its own codes are mapped to these (`exchange.population`)."""

    NOT_CHECKED = "not_checked", _("Not compared yet")
    MATCHED = "matched", _("Matched")
    NAME_DIFF = "name_diff", _("The name differs")
    DOB_DIFF = "dob_diff", _("The date of birth differs")
    GENDER_DIFF = "gender_diff", _("The gender differs")
    ID_NOT_FOUND = "id_not_found", _("The number is not known")
    ID_CANCELLED = "id_cancelled", _("The number was cancelled")
    DUPLICATE_ID = "duplicate_id", _("The number belongs to several people")
    ERROR = "error", _("No usable answer")


class MatchOwner(TextChoices):
    """Who has to put a difference right: the agency its file, or the police what the population database holds."""

    NOBODY = "", _("Nobody")
    AGENCY = "agency", _("Our agency")
    POLICE = "police", _("The police")


class DisputeState(TextChoices):
    OPEN = "open", _("Open")
    UPHELD = "upheld", _("Upheld: the population database was corrected")
    DROPPED = "dropped", _("Given up: the file is corrected")


class FactState(TextChoices):
    """What became of a fact that the Party database told."""

    WAITING = "waiting", _("Waits until the file is free")
    PROPOSED = "proposed", _("Proposed to the approver")
    SAME = "same", _("Already on file")
    NOBODY = "nobody", _("Nobody here has this number")
    FOREIGN = "foreign", _("Says nothing that the policy lets in")
    REFUSED = "refused", _("The rules refuse it")


class ClaimMatch(TextChoices):
    """Why two agencies' files look like one person."""

    NUMBER = "number", _("Same personal identification number")
    NAME_BIRTH = "name_birth", _("Same name, birth, gender and home town")


class ClaimState(TextChoices):
    OPEN = "open", _("Newly found")
    ASKED = "asked", _("Both agencies asked")
    DECIDED = "decided", _("Decided, to be carried out")
    CLOSED = "closed", _("Closed")


class ClaimOutcome(TextChoices):
    TRANSFER = "transfer", _("The person passes to the other agency")
    WITHDRAWN = "withdrawn", _("One agency gives up its claim")
    CORRECTED = "corrected", _("A wrong file is corrected")
    DIFFERENT = "different", _("Two different people")


class ClaimAnswer(TextChoices):
    """What an agency says of a person whom another one claims too."""

    OURS = "ours", _("The person is ours")
    THEIRS = "theirs", _("The person is not ours")
    WRONG = "wrong", _("Our file is wrong and will be corrected")
    DIFFERENT = "different", _("They are two different people")


class PullState(TextChoices):
    RUNNING = "running", _("Being fetched")
    READY = "ready", pgettext_lazy("records", "Compared")
    STAGING = "staging", _("Being put into requests")
    FAILED = "failed", _("Could not be fetched")


class PullStage(TextChoices):
    """How far a run is. Each goes on where a killed worker left it."""

    LISTING = "listing", _("Compared by digests")
    FETCHING = "fetching", _("Documents are fetched and verified")
    CHECKING = "checking", _("Documents are checked by the rules")
    DONE = "done", _("Done")


class PullWhat(TextChoices):
    """How a record of the other side's stands here. What is equal has no row."""

    MISSING = "missing", _("Only there")
    DIFFERS = "differs", _("Differs")
    OURS_NEWER = "ours_newer", _("Ours is newer")
    COUNTED = "counted", _("The same, counted otherwise")
