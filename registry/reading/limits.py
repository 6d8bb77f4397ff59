"""How much of a file is read at most; all bounds hold before or while a file is opened, never after."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024
MAX_ROWS = 100_000  # what one change request holds


@dataclass(frozen=True)
class Limits:
    """Bounds of one reading. `dense_memory` is for the process that reads .xls, .xlsb and .ods, which builds whole sheets."""

    max_bytes: int = 50 * MEGABYTE
    max_unpacked: int = 600 * MEGABYTE
    max_ratio: int = 200  # a sheet of equal rows packs about 1:40; only entries above `ratio_from` are judged
    ratio_from: int = 8 * MEGABYTE
    max_entries: int = 2_000
    max_sheets: int = 100
    max_rows: int = MAX_ROWS
    dense_memory: int = 1024 * MEGABYTE
