"""Thin tasks: they take ids, call one service, and may run twice."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.db import IntegrityError, OperationalError
from django.db.models import Q

from orgtree import clock
from workflows.choices import Ground, RequestState
from workflows.dispatch import send_on_commit
from workflows.models import ChangeRequest
from workflows.services.applying import request_apply
from workflows.services.approval import APPLY_TASK
from workflows.services.attachments import evidence_sweep
from workflows.services.audit_months import audit_months_drop, audit_months_prepare
from workflows.services.ending import reviews_expire
from workflows.services.grant_moves import FOLLOW_TASK, grants_follow
from workflows.services.mailing import mails_form, mails_send
from workflows.services.noticing import notices_make
from workflows.services.read_months import months_close, months_drop, months_prepare
from workflows.services.reminders import reminders_make
from workflows.services.retrying import RETRY_TASK, Side, retry_run
from workflows.services.revoking import REVOKE_TASK, revocation_run
from workflows.services.witnessing import witnesses_tell

STALE = timedelta(seconds=30)


# A unique value taken by another request between check and write, a deadlock or a lock time-out: the next run finds it by rule.
@shared_task(name=APPLY_TASK, autoretry_for=(IntegrityError, OperationalError), retry_backoff=1, retry_jitter=True, max_retries=5)
def apply(request_id: str) -> None:
    request_apply(request_id=request_id)


@shared_task(name="workflows.sweep")
def sweep() -> None:
    """Send what is due today, and again what a lost broker or a killed worker left approved; end reviews that nobody finished."""
    reviews_expire()
    lost = Q(state=RequestState.APPROVED, decided_at__lt=clock.now() - STALE)
    waiting = ChangeRequest.objects.filter(lost | Q(state=RequestState.SCHEDULED, effective_on__lte=clock.today()))
    for pk in waiting.values_list("pk", flat=True):
        send_on_commit(APPLY_TASK, str(pk))


@shared_task(name=RETRY_TASK)
def retry(job_id: str, request_id: str, otherwise: Side) -> None:
    retry_run(job_id=UUID(job_id), request_id=UUID(request_id), otherwise=otherwise)


@shared_task(name=REVOKE_TASK)
def revoke(job_id: str, request_id: str, ground: str, reason: str) -> None:
    revocation_run(job_id=UUID(job_id), request_id=UUID(request_id), ground=Ground(ground), reason=reason)


@shared_task(name="workflows.seal_audit")
def seal_audit() -> None:
    """Seal what was done, and tell whom it concerns."""
    notices_make()


@shared_task(name="workflows.reminders")
def reminders() -> None:
    """Half time, overdue decisions, grants that end."""
    reminders_make()


@shared_task(name="workflows.mails")
def mails() -> None:
    mails_form()
    mails_send()


@shared_task(name="workflows.read_months")
def read_months() -> None:
    """Months of the read log: those to come, those that are over, those that policy no longer keeps."""
    months_prepare()
    months_close()
    months_drop()


@shared_task(name="workflows.audit_months")
def audit_months() -> None:
    """Months of the audit trail: those to come, and those that policy no longer keeps."""
    audit_months_prepare()
    audit_months_drop()


@shared_task(name=FOLLOW_TASK)
def follow_grants(request_id: str = "") -> None:
    """Roles held on units that ended go on where these go on: after a request about units, and hourly for what takes effect on a day."""
    if not request_id or ChangeRequest.objects.filter(pk=UUID(request_id), kinds__has_key="org_unit").exists():
        grants_follow()


@shared_task(name="workflows.witness")
def witness() -> None:
    """The newest seals to whoever keeps them outside."""
    witnesses_tell()


@shared_task(name="workflows.sweep_evidence")
def sweep_evidence() -> None:
    evidence_sweep()
