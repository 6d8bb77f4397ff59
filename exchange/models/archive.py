from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.choices import Transport, Way
from exchange.models.channels import Channel
from exchange.models.inbound import Agency


class ArchivedExchange(models.Model):
    """One call and its answer, ours or somebody else's: who, where, when, headers without secrets, digests and lengths of both bodies. Append-only.

    The bodies are not here: what we sent is made again from the ledger, byte for byte, and what a hub received is kept with its batch.
    The table is partitioned by the month of `at` in Viet Nam, which Django cannot make: its migration does (so it is "unmanaged").
    `reference` is what the call was about, as it stood on the wire: an idempotency key, or the number of a batch, a trial or a transfer.
    `outcome` is "ok", or the kind of the failure. `client` is who called us, where that is no agency.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("time"), db_default=Now())
    milliseconds = models.PositiveIntegerField(_("duration in ms"), default=0)
    way = models.CharField(_("direction"), max_length=3, choices=Way)
    channel = models.ForeignKey(Channel, models.PROTECT, null=True, related_name="+", verbose_name=_("channel"))
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, related_name="+", verbose_name=_("agency"))
    client = models.CharField(max_length=100, blank=True, default="")
    transport = models.CharField(_("transport"), max_length=10, choices=Transport, default=Transport.DIRECT)
    method = models.CharField(max_length=8)
    address = models.CharField(_("address"), max_length=500)
    reference = models.CharField(_("about"), max_length=128, blank=True, default="")
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    outcome = models.CharField(_("outcome"), max_length=10)
    code = models.CharField(_("code"), max_length=40, blank=True, default="")
    request_headers = models.JSONField(default=dict)
    request_digest = models.BinaryField(max_length=32, null=True)
    request_length = models.PositiveIntegerField(default=0)
    answer_headers = models.JSONField(default=dict)
    answer_digest = models.BinaryField(max_length=32, null=True)
    answer_length = models.PositiveIntegerField(default=0)
    caller = models.GenericIPAddressField(_("address of the caller"), null=True)

    class Meta:
        managed = False
        db_table = "exchange_archivedexchange"
        verbose_name = _("archived exchange")
        verbose_name_plural = _("archived exchanges")
