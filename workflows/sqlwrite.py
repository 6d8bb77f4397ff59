"""Set-wise statements that a projection uses to bring live tables to what the opened tables say.

Only an app's projection.py calls these. Records: insert new, update old where the version is still the base version, and the
counts must agree. Rows: by difference, since deleting and re-inserting unchanged rows pays the exclusion constraint again.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from workflows.documents import Field, Rows
from workflows.targets import RowsBinding, Target


class ProjectionMismatch(Exception):
    """Fewer or more rows were written than were opened: a lock or a check before was passed by."""


def write_records(one: Target) -> None:
    """Insert and update the live records of `one` from its opened table; raises ProjectionMismatch."""
    live, opened = one.live._meta.db_table, one.opened._meta.db_table
    columns = [item.column for item in one.schema.fields]
    names = ", ".join(columns)
    assignments = ", ".join(f"{column} = o.{column}" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"with made as (insert into {live}(id, version, digest, {names}) "
            f"select id, version, digest, {names} from {opened} where op = 'create' returning 1), "
            f"changed as (update {live} l set version = o.version, digest = o.digest, {assignments} from {opened} o "
            f"where o.op = 'update' and l.id = o.id and l.version = o.base_version returning 1) "
            f"select (select count(*) from made) + (select count(*) from changed), (select count(*) from {opened})"
        )
        written, expected = cursor.fetchone()
    if written != expected:
        raise ProjectionMismatch(f"{live}: {written} of {expected} records were written")


def write_rows(one: Target) -> None:
    """Bring every list of rows to what was opened: delete what is gone, insert what is new, leave the rest alone.

    A list with no row on either side is passed over: an edit touches few of a person's lists, and each statement has its price.
    """
    with connection.cursor() as cursor:
        cursor.execute(" union all ".join(_on_either_side(one, rows) for rows in one.schema.rows))
        touched = {name for (name,) in cursor.fetchall()}
        for rows in one.schema.rows:
            if rows.name in touched:
                _write_list(cursor, one, rows)


def _on_either_side(one: Target, rows: Rows) -> str:
    """Selects the list's name if a record that was opened has a row of it, opened or live."""
    binding = one.rows[rows.name]
    live, opened = binding.live._meta.db_table, binding.opened._meta.db_table
    return (
        f"select '{rows.name}' where exists (select from {opened} where list_name = '{rows.name}') "
        f"or exists (select from {one.opened._meta.db_table} r join {live} l on l.{binding.parent} = r.id where r.op = 'update')"
    )


def _write_list(cursor: Any, one: Target, rows: Rows) -> None:
    binding = one.rows[rows.name]
    live, parent = binding.live._meta.db_table, binding.parent
    opened = f"(select * from {binding.opened._meta.db_table} where list_name = '{rows.name}')"
    columns = ", ".join(item.column for item in rows.fields)
    same = _same(binding, rows.fields)
    cursor.execute(
        f"delete from {live} l using {one.opened._meta.db_table} r "
        f"where r.op = 'update' and l.{parent} = r.id and not exists (select from {opened} o where {same})"
    )
    cursor.execute(
        f"insert into {live}({parent}, {columns}) select {parent}, {columns} from {opened} o where not exists (select from {live} l where {same})"
    )


def _same(binding: RowsBinding, fields: tuple[Field, ...]) -> str:
    return " and ".join([f"l.{binding.parent} = o.{binding.parent}", *(f"l.{f.column} is not distinct from o.{f.column}" for f in fields)])
