"""Workbooks: receive, read and stage, submit. One upload becomes at most one change request; what is wrong stays with its row.

Nothing is staged by accident and nothing is lost: rows, findings, counts and the request are written in one transaction, and the
table holds rows read = accepted + returned + unchanged by constraint.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from orgtree import scope
from orgtree.choices import Action
from orgtree.locks import Lock, advisory_lock
from orgtree.models import OrgUnit, User
from registry.choices import UPLOAD_MOVES, RowState, UploadState
from registry.messages import severity_of
from registry.models import Upload, UploadFinding, UploadRow
from registry.reading import Table, WorkbookRefused, read_table
from registry.reading.limits import MEGABYTE
from registry.services.upload_rows import CHUNK, Intake
from workflows.choices import JobState
from workflows.dispatch import send_on_commit
from workflows.errors import NotAllowed, WrongState
from workflows.models import JobRun
from workflows.services.audit import audit
from workflows.services.jobs import job_advance, job_finish, job_queue, job_start
from workflows.services.staging import request_stage
from workflows.services.submission import request_submit

PROCESS_TASK = "registry.upload_process"
JOB = "upload"


def upload_receive(*, actor: User, unit: OrgUnit, file: File, name: str) -> Upload:
    """Keep a workbook sent for `unit` outside the web root, with its hash. `same_as` names an earlier upload of the same bytes.

    Raises NotAllowed without the right to edit in the unit, WorkbookRefused for an empty or too large file.
    """
    if not scope.can(actor, Action.EDIT, unit):
        raise NotAllowed
    if not file.size:
        raise WorkbookRefused("FILE_EMPTY", name)
    if file.size > settings.UPLOAD_MAX_BYTES:
        raise WorkbookRefused("FILE_TOO_LARGE", -(-file.size // MEGABYTE), limit=settings.UPLOAD_MAX_BYTES // MEGABYTE)
    hashed = hashlib.sha256()
    for piece in file.chunks():
        hashed.update(piece)
    upload = Upload(unit=unit, uploader=actor, name=Path(name).name[:255], size=file.size, sha256=hashed.hexdigest())
    upload.same_as = Upload.objects.filter(sha256=upload.sha256, unit=unit).order_by("created").first()
    with transaction.atomic():
        upload.file.save(upload.name, file, save=False)
        upload.save(force_insert=True)
        audit(actor=actor, action="upload.received", unit=unit, upload=str(upload.pk), sha256=upload.sha256, size=upload.size)
    return upload


def upload_queue(*, upload: Upload) -> JobRun:
    """Have a worker read the upload; the JobRun is what a person watches."""
    job = job_queue(kind=JOB, subject=_subject(upload.pk), title=upload.name, actor=upload.uploader)
    send_on_commit(PROCESS_TASK, str(upload.pk))
    return job


def upload_process(*, upload: Upload) -> Upload:
    """Read, clean, match and stage the workbook. Running it again after its end changes nothing; after a crash it starts afresh.

    A workbook that cannot be read ends in state refused with one finding that names place and remedy.
    """
    if upload.state not in (UploadState.RECEIVED, UploadState.PROCESSING, UploadState.FAILED):
        return upload
    job = job_start(job=_job_of(upload))
    Upload.objects.filter(pk=upload.pk, state__in=[UploadState.RECEIVED, UploadState.FAILED]).update(state=UploadState.PROCESSING)
    try:
        table = read_table(Path(upload.file.path), name=upload.name, max_bytes=settings.UPLOAD_MAX_BYTES)
        upload = _stage(upload.pk, table, job)
    except WorkbookRefused as refused:
        upload = _refuse(upload.pk, refused)
    except Exception as error:
        Upload.objects.filter(pk=upload.pk, state=UploadState.PROCESSING).update(state=UploadState.FAILED)
        job_finish(job=job, error=f"{type(error).__name__}: {error}"[:1000])
        raise
    job_finish(job=job, done=upload.read, total=upload.read)
    return upload


def upload_submit(*, actor: User, upload: Upload) -> Upload:
    """Submit the request of an upload. Raises NotAllowed for others than the uploader, WrongState when there is nothing to submit."""
    with transaction.atomic():
        upload = Upload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
        if upload.request_id is None:
            raise WrongState
        request_submit(actor=actor, request_id=upload.request_id)
        return _move(upload, UploadState.SUBMITTED)


def _stage(upload_id: UUID, table: Table, job: JobRun) -> Upload:
    with transaction.atomic():
        upload = _taken(upload_id)
        if upload.state != UploadState.PROCESSING:
            return upload
        intake, total = Intake(upload, table), table.height
        staged = request_stage(
            actor=upload.uploader,
            unit=upload.unit,
            title=_("Workbook {name}").format(name=upload.name)[:300],
            proposals=intake.proposals(lambda done: job_advance(job=job, stage="reading", done=done, total=total)),
            contributors={"uploader": [upload.uploader]},
            on_progress=lambda stage, done: job_advance(job=job, stage=stage, done=done, total=total),
        )
        returned = staged.returned.keys() | intake.unproposed
        findings = [*_same_file(upload), *intake.findings(staged.returned, staged.remarks)]
        UploadFinding.objects.bulk_create(sorted(findings, key=lambda one: one.sheet_row), batch_size=CHUNK)
        rows = UploadRow.objects.filter(upload=upload)
        rows.filter(sheet_row__in=returned).update(state=RowState.RETURNED)
        rows.filter(sheet_row__in=staged.unchanged).update(state=RowState.UNCHANGED)
        return _move(
            upload,
            UploadState.STAGED if staged.request else UploadState.EMPTY,
            sheet=table.sheet[:100],
            heading_row=table.heading_row,
            mapping=[{"column": one.letter, "heading": one.heading, "field": one.field.name if one.field else None} for one in table.columns],
            read=intake.read,
            staged=staged.staged,
            returned=len(returned),
            unchanged=len(staged.unchanged),
            request=staged.request,
        )


def _refuse(upload_id: UUID, refused: WorkbookRefused) -> Upload:
    with transaction.atomic():
        upload = _taken(upload_id)
        if upload.state != UploadState.PROCESSING:
            return upload
        UploadFinding.objects.create(
            upload=upload, code=refused.code, severity=severity_of(refused.code), value=refused.value[:500], params=refused.params
        )
        audit(actor=upload.uploader, action="upload.refused", unit=upload.unit, upload=str(upload.pk), code=refused.code)
        return _move(upload, UploadState.REFUSED)


def _taken(upload_id: UUID) -> Upload:
    """The upload under its own lock, read after locking: a second worker on the same upload waits and then finds it done."""
    advisory_lock(Lock.UPLOAD, upload_id)
    return Upload.objects.select_related("unit", "uploader").get(pk=upload_id)


def _move(upload: Upload, to: UploadState, **values: object) -> Upload:
    """Raises WrongState when the table of moves or a race forbids it."""
    current = UploadState(upload.state)
    if to not in UPLOAD_MOVES[current] or not Upload.objects.filter(pk=upload.pk, state=current).update(state=to, **values):
        raise WrongState(state=current, wanted=to)
    return Upload.objects.select_related("unit", "uploader", "request").get(pk=upload.pk)


def _same_file(upload: Upload) -> list[UploadFinding]:
    if upload.same_as is None:
        return []
    place = date_format(upload.same_as.created, "SHORT_DATE_FORMAT")
    return [UploadFinding(upload=upload, code="SAME_FILE", severity=severity_of("SAME_FILE"), value=upload.same_as.name, params={"place": place})]


def _subject(upload_id: UUID) -> str:
    return f"{JOB}:{upload_id}"


def _job_of(upload: Upload) -> JobRun:
    """The run that was queued for this upload, or a new one (from a shell, or after a failure)."""
    unfinished = JobRun.objects.filter(subject=_subject(upload.pk), state__in=[JobState.QUEUED, JobState.RUNNING])
    return unfinished.order_by("-created_at").first() or job_queue(kind=JOB, subject=_subject(upload.pk), title=upload.name, actor=upload.uploader)
