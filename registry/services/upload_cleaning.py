"""The first pass of a check: every open row's cells as values of the document, into the temporary table `checked_row`.

A cell is what was read, corrected by what somebody typed here, repaired by the recipes in force. Everything that is wrong is told.
"""

from __future__ import annotations

from collections import Counter
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
from registry.cleaning import Problem, Recipes, clean_row, doubtful_problem
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
    """Cells of an upload as values, after the repairs in force. `repaired` counts the cells that these changed, by field."""

    upload: Upload
    recipes: Recipes = field(default_factory=Recipes)
    repaired: Counter[str] = field(default_factory=Counter)
    lookups: Lookups = field(init=False)
    mapping: ColumnMapping = field(init=False)

    def __post_init__(self) -> None:
        self.lookups = Lookups(unit=self.upload.unit, actor=self.upload.uploader, day=clock.today())
        self.mapping = mapping_of(self.upload)
        self._columns = {name: [one.index for one in columns] for name, columns in self.mapping.fields.items()}
        self._fields: dict[int, list[str]] = {}
        for name, indexes in self._columns.items():
            for index in indexes:
                self._fields.setdefault(index, []).append(name)

    def named(self, row: UploadRow) -> dict[str, Any]:
        """Cells by field, as they stand after corrections and repairs; doubtful ones left out unless a repair trusts them."""
        cells = {column_number(letter): raw_of(stored) for letter, stored in row.raw.items() if self._trusted(letter, stored)}
        for letter, text in row.edits.items():
            cells[column_number(letter)] = text
        named = self.mapping.values({index: cell for index, cell in cells.items() if cell not in (None, "")})
        if not self.recipes.steps:
            return dict(named)
        repaired = self.recipes.apply(named)
        self.repaired.update(name for name, cell in repaired.items() if cell != named.get(name))
        return repaired

    def clean(self, row: UploadRow, named: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem], list[Problem]]:
        """Values, problems, and notices: how a cell was read (a name in capitals) or may be written better. A notice refuses nothing."""
        distrusted = list(self._distrusted(row))
        cleaned = clean_row(named, self.lookups, strict=True)
        values, problems = dict(cleaned.values), [*distrusted, *cleaned.problems]
        typed = {name for letter in row.edits for name in self._fields.get(column_number(letter), ())} & named.keys()
        if typed:  # what somebody typed here is taken for what it plainly means
            loose = clean_row({name: named[name] for name in typed}, self.lookups)
            values |= loose.values
            problems = [one for one in problems if one.field not in typed] + list(loose.problems)
        return values, problems, [one for one in cleaned.notices if one.field not in typed]

    def load_areas(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.lookups.areas.load(text_of(cells[name]) for cells in rows for name in AREA_FIELDS if name in cells)

    def _trusted(self, letter: str, stored: Any) -> bool:
        doubt = doubt_of(stored)
        return not doubt or any(self.recipes.trusts(name, doubt) for name in self._fields.get(column_number(letter), ()))

    def _distrusted(self, row: UploadRow) -> Iterator[Problem]:
        doubts = {column_number(letter): stored for letter, stored in row.raw.items() if letter not in row.edits and doubt_of(stored)}
        if not doubts:
            return
        for name, indexes in self._columns.items():
            for index in indexes:
                if (stored := doubts.get(index)) and not self.recipes.trusts(name, doubt := doubt_of(stored)):
                    yield doubtful_problem(name, doubt, place=f"{column_letter(index)}{row.sheet_row}", raw=raw_of(stored))


def mapping_of(upload: Upload) -> ColumnMapping:
    return ColumnMapping.from_json({"version": 1, "columns": upload.mapping})


def rows_clean(*, cleaner: Cleaner, findings: Findings, tell: Callable[[int], None], only: Sequence[int] | None = None) -> int:
    """Fill `checked_row` with every open row, or those of them in `only`; returns how many. Memory holds one chunk at a time."""
    upload = cleaner.upload
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.checked_row")
        cursor.execute(TABLE)
    wanted = UploadRow.objects.filter(upload=upload).exclude(state__in=CLOSED)
    rows = (wanted if only is None else wanted.filter(sheet_row__in=only)).order_by("sheet_row").iterator(chunk_size=CHUNK)
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
    values, problems, notices = cleaner.clean(row, cells)
    for one in (*problems, *notices):
        repair = one.repair.to_json() if one.repair else None
        findings.add(row.sheet_row, one.code, one.field, value=one.value, params=one.params, cause=str(one.cause), repair=repair)
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
