"""The same table in every format that offices send: .xlsx, .xls (xlwt), .xlsb and .ods (written here), text."""

from __future__ import annotations

import csv
import io
import struct
import warnings
import zipfile
from collections.abc import Sequence
from datetime import date
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from tests.uploads.workbooks import grid

Rows = Sequence[Sequence[Any]]
_EPOCH = date(1899, 12, 30)
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns"


def as_format(kind: str, rows: Rows) -> bytes:
    """The rows as a workbook of that kind; for text a kind is an encoding."""
    return {"xlsx": grid, "xls": xls, "xlsb": xlsb, "ods": ods}[kind](rows) if kind in ("xlsx", "xls", "xlsb", "ods") else text(rows, encoding=kind)


def text(rows: Rows, *, encoding: str = "utf-8", separator: str = ",") -> bytes:
    """Dates as dd/mm/yyyy. Windows-1258 has tones as signs of their own: what it cannot write composed is written apart."""
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=separator).writerows([[_plain(cell) for cell in row] for row in rows])
    written = stream.getvalue()
    return written.encode(encoding) if encoding != "cp1258" else b"".join(_windows_1258(letter) for letter in written)


def xls(rows: Rows) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import xlwt
    book = xlwt.Workbook(encoding="utf-8")
    sheet, day = book.add_sheet("Danh sách"), xlwt.easyxf(num_format_str="dd/mm/yyyy")
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            if isinstance(cell, date):
                sheet.write(row, column, cell, day)
            elif cell is not None:
                sheet.write(row, column, cell)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def ods(rows: Rows) -> bytes:
    lines = "".join(f"<table:table-row>{''.join(_ods_cell(cell) for cell in row)}</table:table-row>" for row in rows)
    spaces = " ".join(f'xmlns:{one}="{_OFFICE}:{one}:1.0"' for one in ("office", "table", "text"))
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} office:version="1.2"><office:body><office:spreadsheet>'
        f'<table:table table:name="Danh sách">{lines}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    media = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        f'<manifest:manifest xmlns:manifest="{_OFFICE}:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="{media}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    return package({"mimetype": media.encode(), "content.xml": content.encode(), "META-INF/manifest.xml": manifest.encode()})


def xlsb(rows: Rows) -> bytes:
    """Binary records (MS-XLSB): a number, the length, the body; texts stand in their cells."""
    width = max((len(cells) for cells in rows), default=1)
    sheet = [_record(129), _record(148, struct.pack("<IIII", 0, max(len(rows) - 1, 0), 0, max(width - 1, 0))), _record(145)]
    for number, cells in enumerate(rows):
        sheet.append(_record(0, struct.pack("<IIHBBBI", number, 0, 300, 0, 0, 0, 0)))
        sheet += [_xlsb_cell(column, cell) for column, cell in enumerate(cells) if cell is not None]
    sheet += [_record(146), _record(130)]
    book = [_record(131), _record(143), _record(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide("Danh sách")), _record(144), _record(132)]
    formats = struct.pack("<HHHHHBBBBH", 0, 14, 0, 0, 0, 0, 0, 0, 0, 0)
    styles = [
        _record(278),
        _record(617, struct.pack("<I", 2)),
        _record(47, struct.pack("<H", 0) + b"\0" * 14),
        _record(47, formats),
        _record(618),
        _record(279),
    ]
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{kinds}/worksheet" Target="worksheets/sheet1.bin"/>'
        f'<Relationship Id="rId2" Type="{kinds}/styles" Target="styles.bin"/></Relationships>'
    )
    return package(
        {
            "xl/workbook.bin": b"".join(book),
            "xl/_rels/workbook.bin.rels": links.encode(),
            "xl/worksheets/sheet1.bin": b"".join(sheet),
            "xl/styles.bin": b"".join(styles),
        }
    )


def package(entries: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, body in entries.items():
            zipped.writestr(zipfile.ZipInfo(name, (2026, 10, 15, 0, 0, 0)), body, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _plain(cell: Any) -> str:
    return "" if cell is None else f"{cell:%d/%m/%Y}" if isinstance(cell, date) else str(cell)


def _windows_1258(letter: str) -> bytes:
    import unicodedata

    for form in (letter, unicodedata.normalize("NFD", letter)):
        try:
            return form.encode("cp1258")
        except UnicodeEncodeError:
            continue
    # a letter with a hat or horn keeps it, its tone stands apart
    base, tone = unicodedata.normalize("NFC", unicodedata.normalize("NFD", letter)[:-1]), unicodedata.normalize("NFD", letter)[-1]
    if (other := unicodedata.normalize("NFD", letter))[1] in "\u0323":  # a dot below comes before a hat
        base, tone = unicodedata.normalize("NFC", other[0] + other[2:]), other[1]
    return (base + tone).encode("cp1258")


def _ods_cell(cell: Any) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, date):
        return (
            f'<table:table-cell office:value-type="date" office:date-value="{cell.isoformat()}"><text:p>{cell:%d/%m/%Y}</text:p></table:table-cell>'
        )
    if isinstance(cell, int | float):
        return f'<table:table-cell office:value-type="float" office:value={quoteattr(str(cell))}><text:p>{cell}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'


def _xlsb_cell(column: int, cell: Any) -> bytes:
    if isinstance(cell, date):
        return _record(5, struct.pack("<II", column, 1) + struct.pack("<d", (cell - _EPOCH).days))
    if isinstance(cell, int | float):
        return _record(5, struct.pack("<II", column, 0) + struct.pack("<d", cell))
    return _record(6, struct.pack("<II", column, 0) + _wide(str(cell)))


def _wide(written: str) -> bytes:
    return struct.pack("<I", len(written)) + written.encode("utf-16-le")


def _record(number: int, body: bytes = b"") -> bytes:
    kind = bytes([number]) if number < 128 else bytes([number & 0x7F | 0x80, number >> 7])
    length, size = b"", len(body)
    while True:
        length += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
        size >>= 7
        if not size:
            return kind + length + body
