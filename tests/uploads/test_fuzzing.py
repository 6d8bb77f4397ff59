"""Whatever is sent in: a table or a refusal with a sentence, within time and memory; never a crash."""

from __future__ import annotations

import io
import os
import random
import resource
import struct
import zipfile
import zlib

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from registry.reading import Limits, WorkbookRefused, open_book, table_of
from tests.uploads.containers import package
from tests.uploads.corpus.cases import CASES

LIMITS = Limits(max_bytes=8 * 1024 * 1024, max_unpacked=64 * 1024 * 1024, dense_memory=400 * 1024 * 1024)
SECONDS_A_MEGABYTE = 2
SMALLEST = 1.5  # seconds that even the smallest file may take on a machine that is busy with other tests
MOST_MEMORY = 200 * 1024  # kB over what the process had
SEEDS = [case for case in CASES if 100 < len(case.body) < 100_000]
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "150"))
MARKS = (
    *(b"</row>", b"<c ", b't="s"', b"<v>", b'r="A1"', b"<mergeCell ", b"]]>", b"<!--", b"&#0;", b"&amp;", b"\xff\xfe"),
    *(b"\x00", b"9" * 400, b"</sheetData>", b's="99999"'),
)


def read(path):
    """All that the program does with a file before a person sees it; a refusal has a sentence."""
    said = "."
    try:
        table = table_of(open_book(path, name=path.name, limits=LIMITS))
        for row in table.rows():
            table.values(row)
    except WorkbookRefused as refused:
        with translation.override("vi"):
            said = str(refused)
    assert said.endswith(".")


def tried(path, body):
    """Read it, and hold time and memory to their bounds. Processor time: others use the machine too."""
    path.write_bytes(body)
    begun, before = _processor_seconds(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read(path)
    allowed = SMALLEST + SECONDS_A_MEGABYTE * len(body) / 1e6
    assert _processor_seconds() - begun < allowed
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY


def _processor_seconds():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def mutated(body: bytes, dice: random.Random) -> bytes:
    """The file with one wound: bits turned, a piece cut out, doubled or exchanged, in the container or inside one of its entries."""
    if zipfile.is_zipfile(io.BytesIO(body)) and dice.random() < 0.7:
        with zipfile.ZipFile(io.BytesIO(body)) as zipped:
            entries = {name: zipped.read(name) for name in zipped.namelist()}
        name = dice.choice(sorted(entries, key=lambda one: (not one.startswith(("xl/", "content")), one))[:8])
        return package({**entries, name: _wounded(entries[name], dice)})
    return _wounded(body, dice)


def _wounded(body: bytes, dice: random.Random) -> bytes:
    if not body:
        return b"x"
    place, size = dice.randrange(len(body)), dice.choice((1, 4, 40, 400))
    match dice.randrange(6):
        case 0:
            return body[:place] + bytes([body[place] ^ 1 << dice.randrange(8)]) + body[place + 1 :]
        case 1:
            return body[:place] + body[place + size :]
        case 2:
            return body[:place] + body[place : place + size] * dice.choice((2, 50)) + body[place + size :]
        case 3:
            return body[:place] + dice.choice(MARKS) + body[place:]
        case 4:
            return body[:place] + dice.randbytes(size) + body[place + size :]
    return body[:place]


@pytest.mark.parametrize("part", range(3))
def test_wounded_workbooks_are_read_or_refused(tmp_path, part):
    dice = random.Random(part)
    for number in range(ROUNDS // 3):
        case = SEEDS[(number * 3 + part) % len(SEEDS)]
        tried(tmp_path / case.file, mutated(case.body, dice))


@pytest.mark.long
def test_thousands_of_wounded_workbooks_are_read_or_refused(tmp_path):
    dice = random.Random(2026)
    for number in range(6_000):
        case = SEEDS[number % len(SEEDS)]
        body = case.body
        for _ in range(dice.choice((1, 1, 2, 5))):
            try:
                body = mutated(body, dice)
            except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError, struct.error, zlib.error):
                body = _wounded(body, dice)
        tried(tmp_path / case.file, body)


@given(st.binary(max_size=400), st.sampled_from([b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xff\xfe", b"\xef\xbb\xbf"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory, body, start):
    if start != b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" or len(body) < 40:  # each of those costs a process
        tried(tmp_path_factory.mktemp("any") / "x.xlsx", start + body)


@given(
    st.lists(st.text(alphabet=st.characters(max_codepoint=0x1EF9, exclude_categories=("Cs",)), max_size=30), max_size=40), st.sampled_from(";,\t|")
)
def test_any_text_is_read_or_refused(tmp_path_factory, words, separator):
    body = ("Họ và tên" + separator + "Số CCCD\n" + separator.join(words)).encode(errors="replace")
    tried(tmp_path_factory.mktemp("text") / "x.csv", body)


CELLS = st.from_regex(
    rb'<c( r="[A-Z]{1,4}[0-9]{0,8}")?( s="[0-9]{1,3}")?( t="(s|n|b|e|d|str|inlineStr|x)")?(/>|>(<f>[^<>]{0,6}</f>)?<v>[^<>]{0,12}</v></c>)',
    fullmatch=True,
)


@given(st.lists(CELLS, max_size=6), st.sampled_from([b'<row r="3">', b"<row>", b'<row r="99999999">', b"", b'<row r="x">']))
def test_any_cells_are_read_or_refused(tmp_path_factory, cells, row):
    body = _book_with(row + b"".join(cells) + b"</row>")
    tried(tmp_path_factory.mktemp("cells") / "x.xlsx", body)


def _book_with(row: bytes) -> bytes:
    case = next(one for one in CASES if one.file == "format-xlsx.xlsx")
    with zipfile.ZipFile(io.BytesIO(case.body)) as zipped:
        entries = {name: zipped.read(name) for name in zipped.namelist()}
    sheet = entries["xl/worksheets/sheet1.xml"].replace(b"</sheetData>", row + b"</sheetData>")
    return package({**entries, "xl/worksheets/sheet1.xml": sheet})


# One row of each kind: N is its number, R a number that repeats nothing.
DENSE = {
    "cells": '<row r="N"><c r="AN" t="s"><v>0</v></c><c r="BN"><v>R</v></c></row>',
    "without places": "<row><c><v>R</v></c><c><v>N</v></c></row>",
    "formulas": '<row r="N"><c r="AN"><f>AN+1</f><v>N</v></c></row>',
    "rich texts": '<row r="N"><c r="AN" t="inlineStr"><is><r><t>x</t></r><r><t>N</t></r></is></c></row>',
    "empty rows": '<row r="N" spans="1:60" ht="15.75" customHeight="1"/>',
}


@pytest.mark.parametrize("kind", DENSE)
def test_the_densest_sheets_that_the_bounds_let_through_are_read_in_time(tmp_path, kind):
    rows = (DENSE[kind].replace("N", str(number)).replace("R", str(number * 7919 % 9973)) for number in range(3, 40_000))
    tried(tmp_path / "x.xlsx", _book_with("".join(rows).encode()))


def test_a_row_without_an_end_is_damage(tmp_path):
    body = _book_with(b'<row r="3">' + b"".join(b'<c r="A3"><v>%d</v></c>' % (number * 7919 % 99_991) for number in range(800_000)))
    with pytest.raises(WorkbookRefused):
        list(open_book(_saved(tmp_path, body), name="x.xlsx", limits=LIMITS).sheets[0].rows())


def _saved(tmp_path, body):
    path = tmp_path / "x.xlsx"
    path.write_bytes(body)
    return path
