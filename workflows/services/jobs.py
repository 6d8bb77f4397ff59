"""Background runs that a person can watch. Call these outside the run's own transaction."""

from __future__ import annotations

from django.db.models.functions import Now

from orgtree.models import User
from workflows.choices import JobState
from workflows.models import JobRun
from workflows.progress import progress_set


def job_queue(*, kind: str, subject: str, title: str, actor: User | None) -> JobRun:
    return JobRun.objects.create(kind=kind, subject=subject, title=title, actor=actor)


def job_start(*, job: JobRun) -> JobRun:
    """Take the run; running it again after a killed worker is allowed, after its end it is not."""
    JobRun.objects.filter(pk=job.pk, state__in=[JobState.QUEUED, JobState.RUNNING]).update(state=JobState.RUNNING, started_at=Now(), error="")
    job.refresh_from_db()
    return job


def job_advance(*, job: JobRun, stage: str, done: int = 0, total: int = 0) -> None:
    progress_set(job.pk, stage=stage, done=done, total=total)


def job_finish(*, job: JobRun, error: str = "", done: int = 0, total: int = 0) -> JobRun:
    JobRun.objects.filter(pk=job.pk).update(
        state=JobState.FAILED if error else JobState.DONE, error=error, done=done, total=total, finished_at=Now(), stage=""
    )
    progress_set(job.pk, stage="", done=done, total=total)
    job.refresh_from_db()
    return job
