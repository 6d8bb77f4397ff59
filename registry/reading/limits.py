"""How much of a file is read at most; all bounds hold before or while a file is opened, never after."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024
MAX_ROWS = 1_048_575  # a whole sheet below its headings; how many go into one change request is for those who make it
UNPACKED = 12  # a workbook unpacks to so many times its bytes: texts and their tags; one of equal rows more


@dataclass(frozen=True)
class Limits:
    """Bounds of one reading. `dense_memory` is for the process that reads .xls, .xlsb and .ods, which builds whole sheets."""

    max_bytes: int = 50 * MEGABYTE
    max_ratio: int = 40  # a sheet of equal rows packs up to 1:16, of empty ones 1:30; only entries above `ratio_from` are judged
    ratio_from: int = 8 * MEGABYTE
    max_entries: int = 2_000
    max_sheets: int = 100
    max_rows: int = MAX_ROWS
    max_unpacked: int = 0  # 0: twelve times max_bytes
    dense_memory: int = 1024 * MEGABYTE

    @property
    def unpacked(self) -> int:
        return self.max_unpacked or UNPACKED * self.max_bytes
