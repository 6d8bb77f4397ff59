"""Set-wise statements that a projection uses to bring live tables to what the opened tables say.

Only an app's projection.py calls these. Records: insert new, update old where the version is still the base version, and the
counts must agree. Rows: by difference, since deleting and re-inserting unchanged rows pays the exclusion constraint again.
"""

from __future__ import annotations

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

    One statement finds the lists in which something differs: an edit touches few of a person's lists, and each statement has its price.
    What those need goes in one call.
    """
    with connection.cursor() as cursor:
        cursor.execute(" union all ".join(part for rows in one.schema.rows for part in _differences(one, rows)))
        found = set(cursor.fetchall())
        sides = (each for rows in one.schema.rows for each in zip((rows.name,) * 2, ("gone", "new"), _statements(one, rows), strict=True))
        if statements := [statement for name, side, statement in sides if (name, side) in found]:
            cursor.execute(";\n".join(statements))


def _differences(one: Target, rows: Rows) -> tuple[str, str]:
    """Selects (the list's name, "gone") if a live row is to go, and (the name, "new") if an opened row is to come."""
    return (
        f"select '{rows.name}', 'gone' where exists (select {_gone(one, rows)})",
        f"select '{rows.name}', 'new' where exists (select {_new(one, rows)})",
    )


def _statements(one: Target, rows: Rows) -> tuple[str, str]:
    binding = one.rows[rows.name]
    columns = ", ".join([binding.parent, *(item.column for item in rows.fields)])
    live = binding.live._meta.db_table
    return f"delete from {live} where id in (select l.id {_gone(one, rows)})", f"insert into {live}({columns}) select {columns} {_new(one, rows)}"


def _gone(one: Target, rows: Rows) -> str:
    """The live rows l of changed records of which no opened row is the same."""
    binding = one.rows[rows.name]
    return (
        f"from {one.opened._meta.db_table} r join {binding.live._meta.db_table} l on l.{binding.parent} = r.id where r.op = 'update' "
        f"and not exists (select from {binding.opened._meta.db_table} o where o.list_name = '{rows.name}' and {_same(binding, rows.fields)})"
    )


def _new(one: Target, rows: Rows) -> str:
    """The opened rows o of which no live row is the same."""
    binding = one.rows[rows.name]
    return (
        f"from {binding.opened._meta.db_table} o where o.list_name = '{rows.name}' "
        f"and not exists (select from {binding.live._meta.db_table} l where {_same(binding, rows.fields)})"
    )


def _same(binding: RowsBinding, fields: tuple[Field, ...]) -> str:
    return " and ".join([f"l.{binding.parent} = o.{binding.parent}", *(f"l.{f.column} is not distinct from o.{f.column}" for f in fields)])
