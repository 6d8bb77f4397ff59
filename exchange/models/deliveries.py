import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.choices import BatchState, DeliveryState, Outcome
from exchange.contract import ErrorKind
from exchange.models.channels import Channel

ERROR_KIND_CHOICES = [(kind.value, kind.value) for kind in ErrorKind]


class Batch(models.Model):
    """What is sent in one call: deliveries of one request and kind. Its members are fixed when it is formed.

    A batch that was claimed is invisible to other workers until `not_before`; one that a killed worker left behind
    is claimed again then. `unsure` says that a call may have arrived unanswered: ask before sending again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="batches")
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=30)
    idempotency_key = models.CharField(max_length=64, unique=True)
    state = models.CharField(_("state"), max_length=8, choices=BatchState, default=BatchState.READY)
    size = models.PositiveIntegerField(_("records"))
    not_before = models.DateTimeField(db_default=Now())
    unsure = models.BooleanField(default=False)
    doubts = models.PositiveSmallIntegerField(default=0, help_text="calls that ended without a clear answer")
    polls = models.PositiveIntegerField(default=0, help_text="times its receipts were not there yet")
    remote_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state__in=["accepted", "done"]) | models.Q(remote_id__isnull=False), name="batch_accepted_has_remote_id"
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "not_before"], condition=models.Q(state__in=["ready", "accepted"]), name="batch_due"),
            models.Index(fields=["channel", "remote_id"], name="batch_by_remote_id"),
        ]

    def __str__(self) -> str:
        return f"{self.channel.code} {self.created_at:%Y-%m-%d %H:%M} ({self.size})"


class Delivery(models.Model):
    """The state of one outbox message for one channel.

    `round` counts how often it was sent again after a rejection: a new round is a new batch with a new key.
    `error_kind`, `error_code` and `error_text` say why it is rejected or parked; `set_aside` that the other side keeps the refused
    version as such, so that the next one may follow.
    """

    channel = models.ForeignKey(Channel, models.PROTECT, related_name="deliveries")
    message = models.ForeignKey("workflows.OutboxMessage", models.PROTECT, related_name="deliveries")
    state = models.CharField(_("state"), max_length=8, choices=DeliveryState, default=DeliveryState.WAITING, db_default=DeliveryState.WAITING.value)
    not_before = models.DateTimeField(db_default=Now())
    round = models.PositiveSmallIntegerField(default=0, db_default=0)
    batch = models.ForeignKey(Batch, models.PROTECT, null=True, related_name="deliveries")
    position = models.PositiveSmallIntegerField(null=True)
    error_kind = models.CharField(max_length=10, blank=True, default="", db_default="", choices=ERROR_KIND_CHOICES)
    error_code = models.CharField(_("cause"), max_length=40, blank=True, default="", db_default="")
    error_text = models.TextField(_("message"), blank=True, default="", db_default="")
    set_aside = models.BooleanField(default=False, db_default=False)
    changed_at = models.DateTimeField(_("changed"), db_default=Now())

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["channel", "message"], name="delivery_once_a_channel"),
            models.UniqueConstraint(fields=["batch", "position"], name="delivery_place_in_batch"),
            models.CheckConstraint(
                condition=~models.Q(state__in=["sent", "received"]) | models.Q(batch__isnull=False), name="delivery_sent_has_batch"
            ),
        ]
        indexes = [
            # The lanes ask for what is not finished; what is received is the bulk of the table and stays out.
            models.Index(fields=["channel", "message"], condition=~models.Q(state="received"), name="delivery_unfinished"),
            models.Index(fields=["channel", "error_code"], condition=models.Q(state__in=["rejected", "parked"]), name="delivery_by_cause"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} -> {self.channel_id}"


class Attempt(models.Model):
    """One call to the other side. An attempt without an end was cut off: nobody knows whether it arrived."""

    class Call(models.TextChoices):
        SEND = "send", _("Send")
        ASK = "ask", _("Ask whether it arrived")
        RECEIPTS = "receipts", _("Fetch receipts")

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="attempts")
    call = models.CharField(max_length=8, choices=Call)
    started_at = models.DateTimeField(_("started"), db_default=Now())
    ended_at = models.DateTimeField(_("ended"), null=True)
    http_status = models.PositiveSmallIntegerField(null=True)
    outcome = models.CharField(max_length=10, blank=True, default="", help_text="ok, or the kind of the failure")
    detail = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        indexes = [models.Index(fields=["batch", "id"])]


class Receipt(models.Model):
    """The other side's answer for one delivery, as it came. Append-only; one for each time it was sent."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="receipts")
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="receipts")
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome)
    code = models.CharField(_("code"), max_length=40, blank=True, default="")
    message = models.TextField(_("message"), blank=True, default="")
    digest = models.BinaryField(max_length=32, null=True, help_text="digest of the document that the other side holds")
    received_at = models.DateTimeField(_("received"), db_default=Now())
    raw = models.JSONField()

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        constraints = [models.UniqueConstraint(fields=["delivery", "batch"], name="receipt_once_a_batch")]
