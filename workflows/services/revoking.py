"""Revoking the signatures on an applied request, by a signed request of its own.

It passes the route like any change and its own four eyes: whoever had a part in the revoked request, or proposes the revocation, decides
nothing on it. Its manifest (purpose `revoke`) names what it revokes and on what ground. Applied, it makes a new version of every record,
which goes to the hub like any other: that is the correcting message.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from orgtree.models import User
from workflows.choices import Act, Ground, JobState, RiskClass
from workflows.dispatch import send_on_commit
from workflows.errors import GateError, NothingToRevoke, ReasonMissing
from workflows.models import ChangeItem, ChangeRequest, JobRun
from workflows.selectors.revoking import may_revoke, revocable, taken_back, units_to_revoke_in
from workflows.services.jobs import job_advance, job_finish, job_queue, job_start
from workflows.services.staging import Proposal, Staged, request_stage

CHUNK = 1_000
AT_ONCE = 500  # more records than this are left to a worker
REVOKE_TASK = "workflows.revoke"
Tell = Callable[[str, int], None]


def revocation_stage(*, actor: User, request_id: UUID, ground: Ground, reason: str, on_progress: Tell | None = None) -> Staged:
    """Stage the revocation of an applied request, for `actor` to submit.

    A record whose former values no rule would let through today is kept as it is, and marked. Records that another open request
    changes come back in `returned`, by leaf index: they are revoked once that request has ended. Raises NothingToRevoke, ReasonMissing.
    """
    if not reason.strip():
        raise ReasonMissing(_("Say why the signature is revoked, with the number of the decision or conclusion."))
    revoked = ChangeRequest.objects.select_related("unit").get(pk=request_id)
    if not may_revoke(user=actor, request=revoked):
        raise NothingToRevoke
    with transaction.atomic():
        before = transaction.savepoint()
        staged = _stage(actor, revoked, ground, reason, on_progress, marked=frozenset())
        if staged.returned:
            transaction.savepoint_rollback(before)
            staged = _stage(actor, revoked, ground, reason, on_progress, marked=frozenset(staged.returned))
    return staged


def revocation_queue(*, actor: User, request: ChangeRequest, ground: Ground, reason: str) -> JobRun:
    """Have a worker do it; the JobRun is what its proposer watches. Raises ReasonMissing."""
    if not reason.strip():
        raise ReasonMissing
    job = job_queue(kind=REVOKE_TASK, subject=f"request:{request.pk}", title=_title(request), actor=actor)
    send_on_commit(REVOKE_TASK, str(job.pk), str(request.pk), ground.value, reason)
    return job


def revocation_run(*, job_id: UUID, request_id: UUID, ground: Ground, reason: str) -> None:
    """The worker's part. Run again after a kill it looks first whether the revocation has been made."""
    job = job_start(job=JobRun.objects.get(pk=job_id))
    if job.state != JobState.RUNNING or job.actor is None:
        return
    request = ChangeRequest.objects.get(pk=request_id)
    if not request.revocations.filter(author=job.actor, created_at__gte=job.created_at).exists():

        def tell(stage: str, done: int) -> None:
            job_advance(job=job, stage=stage, done=done, total=request.count)

        try:
            revocation_stage(actor=job.actor, request_id=request_id, ground=ground, reason=reason, on_progress=tell)
        except GateError as error:
            job_finish(job=job, error=str(error))
            return
    job_finish(job=job, done=request.count, total=request.count)


def _stage(actor: User, revoked: ChangeRequest, ground: Ground, reason: str, tell: Tell | None, *, marked: Collection[int]) -> Staged:
    parts: dict[str, list[User]] = {}
    for contribution in revoked.contributions.select_related("user"):
        parts.setdefault(f"revoked {contribution.part}"[:30], []).append(contribution.user)
    return request_stage(
        actor=actor,
        unit=revoked.unit,
        title=_title(revoked),
        proposals=_proposals(revoked, marked),
        allowed=units_to_revoke_in(actor),
        contributors=parts,
        act=Act.REVOKE,
        reason=reason,
        revokes=revoked,
        ground=ground,
        on_progress=tell,
    )


def _title(revoked: ChangeRequest) -> str:
    return str(_("Revocation of the signatures on request no. {number}: {title}").format(number=revoked.number, title=revoked.title))[:300]


def _proposals(revoked: ChangeRequest, marked: Collection[int]) -> Iterator[Proposal]:
    """Every record in a version of its own, also where nothing is left to put back: that version carries the revocation."""
    for chunk in _chunks(revoked):
        for item, back, version in taken_back(chunk):
            yield Proposal(
                kind=item.kind,
                key=item.key,
                patch=back.patch if back is not None and item.leaf_index not in marked else {},
                base_version=version,
                ref=item.leaf_index,
                affirmed=True,
                least_risk=RiskClass(item.risk),
            )


def _chunks(revoked: ChangeRequest) -> Iterator[Sequence[ChangeItem]]:
    """By leaf index, so that the memory does not grow with the request."""
    last = -1
    while chunk := list(revocable(revoked).filter(leaf_index__gt=last).select_related("document")[:CHUNK]):
        yield chunk
        last = chunk[-1].leaf_index
