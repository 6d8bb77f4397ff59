"""Several calls to the other side at the same time, each in a thread of its own that touches no database.

What a wave of calls brings is recorded together, by the caller: one record a call costs one statement a wave and not ten a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from typing import Any

from exchange.connectors import CallFailed, Connector
from exchange.models import Batch

GROUPED = 0.25  # seconds after which the calls that have ended are recorded, whatever the slow ones do


@dataclass(frozen=True)
class Ended:
    """One call's answer, or why there is none."""

    batch: Batch
    answer: Any = None
    failure: CallFailed | None = None


def together(call: Callable[[Batch], Any], batches: Sequence[Batch], line: Connector) -> Iterator[list[Ended]]:
    """Make one call for each batch, all at once; yields what has ended, a group at a time, until all have."""
    if len(batches) == 1:
        yield [ended(call, batches[0])]
        return
    pending = {line.pool.submit(ended, call, one) for one in batches}
    while pending:
        done, pending = wait(pending, timeout=GROUPED)
        if done:
            yield [one.result() for one in done]


def ended(call: Callable[[Batch], Any], batch: Batch) -> Ended:
    try:
        return Ended(batch, call(batch))
    except CallFailed as failure:
        return Ended(batch, failure=failure)
