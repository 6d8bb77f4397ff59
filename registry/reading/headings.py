"""Where the headings stand: in one to three of the first 30 rows, as a group above and names below, merged or not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from registry.encodings import Encoding, decode, decodes, recognise
from registry.mapping import certain_match
from registry.reading.cells import Merge, Raw

HEADING_ROWS = 30
MOST_LINES = 3
FEWEST_HEADINGS = 2
_LONGEST = 200

_COLUMN_NUMBER = re.compile(r"\(?\d{1,3}[a-z]?\)?(\s*[=+]\s*.*)?")
Rows = Mapping[int, Mapping[int, Raw]]


@dataclass(frozen=True)
class HeadingBlock:
    """Rows `first` to `last` hold the headings: by column the lines of its heading, the group above first.

    `known` counts the fields, and parts of fields, that they name: a group spread over three columns names one.
    """

    first: int
    last: int
    lines: Mapping[int, tuple[str, ...]]
    known: int


def find_headings(rows: Rows, merges: Sequence[Merge], *, exactly: tuple[int, int] | None = None) -> HeadingBlock | None:
    """The block with most headings of the catalogue, at least two; of equal ones that with fewer lines, then the first.

    `rows` by number; `exactly` (first, last) takes those rows whatever they hold.
    """
    spread = _spread_merges(rows, merges)
    if exactly:
        return _block(spread, *exactly)
    best: HeadingBlock | None = None
    for count in range(1, MOST_LINES + 1):
        for last in sorted(rows):
            block = _block(spread, last - count + 1, last) if last - count + 1 >= 1 else None
            if block and block.known >= FEWEST_HEADINGS and (best is None or block.known > best.known):
                best = block
    return best


def numbers_columns(cells: Mapping[int, Any]) -> bool:
    """The row (1), (2), (3) ... that many forms have below their headings."""
    return len(cells) > 2 and all(_COLUMN_NUMBER.fullmatch(integer_text(cell)) for cell in cells.values()) and _ascending(cells)


def integer_text(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _ascending(cells: Mapping[int, Any]) -> bool:
    numbers = [int(found[0]) for cell in cells.values() if (found := re.search(r"\d+", integer_text(cell)))]
    return all(before <= after for before, after in pairwise(numbers))


def _spread_merges(rows: Rows, merges: Sequence[Merge]) -> dict[int, dict[int, str]]:
    """Texts by row and column, a merged cell's text in every column that it covers (downwards the block looks for itself)."""
    texts = {number: {index: text for index, cell in cells.items() if (text := _one_line(cell))} for number, cells in rows.items()}
    for top, left, _bottom, right in merges:
        text = texts.get(top, {}).get(left)
        if text and right > left:
            for column in range(left + 1, min(right, left + _LONGEST) + 1):
                texts[top].setdefault(column, text)
    return texts


def _block(texts: Mapping[int, Mapping[int, str]], first: int, last: int) -> HeadingBlock | None:
    lines_of_rows = [dict(texts.get(number, {})) for number in range(first, last + 1)]
    if any(not line for line in lines_of_rows):
        return None
    for above, below in pairwise(lines_of_rows):
        _fill_groups(above, below)
    columns = sorted(set().union(*lines_of_rows))
    lines = {column: _distinct(line.get(column, "") for line in lines_of_rows) for column in columns}
    known = {(match.field, match.part) for one in lines.values() if (match := certain_match(one))}
    return HeadingBlock(first, last, lines, len(known))


def _fill_groups(above: dict[int, str], below: Mapping[int, str]) -> None:
    """A group that is centred over its columns without a merge: it reaches to the right as far as names stand below and nothing above."""
    group = ""
    for column in range(min(above), max(*above, *below) + 1):
        if column in above:
            group = above[column] if column in below else ""
        elif column in below and group:
            above[column] = group
        else:
            group = ""


def _distinct(lines: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for line in lines if line))


def _one_line(cell: Raw) -> str:
    text = " ".join(str(cell).split())[:_LONGEST]
    return text if text.isascii() else _readable(text)


@lru_cache(maxsize=4096)
def _readable(text: str) -> str:
    """A heading in an old font as Unicode: by its words, or because only so it names a field ("Sè CMND")."""
    if encoding := recognise(text):
        return decode(text, encoding)
    if not certain_match((text,)):
        for encoding in Encoding:
            if decodes(text, encoding) and certain_match((decode(text, encoding),)):
                return decode(text, encoding)
    return text
