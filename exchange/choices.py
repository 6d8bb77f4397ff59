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
