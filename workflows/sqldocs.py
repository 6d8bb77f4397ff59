"""Canonical documents computed by the database from the live tables.

`row_to_json` of columns in sorted order writes no spaces and escapes as RFC 8785 does, so a total document of strings,
integers, booleans and nulls comes out byte for byte as `workflows.documents.canonical` writes it. This is how the ledger is
compared with what the tables say now, not with a pointer beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from workflows.documents import Field, Rows
from workflows.targets import Target


def live_bodies(one: Target) -> str:
    """SQL that selects (id, version, digest, body bytea) of every live record of `one`.

    Each list of rows is written and gathered in one pass over its table: for all records that costs two thirds of asking record by record.
    """
    live = one.live._meta.db_table
    parts = {"schema": f"'{one.schema.identifier}'::text", **{item.name: _value(item, "l") for item in one.schema.fields}}
    joins = []
    for number, rows in enumerate(one.schema.rows):
        joins.append(f"left join ({_lists(one, rows)}) j{number} on j{number}.parent = l.id")
        parts[rows.name] = f"coalesce(j{number}.body, '[]'::json)"
    columns = ", ".join(f"{parts[name]} as {name}" for name in sorted(parts))
    return (
        f"select l.id, l.version, l.digest, convert_to(row_to_json(d)::text, 'UTF8') as body from {live} l {' '.join(joins)} "
        f"cross join lateral (select {columns}) d"
    )


def _lists(one: Target, rows: Rows) -> str:
    """(parent, body json): the list of every record that has rows in it, in the order of its rows' own text."""
    binding = one.rows[rows.name]
    row = f"(select row_to_json(r)::text from (select {', '.join(_named(rows.fields, 'x'))}) r)"
    written = f"select x.{binding.parent} as parent, {row} as line from {binding.live._meta.db_table} x"
    return f"select parent, ('[' || string_agg(line, ',' order by line collate \"C\") || ']')::json as body from ({written}) w group by parent"


def _named(fields: Sequence[Field], alias: str) -> list[str]:
    return [f"{_value(item, alias)} as {item.name}" for item in sorted(fields, key=lambda item: item.name)]


def _value(item: Field, alias: str) -> str:
    return f"{alias}.{item.column}::text" if item.type == "decimal" else f"{alias}.{item.column}"
