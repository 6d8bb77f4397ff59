"""At an agency: what the other side holds of its units or people, beside what stands here. Nothing of it is true here: that takes a request of the
agency's own gate, which each taken record names.
"""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.choices import PullStage, PullState, PullWhat
from exchange.models.channels import Channel
from exchange.models.reconciliation import Reconciliation


class Pull(models.Model):
    """One asking: of all the agency's units or people, of those below `unit`, or of what a reconciliation found missing here or different.

    `cursor` is the key up to which the other side's entries are compared. Whoever works on it holds it until `claimed_until`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="pulls")
    kind = models.CharField(_("what"), max_length=30)
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, null=True, related_name="+", verbose_name=_("unit"))
    reconciliation = models.ForeignKey(Reconciliation, models.SET_NULL, null=True, related_name="pulls")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    stager = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    state = models.CharField(_("state"), max_length=8, choices=PullState, default=PullState.RUNNING)
    stage = models.CharField(max_length=8, choices=PullStage, default=PullStage.LISTING)
    cursor = models.UUIDField(null=True)
    hub = models.CharField(max_length=40, blank=True, default="")
    equal = models.PositiveIntegerField(default=0)
    only_here = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(_("started"), db_default=Now())
    ended_at = models.DateTimeField(_("ended"), null=True)
    claimed_until = models.DateTimeField(db_default=Now())
    not_before = models.DateTimeField(db_default=Now())
    failures = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True, default="")
    error_text = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("fetching from the national platform")
        verbose_name_plural = _("fetchings from the national platform")
        ordering = ("-started_at",)
        indexes = [models.Index(fields=["not_before"], condition=models.Q(state__in=["running", "staging"]), name="pull_at_work")]


class PullRecord(models.Model):
    """One record that is missing here or stands otherwise. `cause` is why it cannot be taken, "" where it can; `request` is what took it.

    `document` is there from its verification on until it is in a request, or was looked at too long ago.
    """

    pull = models.ForeignKey(Pull, models.CASCADE, related_name="records")
    key = models.UUIDField()
    what = models.CharField(_("difference"), max_length=10, choices=PullWhat)
    version_here = models.PositiveIntegerField(null=True)
    version_there = models.PositiveIntegerField()
    digest = models.BinaryField(max_length=32)
    document = models.BinaryField(null=True)
    manifest = models.BinaryField(max_length=32, default=b"")
    name = models.CharField(max_length=250, blank=True, default="")
    place = models.CharField(max_length=250, blank=True, default="")
    changed = ArrayField(models.CharField(max_length=60), default=list)
    revoked = models.BooleanField(default=False)
    checked = models.BooleanField(default=False)
    wanted = models.BooleanField(default=False)
    cause = models.CharField(max_length=40, blank=True, default="")
    field = models.CharField(max_length=100, blank=True, default="")
    value = models.CharField(max_length=300, blank=True, default="")
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pull", "key"], name="pull_record_once")]
        indexes = [
            models.Index(fields=["pull", "cause", "what"], name="pull_record_by_what"),
            models.Index(fields=["key"], condition=models.Q(request__isnull=False), name="pull_record_taken"),
        ]
