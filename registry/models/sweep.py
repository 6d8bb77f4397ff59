"""The nightly sweep over all files, and what it found: the work list of each unit."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import MD5, Now
from django.utils.translation import gettext_lazy as _

from workflows.choices import Severity


class Sweep(models.Model):
    """One sweep over all files, of one day. `reached` is the last file judged, so that a killed run is taken up where it stopped."""

    day = models.DateField(_("day"), unique=True)
    job = models.ForeignKey("workflows.JobRun", models.PROTECT, related_name="+")
    reached = models.UUIDField(null=True)
    done = models.PositiveIntegerField(_("files judged"), default=0)
    total = models.PositiveIntegerField(_("files"), default=0)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        get_latest_by = "day"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.day:%d/%m/%Y}"


class SweepFinding(models.Model):
    """What a rule finds wrong in a file as it stands. Open while `resolved_on` is null; found again after that, it begins anew.

    It is the person's, and so goes with the person from unit to unit. `value` is at most 300 characters of the offending value.
    """

    staff = models.ForeignKey("registry.StaffProfile", models.CASCADE, related_name="+")
    code = models.CharField(_("rule"), max_length=60)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity)
    field = models.CharField(_("field"), max_length=100)
    value = models.TextField(default="")
    first_seen = models.DateField(_("first seen"))
    last_seen = models.DateField(_("last seen"))
    resolved_on = models.DateField(_("resolved on"), null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(F("staff"), F("code"), F("field"), MD5("value"), name="registry_sweepfinding_once")]
        indexes = [models.Index(fields=["code", "staff"], condition=Q(resolved_on=None), name="registry_sweepfinding_open")]


class SweptFile(models.Model):
    """The files under judgement now: a temporary table, so that the rules are compiled once and not for every slice."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)

    class Meta:
        managed = False
        db_table = "swept_file"
        default_permissions = ()
