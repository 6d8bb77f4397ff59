"""From the file to rows in the database: the book is opened, its columns are matched, its rows are stored as they were read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection
from django.utils.formats import date_format

from registry.cells import kept
from registry.choices import RowState
from registry.mapping import ColumnMapping, Reason
from registry.models import SenderMapping, Upload
from registry.reading import Book, Limits, Sheet, SheetRow, Table, column_letter, open_book
from registry.services.upload_findings import Findings, rows_copy

TELL_EVERY = 2_000
COPIED_AT_ONCE = 20_000
MOST_ROWS = 1_000_000  # checked and submitted in blocks of what one request holds
Line = tuple[int, str, int | None]  # row, its cells as JSON, the version it was written from
_json = msgspec.json.encode
_COPY = "copy registry_uploadrow(upload_id, state, sheet_row, raw, seen_version) from stdin"
_REPLACE = """
insert into registry_uploadrow(upload_id, sheet_row, raw, seen_version, state)
select %(upload)s, sheet_row, raw, seen_version, 'waiting' from read_row
on conflict (upload_id, sheet_row) do update set raw = excluded.raw, state = 'waiting' where registry_uploadrow.state <> 'submitted'
"""
_DROP_GONE = """
delete from registry_uploadrow r where r.upload_id = %(upload)s and r.state <> 'submitted'
    and not exists (select from read_row n where n.sheet_row = r.sheet_row)
"""


def upload_book(upload: Upload) -> Book:
    """The workbook of an upload, opened within its bounds. Raises WorkbookRefused."""
    return open_book(Path(upload.file.path), name=upload.name, limits=Limits(max_bytes=settings.UPLOAD_MAX_BYTES, max_rows=MOST_ROWS))


def mapping_suggest(*, upload: Upload, sheet: Sheet) -> ColumnMapping:
    """The mapping chosen for this upload, else what our template says, else the one remembered for unit and headings, else what they suggest."""
    if upload.mapping:
        return ColumnMapping.from_json({"version": 1, "columns": upload.mapping})
    remembered = None if sheet.given else SenderMapping.objects.filter(unit=upload.unit, signature=sheet.signature).first()
    return ColumnMapping.from_json(remembered.columns).applied_to(sheet.columns) if remembered else sheet.suggested()


def is_sure(mapping: ColumnMapping) -> bool:
    """Whether nobody needs to be asked: every column that is read is read with certainty, and the people have names or numbers."""
    guessed = any(one.rival or one.reason == Reason.SIMILAR for one in mapping.columns)
    return not mapping.problems() and not mapping.doubtful and not guessed and "birth_name" in mapping.fields


def mapping_lines(mapping: ColumnMapping, sheet: Sheet) -> list[dict[str, Any]]:
    """The mapping as an upload keeps it: with column letters and three sample values, so that the page need not open the file again."""
    samples = {column.index: list(column.samples) for column in sheet.columns}
    return [{**one.to_json(), "column": column_letter(one.index), "samples": samples.get(one.index, [])} for one in mapping.columns]


def rows_load(*, upload: Upload, table: Table, tell: Callable[[str, int, int], None], versions: Mapping[str, int] = MappingProxyType({})) -> int:
    """Store the rows as read; reading again keeps what people gave to a row (edits, decisions), and rows that are in a request.

    `versions` are those of the files, by citizen number, that our template was written from.
    """
    total = table.height
    number = table.mapping.column_of("citizen_id") if versions else None
    lines = _told(_lines(table.rows(), number, versions), lambda done: tell("reading", done, total))
    if upload.rows.exists():
        _rows_replace(upload, lines)
    else:
        _lines_copy(_COPY, ((upload.pk, RowState.WAITING, *line) for line in lines))
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from registry_uploadrow where upload_id = %s", [upload.pk])
        read = cursor.fetchone()[0]
    upload.findings.all().delete()
    with Findings(upload) as findings:
        _remark(upload, table, findings)
    return read


def _rows_replace(upload: Upload, lines: Iterable[Line]) -> None:
    """Rows that were read before, with other columns perhaps: by way of a table of what stands in the file now."""
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.read_row")
        cursor.execute("create temp table read_row(sheet_row int primary key, raw jsonb, seen_version int)")
        _lines_copy("copy read_row from stdin", lines)
        cursor.execute(_DROP_GONE, {"upload": upload.pk})
        cursor.execute(_REPLACE, {"upload": upload.pk})
        cursor.execute("drop table read_row")


def _lines_copy(statement: str, lines: Iterable[tuple[Any, ...]]) -> None:
    """Some ten thousand rows a statement: reading a million takes longer than one statement may."""
    waiting = iter(lines)
    while part := list(islice(waiting, 1)):
        rows_copy(statement, chain(part, islice(waiting, COPIED_AT_ONCE - 1)))


def _lines(rows: Iterable[SheetRow], number: int | None, versions: Mapping[str, int]) -> Iterator[Line]:
    for row in rows:
        if row.doubtful:
            every = row.cells.keys() | row.doubtful.keys()
            cells = {column_letter(index): kept(row.cells.get(index), row.doubtful.get(index, "")) for index in every}
        else:
            cells = {column_letter(index): kept(cell) for index, cell in row.cells.items()}
        yield row.number, _json(cells).decode(), None if number is None else versions.get(str(row.cells.get(number)))


def _told(lines: Iterator[Line], tell: Callable[[int], None]) -> Iterator[Line]:
    for done, line in enumerate(lines, start=1):
        yield line
        if done % TELL_EVERY == 0:
            tell(done)


def _remark(upload: Upload, table: Table, findings: Findings) -> None:
    if upload.same_as is not None:
        findings.add(0, "SAME_FILE", value=upload.same_as.name, params={"place": date_format(upload.same_as.created, "SHORT_DATE_FORMAT")})
    for one in table.remarks:
        row = int(one.place) if one.code == "ROW_PASSED_OVER" else 0
        findings.add(row, one.code, value=one.value, params={"place": one.place}, place=(one.column, one.heading))
