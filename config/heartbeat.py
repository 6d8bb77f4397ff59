"""How `/health` knows that a worker lives: its main process writes the time into the cache, however long its tasks take."""

from __future__ import annotations

import time
from typing import Any

from celery.signals import heartbeat_sent
from django.core.cache import cache

EVERY_SECONDS = 10
KEY = "worker:heartbeat"
_KEEP_SECONDS = 24 * 3600

_last_beat = 0.0


@heartbeat_sent.connect
def beat(**_: Any) -> None:
    """The worker's own heartbeat, every two seconds; one in five is written down."""
    global _last_beat  # noqa: PLW0603  (one worker process, one thread)
    if time.monotonic() - _last_beat >= EVERY_SECONDS:
        cache.set(KEY, time.time(), _KEEP_SECONDS)
        _last_beat = time.monotonic()


def seconds_since_beat() -> float | None:
    """Seconds since any worker of this role wrote its heartbeat; None when none did for a day. Raises what the cache raises."""
    written = cache.get(KEY)
    return None if written is None else max(0.0, time.time() - written)
