"""Text files (.csv, .txt): which encoding, which separator, then rows as a stream. All cells are text."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from registry.encodings import Encoding, decode, vietnamese
from registry.reading.cells import Merge, SheetRow
from registry.reading.errors import WorkbookRefused
from registry.reading.limits import Limits

SEPARATORS = ",;\t|"
_PROBE = 256 * 1024
_LONGEST_CELL = 32_767
_FEWEST_SIGNS = 0.02  # control characters tell a text from a program
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass
class TextSheet:
    """The only sheet of a text file; see sheets.SheetSource. How many rows it has, only reading tells."""

    name: str
    path: Path = field(repr=False)
    encoding: str
    separator: str
    limits: Limits = field(repr=False)
    hidden: bool = False
    merges: Sequence[Merge] = ()
    last_row: int | None = None

    def rows(self) -> Iterator[SheetRow]:
        """Raises WorkbookRefused where the text breaks off or a cell is longer than a sheet could hold."""
        csv.field_size_limit(_LONGEST_CELL * 4)
        with self.path.open("r", encoding=self.encoding, newline="") as handle:
            try:
                for number, cells in enumerate(csv.reader(_without_nul(handle), delimiter=self.separator), start=1):
                    found = {index: text for index, cell in enumerate(cells, start=1) if (text := _composed(cell))}
                    if found:
                        yield SheetRow(number, found)
            except (csv.Error, UnicodeError) as error:
                raise WorkbookRefused("WORKBOOK_DAMAGED", self.name) from error


def text_source(path: Path, *, name: str, limits: Limits) -> TextSheet:
    """Raises WorkbookRefused(NOT_A_WORKBOOK) for bytes that are no text with columns."""
    with path.open("rb") as handle:
        probe = handle.read(_PROBE)
    encoding = _encoding(probe)
    text = _decoded(probe, encoding) if encoding else ""
    if not text or sum(unicodedata.category(one) == "Cc" and one not in "\r\n\t\x0b\x0c" for one in text) > len(text) * _FEWEST_SIGNS:
        raise WorkbookRefused("NOT_A_WORKBOOK", name)
    separator = _separator(text)
    if not separator:
        raise WorkbookRefused("NOT_A_WORKBOOK", name)
    return TextSheet(Path(name).stem or name, path, encoding, separator, limits)


def _encoding(probe: bytes) -> str:
    """UTF-8 and UTF-16 are certain; else the table of Windows in which the words are Vietnamese (old fonts are repaired later)."""
    for mark, encoding in _BOMS:
        if probe.startswith(mark):
            return encoding
    half = probe[: len(probe) // 2 * 2]
    for encoding, zeros in (("utf-16-le", half[1::2]), ("utf-16-be", half[::2])):
        if len(half) > 3 and zeros.count(0) > len(zeros) * 0.3:
            return encoding
    if b"\x00" in probe:
        return ""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(probe, final=len(probe) < _PROBE)
    except UnicodeDecodeError:
        return max(("cp1258", "latin-1"), key=lambda one: _share(_decoded(probe, one), one))
    return "utf-8"


def _share(text: str, encoding: str) -> float:
    if encoding == "cp1258":
        return vietnamese(text)
    return max(vietnamese(decode(text, old)) for old in Encoding) - 0.001  # an old font must be clearer than Windows-1258


def _decoded(probe: bytes, encoding: str) -> str:
    return unicodedata.normalize("NFC", codecs.getincrementaldecoder(encoding)(errors="replace").decode(probe))


def _separator(text: str) -> str:
    """The sign that cuts most lines into the same number of columns, at least two; "" where there is none."""
    lines = list(islice(io.StringIO(text[:_PROBE], newline=""), 40))  # not by csv: it refuses a line longer than its cells may be
    best, most = "", 0
    for sign in SEPARATORS:
        counts = Counter(number for line in lines if (number := line.count(sign)))
        if counts and (score := max(times * number for number, times in counts.items())) > most:
            best, most = sign, score
    return best


def _without_nul(lines: Iterator[str]) -> Iterator[str]:
    return (line.replace("\x00", "") for line in lines)


def _composed(cell: str) -> str:
    """Windows-1258 writes tones as signs of their own."""
    return unicodedata.normalize("NFC", cell)[:_LONGEST_CELL].strip() if not cell.isascii() else cell[:_LONGEST_CELL].strip()
