"""`GET /health`: whether this installation works, for load balancers, the supervisor of `make run`, and people.

200 when database, broker, worker and migrations are well, 503 when one is not. The oldest due delivery is told but does not
count: while the other side is down, deliveries wait, and that is no fault of ours. Open to everybody, so it holds counts and
seconds only: no addresses, names or messages of errors (those go to the log).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.heartbeat import EVERY_SECONDS, seconds_since_beat
from exchange.selectors.due import oldest_due
from exchange.transports.tls import standings
from orgtree import clock
from workflows.services.witnessing import seconds_since_told

_LOG = logging.getLogger(__name__)
_SILENT_AFTER_SECONDS = 6 * EVERY_SECONDS

Detail = dict[str, Any]


def database() -> Detail:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {"ok": True}


def broker() -> Detail:
    caches["default"].get("health")
    return {"ok": True}


def worker() -> Detail:
    """A worker that said nothing for a minute is not well, even when its process is there."""
    age = seconds_since_beat()
    return {"ok": age is not None and age <= _SILENT_AFTER_SECONDS, "seconds_since_heartbeat": None if age is None else round(age)}


def migrations() -> Detail:
    pending = len(_known_migrations() - set(MigrationRecorder(connection).applied_migrations()))
    return {"ok": pending == 0, "pending": pending}


def deliveries() -> Detail:
    oldest = oldest_due()
    return {"ok": True, "oldest_due_seconds": None if oldest is None else max(0, round((clock.now() - oldest).total_seconds()))}


def witnesses() -> Detail:
    """Told and not counted: a witness that is away is told later, and pages work meanwhile."""
    told = seconds_since_told()
    never = any(seconds is None for seconds in told.values())
    return {"ok": True, "count": len(told), "oldest_told_seconds": None if never or not told else max(one or 0 for one in told.values())}


def certificates() -> Detail:
    """Client certificates of channels: how many cannot be used, and the days that the first to end still has. Nobody's work stops by it at once."""
    found = standings(settings.CHANNEL_CERTIFICATES)
    left = [one.days_left for one in found if one.days_left is not None]
    unusable = sum(1 for one in found if one.problem or (one.days_left is not None and one.days_left < 0))
    return {"ok": True, "channels": len(found), "unusable": unusable, "days_left": min(left, default=None)}


CHECKS: dict[str, Callable[[], Detail]] = {
    "database": database,
    "broker": broker,
    "worker": worker,
    "migrations": migrations,
    "deliveries": deliveries,
    "certificates": certificates,
    "witnesses": witnesses,
}


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """`{"status": "ok" | "failing", "role": ..., "checks": {name: {"ok": bool, ...}}}`"""
    checks = {name: _careful(name, check) for name, check in CHECKS.items()}
    well = all(detail["ok"] for detail in checks.values())
    return JsonResponse({"status": "ok" if well else "failing", "role": settings.ROLE, "checks": checks}, status=200 if well else 503)


def _careful(name: str, check: Callable[[], Detail]) -> Detail:
    try:
        return check()
    except (DatabaseError, redis.RedisError, OSError) as error:
        _LOG.warning("health check %s failed: %s", name, error)
        return {"ok": False}


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """Every migration that this program's code holds; read from the disk once for each process."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
