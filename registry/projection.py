"""The only writer of the live tables of people and of gated codes, called by the targets inside the applying transaction."""

from __future__ import annotations

from django.db import connection

from workflows.sqlwrite import write_records, write_rows
from workflows.targets import Target

# What forms, rules and lists read. A code of the release that an agency changes is taken over by its entry.
CODES = """
insert into registry_codeitem as c (list, code, name_vi, name_en, sort, valid_from, valid_to, evidence, aliases, source)
select o.list, o.code, o.name_vi, coalesce(o.name_en, ''), coalesce(o.sort, 0), o.valid_from, o.valid_to, '',
    coalesce(string_to_array(o.aliases, '|'), '{}'), o.source
from opened_code_entry o
on conflict (list, code) do update set name_vi = excluded.name_vi, name_en = excluded.name_en, sort = excluded.sort,
    valid_from = excluded.valid_from, valid_to = excluded.valid_to, aliases = excluded.aliases, source = excluded.source
"""


def write_staff(one: Target) -> None:
    """Bring staff profiles and their rows to what was opened. Raises workflows.sqlwrite.ProjectionMismatch."""
    write_records(one)
    write_rows(one)


def write_codes(one: Target) -> None:
    """Bring codes to what was opened, and the lists that everybody reads with them. Raises workflows.sqlwrite.ProjectionMismatch."""
    write_records(one)
    with connection.cursor() as cursor:
        cursor.execute(CODES)
