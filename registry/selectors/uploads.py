"""What a person sees of uploads: those of the units in their scope, and what was found in one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import User
from registry.fields import label_of
from registry.messages import message_of, repair_of
from registry.models import Upload, UploadFinding
from workflows.choices import Severity
from workflows.models import JobRun


@dataclass(frozen=True)
class FindingLine:
    """One finding in words. `sheet_row` 0 and `column` "" mean the workbook or the row as a whole."""

    sheet_row: int
    column: str
    heading: str
    field: str
    label: str
    code: str
    severity: str
    value: str
    message: str
    repair: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def upload_list(*, user: User) -> QuerySet[Upload]:
    """Uploads of the units in which `user` may edit, newest first."""
    return scope.scoped(Upload.objects.select_related("unit", "uploader", "request"), user, Action.EDIT)


def upload_get(*, user: User, upload_id: UUID) -> Upload:
    """Raises Upload.DoesNotExist for an upload outside the user's scope, as for one that does not exist."""
    return upload_list(user=user).get(pk=upload_id)


def upload_job(*, upload: Upload) -> JobRun | None:
    """The latest run that reads this upload."""
    return JobRun.objects.filter(subject=f"upload:{upload.pk}").order_by("-created_at").first()


def upload_findings(*, upload: Upload, severity: Severity | None = None, limit: int | None = None) -> Iterator[FindingLine]:
    """Findings in the order of the sheet, what concerns the whole workbook first, in the active language."""
    rows = UploadFinding.objects.filter(upload=upload, **({"severity": severity} if severity else {})).order_by("sheet_row", "id")
    for one in rows[:limit].iterator() if limit is None else rows[:limit]:
        words = {"value": one.value, "field": one.field or str(one.params.get("field", "")), "params": one.params}
        yield FindingLine(
            sheet_row=one.sheet_row,
            column=one.column,
            heading=one.heading,
            field=one.field,
            label=label_of(one.field) if one.field else "",
            code=one.code,
            severity=one.severity,
            value=one.value,
            message=message_of(one.code, **words),
            repair=repair_of(one.code, **words),
        )


def upload_finding_counts(*, upload: Upload) -> dict[str, int]:
    """How many findings of each code, most frequent first."""
    counts = UploadFinding.objects.filter(upload=upload).values_list("code").annotate(times=Count("id")).order_by("-times", "code")
    return dict(counts)
