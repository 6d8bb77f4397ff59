"""A workbook as received, its raw rows with their verdicts, and what was found in it. What was accepted lives in the change request."""

from __future__ import annotations

import uuid
from pathlib import PurePath

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from registry.choices import RowState, UploadState
from workflows.choices import Severity


def _stored_name(upload: Upload, name: str) -> str:
    """Never the sender's name: it may hold a path, and two workbooks may share it."""
    return f"uploads/{upload.id}{PurePath(name).suffix.lower()[:6]}"


class Upload(models.Model):
    """One workbook. Rows read = staged + returned + unchanged, by constraint; a row with an error never becomes an item.

    `mapping` is [{"column": "C", "heading": "Số CCCD", "field": "citizen_id"}]; `field` is null for an ignored column.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    file = models.FileField(_("file"), upload_to=_stored_name)
    sha256 = models.CharField(max_length=64, editable=False)
    name = models.CharField(_("file name"), max_length=255)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="+", verbose_name=_("unit"))
    uploader = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("uploaded by"))
    same_as = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", verbose_name=_("same file as"))
    state = models.CharField(_("state"), max_length=10, choices=UploadState, default=UploadState.RECEIVED)
    sheet = models.CharField(_("sheet"), max_length=100, default="", blank=True)
    heading_row = models.PositiveIntegerField(_("heading row"), null=True)
    mapping = models.JSONField(default=list)
    read = models.PositiveIntegerField(_("rows read"), default=0)
    staged = models.PositiveIntegerField(_("rows accepted"), default=0)
    returned = models.PositiveIntegerField(_("rows returned"), default=0)
    unchanged = models.PositiveIntegerField(_("rows unchanged"), default=0)
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, null=True, related_name="uploads", verbose_name=_("change request"))
    created = models.DateTimeField(_("received"), auto_now_add=True)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        ordering = ["-created"]
        constraints = [models.CheckConstraint(condition=Q(read=F("staged") + F("returned") + F("unchanged")), name="registry_upload_adds_up")]
        indexes = [
            models.Index(fields=["sha256"], name="registry_upload_sha256"),
            models.Index(fields=["uploader", "-created"], name="registry_upload_uploader"),
        ]

    def __str__(self) -> str:
        return self.name


class UploadRow(models.Model):
    """One row of the sheet as read: `raw` holds its cells as text by column letter. `key` is the person's file, on hand or proposed."""

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="rows")
    sheet_row = models.PositiveIntegerField(_("row"))
    raw = models.JSONField(_("cells"))
    key = models.UUIDField(null=True)
    state = models.CharField(_("state"), max_length=10, choices=RowState)

    class Meta:
        verbose_name = _("row of an upload")
        verbose_name_plural = _("rows of an upload")
        ordering = ["upload", "sheet_row"]
        constraints = [models.UniqueConstraint(fields=["upload", "sheet_row"], name="registry_uploadrow_row")]


class UploadFinding(models.Model):
    """A verdict on a cell, a row (`column` "") or the whole workbook (`sheet_row` 0). The message is made on reading, in the reader's language."""

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="findings")
    sheet_row = models.PositiveIntegerField(_("row"), default=0)
    column = models.CharField(_("column"), max_length=3, default="", blank=True)
    heading = models.CharField(_("heading"), max_length=200, default="", blank=True)
    field = models.CharField(_("field"), max_length=60, default="", blank=True)
    code = models.CharField(_("code"), max_length=40)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity)
    value = models.CharField(_("value"), max_length=500, default="", blank=True)
    params = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("finding in an upload")
        verbose_name_plural = _("findings in an upload")
        ordering = ["upload", "sheet_row", "id"]
        indexes = [models.Index(fields=["upload", "code", "sheet_row"], name="registry_uploadfinding_code")]
