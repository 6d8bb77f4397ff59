"""What the Party database told about our people. What we told it stands in `RegisterEntry`: the two directions are logged apart."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.choices import FactState
from exchange.models.channels import Channel
from registry.models import StaffProfile
from workflows.models import ChangeRequest


class PartyFact(models.Model):
    """One fact as it came in: `fields` is what the policy lets in, `left_out` the names of what it does not (their values are not kept)."""

    channel = models.ForeignKey(Channel, models.PROTECT, related_name="party_facts")
    sequence = models.PositiveBigIntegerField(help_text="the other side's cursor: counts up")
    staff = models.ForeignKey(StaffProfile, models.PROTECT, null=True, related_name="+")
    fields = models.JSONField(default=dict)
    left_out = ArrayField(models.CharField(max_length=60), default=list)
    state = models.CharField(_("state"), max_length=8, choices=FactState, default=FactState.WAITING)
    detail = models.CharField(max_length=500, blank=True, default="")
    request = models.ForeignKey(ChangeRequest, models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField(_("received"), db_default=Now())

    class Meta:
        verbose_name = _("fact from the Party database")
        verbose_name_plural = _("facts from the Party database")
        constraints = [models.UniqueConstraint(fields=["channel", "sequence"], name="party_fact_once")]
        indexes = [models.Index(fields=["channel", "sequence"], condition=models.Q(state="waiting"), name="party_fact_waiting")]


class PartyCursor(models.Model):
    """How far the facts of a channel have been read."""

    channel = models.OneToOneField(Channel, models.PROTECT, primary_key=True, related_name="party_cursor")
    after = models.PositiveBigIntegerField(default=0)
    asked_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(db_default=Now())
