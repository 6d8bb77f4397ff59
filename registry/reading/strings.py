"""The shared strings of a workbook: a few in memory, millions in a temporary file, in pages that are read back as they are needed."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from xml.parsers import expat

PAGE = 256
IN_MEMORY = 400  # pages: about 100,000 strings

_SIMPLE = re.compile(rb"<si>\s*<t(?: xml:space=\"preserve\")?>([^<]*)</t>\s*</si>|<si>\s*<t\s*/>\s*</si>|<si\s*/>")
_PLAIN = re.compile(rb"<si><t(?: xml:space=\"preserve\")?>([^<]*)</t></si>")
_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(lt|gt|amp|quot|apos));")
_ESCAPED = re.compile(r"_x([0-9a-fA-F]{4})_")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


class SharedStrings:
    """Strings by number; `append` while reading, then index."""

    def __init__(self) -> None:
        self._page: list[str] = []
        self._places: list[tuple[int, int] | list[str]] = []
        self._file: Any = None
        self._read = lru_cache(maxsize=64)(self._read_page)

    def append(self, text: str) -> None:
        self._page.append(text)
        if len(self._page) == PAGE:
            self._store()

    def __getitem__(self, number: int) -> str:
        """Raises IndexError."""
        if number < 0:
            raise IndexError(number)
        page, place = divmod(number, PAGE)
        return (self._page if page == len(self._places) else self._read(page))[place]

    def _store(self) -> None:
        if len(self._places) < IN_MEMORY:
            self._places.append(self._page)
        else:
            self._file = self._file or tempfile.TemporaryFile()  # noqa: SIM115 it lives as long as the strings
            body = json.dumps(self._page).encode()
            self._places.append((self._file.seek(0, 2), len(body)))
            self._file.write(body)
        self._page = []

    def _read_page(self, page: int) -> list[str]:
        place = self._places[page]
        if isinstance(place, list):
            return place
        self._file.seek(place[0])
        return json.loads(self._file.read(place[1]))


def strings_of(chunks: Iterable[bytes], *, plain: bool) -> SharedStrings:
    """The strings of an entry; `plain` (Scan) allows the quick way for items without runs."""
    strings = SharedStrings()
    for text in _quick(iter(chunks)) if plain else _exact(chunks):
        strings.append(text)
    return strings


def text_of(raw: bytes) -> str:
    """The characters of XML text: references and Excel's own _xHHHH_ undone. Raises UnicodeDecodeError."""
    return unescaped(raw.decode()) if b"&" in raw or b"_x" in raw else raw.decode()


def unescaped(text: str) -> str:
    return excel_unescaped(_REFERENCE.sub(_character, text))


def excel_unescaped(text: str) -> str:
    """Excel writes a character that XML cannot hold as _x000D_."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _character(found: re.Match[str]) -> str:
    if found[3]:
        return _NAMED[found[3]]
    number = int(found[1]) if found[1] else int(found[2], 16)
    return chr(number) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else ""


def _quick(chunks: Iterator[bytes]) -> Iterator[str]:
    """Items cut at </si>; one that is more than a plain text goes through the exact parser."""
    rest = b""
    for chunk in chunks:
        whole, _end, rest = (rest + chunk).replace(b"<si/>", b"<si></si>").rpartition(b"</si>")
        plain = _PLAIN.findall(whole + _end)
        if len(plain) == whole.count(b"<si") and b"&" not in whole and b"_x" not in whole:  # nothing else stands in this piece
            yield from (text.decode() for text in plain)
            continue
        for item in whole.split(b"</si>") if _end else ():
            start = item.find(b"<si")
            found = _SIMPLE.fullmatch(item[start:] + b"</si>") if start >= 0 else None
            if found:
                yield text_of(found[1]) if found[1] else ""
            else:
                yield from _exact([b"<sst>", item[max(start, 0) :], b"</si></sst>"])


def _exact(chunks: Iterable[bytes]) -> Iterator[str]:
    reader = _ItemReader()
    for chunk in chunks:
        reader.parser.Parse(chunk, False)
        yield from reader.taken()
    reader.parser.Parse(b"", True)
    yield from reader.taken()


class _ItemReader:
    """expat over items: the text of their runs, without the phonetic ones."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.parts: list[str] = []
        self.inside = self.phonetic = False
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "si":
            self.parts = []
        elif tag == "rPh":
            self.phonetic = True
        elif tag == "t":
            self.inside = True

    def end(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "si":
            self.done.append(excel_unescaped("".join(self.parts)))
        elif tag == "rPh":
            self.phonetic = False
        elif tag == "t":
            self.inside = False

    def text(self, text: str) -> None:
        if self.inside and not self.phonetic:
            self.parts.append(text)

    def taken(self) -> list[str]:
        done, self.done = self.done, []
        return done
