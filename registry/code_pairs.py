"""Pairs of a code of ours and a code of another side, as a spreadsheet: the columns declared once for the way out (import-export) and the way in.

Nothing is saved here: what was read goes to whoever keeps the pairs (`exchange.services.mapping`), which judges all of it and takes all or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from import_export import fields, resources

from orgtree.text import plain
from registry.reading import Limits, SheetRow, open_book
from registry.resources import neutral

# Name, heading, and further headings that a file may have.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "list": ("Danh mục", "list"),
    "code": ("Mã quốc gia", "code"),
    "name": ("Tên", "name"),
    "theirs": ("Mã bên kia", "theirs"),
    "way": ("Chiều", "way"),
    "valid_from": ("Có hiệu lực từ", "valid from"),
    "valid_to": ("Hết hiệu lực từ", "valid to"),
}
NEEDED = ("list", "code", "theirs")
MAX_BYTES, MAX_ROWS = 1024 * 1024, 5_000
Row = Mapping[str, str]


class PairsUnreadable(Exception):
    """The spreadsheet is no table of pairs; the code says why, `detail` where."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code, self.detail = code, detail
        super().__init__(f"{code} {detail}".strip())


class CodePairResource(resources.Resource):
    """One pair a row, cells as text; what a spreadsheet program would take for a formula is neutralised on the way out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields = {name: fields.Field(column_name=headings[0], attribute=name) for name, headings in COLUMNS.items()}

    def get_export_order(self) -> list[str]:
        return list(COLUMNS)

    get_import_order = get_export_order

    def export_field(self, field: fields.Field, instance: Row, **kwargs: Any) -> str:
        return neutral(instance.get(field.attribute, ""))


def pairs_write(rows: Sequence[Row], *, form: str) -> bytes:
    """The rows as a file; `form` is csv (UTF-8 with a mark, so that Excel reads it) or xlsx."""
    made = CodePairResource().export(queryset=list(rows))
    return b"\xef\xbb\xbf" + made.csv.encode() if form == "csv" else bytes(made.xlsx)


def pairs_read(content: bytes, *, name: str) -> list[tuple[int, dict[str, str]]]:
    """(row number as the spreadsheet shows it, cells by column) of every row that says something, in whatever format an upload may have.

    Raises WorkbookRefused, PairsUnreadable.
    """
    with NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        book = open_book(Path(file.name), name=name, limits=Limits(max_bytes=MAX_BYTES))
        lines = next((one.rows() for one in book.sheets if not one.hidden), iter(()))
        columns = _columns(next(lines, None))
        rows = [(line.number, {one: _text(line.cells.get(place, "")) for place, one in columns.items()}) for line in islice(lines, MAX_ROWS)]
        if next(lines, None) is not None:
            raise PairsUnreadable("TOO_MANY_ROWS", str(MAX_ROWS))
    return [(number, cells) for number, cells in rows if any(cells.values())]


def _columns(headings: SheetRow | None) -> dict[int, str]:
    """Our columns by their places. Raises PairsUnreadable when one that is needed is not there."""
    known = {plain(heading): column for column, headings in COLUMNS.items() for heading in (*headings, column)}
    found = {place: known.get(plain(_text(cell)), "") for place, cell in (headings.cells if headings else {}).items()}
    if missing := [COLUMNS[one][0] for one in NEEDED if one not in found.values()]:
        raise PairsUnreadable("COLUMN_MISSING", ", ".join(missing))
    return {place: column for place, column in found.items() if column}


def _text(cell: Any) -> str:
    """A cell as text: a number without ".0", a day in ISO form, and without the sign that neutralised a formula."""
    if isinstance(cell, datetime | date):
        return cell.strftime("%Y-%m-%d")
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = " ".join(str(cell).split())
    return text[1:] if text[:1] == "'" else text
