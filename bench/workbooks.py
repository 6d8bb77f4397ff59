"""Workbooks of any size, row by row: a shared string for every text, as Excel saves them. xlsxwriter would take minutes for six million cells."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_EPOCH = date(1899, 12, 30)
_OPEN = "http://schemas.openxmlformats.org"
_KINDS = f"{_OPEN}/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_MAIN = f'xmlns="{_OPEN}/spreadsheetml/2006/main"'
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def _links(*targets: tuple[str, str]) -> str:
    links = (f'<Relationship Id="rId{n}" Type="{_KINDS}/{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(targets, start=1))
    return f'<Relationships xmlns="{_OPEN}/package/2006/relationships">{"".join(links)}</Relationships>'


def _content_types(**kinds: str) -> str:
    ends = "".join(f'<Default Extension="{end}" ContentType="{kind}"/>' for end, kind in (("xml", "application/xml"), ("rels", _RELS)))
    parts = "".join(f'<Override PartName="/xl/{name}.xml" ContentType="{_TYPE}.{kind}+xml"/>' for name, kind in kinds.items())
    return f'<Types xmlns="{_OPEN}/package/2006/content-types">{ends}{parts}</Types>'


_RELS = "application/vnd.openxmlformats-package.relationships+xml"
_STYLES = (
    '<fonts count="1"><font/></fonts><fills count="1"><fill><patternFill/></fill></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
)
_PARTS = {
    "[Content_Types].xml": _content_types(
        **{"workbook": "sheet.main", "worksheets/sheet1": "worksheet", "styles": "styles", "sharedStrings": "sharedStrings"}
    ),
    "_rels/.rels": _links(("officeDocument", "xl/workbook.xml")),
    "xl/_rels/workbook.xml.rels": _links(("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml"), ("sharedStrings", "sharedStrings.xml")),
    "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_KINDS}"><sheets><sheet name="Danh sách" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/styles.xml": f"<styleSheet {_MAIN}>{_STYLES}</styleSheet>",
}


def workbook_write(path: Path, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """One sheet: headings in row 1, rows below; cells are text, numbers, dates or None."""
    texts: dict[str, int] = {}
    letters = [_letters(index) for index in range(1, len(headings) + 1)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as package:
        for name, body in _PARTS.items():
            package.writestr(name, _HEAD + body)
        with package.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f"{_HEAD}<worksheet {_MAIN}><sheetData>".encode())
            for number, cells in enumerate(_chain(headings, rows), start=1):
                line = "".join(_cell(letter, number, cell, texts) for letter, cell in zip(letters, cells, strict=True) if cell is not None)
                sheet.write(f'<row r="{number}">{line}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
        with package.open("xl/sharedStrings.xml", "w", force_zip64=True) as strings:
            strings.write(f'{_HEAD}<sst {_MAIN} uniqueCount="{len(texts)}">'.encode())
            for text in texts:
                strings.write(f"<si><t>{escape(text)}</t></si>".encode())
            strings.write(b"</sst>")


def _cell(letter: str, row: int, cell: Any, texts: dict[str, int]) -> str:
    if isinstance(cell, str):
        return f'<c r="{letter}{row}" t="s"><v>{texts.setdefault(cell, len(texts))}</v></c>'
    if isinstance(cell, date):
        return f'<c r="{letter}{row}" s="1"><v>{(cell - _EPOCH).days}</v></c>'
    return f'<c r="{letter}{row}"><v>{cell}</v></c>'


def _chain(headings: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    yield headings
    yield from rows


def _letters(index: int) -> str:
    letters = ""
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
