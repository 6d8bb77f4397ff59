"""The first pass of a check: every open row's cells as values of the document, into the temporary table `checked_row`.

A cell is what was read, corrected by what somebody typed here, repaired by the recipes in force. Everything that is wrong is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

import msgspec
from django.db import connection

from orgtree import clock
from orgtree.text import plain
from registry.cells import doubt_of, raw_of, text_of
from registry.choices import RowState
from registry.cleaning import Problem, clean_row
from registry.lookups import Lookups
from registry.mapping import ColumnMapping
from registry.models import Upload, UploadRow
from registry.reading.package import column_letter, column_number
from registry.services.upload_findings import CHUNK, Findings, rows_copy

AREA_FIELDS = ("birth_place_area", "home_town_area", "current_address_area")
CLOSED = (RowState.SUBMITTED, RowState.LEFT_OUT)
_json = msgspec.json.encode

TABLE = """
create temp table checked_row(
    sheet_row int primary key, "values" jsonb, failed text[], citizen_id text, staff_number text, name_search text, birth_date date, unit uuid,
    chosen uuid, seen_version int, key uuid, match text default '', candidates jsonb default '[]', state text default 'waiting',
    op text default '', base_version int, changed text[] default '{}', proposed bool default true
)
"""
COPY = 'copy checked_row(sheet_row, "values", failed, citizen_id, staff_number, name_search, birth_date, unit, chosen, seen_version) from stdin'


@dataclass
class Cleaner:
    """Cells of an upload as values. `repair` turns cells by field into repaired ones (the recipes in force)."""

    upload: Upload
    repair: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda cells: cells
    lookups: Lookups = field(init=False)
    mapping: ColumnMapping = field(init=False)

    def __post_init__(self) -> None:
        self.lookups = Lookups(unit=self.upload.unit, actor=self.upload.uploader, day=clock.today())
        self.mapping = mapping_of(self.upload)
        self._columns = {name: [one.index for one in columns] for name, columns in self.mapping.fields.items()}

    def named(self, row: UploadRow) -> dict[str, Any]:
        """Cells by field, as they stand after corrections and repairs; doubtful ones left out."""
        cells = {column_number(letter): raw_of(stored) for letter, stored in row.raw.items() if not doubt_of(stored)}
        for letter, text in row.edits.items():
            cells[column_number(letter)] = text
        return dict(self.repair(self.mapping.values({index: cell for index, cell in cells.items() if cell not in (None, "")})))

    def clean(self, row: UploadRow, named: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        distrusted = list(self._distrusted(row))
        cleaned = clean_row(named, self.lookups)
        return dict(cleaned.values), [*distrusted, *cleaned.problems]

    def load_areas(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.lookups.areas.load(text_of(cells[name]) for cells in rows for name in AREA_FIELDS if name in cells)

    def _distrusted(self, row: UploadRow) -> Iterator[Problem]:
        doubts = {column_number(letter): doubt for letter, stored in row.raw.items() if letter not in row.edits and (doubt := doubt_of(stored))}
        for name, indexes in self._columns.items():
            for index in indexes:
                if index in doubts:
                    yield Problem(name, doubts[index], "", {"place": f"{column_letter(index)}{row.sheet_row}"})


def mapping_of(upload: Upload) -> ColumnMapping:
    return ColumnMapping.from_json({"version": 1, "columns": upload.mapping})


def rows_clean(*, cleaner: Cleaner, findings: Findings, tell: Callable[[int], None]) -> int:
    """Fill `checked_row` with every open row; returns how many. Memory holds one chunk at a time."""
    upload = cleaner.upload
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.checked_row")
        cursor.execute(TABLE)
    rows = UploadRow.objects.filter(upload=upload).exclude(state__in=CLOSED).order_by("sheet_row").iterator(chunk_size=CHUNK)
    done = 0
    while chunk := list(islice(rows, CHUNK)):
        named = [cleaner.named(row) for row in chunk]
        cleaner.load_areas(named)
        rows_copy(COPY, [_line(cleaner, findings, row, cells) for row, cells in zip(chunk, named, strict=True)])
        done += len(chunk)
        tell(done)
    with connection.cursor() as cursor:
        cursor.execute("analyze checked_row")
    return done


def _line(cleaner: Cleaner, findings: Findings, row: UploadRow, cells: Mapping[str, Any]) -> tuple[Any, ...]:
    values, problems = cleaner.clean(row, cells)
    for one in problems:
        findings.add(row.sheet_row, one.code, one.field, value=one.value, params=one.params)
    name = values.get("birth_name")
    return (
        row.sheet_row,
        _json(values).decode(),
        sorted({one.field for one in problems}),
        values.get("citizen_id"),
        values.get("staff_number"),
        plain(name) if name else None,
        values.get("birth_date"),
        values.get("using_unit"),
        row.chosen,
        row.seen_version,
    )


def new_key(upload: Upload | UUID, sheet_row: int) -> UUID:
    """The key of the file that a row founds, the same however often it is read: a row that is sent twice is never two people."""
    return uuid5(upload.pk if isinstance(upload, Upload) else upload, str(sheet_row))
