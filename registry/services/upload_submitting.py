"""The accepted rows of an upload become change requests, at most 100,000 records each; what the gate now refuses comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from registry.choices import RowState
from registry.fields import FORMER_NUMBER
from registry.models import Upload, UploadRow, UploadSubmission
from registry.services.upload_checking import rows_count
from registry.services.upload_findings import CHUNK, Findings
from registry.services.upload_old_cards import BESIDE, old_card_proposals
from registry.services.upload_rows import CleanRow, rows_propose
from workflows.choices import Severity
from workflows.models import ChangeRequest
from workflows.services.staging import MAXIMUM, Proposal, Staged, request_stage
from workflows.services.submission import request_submit

Tell = Callable[[str, int, int], None]
OVERWRITE_REASON = "OVERWRITE_REASON"
_WENT = """
update registry_uploadrow r set state = 'submitted', request_id = %(request)s from workflows_changeitem i
where r.upload_id = %(upload)s and i.request_id = %(request)s and r.sheet_row = mod(i.ref, %(beside)s)
"""
# The approver reads beside the record why a value is overwritten that by hand would be corrected with a reason.
_REASONS = """
insert into workflows_finding(request_id, leaf_index, code, severity, field, value)
select %(request)s, i.leaf_index, %(code)s, %(severity)s, u.field, left(r.reasons ->> u.field, 300)
from workflows_changeitem i join registry_uploadrow r on r.upload_id = %(upload)s and r.sheet_row = i.ref
join registry_uploadchange u on u.upload_id = r.upload_id and u.sheet_row = r.sheet_row
where i.request_id = %(request)s and r.reasons ? u.field
"""


def rows_submit(*, upload: Upload, tell: Tell) -> dict[str, Any]:
    """Stage and submit every accepted row. Returns the upload's figures. Runs inside the caller's transaction."""
    waiting = UploadRow.objects.filter(upload=upload, state=RowState.STAGED)
    total, after = waiting.count(), 0
    while (until := _block_end(waiting, after)) is not None:
        staged = _stage(upload, after, until, lambda stage, done: tell(stage, done, total))
        _take_back(upload, staged)
        if staged.request is not None:
            _went(upload, staged.request)
        after = until
    last = UploadSubmission.objects.filter(upload=upload, undoes=False).last()
    return rows_count(upload) | ({"request": last.request} if last else {})


def _block_end(waiting: Any, after: int) -> int | None:
    rows = waiting.filter(sheet_row__gt=after).order_by("sheet_row").values_list("sheet_row", flat=True)[:MAXIMUM]
    return max(rows, default=None)


def _stage(upload: Upload, after: int, until: int, tell: Callable[[str, int], None]) -> Staged:
    helpers = list(upload.helpers.all())
    times = UploadSubmission.objects.filter(upload=upload, undoes=False).count()
    title = _("Workbook {name}").format(name=upload.name)[:290] + (f" ({times + 1})" if times else "")
    return request_stage(
        actor=upload.uploader,
        unit=upload.unit,
        title=title,
        proposals=chain(_proposals(upload, after, until), old_card_proposals(upload=upload, after=after, until=until)),
        contributors={"uploader": [upload.uploader], "repairer": helpers},
        on_progress=tell,
    )


def _proposals(upload: Upload, after: int, until: int) -> Iterator[Proposal]:
    rows = UploadRow.objects.filter(upload=upload, state=RowState.STAGED, sheet_row__lte=until).order_by("sheet_row")
    while chunk := list(rows.filter(sheet_row__gt=after).values_list("sheet_row", "key", "values", "seen_version", "base_version")[:CHUNK]):
        versions = {number: version for number, _key, _values, _seen, version in chunk if version}
        lines = [CleanRow(number, key, values or {}, (), seen) for number, key, values, seen, _version in chunk]
        yield from (one.proposal for one in rows_propose(upload=upload, rows=lines, versions=versions))
        after = chunk[-1][0]


def _take_back(upload: Upload, staged: Staged) -> None:
    """Rows that were clean when they were checked and no longer are."""
    UploadRow.objects.filter(upload=upload, sheet_row__in=[ref % BESIDE for ref in staged.returned]).update(state=RowState.RETURNED)
    UploadRow.objects.filter(upload=upload, sheet_row__in=list(staged.unchanged)).update(state=RowState.UNCHANGED)
    with Findings(upload) as findings:
        for one in (found for many in staged.returned.values() for found in many):
            findings.add(one.ref % BESIDE, one.code, FORMER_NUMBER if one.ref > BESIDE else one.field, value=one.value, severity=one.severity)


def _went(upload: Upload, request: ChangeRequest) -> None:
    named: dict[str, Any] = {"upload": upload.pk, "request": request.pk, "code": OVERWRITE_REASON}
    named |= {"severity": Severity.WARNING, "beside": BESIDE}
    with connection.cursor() as cursor:
        cursor.execute(_WENT, named)
        rows = cursor.rowcount  # a row may have gone as two records: the file, and an old number beside it
        cursor.execute(_REASONS, named)
    request_submit(actor=upload.uploader, request_id=request.pk)
    UploadSubmission.objects.create(upload=upload, request=request, actor=upload.uploader, rows=rows)
