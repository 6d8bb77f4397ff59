"""On the hub: how much an agency may send. Counters live in the cache, since losing them costs nothing; the limits are the agency's.

A refused call says in `Retry-After` when to come again, and an agency of this program waits that long by itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from exchange.models import Agency, InboundBatch
from exchange.selectors.sight import operates_line
from orgtree import clock
from orgtree.models import User
from workflows.errors import NotAllowed
from workflows.services.audit import audit

MINUTE = 60
DAY = 86_400


class TooMany(Exception):
    """The agency called or sent more than it may; `seconds` until it may again."""

    def __init__(self, what: str, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(what)


def call_admit(*, agency: Agency) -> None:
    """Count a call in this minute. Raises TooMany."""
    now = clock.now()
    window = int(now.timestamp()) // MINUTE
    name = f"exchange.calls.{agency.pk}.{window}"
    cache.add(name, 0, timeout=2 * MINUTE)
    if cache.incr(name) > agency.calls_a_minute:
        raise TooMany(f"At most {agency.calls_a_minute} calls a minute.", MINUTE - int(now.timestamp()) % MINUTE)


def records_admit(*, agency: Agency, records: int) -> None:
    """May so many more records come today? Asked of the batches themselves. Raises TooMany."""
    now = clock.now()
    midnight = now.astimezone(clock.ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    today = InboundBatch.objects.filter(agency=agency, received_at__gte=midnight).aggregate(sum=Sum("size"))["sum"] or 0
    if today + records > agency.records_a_day:
        raise TooMany(f"At most {agency.records_a_day} records a day; {today} have come today.", _until(midnight + timedelta(days=1), now))


def reading_admit(*, agency: Agency, records: int) -> None:
    """Count records whose documents are told today; at most as many as the agency may send in a day. Raises TooMany."""
    now = clock.now()
    midnight = now.astimezone(clock.ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    name = f"exchange.told.{agency.pk}.{midnight.date():%Y%m%d}"
    cache.add(name, 0, timeout=2 * DAY)
    if cache.incr(name, records) > agency.records_a_day:
        cache.decr(name, records)
        raise TooMany(f"At most {agency.records_a_day} records a day are told.", _until(midnight + timedelta(days=1), now))


def quota_set(*, actor: User | None, agency: Agency, calls_a_minute: int, records_a_day: int) -> Agency:
    """Change an agency's limits (actor None: from a shell on the server). Raises NotAllowed, ValidationError."""
    if actor is not None and not operates_line(actor):
        raise NotAllowed
    if calls_a_minute < 1 or records_a_day < 1:
        raise ValidationError(_("A limit is at least 1; to stop an agency, switch it off."))
    with transaction.atomic():
        agency = Agency.objects.select_for_update(no_key=True, of=("self",)).get(pk=agency.pk)
        agency.calls_a_minute, agency.records_a_day = calls_a_minute, records_a_day
        agency.save(update_fields=["calls_a_minute", "records_a_day"])
        audit(actor=actor, action="agency.quota_set", agency=agency.code, calls_a_minute=calls_a_minute, records_a_day=records_a_day)
    return agency


def _until(moment: datetime, now: datetime) -> int:
    return max(1, int((moment - now).total_seconds()))
