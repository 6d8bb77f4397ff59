"""The first pass of a check: every open row's cells as values of the document, into the temporary table `checked_row`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID, uuid5

import msgspec
from django.db import connection

from orgtree.text import plain
from registry.choices import RowState
from registry.fields import FORMER_NUMBER
from registry.models import Upload
from registry.services.upload_cells import Cleaner, StoredRow, stored_cells
from registry.services.upload_findings import CHUNK, Findings, rows_copy

NO_NUMBER = ("OLD_CARD", "NUMBER_EXPONENT")  # what is found in the citizen number's place and never becomes one
CLOSED = (RowState.SUBMITTED, RowState.LEFT_OUT)
_json, _object = msgspec.json.encode, msgspec.json.decode
_STORED = """
select sheet_row, raw::text, nullif(edits, '{}')::text, chosen, seen_version from registry_uploadrow
where upload_id = %(upload)s and not state = any(%(closed)s) and (%(only)s::int[] is null or sheet_row = any(%(only)s)) order by sheet_row
"""

TABLE = """
create temp table checked_row(
    sheet_row int primary key, "values" text, failed text[], citizen_id text, staff_number text, name_search text, birth_date date, unit uuid,
    chosen uuid, seen_version int, key uuid, match text default '', candidates jsonb default '[]', state text default 'waiting',
    op text default '', base_version int, changed text[] default '{}', proposed bool default true,
    old_card text, no_number bool, more bool default false
)
"""  # `old_card` is the number of an old identity card; `no_number`: what stands in the place of today's number is none, and says so itself
COPY = (
    'copy checked_row(sheet_row, "values", failed, citizen_id, staff_number, name_search, birth_date, unit, chosen, seen_version, old_card, '
    "no_number) from stdin"
)


def rows_clean(*, cleaner: Cleaner, findings: Findings, tell: Callable[[int], None], only: Sequence[int] | None = None) -> int:
    """Fill `checked_row` with every open row, or those of them in `only`; returns how many. Memory holds one chunk at a time."""
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.checked_row")
        cursor.execute(TABLE)
    done = 0
    for chunk in _stored(cleaner.upload, only):
        cleaner.load_areas(chunk)
        rows_copy(COPY, [_line(cleaner, findings, row) for row in chunk])  # a list: cleaning asks, and a COPY under way answers nothing
        done += len(chunk)
        tell(done)
    with connection.cursor() as cursor:
        cursor.execute("analyze checked_row(sheet_row, citizen_id, staff_number, name_search, birth_date, unit, chosen, old_card)")
    return done


def _stored(upload: Upload, only: Sequence[int] | None) -> Iterator[list[StoredRow]]:
    """The open rows as they were given, some thousand at a time, fetched as the text they are stored in."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_STORED, {"upload": upload.pk, "closed": list(CLOSED), "only": None if only is None else list(only)})
        while chunk := cursor.fetchmany(CHUNK):
            yield [StoredRow(number, stored_cells(raw), _object(edits) if edits else {}, *given) for number, raw, edits, *given in chunk]


def _line(cleaner: Cleaner, findings: Findings, row: StoredRow) -> tuple[Any, ...]:
    made = cleaner.clean(row)
    for one in (*made.problems, *made.notices):
        repair = one.repair.to_json() if one.repair else None
        findings.add(row.sheet_row, one.code, one.field, value=one.value, params=one.params, cause=str(one.cause), repair=repair)
    values = made.values
    no_number = next((one for one in made.problems if one.code in NO_NUMBER), None) if made.problems else None
    if no_number is not None and "number" in no_number.params:  # recorded beside the file, once somebody says whose it is
        values.setdefault(FORMER_NUMBER, no_number.params["number"])
    name = values.get("birth_name")
    return (
        row.sheet_row,
        _json(values).decode(),
        sorted({one.field for one in made.problems}) if made.problems else "{}",
        values.get("citizen_id"),
        values.get("staff_number"),
        plain(name) if name else None,
        values.get("birth_date"),
        values.get("using_unit"),
        row.chosen,
        row.seen_version,
        values.get(FORMER_NUMBER),
        no_number is not None,
    )


def new_key(upload: Upload | UUID, sheet_row: int) -> UUID:
    """The key of the file that a row founds, the same however often it is read: a row that is sent twice is never two people."""
    return uuid5(upload.pk if isinstance(upload, Upload) else upload, str(sheet_row))
