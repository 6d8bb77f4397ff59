"""Live progress of a job, in Redis: what is written inside the one applying transaction is invisible (decisions.md 18)."""

from __future__ import annotations

from dataclasses import dataclass
from time import time
from uuid import UUID

from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

KEEP_SECONDS = 24 * 3600
STAGES = {
    "opening": _("Opening the file"),
    "reading": _("Reading rows"),
    "cleaning": _("Reading cells"),
    "matching": _("Looking for the people"),
    "checking": _("Checking by the rules"),
    "concluding": _("Writing down the result"),
}


@dataclass(frozen=True)
class Progress:
    """`since` is when the stage began, in seconds since 1970."""

    stage: str
    done: int
    total: int
    since: float = 0.0

    @property
    def words(self) -> str:
        """The stage as a person reads it; "" for one that has no words."""
        return str(STAGES.get(self.stage, ""))

    @property
    def minutes_left(self) -> int | None:
        """`seconds_left` in whole minutes, rounded up."""
        return None if self.seconds_left is None else -(-self.seconds_left // 60)

    @property
    def seconds_left(self) -> int | None:
        """How long the stage will last if it goes on as it went; None before a twentieth of it is done."""
        gone = time() - self.since
        if not self.since or not self.total or self.done * 20 < self.total or gone < 1:
            return None
        return max(round(gone * (self.total - self.done) / self.done), 0)


def progress_set(job_id: UUID | str, *, stage: str, done: int = 0, total: int = 0) -> None:
    before = progress_get(job_id)
    since = before.since if before and before.stage == stage and before.since else time()
    cache.set(f"job:{job_id}", (stage, done, total, since), KEEP_SECONDS)


def progress_get(job_id: UUID | str) -> Progress | None:
    """What the job last said, or None when it said nothing (or the cache was emptied)."""
    found = cache.get(f"job:{job_id}")
    return Progress(*found) if found else None
