"""Lists of people as files: asking for one, watching it being written, fetching it while the link lasts, and clearing away.

What is written is the business of `registry.exporting`; here stand the rights, the records and the files' lives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from orgtree import clock
from orgtree.models import User
from registry.choices import ListFormat
from registry.errors import ExportRefused
from registry.fields import FIELDS, LIST_BY_NAME
from registry.masking import CLASS_A
from registry.models import ListExport
from workflows.choices import JobState
from workflows.dispatch import send_on_commit
from workflows.models import JobRun
from workflows.services.audit import audit
from workflows.services.jobs import job_queue
from workflows.services.reads import reason_check

TASK = "registry.list_export"
JOB = "export"
KEPT = timedelta(hours=24)


def export_ask(
    *,
    actor: User,
    format_: ListFormat,
    columns: Sequence[str],
    lists: Sequence[str] = (),
    query: Mapping[str, str],
    title: str,
    whole: bool = False,
    reason: str = "",
    note: str = "",
    address: str | None = None,
) -> tuple[ListExport, JobRun]:
    """Record what is asked for, with the run that a person watches. `columns` are names of the catalogue, `lists` those of its lists.

    Raises ExportRefused without a column, for one that does not exist or for lists in a CSV, PurposeMissing when class-A values are asked
    for without a reason. Which people and values come into the file is decided when it is written, by the rights of then.
    """
    known = {one.name for one in FIELDS}
    if not columns or not set(columns) <= known or not set(lists) <= LIST_BY_NAME.keys():
        raise ExportRefused.no_columns()
    if lists and format_ != ListFormat.XLSX:
        raise ExportRefused.lists_in_csv()
    if whole:
        reason_check(reason, note)
    with transaction.atomic():
        export = ListExport.objects.create(
            user=actor,
            format=format_,
            columns=[one.name for one in FIELDS if one.name in set(columns)],
            lists=[name for name in LIST_BY_NAME if name in set(lists)],
            query=dict(query),
            whole=whole,
            reason=reason if whole else "",
            note=note.strip()[:300] if whole else "",
            address=address,
        )
        job = job_queue(kind=JOB, subject=f"{JOB}:{export.pk}", title=title, actor=actor)
        said = {"format": export.format, "columns": export.columns, "lists": export.lists, "query": export.query}
        audit(actor=actor, action="profiles.exported", export=str(export.pk), class_a=class_a_in(export), reason=export.reason, **said)
    return export, job


def export_queue(export: ListExport) -> None:
    """Have a worker write it."""
    send_on_commit(TASK, str(export.pk))


def export_get(*, user: User, export_id: UUID) -> ListExport:
    """Raises ListExport.DoesNotExist for anybody's but the user's own."""
    return ListExport.objects.get(pk=export_id, user=user)


def export_job(export: ListExport) -> JobRun:
    return JobRun.objects.filter(subject=f"{JOB}:{export.pk}").latest("created_at")


def export_file(export: ListExport) -> Path | None:
    """The file while it may be fetched, else None."""
    if export.expires_at is None or export.expires_at <= clock.now():
        return None
    path = path_of(export)
    return path if path.is_file() else None


def path_of(export: ListExport) -> Path:
    return folder() / f"{export.pk}.{export.format}"


def folder() -> Path:
    place = settings.VAR_DIRECTORY / "exports"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def class_a_in(export: ListExport) -> list[str]:
    """Which class-A fields and lists were asked for in the clear."""
    return [name for name in (*export.columns, *export.lists) if name in CLASS_A] if export.whole else []


def exports_sweep() -> int:
    """Delete the files whose time is over, and those that a killed worker left; returns how many."""
    now, swept = clock.now(), 0
    living = {path_of(one).name for one in ListExport.objects.filter(expires_at__gt=now)}
    running = JobRun.objects.filter(kind=JOB, state__in=[JobState.QUEUED, JobState.RUNNING]).values_list("subject", flat=True)
    living |= {f"{subject.partition(':')[2]}.{suffix}.part" for subject in running for suffix in ListFormat.values}
    for path in folder().iterdir():
        if path.name not in living:
            path.unlink(missing_ok=True)
            swept += 1
    return swept


def exports_send_again() -> int:
    """Send what a lost message left queued for a minute; returns how many."""
    lost = JobRun.objects.filter(kind=JOB, state=JobState.QUEUED, created_at__lt=clock.now() - timedelta(minutes=1))
    subjects = list(lost.values_list("subject", flat=True))
    for subject in subjects:
        send_on_commit(TASK, subject.partition(":")[2])
    return len(subjects)
