"""Workbooks: receive, process, submit. An upload is a state machine whose every step is one transaction and may be repeated.

    received -> processing -(columns are clear)-> checking -> staged -> submitting -> submitted | partly
                     \\-(a person is asked)-> mapping -> processing

A worker that dies leaves the upload in a state that a sweep finds; whoever takes it up again concludes the same from what was given.
Nothing is lost and nothing is doubled: rows, findings, figures and requests are written in one transaction each, the table holds
rows read = accepted + returned + unchanged + left out by constraint, and a new person's key follows from upload and row.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.db import transaction

from orgtree import scope
from orgtree.choices import Action
from orgtree.locks import Lock, advisory_lock, advisory_try
from orgtree.models import OrgUnit, User
from registry.choices import UPLOAD_MOVES, UPLOAD_OPEN, UPLOAD_WITH_THE_WORKERS, UploadState
from registry.messages import severity_of
from registry.models import SourceProgram, Upload, UploadFinding
from registry.reading import Sheet, WorkbookRefused, table_of
from registry.reading.limits import MEGABYTE
from registry.services.programs import program_remember, program_remembered
from registry.services.upload_checking import rows_check
from registry.services.upload_corrections import corrections_merge, corrections_of
from registry.services.upload_loading import MOST_ROWS, is_sure, mapping_lines, mapping_suggest, rows_load, upload_book
from registry.services.upload_repairs import recipes_replay
from registry.services.upload_submitting import rows_submit
from workflows.choices import JobState
from workflows.dispatch import send_on_commit
from workflows.errors import GateError, NotAllowed, WrongState
from workflows.models import JobRun
from workflows.services.audit import audit
from workflows.services.jobs import job_advance, job_finish, job_queue, job_start

PROCESS_TASK, RESUME_TASK = "registry.upload_process", "registry.uploads_resume"
JOB = "upload"
AT_ONCE = 1_000  # rows that are submitted while the clerk waits; more are a worker's


def upload_receive(*, actor: User, unit: OrgUnit, file: File, name: str, program: SourceProgram | None = None) -> Upload:
    """Keep a workbook sent for `unit` outside the web root, with its hash. `same_as` names an earlier upload of the same bytes.

    `program` is where it comes from, with codes of its own; without one it is that of the last workbook with the same headings, if any.

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
    upload = Upload(unit=unit, uploader=actor, name=Path(name).name[:255], size=file.size, sha256=hashed.hexdigest(), program=program)
    upload.same_as = Upload.objects.filter(sha256=upload.sha256, unit=unit).order_by("created").first()
    with transaction.atomic():
        upload.file.save(upload.name, file, save=False)
        upload.save(force_insert=True)
        audit(actor=actor, action="upload.received", unit=unit, upload=str(upload.pk), sha256=upload.sha256, size=upload.size)
    return upload


def upload_queue(*, upload: Upload, actor: User | None = None) -> JobRun:
    """Have a worker take the upload further; the JobRun is what a person watches."""
    job = job_queue(kind=JOB, subject=_subject(upload.pk), title=upload.name, actor=actor or upload.uploader)
    send_on_commit(PROCESS_TASK, str(upload.pk))
    return job


def upload_process(*, upload: Upload) -> Upload:
    """Do whatever step is due. Running it again after its end changes nothing; after a crash it starts the step afresh.

    A workbook that cannot be read ends in state refused with one finding that names place and remedy.
    """
    if upload.state not in UPLOAD_WITH_THE_WORKERS | {UploadState.FAILED}:
        return upload
    with collector_at_rest():
        return _process(upload)


def _process(upload: Upload) -> Upload:
    job = job_start(job=_job_of(upload))
    tell = _teller(job)
    if upload.state in (UploadState.RECEIVED, UploadState.FAILED):
        Upload.objects.filter(pk=upload.pk, state=upload.state).update(state=UploadState.PROCESSING)
    try:
        upload = _read(upload.pk, tell)
        upload = _check(upload.pk, tell)
        upload = _submitted(upload.pk, tell)
    except AtWork:
        return Upload.objects.get(pk=upload.pk)
    except WorkbookRefused as refused:
        upload = _refuse(upload.pk, refused)
    except Exception as error:
        Upload.objects.filter(pk=upload.pk, state__in=UPLOAD_WITH_THE_WORKERS).update(state=UploadState.FAILED)
        job_finish(job=job, error=f"{type(error).__name__}: {error}"[:1000])
        raise
    job_finish(job=job, done=upload.read, total=upload.read)
    return upload


def upload_recheck(*, actor: User, upload: Upload) -> Upload:
    """Ask for a new check, after corrections or because the files on hand have moved on. Raises NotAllowed, WrongState."""
    with transaction.atomic():
        if upload.state == UploadState.FAILED and scope.can(actor, Action.EDIT, upload.unit):
            upload = upload_move(upload, UploadState.PROCESSING)
        else:
            upload = upload_move(upload_open(actor=actor, upload_id=upload.pk), UploadState.CHECKING)
        upload_queue(upload=upload, actor=actor)
    return upload


def upload_submit(*, actor: User, upload: Upload, at_once: bool = True) -> Upload:
    """Submit the accepted rows and keep the rest for later. With `at_once` everything is done when this returns.

    Raises NotAllowed for others than the uploader, WrongState when there is nothing to submit.
    """
    with transaction.atomic():
        upload = upload_taken(upload.pk)
        if upload.uploader_id != actor.pk:
            raise NotAllowed
        if upload.staged - upload.counts.get("submitted", 0) <= 0:
            raise WrongState
        upload = upload_move(upload, UploadState.SUBMITTING)
        if not at_once:
            upload_queue(upload=upload, actor=actor)
    return upload_process(upload=upload) if at_once else upload


def upload_wait(*, actor: User, upload: Upload, waits: bool) -> Upload:
    """The clerk's word: nothing is to be submitted before every row is right, or the clean rows may go now."""
    with transaction.atomic():
        upload = upload_open(actor=actor, upload_id=upload.pk)
        Upload.objects.filter(pk=upload.pk).update(waits=waits)
        upload.waits = waits
    return upload


def upload_open(*, actor: User, upload_id: UUID) -> Upload:
    """The upload under its lock, for somebody who corrects or decides something in it; notes helpers. Raises NotAllowed, WrongState."""
    upload = upload_taken(upload_id)
    if not scope.can(actor, Action.EDIT, upload.unit):
        raise NotAllowed
    if upload.state not in UPLOAD_OPEN:
        raise WrongState(state=upload.state)
    if actor.pk != upload.uploader_id:
        upload.helpers.add(actor)
    return upload


def upload_move(upload: Upload, to: UploadState, **values: object) -> Upload:
    """Raises WrongState when the table of moves or a race forbids it."""
    current = UploadState(upload.state)
    if to not in UPLOAD_MOVES[current] or not Upload.objects.filter(pk=upload.pk, state=current).update(state=to, **values):
        raise WrongState(state=current, wanted=to)
    return Upload.objects.select_related("unit", "uploader", "request", "same_as").get(pk=upload.pk)


def uploads_resume() -> int:
    """Send again what a dead worker or a lost message left under way; returns how many. Whoever still works on one holds its lock."""
    sent = 0
    for pk in Upload.objects.filter(state__in=UPLOAD_WITH_THE_WORKERS).values_list("pk", flat=True):
        with transaction.atomic():
            if advisory_try(Lock.UPLOAD, pk):
                send_on_commit(PROCESS_TASK, str(pk))
                sent += 1
    return sent


def _read(upload_id: UUID, tell: Callable[[str, int, int], None]) -> Upload:
    """Open the file and store its rows, or leave the columns to a person."""
    with transaction.atomic():
        upload = _begun(upload_id)
        if upload.state != UploadState.PROCESSING:
            return upload
        tell("opening", 0, 0)
        book = upload_book(upload)
        if (corrected := corrections_of(upload=upload, book=book)) is not None:
            first = corrections_merge(upload=upload, book=book, corrected=corrected)
            upload_queue(upload=first, actor=upload.uploader)  # at once, with a progress of its own: nobody should wait for the sweep
            return upload_move(upload, UploadState.MERGED, corrects=first)
        sheet = book.sheet(upload.sheet or None)
        asked = not upload.mapping
        mapping = mapping_suggest(upload=upload, sheet=sheet)
        upload.mapping = mapping_lines(mapping, sheet)
        place = {
            "from_template": bool(book.versions),
            "sheet": sheet.name[:100],
            "heading_row": sheet.heading_rows[1],
            "signature": sheet.signature,
            "mapping": upload.mapping,
            "program": _program(upload, sheet) if asked else upload.program,
        }
        if asked and not is_sure(mapping):
            return upload_move(upload, UploadState.MAPPING, **place)
        table = table_of(book, sheet=sheet.name, mapping=mapping, max_rows=MOST_ROWS, numberless=not asked)
        read = rows_load(upload=upload, table=table, tell=tell, versions=book.versions)
        recipes_replay(upload=upload)
        return upload_move(upload, UploadState.CHECKING, read=read, staged=0, returned=read, unchanged=0, left_out=0, **place)


def _program(upload: Upload, sheet: Sheet) -> SourceProgram | None:
    """Where a new workbook comes from: as was said with it, which is remembered, or as with the last one of these headings."""
    if upload.program is None:
        return None if sheet.given else program_remembered(unit=upload.unit, signature=sheet.signature)
    program_remember(actor=upload.uploader, unit=upload.unit, signature=sheet.signature, program=upload.program)
    return upload.program


def _check(upload_id: UUID, tell: Callable[[str, int, int], None]) -> Upload:
    with transaction.atomic():
        upload = _begun(upload_id)
        if upload.state != UploadState.CHECKING:
            return upload
        figures = rows_check(upload=upload, tell=tell)
        return upload_move(upload, state_of(figures), **figures)


def _submitted(upload_id: UUID, tell: Callable[[str, int, int], None]) -> Upload:
    """Submit, or check again when another request was quicker: what it holds then comes back with that reason."""
    try:
        return _submit(upload_id, tell)
    except GateError:
        with transaction.atomic():
            upload_move(_begun(upload_id), UploadState.CHECKING)
        return _check(upload_id, tell)


def _submit(upload_id: UUID, tell: Callable[[str, int, int], None]) -> Upload:
    with transaction.atomic():
        upload = _begun(upload_id)
        if upload.state != UploadState.SUBMITTING:
            return upload
        figures = rows_submit(upload=upload, tell=tell)
        return upload_move(upload, state_of(figures), **figures)


def state_of(figures: dict[str, Any]) -> UploadState:
    """What the figures say: rows wait to be submitted (more of them, after some went away), all accepted went away, or there is nothing."""
    submitted = figures["counts"]["submitted"]
    if figures["staged"] - submitted:
        return UploadState.PARTLY if submitted else UploadState.STAGED
    return UploadState.SUBMITTED if submitted else UploadState.EMPTY


def _refuse(upload_id: UUID, refused: WorkbookRefused) -> Upload:
    with transaction.atomic():
        upload = _begun(upload_id)
        if upload.state != UploadState.PROCESSING:
            return upload
        UploadFinding.objects.create(
            upload=upload, code=refused.code, severity=severity_of(refused.code), value=refused.value[:500], params=refused.params
        )
        audit(actor=upload.uploader, action="upload.refused", unit=upload.unit, upload=str(upload.pk), code=refused.code)
        return upload_move(upload, UploadState.REFUSED)


class AtWork(Exception):
    """Another worker has this upload; it will end the step."""


def _begun(upload_id: UUID) -> Upload:
    """The upload for a worker: under its lock, or AtWork when somebody else has it."""
    if not advisory_try(Lock.UPLOAD, upload_id):
        raise AtWork
    return Upload.objects.select_related("unit", "uploader", "same_as", "program").get(pk=upload_id)


def upload_taken(upload_id: UUID) -> Upload:
    """The upload under its own lock, read after locking, for somebody who waits until a worker has ended its step."""
    advisory_lock(Lock.UPLOAD, upload_id)
    return Upload.objects.select_related("unit", "uploader", "same_as", "program").get(pk=upload_id)


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Rows by the ten thousand would make Python's collector look at every object of the program again and again: a tenth of the time."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def _teller(job: JobRun) -> Callable[[str, int, int], None]:
    return lambda stage, done, total: job_advance(job=job, stage=stage, done=done, total=total)


def _subject(upload_id: UUID) -> str:
    return f"{JOB}:{upload_id}"


def _job_of(upload: Upload) -> JobRun:
    """The run that was queued for this upload, or a new one (from a shell, or after a failure)."""
    unfinished = JobRun.objects.filter(subject=_subject(upload.pk), state__in=[JobState.QUEUED, JobState.RUNNING])
    return unfinished.order_by("-created_at").first() or job_queue(kind=JOB, subject=_subject(upload.pk), title=upload.name, actor=upload.uploader)
