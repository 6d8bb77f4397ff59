"""What a person sees of uploads: those of the units in their scope, and what was found in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import User
from orgtree.text import days_as_written
from registry.choices import UploadState
from registry.fields import label_of
from registry.messages import message_of, repair_of
from registry.models import Upload, UploadFinding, UploadSubmission
from workflows.choices import RequestState, Severity
from workflows.models import JobRun

PAGE = 30
UNPAIRED = "CODE_UNPAIRED"  # of a program's codes; one pair repairs every row that holds it
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


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


def upload_page(*, user: User, before: int | None = None, mine: bool = False) -> tuple[list[Upload], int | None]:
    """Uploads received before the moment `before` (microseconds since 1970), newest first, and the moment to ask the next page with."""
    rows = upload_list(user=user).select_related("same_as")
    if mine:
        rows = rows.filter(uploader=user)
    if before is not None:
        rows = rows.filter(created__lt=_BEGINNING + timedelta(microseconds=min(before, 9_000_000_000_000_000)))
    found = list(rows.order_by("-created")[: PAGE + 1])
    last = found[PAGE - 1].created if len(found) > PAGE else None
    return found[:PAGE], None if last is None else int((last - _BEGINNING) / timedelta(microseconds=1))


def upload_get(*, user: User, upload_id: UUID) -> Upload:
    """Raises Upload.DoesNotExist for an upload outside the user's scope, as for one that does not exist."""
    return upload_list(user=user).select_related("same_as", "corrects", "program").get(pk=upload_id)


def upload_job(*, upload: Upload) -> JobRun | None:
    """The latest run that works on this upload."""
    return JobRun.objects.filter(subject=f"upload:{upload.pk}").order_by("-created_at").first()


def upload_submissions(*, upload: Upload) -> Sequence[UploadSubmission]:
    """The requests that came of an upload, oldest first."""
    return list(UploadSubmission.objects.filter(upload=upload).select_related("request", "actor").order_by("pk"))


def upload_outcome(*, upload: Upload, submissions: Sequence[UploadSubmission]) -> str:
    """What has become of it, as a code that the page says in words: applied, under_way, ended, or the upload's own state."""
    states = {one.request.state for one in submissions if not one.undoes}
    if not states:
        return upload.state
    if states == {RequestState.APPLIED} and upload.state == UploadState.SUBMITTED:
        return "applied"
    if states <= {RequestState.RETURNED, RequestState.WITHDRAWN, RequestState.RECALLED, RequestState.EXPIRED, RequestState.CONFLICT}:
        return "ended"
    return "under_way" if upload.state == UploadState.SUBMITTED else upload.state


def upload_findings(*, upload: Upload, severity: Severity | None = None, limit: int | None = None, alone: bool = False) -> Iterator[FindingLine]:
    """Findings in the order of the sheet, what concerns the whole workbook first, in the active language.

    `alone` leaves out those that one decision would repair together with others (`selectors.upload_causes`, `selectors.upload_pairs`).
    """
    wanted = ({"severity": severity} if severity else {}) | ({"repair__isnull": True} if alone else {})
    rows = UploadFinding.objects.filter(upload=upload, **wanted).order_by("sheet_row", "id")
    rows = rows.exclude(code=UNPAIRED) if alone else rows
    return finding_lines(rows[:limit].iterator() if limit is None else rows[:limit])


def finding_lines(findings: Any) -> Iterator[FindingLine]:
    """Stored findings in words, in the active language."""
    for one in findings:
        words = {"value": one.value, "field": one.field or str(one.params.get("field", "")), "params": one.params}
        yield FindingLine(
            sheet_row=one.sheet_row,
            column=one.column,
            heading=one.heading,
            field=one.field,
            label=label_of(one.field) if one.field else "",
            code=one.code,
            severity=one.severity,
            value=days_as_written(one.value),
            message=message_of(one.code, **words),
            repair=repair_of(one.code, **words),
        )


def upload_finding_counts(*, upload: Upload) -> dict[str, int]:
    """How many findings of each code, most frequent first."""
    counts = UploadFinding.objects.filter(upload=upload).values_list("code").annotate(times=Count("id")).order_by("-times", "code")
    return dict(counts)
