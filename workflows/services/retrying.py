"""Trying once more what did not become true: returned, expired, recalled or overtaken records, in a request of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal
from uuid import UUID

from django.db.models import QuerySet

from orgtree.models import User
from workflows.choices import Act, JobState
from workflows.dispatch import send_on_commit
from workflows.errors import GateError, NothingToRetry
from workflows.models import ChangeItem, ChangeRequest, JobRun
from workflows.selectors.retrying import merges, retriable
from workflows.services.jobs import job_advance, job_finish, job_queue, job_start
from workflows.services.staging import Proposal, Staged, request_stage

CHUNK = 1_000
AT_ONCE = 500  # more records than this are left to a worker
RETRY_TASK = "workflows.retry"
Side = Literal["mine", "now"]


def request_retry(
    *,
    actor: User,
    request_id: UUID,
    choices: Mapping[int, Mapping[str, Side]] | None = None,
    otherwise: Side = "now",
    on_progress: Callable[[str, int], None] | None = None,
) -> Staged:
    """Stage the untrue items of an ended request once more, each brought over to its record as it is now.

    What both the author and others changed goes by `choices` (leaf index, then key of the document), else by `otherwise`: "mine" lays
    the author's value over the present one, "now" keeps the present one. Everybody who had a part in the first request has one in
    this too. Raises NothingToRetry for anyone but the author and when nothing was left; findings come back as in staging, by leaf index.
    """
    before = ChangeRequest.objects.get(pk=request_id)
    items = retriable(user=actor, request=before)
    if not items.exists():
        raise NothingToRetry
    parts: dict[str, list[User]] = {}
    for contribution in before.contributions.select_related("user"):
        parts.setdefault(contribution.part, []).append(contribution.user)
    return request_stage(
        actor=actor,
        unit=before.unit,
        title=before.title,
        proposals=_proposals(items, choices or {}, otherwise),
        contributors=parts,
        act=Act(before.act) if before.act else None,
        reason=before.reason,
        follows=before,
        on_progress=on_progress,
    )


def retry_queue(*, actor: User, request: ChangeRequest, otherwise: Side) -> JobRun:
    """Have a worker do it, every clash settled the same way; the JobRun is what the author watches."""
    job = job_queue(kind=RETRY_TASK, subject=f"request:{request.pk}", title=request.title, actor=actor)
    send_on_commit(RETRY_TASK, str(job.pk), str(request.pk), otherwise)
    return job


def retry_run(*, job_id: UUID, request_id: UUID, otherwise: Side) -> None:
    """The worker's part. Run again after a kill it looks first whether the request has been made."""
    job = job_start(job=JobRun.objects.get(pk=job_id))
    if job.state != JobState.RUNNING or job.actor is None:
        return
    request = ChangeRequest.objects.get(pk=request_id)
    if not request.followers.filter(created_at__gte=job.created_at).exists():
        try:
            request_retry(
                actor=job.actor,
                request_id=request_id,
                otherwise=otherwise,
                on_progress=lambda stage, done: job_advance(job=job, stage=stage, done=done, total=request.count),
            )
        except GateError as error:
            job_finish(job=job, error=str(error))
            return
    job_finish(job=job, done=request.count, total=request.count)


def _proposals(items: QuerySet[ChangeItem], choices: Mapping[int, Mapping[str, Side]], otherwise: Side) -> Iterator[Proposal]:
    for chunk in _chunks(items):
        for item, merged, now in merges(chunk):
            chosen = choices.get(item.leaf_index, {})
            mine = [clash.name for clash in merged.clashes if chosen.get(clash.name, otherwise) == "mine"]
            yield Proposal(kind=item.kind, key=item.key, patch=merged.settled(mine), base_version=now[0] if now else 0, ref=item.leaf_index)


def _chunks(items: QuerySet[ChangeItem]) -> Iterator[Sequence[ChangeItem]]:
    """By leaf index, so that the memory does not grow with the request."""
    last = -1
    while chunk := list(items.filter(leaf_index__gt=last).select_related("document")[:CHUNK]):
        yield chunk
        last = chunk[-1].leaf_index
