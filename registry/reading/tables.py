"""A sheet together with a mapping: the rows that hold a person, with their cells by field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from orgtree.text import plain
from registry.encodings import decode, recognise
from registry.fields import BY_NAME, ProfileField
from registry.mapping import ColumnMapping
from registry.reading.cells import Raw, SheetRow, column_letter
from registry.reading.errors import WorkbookRefused
from registry.reading.limits import MAX_ROWS, Limits
from registry.reading.sheets import Book, Sheet, open_book

PEOPLE = ("citizen_id", "birth_name")
_FEW = 2  # a row with neither number nor name and so few cells is a line of text
# Lines below (or among) the people that are none of them: totals, signatures, places and days of signing.
# Totals, and what stands below a list: who made it, where and when ("Ea Knốp, ngày 01 tháng 10 năm 2026").
_NO_PERSON = re.compile(
    r"(tong (cong|so)|cong|nguoi lap( bieu)?|thu truong|chu tich|ke toan|ghi chu|danh sach nay co|an dinh)\b|.*\bngay\b.{1,9}thang\b.{1,9}nam\b"
)


@dataclass(frozen=True)
class Remark:
    """Something about the workbook that its sender should know, though it is read (codes in messages.REMARKS)."""

    code: str
    value: str
    place: str = ""
    column: str = ""
    heading: str = ""


@dataclass(frozen=True)
class TableColumn:
    """A column as mapped; `field` is None for one that is not read."""

    index: int
    heading: str
    field: ProfileField | None

    @property
    def letter(self) -> str:
        return column_letter(self.index)


@dataclass
class Table:
    """A sheet read with a mapping. `rows()` streams; `remarks` is complete once the rows have been read.

    Raises WorkbookRefused when the mapping cannot be read with (`ColumnMapping.problems`), or nothing stands below the headings.
    """

    source: Sheet
    mapping: ColumnMapping
    max_rows: int = MAX_ROWS
    numberless: bool = False  # a person has confirmed that there are no citizen numbers
    remarks: list[Remark] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._refuse_unusable()
        ignored = (one for one in self.columns if one.field is None)
        self.remarks += [Remark("COLUMN_IGNORED", one.heading, place=one.letter, column=one.letter, heading=one.heading) for one in ignored]

    @property
    def sheet(self) -> str:
        return self.source.name

    @property
    def heading_row(self) -> int:
        """The last row of the headings."""
        return self.source.heading_rows[1]

    @cached_property
    def columns(self) -> Sequence[TableColumn]:
        return [TableColumn(one.index, one.heading, BY_NAME[one.field] if one.field else None) for one in self.mapping.columns]

    @cached_property
    def fields(self) -> dict[str, TableColumn]:
        """The first column of every field that is read, by the field's name."""
        fields: dict[str, TableColumn] = {}
        for column in self.columns:
            if column.field:
                fields.setdefault(column.field.name, column)
        return fields

    @property
    def height(self) -> int:
        """How many sheet rows stand below the headings, empty ones included; 0 where only reading would tell."""
        return max((self.source.last_row or 0) - self.heading_row, 0)

    def values(self, row: SheetRow) -> dict[str, Raw]:
        """The cells of a row by field, parts of a field put together."""
        return self.mapping.values(row.cells)

    def doubtful(self, row: SheetRow) -> dict[str, tuple[str, int]]:
        """Fields whose cell cannot be trusted as it stands: (code, column), for the columns that are read."""
        found: dict[str, tuple[str, int]] = {}
        for one in self.mapping.columns if row.doubtful else ():
            if one.field and one.index in row.doubtful:
                found.setdefault(one.field, (row.doubtful[one.index], one.index))
        return found

    def rows(self) -> Iterator[SheetRow]:
        """Rows below the headings that hold a person; others that hold something are passed over with a remark."""
        read = {column.index for column in self.columns if column.field}
        people = {column.index for column in self.columns if column.field and column.field.name in PEOPLE}
        number = self.mapping.column_of("citizen_id")
        count = 0
        for row in self.source.rows():
            filled = row.cells.keys() | row.doubtful.keys()
            if (filled & people or len(filled & read) > _FEW) and not (number not in filled and _is_no_person(row)):
                count += 1
                if count > self.max_rows:
                    raise WorkbookRefused("SHEET_TOO_LARGE", f"A{row.number}", place=self.sheet, limit=self.max_rows)
                yield row
            elif row.cells:
                text = " | ".join(map(_readable, row.cells.values()))[:200]
                self.remarks.append(Remark("ROW_PASSED_OVER", text, place=str(row.number)))

    def cells_of(self, name: str) -> Iterator[tuple[int, Raw]]:
        """Row number and cell of one field, for every row below the headings where it is filled."""
        index = self.fields[name].index
        yield from ((row.number, row.cells[index]) for row in self.source.rows() if index in row.cells)

    def _refuse_unusable(self) -> None:
        for problem in self.mapping.problems(numberless=self.numberless):
            value: Any = ", ".join(column_letter(index) for index in problem.columns) or self.heading_row
            raise WorkbookRefused(problem.code, value, place=self.sheet, field=problem.field)
        if next(self.source.rows(), None) is None:
            raise WorkbookRefused("NO_ROWS", self.heading_row, place=self.sheet)


def read_table(path: Path, *, name: str, max_bytes: int) -> Table:
    """Open the workbook at `path` and read it with what is suggested. Raises WorkbookRefused, which names place and remedy."""
    return table_of(open_book(path, name=name, limits=Limits(max_bytes=max_bytes)))


def table_of(
    book: Book, *, sheet: str | None = None, mapping: ColumnMapping | None = None, max_rows: int = MAX_ROWS, numberless: bool = False
) -> Table:
    """The table of a book, other sheets with headings remarked; without a mapping the suggested one."""
    chosen = book.sheet(sheet)
    ignored = [one.name for one in book.with_headings if one.name != chosen.name] if chosen.given is None else []  # our template has a guide
    others = [*(Remark(code, "") for code in book.notes), *(Remark("SHEET_IGNORED", name) for name in ignored)]
    return Table(chosen, mapping or chosen.suggested(), max_rows, numberless, others)


def _is_no_person(row: SheetRow) -> bool:
    first = next((cell for cell in row.cells.values() if isinstance(cell, str)), "")
    return bool(_NO_PERSON.match(plain(_readable(first))))


def _readable(cell: Raw) -> str:
    """The cell as text; a total in an old font is one, too."""
    encoding = recognise(text := str(cell))
    return decode(text, encoding) if encoding else text
