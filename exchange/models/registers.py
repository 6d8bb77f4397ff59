"""Registers of other authorities (population, Party): how far each knows a person's file, and what it was asked or told."""

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.choices import BatchState
from exchange.models.channels import Channel
from registry.models import StaffProfile


class RegisterBatch(models.Model):
    """What is put to a register in one call. Its members and its key are fixed when it is formed, so that it can be repeated.

    `unsure` says that a call may have arrived unanswered: the register is asked for its answer before the batch is put again. `detail` is what
    went wrong last.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="register_batches")
    state = models.CharField(_("state"), max_length=8, choices=BatchState, default=BatchState.READY)
    size = models.PositiveIntegerField(_("people"))
    answered = models.PositiveIntegerField(_("answered"), default=0)
    calls = models.PositiveSmallIntegerField(_("calls"), default=0)
    unsure = models.BooleanField(default=False)
    not_before = models.DateTimeField(db_default=Now())
    detail = models.CharField(_("what went wrong"), max_length=500, blank=True, default="")
    created_at = models.DateTimeField(_("made"), db_default=Now())
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("batch for a register")
        verbose_name_plural = _("batches for registers")
        indexes = [
            models.Index(fields=["channel", "not_before"], condition=models.Q(state="ready"), name="register_batch_due"),
            models.Index(fields=["channel", "-created_at"], name="register_batch_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.channel.code} {self.created_at:%Y-%m-%d %H:%M} ({self.size})"

    @property
    def idempotency_key(self) -> str:
        return self.id.hex


class RegisterEntry(models.Model):
    """One person in a batch: what was put, and what was answered, both as they went over the line. A trigger lets the answer be written once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    batch = models.ForeignKey(RegisterBatch, models.PROTECT, related_name="entries")
    position = models.PositiveSmallIntegerField()
    staff = models.ForeignKey(StaffProfile, models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(_("version"))
    payload = models.BinaryField()
    fingerprint = models.BinaryField(max_length=32)
    answer = models.JSONField(null=True)
    code = models.CharField(_("code"), max_length=60, blank=True, default="")
    answered_at = models.DateTimeField(_("answered"), null=True)

    class Meta:
        verbose_name = _("question to a register")
        verbose_name_plural = _("questions to registers")
        constraints = [models.UniqueConstraint(fields=["batch", "position"], name="register_entry_place")]
        indexes = [models.Index(fields=["staff", "-answered_at"], name="register_entry_of_person")]


class RegisterLane(models.Model):
    """How far a register knows one person's file: settled up to `version`, with what `fingerprint` stands for. One question at a time.

    `due_at` says when the file has to be looked at again because it changed or an answer is wanting, `again_at` when the register is asked
    although nothing has changed; null: not. `withheld` says that the person is marked "does not leave".
    """

    channel = models.ForeignKey(Channel, models.PROTECT, related_name="lanes")
    staff = models.ForeignKey(StaffProfile, models.PROTECT, related_name="register_lanes")
    version = models.PositiveIntegerField(null=True, db_default=None)
    fingerprint = models.BinaryField(max_length=32, null=True, db_default=None)
    due_at = models.DateTimeField(null=True, db_default=Now())
    again_at = models.DateTimeField(null=True, db_default=None)
    withheld = models.BooleanField(default=False, db_default=False)
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    entry = models.ForeignKey(RegisterEntry, models.PROTECT, null=True, db_default=None, related_name="+")

    class Meta:
        verbose_name = _("lane to a register")
        verbose_name_plural = _("lanes to registers")
        constraints = [models.UniqueConstraint(fields=["channel", "staff"], name="register_lane_once")]
        indexes = [
            models.Index(fields=["channel", "due_at"], condition=models.Q(due_at__isnull=False, entry__isnull=True), name="register_lane_due"),
            models.Index(fields=["channel", "again_at"], condition=models.Q(again_at__isnull=False, entry__isnull=True), name="register_lane_again"),
        ]
