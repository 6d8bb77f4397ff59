"""The months of the audit trail: making those to come, dropping those that policy no longer keeps. The chain of seals outlives them.

A seal keeps the hash of each event that it covers, so what was dropped can still be proved, and what is left is still verified from the
first seal on. The event that tells of a drop names the ids that went: an event that is missing and stands in none of them was taken out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import connection, transaction

from orgtree import clock
from orgtree.locks import Lock, advisory_lock
from workflows.models import AuditEvent, AuditSeal
from workflows.services.audit import audit
from workflows.services.months import MonthlyTable, months_between

# Made far ahead: without its month no deed can be written down.
TRAIL = MonthlyTable(
    "workflows_auditevent",
    make="hoso_audit_month",
    ahead=12,
    lock=Lock.AUDIT_MONTHS,
    columns="id, at, actor_id, action, request_id, unit_id, kind, key, detail",
)
LEAST = 24  # months that are kept whatever the policy says
DROPPED = "audit.month_dropped"

Run = tuple[int, int]


@dataclass(frozen=True)
class MonthGone:
    """A month that was dropped by policy: how many events it had, their ids as runs (first, last), SHA-256 over all of them as hex."""

    month: date
    count: int
    runs: Sequence[Run]
    digest: str


def audit_months_prepare() -> int:
    """Make this month and those to come where they are missing; returns how many were made."""
    return TRAIL.prepare()


def audit_months_drop() -> list[date]:
    """Drop the months older than `AUDIT_MONTHS` whole months, once all their events are sealed; 0 keeps everything."""
    if not settings.AUDIT_MONTHS:
        return []
    keep = max(settings.AUDIT_MONTHS, LEAST)
    dropped = []
    for month in TRAIL.older(keep):
        with transaction.atomic():
            advisory_lock(TRAIL.lock)
            if month not in TRAIL.kept() or not _all_sealed(month):
                continue
            gone = _gone(month)
            audit(
                actor=None,
                action=DROPPED,
                month=f"{month:%Y-%m}",
                count=gone.count,
                ids=[list(run) for run in gone.runs],
                digest=gone.digest,
                kept_months=keep,
            )
            TRAIL.drop(month)
            dropped.append(month)
    return dropped


def months_gone() -> list[MonthGone]:
    """What was dropped by policy, by the events that tell of it. One that came earlier than any policy allows does not count."""
    events = AuditEvent.objects.filter(action=DROPPED).order_by("id").values_list("at", "detail")
    found = []
    for at, said in events:
        month = date.fromisoformat(f"{said['month']}-01")
        if months_between(month, at.astimezone(clock.ZONE).date()) > LEAST:
            found.append(MonthGone(month, said["count"], [(run[0], run[1]) for run in said["ids"]], said["digest"]))
    return found


def _all_sealed(month: date) -> bool:
    last = AuditSeal.objects.order_by("-sequence").values_list("to_id", flat=True).first() or 0
    with connection.cursor() as cursor:
        cursor.execute(f"select coalesce(max(id), 0) from {TRAIL.part(month)}")
        return int(cursor.fetchone()[0]) <= last


def _gone(month: date) -> MonthGone:
    figures = TRAIL.figures(month)
    with connection.cursor() as cursor:
        cursor.execute(f"select id from {TRAIL.part(month)} order by id")
        ids = [pk for (pk,) in cursor.fetchall()]
    return MonthGone(month, figures.count, list(_runs(ids)), figures.digest)


def _runs(ids: Sequence[int]) -> Iterator[Run]:
    """Ids in order as runs without a gap."""
    start = previous = None
    for pk in ids:
        if start is None or previous is None or pk != previous + 1:
            if start is not None and previous is not None:
                yield start, previous
            start = pk
        previous = pk
    if start is not None and previous is not None:
        yield start, previous
