"""Places and values of cells, as every reader gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache

Raw = int | float | str | bool | date | datetime | time | timedelta
Cell = tuple[int, int]  # row and column, from 1
Merge = tuple[int, int, int, int]  # first row, first column, last row, last column, from 1, inclusive


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row of a sheet: `number` as Excel shows it, `cells` by column index (from 1), empty ones left out.

    `doubtful` names cells whose value cannot be trusted as it stands, by column: CELL_FORMULA (`cells` then holds what was last
    computed, if anything), CELL_ERROR, CELL_MERGED (messages.CELLS).
    """

    number: int
    cells: dict[int, Raw]
    doubtful: Mapping[int, str] = field(default_factory=dict)


@cache
def column_letter(column: int) -> str:
    """1 is A, 27 is AA."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


@cache
def column_number(letters: str) -> int:
    """A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
