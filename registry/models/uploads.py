"""A workbook as received, its raw rows with what people decided about them, and what was found in it.

What a person gave (raw cells, edits, decisions, reasons, repairs) and what the program concluded from it (values, key, state, findings,
changes) stand apart: a check makes the second anew from the first, in one transaction. What was accepted lives in change requests.
"""

from __future__ import annotations

import uuid
from pathlib import PurePath

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from registry.choices import ChangeKind, Match, RowState, UploadState
from workflows.choices import Severity


def _stored_name(upload: Upload, name: str) -> str:
    """Never the sender's name: it may hold a path, and two workbooks may share it."""
    return f"uploads/{upload.id}{PurePath(name).suffix.lower()[:6]}"


class Upload(models.Model):
    """One workbook. Rows read = staged + returned + unchanged + left_out, by constraint; a row with an error never becomes an item.

    `mapping` is [{"column": "C", "heading": "Số CCCD", "field": "citizen_id", "confidence": 100, "why": "...", "samples": ["..."]}];
    `field` is null for an ignored column. `signature` names its set of headings. `counts` are the finer figures: new, changed, missing,
    undecided, submitted, fill, overwrite, conflict, verified. `from_template`: rows are compared with the versions of
    the files that our template was written from. `corrects` is the upload whose returned rows this file brings back. `helpers`
    are others than the uploader who corrected or decided something in it: they can never decide on its request. `program` is where the
    workbook comes from, when it has codes of its own; `paired` says which of them were translated, as
    [{"field": "degree_level", "theirs": "DH", "code": "7", "cells": 412}].
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    file = models.FileField(_("file"), upload_to=_stored_name)
    sha256 = models.CharField(max_length=64, editable=False)
    name = models.CharField(_("file name"), max_length=255)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="+", verbose_name=_("unit"))
    uploader = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("uploaded by"))
    same_as = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", verbose_name=_("same file as"))
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrections", verbose_name=_("brings back rows of"))
    state = models.CharField(_("state"), max_length=10, choices=UploadState, default=UploadState.RECEIVED)
    sheet = models.CharField(_("sheet"), max_length=100, default="", blank=True)
    heading_row = models.PositiveIntegerField(_("heading row"), null=True)
    mapping = models.JSONField(default=list)
    signature = models.CharField(max_length=64, default="", blank=True)
    read = models.PositiveIntegerField(_("rows read"), default=0)
    staged = models.PositiveIntegerField(_("rows accepted"), default=0)
    returned = models.PositiveIntegerField(_("rows returned"), default=0)
    unchanged = models.PositiveIntegerField(_("rows unchanged"), default=0)
    left_out = models.PositiveIntegerField(_("rows left out"), default=0, db_default=0)
    counts = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    program = models.ForeignKey("registry.SourceProgram", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("comes from"))
    paired = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    from_template = models.BooleanField(default=False, db_default=False)
    waits = models.BooleanField(_("submit only when every row is right"), default=False, db_default=False)
    helpers = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+", verbose_name=_("corrected by"))
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, null=True, related_name="uploads", verbose_name=_("change request"))
    created = models.DateTimeField(_("received"), auto_now_add=True)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        ordering = ["-created"]
        constraints = [
            models.CheckConstraint(condition=Q(read=F("staged") + F("returned") + F("unchanged") + F("left_out")), name="registry_upload_rows_add_up")
        ]
        indexes = [
            models.Index(fields=["sha256"], name="registry_upload_sha256"),
            models.Index(fields=["uploader", "-created"], name="registry_upload_uploader"),
        ]

    def __str__(self) -> str:
        return self.name


class UploadRow(models.Model):
    """One row of the sheet. `key` is the person's file, on hand or proposed.

    Given: `raw` (cells as read, by column letter), `edits` (cells as corrected here, as text), `version` (grows with every correction),
    `chosen` (the file that a person named as this row's, or the row's own new key), `reasons` (why a verified value is overwritten, by field).
    Concluded: `values` (by field), `match` with its `candidates`, `op`, `base_version` and `changed` of the proposal, `state`.
    `seen_version` is the version of the file that our template was written from, else when this row was first compared with it;
    `request` is where the row went.
    """

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="rows", db_index=False)
    sheet_row = models.PositiveIntegerField(_("row"))
    raw = models.JSONField(_("cells"))
    edits = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    version = models.PositiveIntegerField(default=1, db_default=1)
    chosen = models.UUIDField(null=True)
    reasons = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    values = models.JSONField(null=True)
    key = models.UUIDField(null=True)
    match = models.CharField(max_length=12, choices=Match, default=Match.NONE, db_default="", blank=True)
    candidates = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    op = models.CharField(max_length=6, default="", db_default="", blank=True)
    base_version = models.PositiveIntegerField(null=True)
    seen_version = models.PositiveIntegerField(null=True)
    changed = ArrayField(models.CharField(max_length=60), default=list, db_default=models.Value([], ArrayField(models.CharField(max_length=60))))
    state = models.CharField(_("state"), max_length=10, choices=RowState, default=RowState.WAITING)
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, null=True, related_name="+", verbose_name=_("change request"))

    class Meta:
        verbose_name = _("row of an upload")
        verbose_name_plural = _("rows of an upload")
        ordering = ["upload", "sheet_row"]
        constraints = [models.UniqueConstraint(fields=["upload", "sheet_row"], name="registry_uploadrow_row")]
        indexes = [models.Index(fields=["upload", "state", "sheet_row"], name="registry_uploadrow_state")]


class UploadFinding(models.Model):
    """A verdict on a cell, a row (`column` "") or the whole workbook (`sheet_row` 0). The message is made on reading, in the reader's language.

    `cause` groups findings that one repair would end; `repair` is that repair as JSON (`registry.cleaning.repairs`), null where there is none.
    """

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="findings", db_index=False)
    sheet_row = models.PositiveIntegerField(_("row"), default=0)
    column = models.CharField(_("column"), max_length=3, default="", blank=True)
    heading = models.CharField(_("heading"), max_length=200, default="", blank=True)
    field = models.CharField(_("field"), max_length=60, default="", blank=True)
    code = models.CharField(_("code"), max_length=40)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity)
    value = models.CharField(_("value"), max_length=500, default="", blank=True)
    params = models.JSONField(default=dict)
    cause = models.CharField(max_length=20, default="", db_default="", blank=True)
    repair = models.JSONField(null=True)

    class Meta:
        verbose_name = _("finding in an upload")
        verbose_name_plural = _("findings in an upload")
        ordering = ["upload", "sheet_row", "id"]
        indexes = [
            models.Index(fields=["upload", "code", "sheet_row"], name="registry_uploadfinding_code"),
            models.Index(fields=["upload", "sheet_row", "id"], name="registry_uploadfinding_row"),
        ]


class UploadChange(models.Model):
    """One cell that changes a file on hand: the document's value before and after, as JSON. New files have none: all of their row is new.

    `verified` says that the value before was approved with a signature, and that a mistake in it would harm (risk class A).
    """

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="changes", db_index=False)
    sheet_row = models.PositiveIntegerField(_("row"))
    key = models.UUIDField()
    field = models.CharField(_("field"), max_length=60)
    kind = models.CharField(max_length=10, choices=ChangeKind)
    verified = models.BooleanField(default=False)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["upload", "id"], name="registry_uploadchange_place"),
            models.Index(fields=["upload", "kind", "id"], name="registry_uploadchange_kind"),
            models.Index(fields=["upload", "field", "id"], name="registry_uploadchange_field"),
        ]


class UploadRepair(models.Model):
    """One repair of many cells for one cause. `recipe` is what `registry.repairs` understands; `undone_at` takes it back.

    `replayed` marks a repair that a former file of the sender taught.
    """

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="repairs")
    recipe = models.JSONField()
    cells = models.PositiveIntegerField(default=0)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    replayed = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["upload", "id"]


class SenderMapping(models.Model):
    """How the columns of one set of headings were matched for a unit: the next file with the same headings is not asked about.

    `columns` is the mapping as `registry.mapping.ColumnMapping.to_json` writes it.
    """

    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="+")
    signature = models.CharField(max_length=64)
    columns = models.JSONField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "signature"], name="registry_sendermapping_once")]


class SenderRecipe(models.Model):
    """A repair that somebody made once for a unit, to be replayed on its next file. `digest` is the SHA-256 of the canonical recipe."""

    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)
    recipe = models.JSONField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "digest"], name="registry_senderrecipe_once")]


class UploadSubmission(models.Model):
    """One request that rows of an upload went into, or the one that takes an upload back (`undoes`)."""

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="submissions")
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, related_name="+")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    rows = models.PositiveIntegerField()
    undoes = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["upload", "id"]
        constraints = [models.UniqueConstraint(fields=["upload", "request"], name="registry_uploadsubmission_once")]
