"""Pairs of a code of ours and a code of another side, as a spreadsheet: the columns declared once (import-export) for the way out and the way in.

Nothing is saved here: what was read goes to whoever keeps the pairs (`exchange.services.mapping`), which judges all of it and takes all or nothing.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from import_export import fields, resources
from tablib import Dataset
from tablib.exceptions import TablibException

from orgtree.text import plain
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
MAX_BYTES, MAX_UNPACKED, MAX_ROWS = 1_000_000, 20_000_000, 5_000
Row = Mapping[str, str]


class PairsUnreadable(Exception):
    """The file cannot be read as a table of pairs; the code says why, `detail` where."""

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
    """(row number as the spreadsheet shows it, cells by column) of every row that says something. Raises PairsUnreadable."""
    if len(content) > MAX_BYTES:
        raise PairsUnreadable("TOO_LARGE")
    made = _loaded(content, name)
    known = {plain(heading): column for column, headings in COLUMNS.items() for heading in (*headings, column)}
    headings = [known.get(plain(str(one or "")), "") for one in made.headers or ()]
    if missing := [COLUMNS[one][0] for one in NEEDED if one not in headings]:
        raise PairsUnreadable("COLUMN_MISSING", ", ".join(missing))
    if len(made) > MAX_ROWS:
        raise PairsUnreadable("TOO_MANY_ROWS", str(MAX_ROWS))
    rows = (
        (number, {column: _text(cell) for column, cell in zip(headings, row, strict=False) if column}) for number, row in enumerate(made, start=2)
    )
    return [(number, cells) for number, cells in rows if any(cells.values())]


def _loaded(content: bytes, name: str) -> Dataset:
    try:
        if content[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                if sum(one.file_size for one in packed.infolist()) > MAX_UNPACKED:
                    raise PairsUnreadable("TOO_LARGE")
            return Dataset().load(io.BytesIO(content), format="xlsx")
        text = content.decode("utf-8-sig")
        return Dataset().load(text, format="csv", delimiter=_delimiter(text))
    except (TablibException, zipfile.BadZipFile, UnicodeDecodeError, ValueError, KeyError, OSError) as error:
        raise PairsUnreadable("NOT_A_TABLE", name) from error


def _delimiter(text: str) -> str:
    """Excel with Vietnamese settings writes semicolons."""
    first = text.partition("\n")[0]
    return max((",", ";", "\t"), key=first.count)


def _text(cell: Any) -> str:
    """A cell as text: a number without ".0", a day in ISO form, and without the sign that neutralised a formula."""
    if isinstance(cell, datetime | date):
        return cell.strftime("%Y-%m-%d")
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = " ".join(str("" if cell is None else cell).split())
    return text[1:] if text[:1] == "'" else text
