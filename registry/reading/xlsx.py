"""An .xlsx sheet as a stream: a megabyte of XML at a time, whatever the number of rows.

calamine and openpyxl build or hold a whole sheet (or all its strings); a million rows of 60 columns do not fit. So rows are cut at
</row> and their cells found by one expression; a row (or a sheet: comments, CDATA, UTF-16, prefixes) in which that expression does not
account for every cell goes through expat instead. Tests hold both ways equal, and equal to calamine.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from math import isfinite
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from registry.reading.cells import Merge, Raw, SheetRow, column_number
from registry.reading.errors import WorkbookRefused
from registry.reading.package import Package, Scan, damaged_as_refused, pieces
from registry.reading.strings import SharedStrings, excel_unescaped, strings_of, text_of
from registry.reading.styles import Styles, local_name, styles_of

_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"(?: s="([0-9]+)")?(?: t="(\w+)")?(?:/>|></c>|><v>([^<]*)</v></c>|>(.*?)</c>)', re.DOTALL)
_FORMULA = re.compile(rb"(?:<f(?: [^<>]*)?/>|<f(?: [^<>]*)?>[^<]*</f>)(?:<v>([^<]*)</v>|<v/>)?")
_INLINE = re.compile(rb'<is><t(?: xml:space="preserve")?>([^<]*)</t></is>')
_STYLES = "xl/styles.xml"
_REST = b"<worksheet><sheetData>"  # what stands before the rows that are left, for expat
_LONGEST_ROW = 16 * 1024 * 1024
_MOST_COMPLEX = 5_000  # cells that cost a parser of their own; a sheet with more goes through one parser
_MOST_RECENT = 60_000  # strings kept by the number under which cells name them
_NUMBER = re.compile(rb"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?|-?\.[0-9]+")
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_LONGEST_TEXT = 32_767  # of a cell, as Excel has it
_LAST_SERIAL = 2_958_466  # 31 December 9999
_MAX_COLUMN, _MAX_ROW = 16_384, 1_048_576


@dataclass
class XlsxBook:
    """What its sheets share."""

    package: Package
    name: str
    styles: Styles

    @cached_property
    def strings(self) -> SharedStrings:
        entry = "xl/sharedStrings.xml"
        if entry not in self.package.scans:
            return SharedStrings()
        with damaged_as_refused(self.name), zipfile.ZipFile(self.package.path) as package:
            return strings_of(pieces(package, entry), plain=self.package.scans[entry].plain)


@dataclass
class XlsxSheet:
    """One sheet; see sheets.SheetSource."""

    name: str
    hidden: bool
    entry: str
    book: XlsxBook = field(repr=False)

    @property
    def _scan(self) -> Scan:
        return self.book.package.scans[self.entry]

    @property
    def merges(self) -> Sequence[Merge]:
        return self._scan.merges

    @property
    def last_row(self) -> int | None:
        return self._scan.last_row

    def rows(self) -> Iterator[SheetRow]:
        """Raises WorkbookRefused for XML that breaks off or makes no sense."""
        with damaged_as_refused(self.book.name), zipfile.ZipFile(self.book.package.path) as package:
            chunks = pieces(package, self.entry)
            yield from (self._cut(chunks) if self._scan.plain else self._parsed(chunks))

    def _cut(self, chunks: Iterator[bytes]) -> Iterator[SheetRow]:
        rest, begun, read = b"", False, _RowReader(self.book)
        for chunk in chunks:
            rest += chunk
            if not begun:
                start = rest.find(b"<sheetData")
                if start < 0:
                    if b":sheetData" in rest:  # names with a prefix
                        yield from self._parsed(_chain(rest, chunks))
                        return
                    rest = _open_row(rest)
                    continue
                begun, rest = True, rest[start:]
            parts = rest.split(b"</row>")
            rest = _open_row(parts.pop())
            for place, part in enumerate(parts):
                found = _CELL.findall(part)
                if len(found) != part.count(b"<c ") + part.count(b"<c>") or read.complex > _MOST_COMPLEX:
                    unread = b"</row>".join([*parts[place:], rest])
                    yield from self._parsed(_chain(_REST + unread[max(unread.find(b"<row"), 0) :], chunks), after=read.number)
                    return
                if (row := read.row(found)) is not None:
                    yield row
        if begun and b"</sheetData>" not in rest and b"<sheetData/>" not in rest:
            raise WorkbookRefused("WORKBOOK_DAMAGED", self.book.name)

    def _parsed(self, chunks: Iterator[bytes], *, after: int = 0) -> Iterator[SheetRow]:
        reader = _XmlReader(self.book, after)
        for chunk in chunks:
            reader.parser.Parse(chunk, False)
            yield from reader.taken()
        reader.parser.Parse(b"", True)
        yield from reader.taken()


def xlsx_sources(package: Package, *, name: str) -> list[XlsxSheet]:
    """The worksheets, in the order of the workbook."""
    with damaged_as_refused(name), zipfile.ZipFile(package.path) as zipped:
        relations = _relations(zipped)
        root = _xml(zipped, "xl/workbook.xml")
        epoch_1904 = any(one.get("date1904") in ("1", "true") for one in root.iter() if local_name(one) == "workbookPr")
        book = XlsxBook(package, name, styles_of(_xml(zipped, _STYLES) if _STYLES in zipped.NameToInfo else None, epoch_1904))
        sheets = []
        for one in (each for each in root.iter() if local_name(each) == "sheet"):
            kind, entry = relations.get(next((value for key, value in one.items() if key.endswith("}id")), ""), ("", ""))
            if kind.endswith("/worksheet") and entry in package.scans:
                sheets.append(XlsxSheet(one.get("name", ""), one.get("state", "visible") != "visible", entry, book))
        return sheets


class _RowReader:
    """Rows cut from the stream, as bytes, to SheetRows."""

    def __init__(self, book: XlsxBook) -> None:
        self._book, self._strings, self._styles = book, book.strings, book.styles
        self.number = self.complex = 0
        self._recent: dict[bytes, str] = {}
        self._dated = frozenset(str(one).encode() for one in book.styles.days | book.styles.times)

    def row(self, found: Sequence[tuple[bytes, ...]]) -> SheetRow | None:
        """The row of these cells (groups of _CELL); None where none holds anything."""
        if not found:
            return None
        cells: dict[int, Raw] = {}
        doubtful: dict[int, str] = {}
        recent, dated = self._recent, self._dated
        for letters, _number, style, kind, text, inner in found:
            if text:
                if kind == b"s":
                    value: Raw | None = recent.get(text)
                    if value is None:
                        value = self._string(text)
                    if value:
                        cells[_index(letters)] = value
                    continue
                value = _number_of(text) if not kind and style not in dated else self._value(letters, style, kind, text, doubtful)
            elif inner:
                value = self._complex(letters, style, kind, inner, doubtful)
            else:
                continue
            if value is not None and value != "" and not (value.__class__ is str and value.isspace()):
                cells[_index(letters)] = value
        if not cells and not doubtful:
            return None
        self.number = int(found[0][1])
        if self.number > _MAX_ROW:
            raise ValueError(self.number)
        return SheetRow(self.number, cells, doubtful)

    def _string(self, number: bytes) -> str:
        """A shared string by its number as it stands in the cell; "" for one of nothing but spaces."""
        text = self._strings[int(number)]
        if text.isspace():
            text = ""
        if len(self._recent) >= _MOST_RECENT:
            self._recent.clear()
        self._recent[number] = text
        return text

    def _value(self, letters: bytes, style: bytes, kind: bytes, text: bytes, doubtful: dict[int, str]) -> Raw | None:
        if kind in (b"", b"n"):
            return _number_or_day(text, int(style or 0), self._styles)
        if kind == b"e":
            doubtful[_index(letters)] = "CELL_ERROR"
            return None
        return _typed(kind.decode(), text_of(text), self._strings)

    def _complex(self, letters: bytes, style: bytes, kind: bytes, inner: bytes, doubtful: dict[int, str]) -> Raw | None:
        """A formula with its last value, or a text in the cell itself."""
        if plain := _FORMULA.fullmatch(inner):
            doubtful[_index(letters)] = "CELL_FORMULA"
            return self._value(letters, style, kind, plain[1], doubtful) if plain[1] else None
        if kind == b"inlineStr" and (plain := _INLINE.fullmatch(inner)):
            return text_of(plain[1])[:_LONGEST_TEXT]
        self.complex += 1
        reader = _XmlReader(self._book)
        reader.parser.Parse(b'<row r="1"><c r="%s1" s="%s" t="%s">%s</c></row>' % (letters, style or b"0", kind or b"n", inner), True)
        (row,) = reader.taken() or (SheetRow(1, {}),)
        doubtful.update(row.doubtful)
        return row.cells.get(_index(letters))


class _XmlReader:
    """expat over rows: the exact way."""

    def __init__(self, book: XlsxBook, after: int = 0) -> None:
        """`after` is the number of the row before the first, for rows that do not say theirs."""
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self._book = book
        self._done: list[SheetRow] = []
        self._row, self._column = after, 0
        self._cells: dict[int, Raw] = {}
        self._doubtful: dict[int, str] = {}
        self._kind, self._style, self._parts, self._in = "n", 0, [], ""
        self._phonetic = False

    def taken(self) -> list[SheetRow]:
        done, self._done = self._done, []
        return done

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "row":
            self._row, self._column, self._cells, self._doubtful = int(attributes.get("r", self._row + 1)), 0, {}, {}
        elif tag == "c":
            self._cell(attributes)
        elif tag == "f":
            self._doubtful[self._column] = "CELL_FORMULA"
        elif tag == "rPh":
            self._phonetic = True
        elif tag in ("v", "t"):
            self._in = tag

    def _cell(self, attributes: dict[str, str]) -> None:
        self._column += 1
        if found := _REFERENCE.fullmatch(attributes.get("r", "")):
            self._column, self._row = column_number(found[1]), int(found[2])
        if self._column > _MAX_COLUMN or self._row > _MAX_ROW:
            raise ValueError(self._column)
        self._kind, self._style, self._parts = attributes.get("t", "n"), int(attributes.get("s", "0")), []
        if self._kind == "e":
            self._doubtful[self._column] = "CELL_ERROR"

    def _text(self, text: str) -> None:
        if self._in and not self._phonetic:
            self._parts.append(text)

    def _end(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if tag in ("v", "t"):
            self._in = ""
        elif tag == "rPh":
            self._phonetic = False
        elif tag == "c":
            value = self._value("".join(self._parts))
            if value is not None and value != "":
                self._cells[self._column] = value
        elif tag == "row":
            cells = _without_blanks(self._cells)
            if cells or self._doubtful:
                self._done.append(SheetRow(self._row, cells, self._doubtful))

    def _value(self, text: str) -> Raw | None:
        if not text or self._kind == "e":
            return None
        if self._kind == "n":
            return _number_or_day(text.strip().encode(), self._style, self._book.styles)
        return _typed(self._kind, excel_unescaped(text), self._book.strings)


def _typed(kind: str, text: str, strings: SharedStrings) -> Raw:
    if kind == "s":
        return strings[int(text)]
    if kind == "b":
        return text.strip() in ("1", "true")
    if kind == "d":
        return _iso(text.strip())
    return text[:_LONGEST_TEXT]


def _iso(text: str) -> Raw:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.date() if moment.time() == time() else moment


@lru_cache(maxsize=65_536)
def _number_of(text: bytes) -> Raw:
    if text.isdigit() and len(text) <= 17:
        return int(text)
    if _NUMBER.fullmatch(text) and isfinite(number := float(text)):
        return number
    return text_of(text)


@lru_cache(maxsize=65_536)
def _number_or_day(text: bytes, style: int, styles: Styles) -> Raw:
    number = _number_of(text)
    if isinstance(number, str) or not (style in styles.days or style in styles.times) or not 0 <= number < _LAST_SERIAL:
        return number
    if style in styles.times and number < 1:
        minutes, second = divmod(min(round(number * 86_400), 86_399), 60)
        return time(minutes // 60, minutes % 60, second)
    whole = int(number)
    seconds = round((number - whole) * 86_400)
    day = _day(whole, styles.epoch_1904)
    if day is None:
        return number
    return day if not seconds else datetime.combine(day, time()) + timedelta(seconds=seconds)


def _day(serial: int, epoch_1904: bool) -> date | None:
    """Excel believes that 1900 was a leap year: its day 60 never was, and the days before it count from another day."""
    if epoch_1904:
        return date(1904, 1, 1) + timedelta(days=serial) if serial < _LAST_SERIAL - 1_462 else None
    if serial == 60 or serial < 1:
        return None
    return date(1899, 12, 30 if serial > 60 else 31) + timedelta(days=serial)


@lru_cache(maxsize=1024)
def _index(letters: bytes) -> int:
    index = column_number(letters.decode())
    if index > _MAX_COLUMN:
        raise ValueError(index)
    return index


def _without_blanks(cells: dict[int, Raw]) -> dict[int, Raw]:
    """Without texts of spaces only."""
    blank = [index for index, cell in cells.items() if isinstance(cell, str) and not cell.strip()]
    for index in blank:
        del cells[index]
    return cells


def _open_row(rest: bytes) -> bytes:
    """What may still belong to the next row: of many empty rows (<row/>) nothing. Raises ValueError for a row without an end."""
    if len(rest) > _LONGEST_ROW:
        rest = rest[max(rest.rfind(b"<row"), 0) :]
        if len(rest) > _LONGEST_ROW:
            raise ValueError("a row without an end")
    return rest


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _relations(package: zipfile.ZipFile) -> dict[str, tuple[str, str]]:
    """Kind and entry by id."""
    found = {}
    for one in _xml(package, "xl/_rels/workbook.xml.rels"):
        target = one.get("Target", "")
        found[one.get("Id", "")] = (one.get("Type", ""), target.lstrip("/") if target.startswith("/") else f"xl/{target}")
    return found


def _xml(package: zipfile.ZipFile, entry: str) -> Any:
    if package.getinfo(entry).file_size > 64 * 1024 * 1024:
        raise ValueError(entry)
    return ElementTree.fromstring(package.read(entry))  # noqa: S314 no DOCTYPE gets past the scan
