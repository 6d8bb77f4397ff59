"""The months of the exchange archive: those to come are made, those that policy no longer keeps are dropped whole, with an audit event."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import transaction

from exchange.archive import ARCHIVE
from orgtree.locks import advisory_lock
from workflows.services.audit import audit


def archive_keep() -> tuple[int, list[date]]:
    """Make the months to come and drop those older than ARCHIVE_MONTHS whole months (0 keeps everything); returns how many, and which."""
    return ARCHIVE.prepare(), months_drop()


def months_drop() -> list[date]:
    """Drop what is too old; the sealed audit trail keeps how many exchanges a month had, and the SHA-256 over them."""
    if not settings.ARCHIVE_MONTHS:
        return []
    dropped = []
    for month in ARCHIVE.older(settings.ARCHIVE_MONTHS):
        with transaction.atomic():
            advisory_lock(ARCHIVE.lock)
            if month not in ARCHIVE.kept():
                continue
            said = ARCHIVE.figures(month)
            kept = settings.ARCHIVE_MONTHS
            audit(actor=None, action="archive.month_dropped", month=f"{month:%Y-%m}", count=said.count, digest=said.digest, kept_months=kept)
            ARCHIVE.drop(month)
            dropped.append(month)
    return dropped
