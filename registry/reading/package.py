"""The zip container of a workbook, judged before anything opens it: sizes from its directory, then every entry once in a stream.

A directory may lie, so each entry is unpacked in pieces and counted against its declared size (Python's zipfile checks length and
CRC); what only looks harmless in the directory is refused here, before calamine, which trusts it, sees the file. The same pass
finds sheets with formulas, error cells, or cells so far out that the dense table calamine builds would not fit into memory.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from registry.reading.cells import Cell, column_letter, column_number
from registry.reading.errors import WorkbookRefused
from registry.reading.limits import MEGABYTE, Limits

CHUNK = MEGABYTE

_OLE = b"\xd0\xcf\x11\xe0"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_RELATION = re.compile(r"\}id$")
# What sends a sheet to the exact pass: a formula, an error cell, a cell beyond column CZ or row 99,999.
_NOTABLE = re.compile(rb"<(?:\w+:)?f[\s/>]|\st=\"e\"|\sr=\"(?:[D-Z][A-Z]|[A-Z]{3})[0-9]|\sr=\"[A-Z]*[0-9]{6}")
_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)
_OVERLAP = 64


@dataclass
class SheetFacts:
    """What calamine does not tell: where formulas and error cells stand, and the last cell that holds anything (0, 0 when not looked for)."""

    formulas: set[Cell] = field(default_factory=set)
    errors: set[Cell] = field(default_factory=set)
    last_row: int = 0
    last_column: int = 0


def package_check(path: Path, *, name: str, limits: Limits) -> dict[str, SheetFacts]:
    """Facts by sheet name. Raises WorkbookRefused for what is not an .xlsx, is damaged, or unpacks to too much."""
    _sniff(path, name)
    try:
        with zipfile.ZipFile(path) as package:
            _judge_directory(package, name, limits)
            sheets = _sheet_entries(package)
            notable = {entry.filename for entry in package.infolist() if _stream_notable(package, entry, name)}
            return {sheet: _facts(package, entry, sheet, limits) if entry in notable else SheetFacts() for sheet, entry in sheets.items()}
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ElementTree.ParseError,
        expat.ExpatError,
        NotImplementedError,
        KeyError,
        RuntimeError,
    ) as error:
        raise WorkbookRefused("WORKBOOK_DAMAGED", name) from error


def _sniff(path: Path, name: str) -> None:
    with path.open("rb") as handle:
        start = handle.read(8)
    if not start:
        raise WorkbookRefused("FILE_EMPTY", name)
    if start.startswith(_OLE):
        raise WorkbookRefused("OLD_OR_LOCKED", name)
    if not start.startswith(b"PK"):
        raise WorkbookRefused("NOT_A_WORKBOOK", name)


def _judge_directory(package: zipfile.ZipFile, name: str, limits: Limits) -> None:
    entries = package.infolist()
    if len(entries) > limits.max_entries:
        raise WorkbookRefused("WORKBOOK_DAMAGED", name)
    if "xl/workbook.xml" not in package.NameToInfo:
        raise WorkbookRefused("NOT_A_WORKBOOK", name)
    largest = max(entries, key=lambda entry: entry.file_size)
    total = sum(entry.file_size for entry in entries)
    exploding = [
        entry for entry in entries if entry.file_size > limits.ratio_from and entry.file_size > limits.max_ratio * max(entry.compress_size, 1)
    ]
    if total > limits.max_unpacked or exploding:
        worst = exploding[0] if exploding else largest
        raise WorkbookRefused("WORKBOOK_UNSAFE", total // MEGABYTE, place=worst.filename, limit=limits.max_unpacked // MEGABYTE)


def _pieces(package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    with package.open(entry) as handle:
        while piece := handle.read(CHUNK):
            yield piece


def _stream_notable(package: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bool:
    """Unpack the whole entry once (its length and CRC are then proven) and say whether it needs the exact pass."""
    xml, found, tail = entry.filename.endswith((".xml", ".rels")), False, b""
    for piece in _pieces(package, entry):
        window = tail + piece
        if xml and _DOCTYPE.search(window):
            raise WorkbookRefused("WORKBOOK_DAMAGED", name)
        found = found or (xml and _NOTABLE.search(window) is not None)
        tail = piece[-_OVERLAP:]
    return found


def _sheet_entries(package: zipfile.ZipFile) -> dict[str, str]:
    """Entry of each sheet by the sheet's name."""
    relations = {
        relation.get("Id"): relation.get("Target", "")
        for relation in ElementTree.fromstring(package.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 no DTD gets here
    }
    book = ElementTree.fromstring(package.read("xl/workbook.xml"))  # noqa: S314
    entries: dict[str, str] = {}
    for sheet in [*book.iter(f"{_MAIN}sheet"), *book.iter(f"{_STRICT}sheet")]:
        relation = next((value for key, value in sheet.items() if _RELATION.search(key)), None)
        place = relations.get(relation, "")
        entries[sheet.get("name", "")] = place.lstrip("/") if place.startswith("/") else f"xl/{place}"
    return entries


def _facts(package: zipfile.ZipFile, entry: str, sheet: str, limits: Limits) -> SheetFacts:
    scan = _SheetScan()
    for piece in _pieces(package, package.getinfo(entry)):
        scan.parser.Parse(piece, False)
    scan.parser.Parse(b"", True)
    facts = scan.facts
    if facts.last_row > limits.max_rows or facts.last_row * facts.last_column > limits.dense_cells:
        raise WorkbookRefused("SHEET_TOO_LARGE", f"{column_letter(facts.last_column)}{facts.last_row}", place=sheet, limit=limits.max_rows)
    return facts


class _SheetScan:
    """expat over one sheet: positions of formulas, error cells, and the last cell with a value."""

    def __init__(self) -> None:
        self.facts = SheetFacts()
        self.row = self.column = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "row":
            self.row, self.column = int(attributes.get("r", self.row + 1)), 0
        elif tag == "c":
            self._cell(attributes)
        elif tag == "f":
            self.facts.formulas.add((self.row, self.column))
        elif tag in ("v", "is"):
            self.facts.last_row = max(self.facts.last_row, self.row)
            self.facts.last_column = max(self.facts.last_column, self.column)

    def _cell(self, attributes: dict[str, str]) -> None:
        self.column += 1
        if reference := re.fullmatch(r"([A-Z]{1,3})([0-9]{1,7})", attributes.get("r", "")):
            self.column, self.row = column_number(reference[1]), int(reference[2])
        if attributes.get("t") == "e":
            self.facts.errors.add((self.row, self.column))
