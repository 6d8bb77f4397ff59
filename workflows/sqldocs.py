"""Canonical documents computed by the database from the live tables.

`row_to_json` of columns in sorted order writes no spaces and escapes as RFC 8785 does, so a total document of strings,
integers, booleans and nulls comes out byte for byte as `workflows.documents.canonical` writes it. This is how the ledger is
compared with what the tables say now, not with a pointer beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from workflows.documents import Field
from workflows.targets import Target


def live_bodies(one: Target) -> str:
    """SQL that selects (id, version, digest, body bytea) of every live record of `one`."""
    live = one.live._meta.db_table
    parts = {"schema": f"'{one.schema.identifier}'::text", **{item.name: _value(item, "l") for item in one.schema.fields}}
    for rows in one.schema.rows:
        binding = one.rows[rows.name]
        columns = ", ".join(_named(rows.fields, "x"))
        parts[rows.name] = (
            f"(select array_to_json(coalesce(array_agg(r order by row_to_json(r)::text collate \"C\"), '{{}}')) "
            f"from (select {columns} from {binding.live._meta.db_table} x where x.{binding.parent} = l.id) r)"
        )
    columns = ", ".join(f"{parts[name]} as {name}" for name in sorted(parts))
    return f"select l.id, l.version, l.digest, convert_to(row_to_json(d)::text, 'UTF8') as body from {live} l cross join lateral (select {columns}) d"


def _named(fields: Sequence[Field], alias: str) -> list[str]:
    return [f"{_value(item, alias)} as {item.name}" for item in sorted(fields, key=lambda item: item.name)]


def _value(item: Field, alias: str) -> str:
    return f"{alias}.{item.column}::text" if item.type == "decimal" else f"{alias}.{item.column}"
