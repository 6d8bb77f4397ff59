"""From a judged workbook to its table: the sheet, the heading row, which column is which field, and the raw rows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from registry.fields import ProfileField, field_of_heading
from registry.reading.errors import WorkbookRefused
from registry.reading.package import MAX_ROWS, MEGABYTE, Cell, SheetFacts, column_letter, package_check

HEADING_ROWS = 30
FEWEST_HEADINGS = 2
Raw = int | float | str | bool | date | datetime | time | timedelta

_COLUMN_NUMBER = re.compile(r"\(?\d{1,2}[a-z]?\)?")


@dataclass(frozen=True)
class Column:
    """A column with a heading. `index` counts from 1 as in the sheet; `field` is None for one that is not read."""

    index: int
    heading: str
    field: ProfileField | None

    @property
    def letter(self) -> str:
        return column_letter(self.index)


@dataclass(frozen=True)
class Remark:
    """Something about the workbook that its sender should know, though it is read (codes in messages.REMARKS)."""

    code: str
    value: str
    place: str = ""
    column: str = ""
    heading: str = ""


@dataclass(frozen=True)
class SheetRow:
    """One row of data: `number` as Excel shows it, `cells` by column index, empty ones left out."""

    number: int
    cells: dict[int, Raw]


@dataclass
class Table:
    """The table found. `rows()` streams; `remarks` is complete once the rows have been read."""

    sheet: str
    heading_row: int
    columns: Sequence[Column]
    facts: SheetFacts
    remarks: list[Remark]
    merged: set[Cell]
    _source: CalamineSheet = field(repr=False)

    @property
    def fields(self) -> dict[str, Column]:
        """The columns that are read, by the name of their field."""
        return {column.field.name: column for column in self.columns if column.field}

    @property
    def height(self) -> int:
        """How many sheet rows stand below the headings, empty ones included."""
        return max((self._source.end or (0, 0))[0] + 1 - self.heading_row, 0)

    def rows(self) -> Iterator[SheetRow]:
        """Rows below the headings that hold a person; others that hold something are passed over with a remark."""
        read = {column.index for column in self.columns if column.field}
        people = {column.index for name, column in self.fields.items() if name in ("citizen_id", "birth_name")}
        valueless: dict[int, set[int]] = defaultdict(set)
        for row, column in self.facts.formulas | self.facts.errors:
            valueless[row].add(column)
        for number, cells in islice(_rows(self._source), self.heading_row, None):
            if number <= self.heading_row + 2 and _numbers_columns(cells):
                continue
            filled = cells.keys() | valueless.get(number, set())
            if filled & people or len(filled & read) > 2:
                yield SheetRow(number, cells)
            else:
                self._pass_over(number, cells)

    def cells_of(self, name: str) -> Iterator[tuple[int, Raw]]:
        """Row number and cell of one field, for every row below the headings where it is filled."""
        index = self.fields[name].index
        yield from ((number, cells[index]) for number, cells in islice(_rows(self._source), self.heading_row, None) if index in cells)

    def _pass_over(self, number: int, cells: dict[int, Raw]) -> None:
        if cells:
            self.remarks.append(Remark("ROW_PASSED_OVER", " | ".join(str(cell) for cell in cells.values())[:200], place=str(number)))


def read_table(path: Path, *, name: str, max_bytes: int) -> Table:
    """Open the workbook at `path` and find its table. Raises WorkbookRefused, which names place and remedy."""
    if (size := path.stat().st_size) > max_bytes:
        raise WorkbookRefused("FILE_TOO_LARGE", -(-size // MEGABYTE), limit=max_bytes // MEGABYTE)
    facts = package_check(path, name=name)
    try:
        workbook = CalamineWorkbook.from_path(path)
        visible = [one for one in workbook.sheets_metadata if one.visible == SheetVisibleEnum.Visible and one.typ == SheetTypeEnum.WorkSheet]
        if not visible:
            raise WorkbookRefused("NO_SHEET")
        sheets = [workbook.get_sheet_by_name(one.name) for one in visible]
    except CalamineError as error:
        raise WorkbookRefused("WORKBOOK_DAMAGED", name) from error
    sheets = [sheet for sheet in sheets if sheet.start is not None]
    if not sheets:
        raise WorkbookRefused("SHEET_EMPTY")
    return _table(sheets, facts)


def _table(sheets: Sequence[CalamineSheet], facts: dict[str, SheetFacts]) -> Table:
    headings = {sheet.name: found for sheet in sheets if (found := _heading_row(sheet)) is not None}
    if not headings:
        raise WorkbookRefused("NO_HEADING_ROW", limit=HEADING_ROWS)
    chosen = next(
        (name for name, (_row, columns) in headings.items() if any(c.field and c.field.name == "citizen_id" for c in columns)), next(iter(headings))
    )
    sheet = next(one for one in sheets if one.name == chosen)
    row, columns = headings[chosen]
    _refuse_unusable(chosen, row, columns, sheet)
    remarks = [Remark("SHEET_IGNORED", name) for name in headings if name != chosen]
    remarks += [
        Remark("COLUMN_IGNORED", one.heading, place=one.letter, column=one.letter, heading=one.heading) for one in columns if one.field is None
    ]
    return Table(chosen, row, columns, facts.get(chosen, SheetFacts()), remarks, _merged_over_rows(sheet, row, columns), sheet)


def _refuse_unusable(name: str, row: int, columns: Sequence[Column], sheet: CalamineSheet) -> None:
    by_field: dict[str, list[str]] = defaultdict(list)
    for column in columns:
        if column.field:
            by_field[column.field.name].append(column.letter)
    for field_name, letters in by_field.items():
        if len(letters) > 1:
            raise WorkbookRefused("COLUMN_TWICE", ", ".join(letters), place=name, field=field_name)
    if "citizen_id" not in by_field:
        raise WorkbookRefused("NO_CITIZEN_ID_COLUMN", row, place=name)
    last = (sheet.end or (0, 0))[0] + 1
    if last <= row:
        raise WorkbookRefused("NO_ROWS", row, place=name)
    if last - row > MAX_ROWS:
        raise WorkbookRefused("SHEET_TOO_LARGE", f"A{last}", place=name, limit=MAX_ROWS)


def _heading_row(sheet: CalamineSheet) -> tuple[int, list[Column]] | None:
    """The row among the first 30 with most headings of the catalogue, at least two; a heading merged downwards from the row above counts."""
    best: tuple[int, list[Column]] | None = None
    most = FEWEST_HEADINGS - 1
    above: dict[int, Raw] = {}
    for number, cells in islice(_rows(sheet), HEADING_ROWS):
        columns = _headings(cells, above)
        known = sum(column.field is not None for column in columns)
        if known > most:
            best, most = (number, columns), known
        above = cells
    return best


def _headings(cells: dict[int, Raw], above: dict[int, Raw]) -> list[Column]:
    columns = [Column(index, text, field_of_heading(text)) for index, cell in cells.items() if (text := _one_line(cell))]
    merged = [
        Column(index, text, known) for index, cell in above.items() if index not in cells and (known := field_of_heading(text := _one_line(cell)))
    ]
    return sorted(columns + merged, key=lambda column: column.index)


def _one_line(cell: Raw) -> str:
    return " ".join(str(cell).split())[:200]


def _rows(sheet: CalamineSheet) -> Iterator[tuple[int, dict[int, Raw]]]:
    """Every row from the first of the sheet, with its filled cells by column. calamine pads rows above, not columns before."""
    first = (sheet.start or (0, 0))[1] + 1
    for number, row in enumerate(sheet.iter_rows(), start=1):
        yield number, {index: cell for index, cell in enumerate(row, start=first) if cell != "" and not (isinstance(cell, str) and not cell.strip())}


def _merged_over_rows(sheet: CalamineSheet, heading_row: int, columns: Sequence[Column]) -> set[Cell]:
    """Cells below the headings, in columns that are read, that are merged with a cell of another row."""
    read = [column.index for column in columns if column.field]
    last = (sheet.end or (0, 0))[0]
    merged: set[Cell] = set()
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if bottom > top >= heading_row:
            merged |= {(row + 1, column) for row in range(top, min(bottom, last) + 1) for column in read if left < column <= right + 1}
    return merged


def _numbers_columns(cells: dict[int, Any]) -> bool:
    """The row (1), (2), (3) ... that many forms have below their headings."""
    return len(cells) > 2 and all(_COLUMN_NUMBER.fullmatch(_integer(cell)) for cell in cells.values())


def _integer(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
