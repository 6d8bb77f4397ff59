"""Which reader opens a file: the first bytes decide, never the name that its sender gave it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from registry.reading.dense import dense_sources
from registry.reading.errors import WorkbookRefused
from registry.reading.limits import Limits
from registry.reading.package import package_check
from registry.reading.sheets import SheetSource


def book_sources(path: Path, *, name: str, limits: Limits) -> tuple[str, Sequence[SheetSource]]:
    """The format and its sheets. Raises WorkbookRefused."""
    with path.open("rb") as handle:
        start = handle.read(8)
    if not start:
        raise WorkbookRefused("FILE_EMPTY", name)
    facts = package_check(path, name=name, limits=limits)
    return "xlsx", dense_sources(path, name=name, facts=facts)
