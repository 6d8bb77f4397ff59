"""Live progress of a job, in Redis: what is written inside the one applying transaction is invisible (decisions.md 18)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.core.cache import cache

KEEP_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Progress:
    stage: str
    done: int
    total: int


def progress_set(job_id: UUID | str, *, stage: str, done: int = 0, total: int = 0) -> None:
    cache.set(f"job:{job_id}", (stage, done, total), KEEP_SECONDS)


def progress_get(job_id: UUID | str) -> Progress | None:
    """What the job last said, or None when it said nothing (or the cache was emptied)."""
    found = cache.get(f"job:{job_id}")
    return Progress(*found) if found else None
