"""Sheets through calamine, which builds each as a dense table in memory: for files whose bounds were judged before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from registry.reading.cells import Merge, SheetRow
from registry.reading.errors import WorkbookRefused
from registry.reading.package import SheetFacts
from registry.reading.sheets import SheetSource, filled


@dataclass
class DenseSheet:
    """A sheet that calamine has read."""

    name: str
    hidden: bool
    merges: Sequence[Merge]
    last_row: int | None
    sheet: CalamineSheet
    facts: SheetFacts

    def rows(self) -> Iterator[SheetRow]:
        """calamine pads rows above the first, not columns before it."""
        first = (self.sheet.start or (0, 0))[1] + 1
        by_row = self._doubtful()
        for number, row in enumerate(self.sheet.iter_rows() if self.sheet.start is not None else (), start=1):
            cells = filled(dict(enumerate(row, start=first)))
            if cells or number in by_row:
                yield SheetRow(number, cells, by_row.get(number, {}))

    def _doubtful(self) -> dict[int, dict[int, str]]:
        by_row: dict[int, dict[int, str]] = {}
        for code, places in (("CELL_FORMULA", self.facts.formulas), ("CELL_ERROR", self.facts.errors)):
            for row, column in places:
                by_row.setdefault(row, {})[column] = code
        return by_row


def dense_sources(path: Path, *, name: str, facts: Mapping[str, SheetFacts] | None = None) -> Sequence[SheetSource]:
    """Raises WorkbookRefused for what calamine cannot open."""
    try:
        book = CalamineWorkbook.from_path(path)
        return [_source(book, one, facts or {}) for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    except CalamineError as error:
        raise WorkbookRefused("WORKBOOK_DAMAGED", name) from error


def _source(book: CalamineWorkbook, one: object, facts: Mapping[str, SheetFacts]) -> DenseSheet:
    hidden = one.visible != SheetVisibleEnum.Visible
    sheet = book.get_sheet_by_name(one.name)
    merges = [(top + 1, left + 1, bottom + 1, right + 1) for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()]
    return DenseSheet(one.name, hidden, merges, (sheet.end or (-1, 0))[0] + 1, sheet, facts.get(one.name, SheetFacts()))
