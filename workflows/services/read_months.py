"""The months of the read log: making those to come, closing those that are over, dropping those that policy no longer keeps.

A month that is over gets one audit event with its number of entries and a SHA-256 over all of them; the audit trail is sealed, so a
month that is altered afterwards, even by a superuser, no longer agrees with its seal. Dropping is by whole months and audited too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.db import connection, transaction

from orgtree import clock
from orgtree.locks import Lock, advisory_lock
from workflows.models import AuditEvent
from workflows.services.audit import audit

AHEAD = 3  # months made before they begin
CLOSED, DROPPED = "reads.month_closed", "reads.month_dropped"
PREFIX = "workflows_readevent_"


@dataclass(frozen=True)
class MonthFigures:
    """How many entries a month has, and the SHA-256 over them in the order of their ids, as hex."""

    count: int
    digest: str


def months_prepare() -> int:
    """Make this month and those to come where they are missing; returns how many were made.

    The months are those of the clock on the wall: the log's time is the database's, also where the day is pinned for a demonstration.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        advisory_lock(Lock.READ_MONTHS)
        cursor.execute(
            "select count(*) filter (where public.hoso_read_month((date_trunc('month', now() at time zone 'Asia/Ho_Chi_Minh') "
            "+ make_interval(months => ahead))::date)) from generate_series(0, %s) ahead",
            [AHEAD],
        )
        return int(cursor.fetchone()[0])


def months_close() -> list[date]:
    """Write down count and digest of every month that is over and was not closed yet."""
    over = [month for month in months_kept() if month < _this_month()]
    closed = []
    for month in sorted(set(over) - _named_in(CLOSED).keys()):
        with transaction.atomic():
            advisory_lock(Lock.READ_MONTHS)
            if month in _named_in(CLOSED):
                continue
            figures = month_figures(month)
            audit(actor=None, action=CLOSED, month=f"{month:%Y-%m}", count=figures.count, digest=figures.digest)
            closed.append(month)
    return closed


def months_drop() -> list[date]:
    """Drop the months that are older than `READ_LOG_MONTHS` whole months, once they are closed; 0 keeps everything."""
    if not settings.READ_LOG_MONTHS:
        return []
    dropped = []
    for month in [one for one in months_kept() if _months_between(one, _this_month()) > settings.READ_LOG_MONTHS]:
        with transaction.atomic(), connection.cursor() as cursor:
            advisory_lock(Lock.READ_MONTHS)
            said = _named_in(CLOSED).get(month)
            if said is None or month not in months_kept():
                continue
            audit(actor=None, action=DROPPED, month=f"{month:%Y-%m}", count=said.count, digest=said.digest, kept_months=settings.READ_LOG_MONTHS)
            cursor.execute(f"drop table public.{PREFIX}{month:%Y%m}")
            dropped.append(month)
    return dropped


def month_damages() -> Iterator[tuple[str, str]]:
    """(place, what) of every closed month that no longer is what its audit event says, or is gone without an event."""
    kept, dropped = set(months_kept()), _named_in(DROPPED)
    for month, said in _named_in(CLOSED).items():
        place = f"read log of {month:%Y-%m}"
        if month not in kept:
            if month not in dropped:
                yield place, "it is missing, and nobody dropped it by policy"
        elif month_figures(month) != said:
            yield place, "it is not what was written down when the month was over"


def months_kept() -> list[date]:
    """The first days of the months that the log has a partition for, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'public.workflows_readevent'::regclass"
        )
        names = [name.removeprefix(PREFIX) for (name,) in cursor.fetchall()]
    return sorted(date(int(name[:4]), int(name[4:]), 1) for name in names)


def month_figures(month: date) -> MonthFigures:
    """Streams the month through the hash, one row a line as COPY writes it, times in UTC."""
    hashed, count = hashlib.sha256(), 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local timezone = 'UTC'")
        columns = "id, at, actor_id, action, kind, key, unit_id, what, reason, note, address"
        with cursor.copy(f"copy (select {columns} from public.{PREFIX}{month:%Y%m} order by id) to stdout") as rows:
            for row in rows:
                hashed.update(row)
                count += bytes(row).count(b"\n")
    return MonthFigures(count, hashed.hexdigest())


def _named_in(action: str) -> dict[date, MonthFigures]:
    details = AuditEvent.objects.filter(action=action).order_by("id").values_list("detail", flat=True)
    return {date.fromisoformat(f"{one['month']}-01"): MonthFigures(one["count"], one["digest"]) for one in details}


def _this_month() -> date:
    return clock.now().astimezone(clock.ZONE).date().replace(day=1)


def _months_between(early: date, late: date) -> int:
    return (late.year - early.year) * 12 + late.month - early.month


def month_after(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)
