"""The months of the exchange archive: those to come are made, those that policy no longer keeps are dropped whole, with an audit event."""

from __future__ import annotations

import hashlib
from datetime import date

from django.conf import settings
from django.db import connection, transaction

from exchange.archive import months_prepare
from orgtree import clock
from orgtree.locks import Lock, advisory_lock
from workflows.services.audit import audit

PREFIX = "exchange_archivedexchange_"


def archive_keep() -> tuple[int, list[date]]:
    """Make the months to come and drop those older than ARCHIVE_MONTHS whole months (0 keeps everything); returns how many, and which."""
    with transaction.atomic():
        advisory_lock(Lock.ARCHIVE_MONTHS)
        made = months_prepare()
    return made, months_drop()


def months_kept() -> list[date]:
    """The first days of the months that the archive has a partition for, oldest first."""
    with connection.cursor() as cursor:
        parent = "i.inhparent = 'public.exchange_archivedexchange'::regclass"
        cursor.execute(f"select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where {parent}")
        names = [name.removeprefix(PREFIX) for (name,) in cursor.fetchall()]
    return sorted(date(int(name[:4]), int(name[4:]), 1) for name in names)


def months_drop() -> list[date]:
    """Drop what is too old; the sealed audit trail keeps how many exchanges a month had, and the SHA-256 over them."""
    if not settings.ARCHIVE_MONTHS:
        return []
    this = clock.now().astimezone(clock.ZONE).date()
    dropped = []
    for month in months_kept():
        if (this.year - month.year) * 12 + this.month - month.month <= settings.ARCHIVE_MONTHS:
            break
        with transaction.atomic(), connection.cursor() as cursor:
            advisory_lock(Lock.ARCHIVE_MONTHS)
            if month not in months_kept():
                continue
            count, digest = _figures(month)
            audit(actor=None, action="archive.month_dropped", month=f"{month:%Y-%m}", count=count, digest=digest, kept_months=settings.ARCHIVE_MONTHS)
            cursor.execute(f"drop table public.{PREFIX}{month:%Y%m}")
            dropped.append(month)
    return dropped


def _figures(month: date) -> tuple[int, str]:
    """How many entries a month has, and the SHA-256 over them as COPY writes them, in the order of their ids, times in UTC."""
    hashed, count = hashlib.sha256(), 0
    with connection.cursor() as cursor:
        cursor.execute("set local timezone = 'UTC'")
        with cursor.copy(f"copy (select * from public.{PREFIX}{month:%Y%m} order by id) to stdout") as rows:
            for row in rows:
                hashed.update(row)
                count += bytes(row).count(b"\n")
    return count, hashed.hexdigest()
