"""A workbook as it is: its sheets, and of one sheet the headings, what stands below them, and the rows as a stream.

    book = open_book(path, name="danh sach.xlsx")     # judged and bounded; raises WorkbookRefused
    book.format, [one.name for one in book.sheets]
    sheet = book.sheet()                               # the one that lists people, or book.sheet("Sheet2")
    sheet.heading_rows, sheet.columns, sheet.first_row, sheet.signature
    for row in sheet.rows(): row.number, row.cells, row.doubtful

Which column is which field is `registry.mapping`'s; a sheet together with a mapping is a `Table` (tables).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from registry.mapping import ColumnMapping, MappingInvalid, signature, suggest
from registry.reading.cells import Merge, Raw, SheetRow, column_letter
from registry.reading.errors import WorkbookRefused
from registry.reading.headings import HEADING_ROWS, HeadingBlock, find_headings, numbers_columns
from registry.reading.limits import MEGABYTE, Limits

TEMPLATE_SHEET = "_hoso"  # of our own template: which column is which field, very hidden
MOST_VERSIONS = 20_000  # as many people as a template holds
SAMPLES = 3
SAMPLE_ROWS = 200
_LONGEST_SAMPLE = 60


class SheetSource(Protocol):
    """What a reader of one format gives for one sheet. `rows()` may be called again and begins anew; empty rows may be left out.

    `last_row` is None where only reading to the end would tell.
    """

    name: str
    hidden: bool
    merges: Sequence[Merge]
    last_row: int | None

    def rows(self) -> Iterator[SheetRow]: ...


@dataclass(frozen=True)
class Column:
    """A column below the headings. `heading` is written as in the file, the lines of a heading in two rows joined by " / "."""

    index: int
    lines: tuple[str, ...]
    samples: tuple[str, ...] = ()
    empty: bool = False  # no value in the rows that were looked at (200)

    @property
    def heading(self) -> str:
        return " / ".join(self.lines)

    @property
    def letter(self) -> str:
        return column_letter(self.index)


@dataclass
class Sheet:
    """One sheet with headings. Column indexes and row numbers count from 1, as Excel shows them."""

    name: str
    heading_rows: tuple[int, int]
    columns: tuple[Column, ...]
    first_row: int
    source: SheetSource = field(repr=False)
    given: ColumnMapping | None = field(default=None, repr=False)  # what our template says of its columns

    def suggested(self) -> ColumnMapping:
        """What the template says, else what the headings do."""
        return self.given.applied_to(self.columns, by_place=True) if self.given else suggest(self.columns)

    @property
    def last_row(self) -> int | None:
        return self.source.last_row

    @cached_property
    def signature(self) -> str:
        """Equal for equal sets of headings: what a remembered mapping is kept under."""
        return signature(self.columns)

    def rows(self) -> Iterator[SheetRow]:
        """Every row below the headings that holds anything; the memory it takes does not grow with their number."""
        return _with_merges((row for row in self.source.rows() if row.number >= self.first_row and (row.cells or row.doubtful)), self._merges_below)

    @cached_property
    def _merges_below(self) -> list[Merge]:
        return sorted(merge for merge in self.source.merges if merge[2] > merge[0] >= self.first_row)


@dataclass
class Book:
    """A workbook that was judged and may be read. `format` is xlsx, xls, xlsb, ods or csv."""

    format: str
    sheets: Sequence[SheetSource]
    notes: tuple[str, ...] = ()  # codes of messages.REMARKS: what is in the file and is not read (macros, links)

    @cached_property
    def with_headings(self) -> tuple[Sheet, ...]:
        """The visible sheets in which headings of the catalogue were found."""
        found = (self._described(source) for source in self.sheets if not source.hidden)
        return tuple(sheet for sheet in found if sheet is not None)

    def sheet(self, name: str | None = None, *, heading_rows: tuple[int, int] | None = None) -> Sheet:
        """The sheet `name`, or the one that lists people: the first with a citizen number, else the first with headings.

        `heading_rows` (first, last) is a person's word on where the headings stand. Raises WorkbookRefused.
        """
        if name is not None:
            source = next((one for one in self.sheets if one.name == name), None)
            if source is None:
                raise WorkbookRefused("NO_SUCH_SHEET", name)
            if heading_rows:
                return _sheet(source, _block_at(source, *heading_rows))
            described = next((one for one in self.with_headings if one.source is source), None) or self._described(source)
            if described is None:
                raise WorkbookRefused("NO_HEADING_ROW", limit=HEADING_ROWS)
            return described
        if not [one for one in self.sheets if not one.hidden]:
            raise WorkbookRefused("NO_SHEET")
        if not self.with_headings:
            empty = all(next(one.rows(), None) is None for one in self.sheets if not one.hidden)
            raise WorkbookRefused("SHEET_EMPTY") if empty else WorkbookRefused("NO_HEADING_ROW", limit=HEADING_ROWS)
        return next((one for one in self.with_headings if _lists_people(one)), self.with_headings[0])

    def _described(self, source: SheetSource) -> Sheet | None:
        head = {row.number: row.cells for row in _head(source, HEADING_ROWS)}
        block = find_headings(head, source.merges)
        return _sheet(source, block, self._given) if block else None

    @cached_property
    def versions(self) -> Mapping[str, int]:
        """What our template says of the people in it: the version of each file when it was written, by citizen number."""
        if self._given is None or (source := self._hidden) is None:
            return {}
        lines = islice(source.rows(), 1, MOST_VERSIONS + 1)
        return {str(row.cells.get(1)): int(version) for row in lines if isinstance(version := row.cells.get(2), int | float)}

    @cached_property
    def _hidden(self) -> SheetSource | None:
        return next((one for one in self.sheets if one.hidden and one.name == TEMPLATE_SHEET), None)

    @cached_property
    def _given(self) -> ColumnMapping | None:
        """The mapping that our template carries; whatever else stands there is passed over."""
        first = next(self._hidden.rows(), None) if self._hidden else None
        try:
            return ColumnMapping.from_json(json.loads(str(first.cells.get(1)))["mapping"]) if first else None
        except (ValueError, KeyError, TypeError, RecursionError, MappingInvalid):
            return None


def open_book(path: Path, *, name: str, limits: Limits | None = None) -> Book:
    """The workbook at `path`, whatever its format; its bytes decide, not its name. Raises WorkbookRefused, naming place and remedy."""
    from registry.reading.formats import book_sources

    limits = limits or Limits()
    if (size := path.stat().st_size) > limits.max_bytes:
        raise WorkbookRefused("FILE_TOO_LARGE", -(-size // MEGABYTE), limit=limits.max_bytes // MEGABYTE)
    return Book(*book_sources(path, name=name, limits=limits))


def show_raw(raw: Any) -> str:
    """A cell as its sender would write it, for messages and for keeping the raw row."""
    if isinstance(raw, datetime):
        return raw.strftime("%d/%m/%Y") if raw.time() == time() else raw.strftime("%d/%m/%Y %H:%M")
    if isinstance(raw, date):
        return raw.strftime("%d/%m/%Y")
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() else repr(raw)
    return str(raw)


def _head(source: SheetSource, last: int) -> list[SheetRow]:
    rows = []
    for row in source.rows():
        if row.number > last:
            break
        rows.append(row)
    return rows


def _block_at(source: SheetSource, first: int, last: int) -> HeadingBlock:
    rows = {row.number: row.cells for row in _head(source, last) if row.number >= first}
    block = find_headings(rows, source.merges, exactly=(first, last))
    if block is None:
        raise WorkbookRefused("NO_HEADING_ROW", limit=HEADING_ROWS)
    return block


def _sheet(source: SheetSource, block: HeadingBlock, given: ColumnMapping | None = None) -> Sheet:
    first, samples = block.last + 1, {column: [] for column in block.lines}
    below = (row for row in source.rows() if row.number > block.last)
    for row in islice(below, SAMPLE_ROWS):
        if row.number <= block.last + 2 and numbers_columns(row.cells):
            first = row.number + 1
            continue
        for column, seen in samples.items():
            if column in row.cells and len(seen) < SAMPLES and (text := show_raw(row.cells[column]).strip()[:_LONGEST_SAMPLE]) not in seen:
                seen.append(text)
    columns = [Column(index, lines, tuple(samples[index]), not samples[index]) for index, lines in sorted(block.lines.items())]
    return Sheet(source.name, (block.first, block.last), tuple(columns), first, source, given)


def _lists_people(sheet: Sheet) -> bool:
    return "citizen_id" in sheet.suggested().fields


def _with_merges(rows: Iterator[SheetRow], merges: Sequence[Merge]) -> Iterator[SheetRow]:
    """Rows in which a cell merged over several rows is doubtful everywhere, and holds the value of its first row."""
    if not merges:
        yield from rows
        return
    waiting, active, values = list(reversed(merges)), [], {}
    for row in rows:
        while waiting and waiting[-1][0] <= row.number:
            active.append(waiting.pop())
        active = [merge for merge in active if merge[2] >= row.number]
        cells, doubtful = dict(row.cells), dict(row.doubtful)
        for merge in active:
            top, left, _bottom, right = merge
            if row.number == top:
                values[merge] = row.cells.get(left)
            for column in range(left, right + 1):
                doubtful[column] = "CELL_MERGED"
            if values.get(merge) is not None:
                cells.setdefault(left, values[merge])
        yield SheetRow(row.number, cells, doubtful)


def filled(cells: Mapping[int, Raw]) -> dict[int, Raw]:
    """Without cells that hold nothing but spaces."""
    return {index: cell for index, cell in cells.items() if cell != "" and not (isinstance(cell, str) and not cell.strip())}
