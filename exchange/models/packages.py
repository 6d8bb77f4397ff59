"""Packages that are carried by hand: made by an agency without a line, taken by the hub, receipts carried back."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.models.channels import Channel
from exchange.models.deliveries import Batch
from exchange.models.inbound import Agency, InboundBatch


class OutgoingPackage(models.Model):
    """At an agency: a package of batches. Its file is made again from the ledger whenever it is wanted, the same bytes every time."""

    channel = models.ForeignKey(Channel, models.PROTECT, related_name="packages")
    sequence = models.PositiveIntegerField(_("number"))
    statement = models.BinaryField()
    digest = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField(_("made"), db_default=Now())
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    signature = models.BinaryField(null=True)
    signer = models.CharField(_("signer"), max_length=500, blank=True, default="")
    signed_at = models.DateTimeField(_("signed"), null=True)
    answered_at = models.DateTimeField(_("receipts taken"), null=True)

    class Meta:
        verbose_name = _("package to carry")
        verbose_name_plural = _("packages to carry")
        ordering = ("-sequence",)
        constraints = [models.UniqueConstraint(fields=["channel", "sequence"], name="package_number_once")]


class PackagedBatch(models.Model):
    """A batch's place in a package. A batch is carried in one package only."""

    package = models.ForeignKey(OutgoingPackage, models.PROTECT, related_name="places")
    position = models.PositiveSmallIntegerField()
    batch = models.OneToOneField(Batch, models.PROTECT, related_name="place")

    class Meta:
        ordering = ("position",)
        constraints = [models.UniqueConstraint(fields=["package", "position"], name="packaged_batch_place")]


class IncomingPackage(models.Model):
    """On the hub: a package as it was taken, whole. `receipts` is the statement that goes back, once every batch is processed."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="packages")
    sequence = models.PositiveIntegerField(_("number"))
    statement = models.BinaryField()
    digest = models.BinaryField(max_length=32)
    signature = models.BinaryField()
    signer = models.CharField(_("signer"), max_length=500)
    taken_at = models.DateTimeField(_("taken"), db_default=Now())
    taker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    receipts = models.BinaryField(null=True)
    receipts_signature = models.BinaryField(null=True)
    receipts_signer = models.CharField(max_length=500, blank=True, default="")
    receipts_signed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("carried package")
        verbose_name_plural = _("carried packages")
        ordering = ("-taken_at",)
        constraints = [models.UniqueConstraint(fields=["agency", "sequence"], name="carried_package_once")]


class CarriedBatch(models.Model):
    """A received batch's place in a carried package: batches of a package are processed in this order, one after the other."""

    package = models.ForeignKey(IncomingPackage, models.PROTECT, related_name="places")
    position = models.PositiveSmallIntegerField()
    batch = models.ForeignKey(InboundBatch, models.PROTECT, related_name="carried")

    class Meta:
        ordering = ("position",)
        constraints = [models.UniqueConstraint(fields=["package", "position"], name="carried_batch_place")]
