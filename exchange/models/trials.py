"""Trials of 1 to 10 people: on the agency what was tried and what came back, on the hub the report that it gave."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.models.channels import Channel
from exchange.models.inbound import Agency


class Trial(models.Model):
    """At the agency: one trial. `statement` is the canonical result (`trial_result/1`), which the operator or the agency's seal signs.

    `error` says why the call itself failed; there is no statement then.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="trials")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    people = models.PositiveSmallIntegerField(_("people"))
    created_at = models.DateTimeField(_("made"), db_default=Now())
    body_digest = models.BinaryField(max_length=32)
    passed = models.BooleanField(_("passed"), default=False)
    error = models.CharField(_("error"), max_length=600, blank=True, default="")
    statement = models.BinaryField(default=b"")
    signature = models.BinaryField(default=b"", help_text="CMS detached, DER")
    signer = models.CharField(_("signed by"), max_length=500, blank=True, default="")
    signed_at = models.DateTimeField(_("signed"), null=True)

    class Meta:
        verbose_name = _("trial")
        verbose_name_plural = _("trials")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.channel.code} {self.created_at:%Y-%m-%d %H:%M}"


class InboundTrial(models.Model):
    """On the hub: the report of a trial, the only thing that is kept of it. Append-only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="trials")
    received_at = models.DateTimeField(_("received"))
    people = models.PositiveSmallIntegerField(_("people"))
    passed = models.BooleanField(_("passed"))
    report = models.BinaryField()

    class Meta:
        verbose_name = _("trial of an agency")
        verbose_name_plural = _("trials of agencies")
        indexes = [models.Index(fields=["agency", "received_at"], name="inbound_trial_latest")]
