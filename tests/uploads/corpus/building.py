"""Making workbooks with one thing wrong, the same bytes every time."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import xlsxwriter

from tests.uploads.containers import package

Rows = Sequence[Sequence[Any]]
MADE = datetime(2026, 10, 15, 1, 0, tzinfo=UTC)
SHEET = "xl/worksheets/sheet1.xml"


def book(rows: Rows, *, merges: Sequence[str] = ()) -> bytes:
    return sheets({"Danh sách": rows}, merges=merges)


def sheets(tables: Mapping[str, Rows], *, merges: Sequence[str] = ()) -> bytes:
    """A workbook of several sheets; a text that begins with = is a formula; merges are of the last sheet."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_urls": False}) as made:
        made.set_properties({"created": MADE})
        day = made.add_format({"num_format": "dd/mm/yyyy"})
        for name, rows in tables.items():
            sheet = made.add_worksheet(name)
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, date):
                        sheet.write_datetime(row, column, cell, day)
                    elif cell is not None:
                        sheet.write(row, column, cell)
    body = stream.getvalue()
    if merges:
        listed = "".join(f'<mergeCell ref="{one}"/>' for one in merges)
        body = entry_text(
            body,
            "</sheetData>",
            f'</sheetData><mergeCells count="{len(merges)}">{listed}</mergeCells>',
            entry=f"xl/worksheets/sheet{len(tables)}.xml",
        )
    return body


def hidden_first_sheet(tables: Mapping[str, Rows]) -> bytes:
    return entry_text(sheets(tables), 'sheetId="1"', 'sheetId="1" state="hidden"', entry="xl/workbook.xml")


def with_prefix(rows: Rows) -> bytes:
    """Every tag of the sheet with a prefix, texts in their cells."""
    lines = "".join(
        f'<x:row r="{number}">{"".join(_inline(cell) for cell in cells)}</x:row>' for number, cells in enumerate(rows, start=1)
    )  # fmt: skip
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<?xml version="1.0" encoding="UTF-8"?><x:worksheet xmlns:x="{main}"><x:sheetData>{lines}</x:sheetData></x:worksheet>'
    return entry_set(book(rows), SHEET, sheet.encode())


def _inline(cell: Any) -> str:
    return f"<x:c><x:v>{cell}</x:v></x:c>" if isinstance(cell, int) else f'<x:c t="inlineStr"><x:is><x:t>{cell}</x:t></x:is></x:c>'


def entry_added(body: bytes, name: str, content: bytes) -> bytes:
    return package({**_entries(body), name: content})


def entry_set(body: bytes, name: str, content: bytes) -> bytes:
    return package({**_entries(body), name: content})


def entry_text(body: bytes, before: str, after: str, *, entry: str = SHEET) -> bytes:
    """One text of an entry exchanged; it must be there."""
    entries = _entries(body)
    content = entries[entry].decode()
    if before not in content:
        raise ValueError(before)
    return package({**entries, entry: content.replace(before, after).encode()})


def entry_replaced(body: bytes, before: str, after: str) -> bytes:
    return entry_text(body, before, after)


def cell_replaced(body: bytes, row: str) -> bytes:
    """One more row at the end of the sheet."""
    return entry_text(body, "</sheetData>", f"{row}</sheetData>")


def bomb(body: bytes) -> bytes:
    return entry_added(body, "xl/media/image1.png", b"\0" * 30 * 1024 * 1024)


def encrypted() -> bytes:
    """The beginning of what Excel writes for a workbook with a password: a compound file that holds EncryptedPackage."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 480


def _entries(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as zipped:
        return {one: zipped.read(one) for one in zipped.namelist()}
