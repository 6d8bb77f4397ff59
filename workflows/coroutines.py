"""Runs pyHanko's coroutines from ordinary code.

pyHanko is asynchronous for the sake of time-stamp servers and revocation fetching; this program does neither, and its
views, tasks and the signing agent are plain synchronous code. Free of Django: the signing agent uses it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def complete(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """The result of `coroutine`, on an event loop of its own; in a thread of its own where this one has a loop running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
