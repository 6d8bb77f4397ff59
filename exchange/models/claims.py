"""One person, two agencies: on the hub the case, at an agency what it knows of one."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least, Now
from django.utils.translation import gettext_lazy as _

from exchange.choices import ClaimAnswer, ClaimMatch, ClaimOutcome, ClaimState
from exchange.models.channels import Channel
from exchange.models.inbound import Agency, SetAside


class DoubleClaim(models.Model):
    """On the hub: two files of two agencies that look like one person.

    With one number (`match`) the first file is the one that the hub holds and the second was refused for it (`refused`); with one name and birth
    both are held. The case moves nobody: who answers for a file changes by a transfer, what a file says by its own agency's next version.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    match = models.CharField(_("what they share"), max_length=10, choices=ClaimMatch)
    key_one = models.UUIDField()
    agency_one = models.ForeignKey(Agency, models.PROTECT, related_name="+", verbose_name=_("holds the file"))
    key_two = models.UUIDField()
    agency_two = models.ForeignKey(Agency, models.PROTECT, related_name="+", verbose_name=_("claims the person too"))
    refused = models.ForeignKey(SetAside, models.PROTECT, null=True, related_name="+")
    state = models.CharField(_("state"), max_length=7, choices=ClaimState, default=ClaimState.OPEN)
    outcome = models.CharField(_("outcome"), max_length=9, choices=ClaimOutcome, blank=True, default="")
    keeps = models.ForeignKey(Agency, models.PROTECT, null=True, related_name="+", verbose_name=_("keeps the person"))
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    found_at = models.DateTimeField(_("found"), db_default=Now())
    due_on = models.DateField(_("to be answered by"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)

    class Meta:
        verbose_name = _("person claimed by two agencies")
        verbose_name_plural = _("people claimed by two agencies")
        constraints = [
            models.UniqueConstraint(Least("key_one", "key_two"), Greatest("key_one", "key_two"), name="claim_once_a_pair"),
            models.CheckConstraint(condition=~Q(agency_one=F("agency_two")) & ~Q(key_one=F("key_two")), name="claim_of_two"),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False) & ~Q(outcome="") | ~Q(state="closed") & Q(closed_at=None),
                name="claim_closed_says_how",
            ),
            models.CheckConstraint(condition=Q(state="open") | Q(state="closed") | Q(due_on__isnull=False), name="claim_asked_has_day"),
        ]
        indexes = [
            models.Index(fields=["state", "due_on"], name="claim_by_state"),
            models.Index(fields=["key_one"], name="claim_first_file"),
            models.Index(fields=["key_two"], name="claim_second_file"),
        ]


class DoubleClaimStep(models.Model):
    """One step of a case, by an agency, by a person of the hub, or by the facts. Append-only."""

    claim = models.ForeignKey(DoubleClaim, models.PROTECT, related_name="steps")
    at = models.DateTimeField(db_default=Now())
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, related_name="+")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=7, choices=ClaimState)
    answer = models.CharField(max_length=9, choices=ClaimAnswer, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ("pk",)


class DoubleClaimMark(models.Model):
    """Until when everything that came in was looked through for double claims; one row."""

    looked_at = models.DateTimeField()


class ClaimNotice(models.Model):
    """At an agency: a case of which the hub told it. `person` is its own file's key; of the other file it hears whose it is, and nothing else."""

    id = models.UUIDField(primary_key=True, editable=False)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+")
    person = models.UUIDField()
    match = models.CharField(_("what they share"), max_length=10, choices=ClaimMatch)
    other_code = models.CharField(max_length=35)
    other_name = models.CharField(_("other agency"), max_length=250)
    state = models.CharField(_("state"), max_length=7, choices=ClaimState)
    answer = models.CharField(_("our answer"), max_length=9, choices=ClaimAnswer, blank=True, default="")
    outcome = models.CharField(_("outcome"), max_length=9, choices=ClaimOutcome, blank=True, default="")
    keeps = models.CharField(max_length=35, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    due_on = models.DateField(_("to be answered by"), null=True)
    heard_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("person whom another agency claims too")
        verbose_name_plural = _("people whom another agency claims too")
        indexes = [models.Index(fields=["person"], name="claim_notice_person")]
