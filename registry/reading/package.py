"""The zip container of a workbook, judged before anything opens it: sizes from its directory, then every entry once in a stream.

A directory may lie, so each entry is unpacked in pieces and counted against its declared size (Python's zipfile checks length and
CRC); what only looks harmless in the directory is refused here, before anybody builds something from it. The same pass notes of each
XML entry what its reader has to know beforehand: merged cells (they stand behind the rows), the last row, unusual markup.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from registry.reading.cells import Merge, column_letter, column_number
from registry.reading.errors import WorkbookRefused
from registry.reading.limits import MEGABYTE, Limits

__all__ = ["Package", "Scan", "column_letter", "column_number", "damaged_as_refused", "judge", "pieces"]

CHUNK = MEGABYTE
MAX_MERGES = 200_000
_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)
_MERGE = re.compile(rb'<mergeCell\s+ref="([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})"')
_ROW = re.compile(rb'<(?:\w+:)?(?:row|c)\s(?:[^>]*\s)?r="[A-Z]{0,3}([0-9]{1,7})"')
_OVERLAP = 256
_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
# What reading a broken container or its XML raises.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ElementTree.ParseError,
    expat.ExpatError,
    UnicodeError,
    NotImplementedError,
    KeyError,
    RuntimeError,
    LookupError,
    ValueError,
    OverflowError,
)


@dataclass
class Scan:
    """Of one XML entry: whether it is plain UTF-8 without comments and CDATA, its merged cells, the number of the last row named in it."""

    plain: bool = True
    merges: list[Merge] = field(default_factory=list)
    last_row: int = 0


@dataclass(frozen=True)
class Package:
    """A judged container: `kind` is xlsx, xlsb or ods; `scans` by entry; `notes` are codes of messages.REMARKS on what is not read."""

    path: Path
    kind: str
    scans: Mapping[str, Scan]
    notes: tuple[str, ...]


@contextmanager
def damaged_as_refused(name: str) -> Iterator[None]:
    """What a broken file raises is said in words."""
    try:
        yield
    except _DAMAGE as error:
        raise WorkbookRefused("WORKBOOK_DAMAGED", name) from error


def judge(path: Path, *, name: str, limits: Limits) -> Package:
    """Raises WorkbookRefused for what is no workbook, is damaged, or unpacks to too much."""
    with damaged_as_refused(name), zipfile.ZipFile(path) as package:
        kind = _kind(package, name)
        _judge_directory(package, name, limits)
        scans = {entry.filename: _scan(package, entry, name) for entry in package.infolist()}
        return Package(path, kind, scans, tuple(_notes(package)))


def pieces(package: zipfile.ZipFile, entry: zipfile.ZipInfo | str) -> Iterator[bytes]:
    """An entry unpacked, a megabyte at a time."""
    with package.open(entry) as handle:
        while piece := handle.read(CHUNK):
            yield piece


def _kind(package: zipfile.ZipFile, name: str) -> str:
    names = package.NameToInfo
    if "xl/workbook.bin" in names:
        return "xlsb"
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "content.xml" in names and "mimetype" in names and names["mimetype"].file_size < 200 and b"spreadsheet" in package.read("mimetype"):
        return "ods"
    raise WorkbookRefused("NOT_A_WORKBOOK", name)


def _judge_directory(package: zipfile.ZipFile, name: str, limits: Limits) -> None:
    entries = package.infolist()
    if len(entries) > limits.max_entries:
        raise WorkbookRefused("WORKBOOK_DAMAGED", name)
    total = sum(entry.file_size for entry in entries)
    exploding = [
        entry for entry in entries if entry.file_size > limits.ratio_from and entry.file_size > limits.max_ratio * max(entry.compress_size, 1)
    ]
    for entry in exploding:
        raise WorkbookRefused("WORKBOOK_BOMB", entry.file_size // MEGABYTE, place=entry.filename, limit=limits.max_ratio)
    if total > limits.unpacked:
        raise WorkbookRefused("WORKBOOK_UNSAFE", total // MEGABYTE, limit=limits.unpacked // MEGABYTE)
    sheets = sum(entry.filename.startswith("xl/worksheets/") for entry in entries if entry.filename.endswith((".xml", ".bin")))
    if sheets > limits.max_sheets:
        raise WorkbookRefused("TOO_MANY_SHEETS", sheets, limit=limits.max_sheets)


def _notes(package: zipfile.ZipFile) -> Iterator[str]:
    names = [entry.filename for entry in package.infolist()]
    if any(one.endswith("vbaProject.bin") or one.startswith(("Basic/", "Scripts/")) for one in names):
        yield "MACROS_IGNORED"
    if any(one.startswith("xl/externalLinks/") for one in names):
        yield "LINKS_IGNORED"


def _scan(package: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> Scan:
    """Unpack the whole entry once (its length and CRC are then proven) and note what stands in it."""
    xml = entry.filename.endswith((".xml", ".rels"))
    sheet = xml and entry.filename.startswith("xl/worksheets/")
    scan, tail = Scan(), b""
    for number, piece in enumerate(pieces(package, entry)):
        if not xml:
            continue
        if number == 0:
            scan.plain = not piece.startswith(_UTF_16) and b"<?xml" not in piece[5:]
        window = tail + piece
        if b"<!" in window:
            scan.plain = False
            if _DOCTYPE.search(window):
                raise WorkbookRefused("WORKBOOK_DAMAGED", name)
        if not scan.plain and b"\x00" in piece[:64] and _DOCTYPE.search(window.replace(b"\x00", b"")):
            raise WorkbookRefused("WORKBOOK_DAMAGED", name)
        if sheet:
            _note_rows(scan, window, len(tail), name)
        tail = window[-_OVERLAP:]
    return scan


def _note_rows(scan: Scan, window: bytes, known: int, name: str) -> None:
    if b"<mergeCell " in window:
        for found in _MERGE.finditer(window):
            if found.end() > known:
                left, top, right, bottom = (part.decode() for part in found.groups())
                scan.merges.append((int(top), column_number(left), int(bottom), column_number(right)))
        if len(scan.merges) > MAX_MERGES:
            raise WorkbookRefused("WORKBOOK_DAMAGED", name)
    last = max(window.rfind(b"<row "), window.rfind(b"<c r="), window.rfind(b":row "))
    if last >= 0 and (found := _ROW.match(window, window.rfind(b"<", 0, last + 1))):
        scan.last_row = max(scan.last_row, int(found[1]))
