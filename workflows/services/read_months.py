"""The months of the read log: making those to come, closing those that are over, dropping those that policy no longer keeps.

A month that is over gets one audit event with its number of entries and a SHA-256 over all of them; the audit trail is sealed, so a
month that is altered afterwards, even by a superuser, no longer agrees with its seal. Dropping is by whole months and audited too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.conf import settings
from django.db import transaction

from orgtree.locks import Lock, advisory_lock
from workflows.models import AuditEvent
from workflows.services.audit import audit
from workflows.services.months import MonthFigures, MonthlyTable, this_month

READS = MonthlyTable(
    "workflows_readevent",
    make="hoso_read_month",
    ahead=3,
    lock=Lock.READ_MONTHS,
    columns="id, at, actor_id, action, kind, key, unit_id, what, reason, note, address",
)
CLOSED, DROPPED = "reads.month_closed", "reads.month_dropped"


def months_prepare() -> int:
    """Make this month and those to come where they are missing; returns how many were made."""
    return READS.prepare()


def months_close() -> list[date]:
    """Write down count and digest of every month that is over and was not closed yet."""
    over = {month for month in READS.kept() if month < this_month()}
    closed = []
    for month in sorted(over - _named_in(CLOSED).keys()):
        with transaction.atomic():
            advisory_lock(READS.lock)
            if month in _named_in(CLOSED):
                continue
            figures = READS.figures(month)
            audit(actor=None, action=CLOSED, month=f"{month:%Y-%m}", count=figures.count, digest=figures.digest)
            closed.append(month)
    return closed


def months_drop() -> list[date]:
    """Drop the months that are older than `READ_LOG_MONTHS` whole months, once they are closed; 0 keeps everything."""
    if not settings.READ_LOG_MONTHS:
        return []
    dropped = []
    for month in READS.older(settings.READ_LOG_MONTHS):
        with transaction.atomic():
            advisory_lock(READS.lock)
            said = _named_in(CLOSED).get(month)
            if said is None or month not in READS.kept():
                continue
            audit(actor=None, action=DROPPED, month=f"{month:%Y-%m}", count=said.count, digest=said.digest, kept_months=settings.READ_LOG_MONTHS)
            READS.drop(month)
            dropped.append(month)
    return dropped


def month_damages() -> Iterator[tuple[str, str]]:
    """(place, what) of every closed month that no longer is what its audit event says, or is gone without an event."""
    kept, dropped = set(READS.kept()), _named_in(DROPPED)
    for month, said in _named_in(CLOSED).items():
        place = f"read log of {month:%Y-%m}"
        if month not in kept:
            if month not in dropped:
                yield place, "it is missing, and nobody dropped it by policy"
        elif READS.figures(month) != said:
            yield place, "it is not what was written down when the month was over"


def _named_in(action: str) -> dict[date, MonthFigures]:
    details = AuditEvent.objects.filter(action=action).order_by("id").values_list("detail", flat=True)
    return {date.fromisoformat(f"{one['month']}-01"): MonthFigures(one["count"], one["digest"]) for one in details}
