"""Comparing both sides: stored digests of buckets, runs with their differences, and certificates of equality."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.choices import DifferenceKind, ReconciliationState
from exchange.models.channels import Channel
from exchange.models.inbound import Agency


class BucketDigest(models.Model):
    """Digest of one of the 4,096 buckets of a kind of record: on the agency of everything (`agency` null), on the hub of one agency's."""

    agency = models.ForeignKey(Agency, models.CASCADE, null=True, related_name="+")
    kind = models.CharField(max_length=30)
    bucket = models.PositiveSmallIntegerField()
    digest = models.BinaryField(max_length=32)
    count = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agency", "kind", "bucket"], nulls_distinct=False, name="bucket_once")]


class BucketMark(models.Model):
    """Until when the stored buckets of an agency and kind are true: what was recorded later has to be taken in."""

    agency = models.ForeignKey(Agency, models.CASCADE, null=True, related_name="+")
    kind = models.CharField(max_length=30)
    marked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agency", "kind"], nulls_distinct=False, name="bucket_mark_once")]


class Reconciliation(models.Model):
    """At the agency: one comparison with the other side. It ends in a certificate (`statement`, `equality/1`) or in differences."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="reconciliations")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=ReconciliationState, default=ReconciliationState.RUNNING)
    started_at = models.DateTimeField(_("started"), db_default=Now())
    ended_at = models.DateTimeField(_("ended"), null=True)
    records = models.PositiveIntegerField(_("records here"), default=0)
    there = models.PositiveIntegerField(_("records there"), default=0)
    found = models.PositiveIntegerField(_("differences"), default=0)
    received_bytes = models.PositiveIntegerField(default=0)
    error = models.CharField(_("error"), max_length=600, blank=True, default="")
    statement = models.BinaryField(default=b"")
    agency_signature = models.BinaryField(default=b"")
    agency_signer = models.CharField(max_length=500, blank=True, default="")
    hub_signature = models.BinaryField(default=b"")
    hub_signer = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        ordering = ("-started_at",)


class Difference(models.Model):
    """One record on which the two sides differ; `fields` are those whose values differ."""

    reconciliation = models.ForeignKey(Reconciliation, models.CASCADE, related_name="differences")
    what = models.CharField(_("difference"), max_length=14, choices=DifferenceKind)
    kind = models.CharField(max_length=30)
    key = models.UUIDField()
    version_here = models.PositiveIntegerField(null=True)
    version_there = models.PositiveIntegerField(null=True)
    fields = ArrayField(models.CharField(max_length=60), default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reconciliation", "kind", "key"], name="difference_once")]
        indexes = [models.Index(fields=["reconciliation", "what"], name="difference_by_what")]


class EqualityCertificate(models.Model):
    """On the hub: a statement of equality that the hub found true when the agency sent it, with the signatures of both."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="certificates")
    digest = models.BinaryField(max_length=32)
    statement = models.BinaryField()
    received_at = models.DateTimeField(_("received"), db_default=Now())
    agency_signature = models.BinaryField(default=b"")
    agency_signer = models.CharField(_("signed by the agency"), max_length=500, blank=True, default="")
    hub_signature = models.BinaryField(default=b"")
    hub_signer = models.CharField(_("signed by the hub"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("certificate of equality")
        verbose_name_plural = _("certificates of equality")
        ordering = ("-received_at",)
        constraints = [models.UniqueConstraint(fields=["agency", "digest"], name="certificate_once")]

    def __str__(self) -> str:
        return f"{self.agency.code} {self.received_at:%Y-%m-%d %H:%M}"
