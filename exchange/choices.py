"""States of the exchange."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ChannelKind(TextChoices):
    NATIONAL_HUB = "national_hub", _("National platform")


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


class KeyState(TextChoices):
    REQUESTED = "requested", _("Requested")
    ACTIVE = "active", _("Active")
    ROTATED = "rotated", _("Rotated")
    RETIRED = "retired", _("Retired")
