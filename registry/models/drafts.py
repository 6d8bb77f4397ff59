"""What somebody is still writing: a draft of one person's file, and of one decision about many people; and that nothing has changed.

A draft is no fact and stands before the gate: its author alone reads it, and until it is sent it changes nothing.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orgtree.models import OrgUnit
from registry.choices import DecisionKind
from registry.models.profiles import StaffProfile
from workflows.choices import WRITTEN_ACTS


class Draft(models.Model):
    """What one user wants to change in one person's file, as it was typed, over the file's version `base_version`.

    `cells` holds text by name: "phone", "degrees.3.school" (the row in place 3 of the base document's list), "degrees.n1.school" (a new
    row), "degrees.3.gone" (a row to be removed). `revisions` has for each section [count of saves, the window that saved last, that window's
    own count], so that two windows do not overwrite each other and one does not meet itself. `revealed` are the
    sections whose masked values the author has asked to see. `request` is what it became when sent.

    Of somebody who has no file yet there is no `staff`: `new_file` is the key that the file is to have, `unit` where it begins, the base
    version 0.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    staff = models.ForeignKey(StaffProfile, models.PROTECT, null=True, related_name="+")
    new_file = models.UUIDField(null=True, unique=True)
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, null=True, related_name="+")
    act = models.CharField(max_length=8, choices=[(one.value, one.label) for one in WRITTEN_ACTS])
    base_version = models.PositiveIntegerField()
    cells = models.JSONField(default=dict)
    revisions = models.JSONField(default=dict)
    revealed = models.JSONField(default=list)
    reason = models.CharField(max_length=1000, blank=True, default="")
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    saved_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "staff", "act"], condition=Q(request=None), name="draft_one_open"),
            models.CheckConstraint(
                condition=Q(staff__isnull=False, new_file=None, unit=None) | Q(staff=None, new_file__isnull=False, unit__isnull=False),
                name="draft_of_one_file",
            ),
        ]
        indexes = [models.Index(fields=["user", "-saved_at"], name="draft_of_user")]

    @property
    def key(self) -> UUID:
        """The key of the file, or the one that it is to have."""
        key: UUID = self.staff_id or self.new_file
        return key

    @property
    def name(self) -> str:
        """Whose file it is; "" for a new one without a name yet."""
        return self.staff.birth_name if self.staff is not None else str(self.cells.get("birth_name", ""))

    @property
    def place(self) -> OrgUnit:
        """The unit of the file."""
        unit: OrgUnit = self.staff.using_unit if self.staff is not None else self.unit
        return unit


class Confirmation(models.Model):
    """A person looked at their own file at one version and said that nothing has changed (Decree 27/2026/NĐ-CP art. 19). Append-only."""

    staff = models.ForeignKey(StaffProfile, models.PROTECT, related_name="confirmations")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    version = models.PositiveIntegerField()
    confirmed_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["staff", "-confirmed_at"], name="confirmation_latest")]


class DecisionDraft(models.Model):
    """One decision about many people, not sent yet. `common` holds what holds for all of them, `lines` by staff key what is each one's own.

    `revision` counts its saves; `window` saved last, its `tick`-th time: as in a draft of one file, two windows do not overwrite each other.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=DecisionKind)
    common = models.JSONField(default=dict)
    lines = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=0)
    window = models.CharField(max_length=20, blank=True, default="")
    tick = models.PositiveIntegerField(default=0)
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    saved_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["user", "-saved_at"], name="decision_draft_of_user")]
