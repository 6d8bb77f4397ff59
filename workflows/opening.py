"""Open documents into typed temporary tables, and run the rules on them: the one path of preview, staging and applying.

Documents come from any SQL select (candidates being staged, or the items of a request). Each kind becomes one temporary table
for its records and as a rule one for all its lists of rows, read through the target's opened models: making and dropping a table
costs more than filling it with one person, and a person has twenty lists. Every value meets a strict text check
before its typed column: a value that fails becomes a finding and a null, instead of an exception that ends 100,000 others.

The tables are dropped by the context manager itself: ON COMMIT DROP does not fire inside a caller's savepoint (decisions.md 24).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, TextField
from django.db.models.functions import Cast
from django.db.models.sql import Query
from psycopg.pq import TransactionStatus

from workflows.choices import Severity
from workflows.documents import PATTERNS, Field, Rows
from workflows.rules import Check, Found, Others, Rule, Subject
from workflows.targets import Target, target, targets

VALUE_FORM = "VALUE_FORM"
MANY = 20_000  # findings fetched at once
SEVERITIES = {one.value: one for one in Severity}
_FINDINGS = (
    "select leaf_index, code, severity, field, coalesce(value, '') from opened_finding "
    "where %s::text is null or severity = %s order by leaf_index, code"
)
ALWAYS_VALID = ("int", "uuid")  # whatever has the form of one is one: nine digits fit, and any sixteen bytes are a UUID
# Documents of some kilobytes stay in their rows as they are: compressing them for a table that is read twice costs a third of opening it.
UNTOASTED = "with (toast_tuple_target = 8160)"


@dataclass(frozen=True)
class Opened:
    """The temporary tables now open: which kinds have records, in the order in which they are applied, and how many there were.

    `filled` names by kind the lists of which a row was opened: planning the rules of twenty empty lists would cost an edit more than
    all else.
    """

    targets: Sequence[Target]
    count: int
    filled: Mapping[str, frozenset[str]]

    def discard(self, leaf_indexes: Sequence[int]) -> None:
        """Take records out of every temporary table (a conflict, an error), so that the rest can go on."""
        if not leaf_indexes:
            return
        with connection.cursor() as cursor:
            for table in ["opened_item", *(name for one in self.targets for name in _tables(one))]:
                cursor.execute(f"delete from {table} where leaf_index = any(%s)", [list(leaf_indexes)])


@contextmanager
def opened(source: str, params: Sequence[Any]) -> Iterator[Opened]:
    """Open the documents that `source` selects as (leaf_index, kind, key, op, base_version, digest, body).

    Must run inside a transaction. Tables: opened_item (all kinds, without body), opened_finding, and those of the targets.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("documents are opened inside a transaction")
    with connection.cursor() as cursor:
        cursor.execute(_script(source), params)
        while cursor.nextset():  # only the script's last statement returns rows
            pass
        rows = cursor.fetchall()
    counts = {kind: count for kind, name, count in rows if name is None}
    filled = {kind: frozenset(name for one, name, _count in rows if one == kind and name is not None) for kind in counts}
    try:
        yield Opened(sorted(map(target, counts), key=lambda one: one.order), sum(counts.values()), filled)
    finally:
        if not connection.needs_rollback and not _transaction_failed():
            with connection.cursor() as cursor:
                cursor.execute(_drop())


def check(open_: Opened, *, today: date) -> None:
    """Run every rule of the opened kinds; findings gather in opened_finding, set-wise, none of them fetched."""
    with connection.cursor() as cursor:
        for one in open_.targets:
            filled = open_.filled[one.kind]
            parts = [part for part in _parts(one, today) if not part.rows or part.rows in filled]
            if parts:
                sql, params = _together(one, parts)
                cursor.execute(f"insert into opened_finding select distinct * from ({sql}) found", params)


def _together(one: Target, parts: Sequence[Part]) -> tuple[str, list[Any]]:
    """All rules of a kind as one query. Those that look at nothing but the record itself, most of them, read only the records of which one
    of them is true: looking for those in one pass costs a fraction of a pass for every rule.
    """
    alone = [part for part in parts if part.condition]
    rest = [part for part in parts if not part.condition]
    branches = [(" union all ".join(part.sql for part in rest), [each for part in rest for each in part.params])] if rest else []
    if alone:
        table = one.opened._meta.db_table
        some = " or ".join(f"({part.condition})" for part in alone)
        struck = f'with "{table}" as materialized (select * from pg_temp."{table}" where {some})'
        sql = f"({struck} {' union all '.join(part.sql for part in alone)})"
        branches.append((sql, [each for part in alone for each in part.condition_params] + [each for part in alone for each in part.params]))
    return " union all ".join(sql for sql, _params in branches), [each for _sql, params in branches for each in params]


def placed_findings(open_: Opened, *, today: date) -> list[tuple[Found, int | None]]:
    """What every rule finds, each with the place of the offending row in its list of the document, None where the record is meant.

    For whoever shows a few records to their author; `check` does the same for many, without places.
    """
    found: list[tuple[Found, int | None]] = []
    with connection.cursor() as cursor:
        for one in open_.targets:
            places = _row_places(cursor, one)
            filled = {name for name, _place in places.values()}
            parts = [part for part in _parts(one, today, placed=True) if not part.rows or part.rows in filled]
            cursor.execute(" union ".join(part.sql for part in parts) + " order by 1, 2, 4", [each for part in parts for each in part.params])
            for leaf, code, severity, field, value, row in cursor.fetchall():
                place = places.get(int(row), ("", None))[1] if row else None
                found.append((Found(ref=leaf, code=code, severity=Severity(severity), field=field, value=value or ""), place))
    return found


def findings(*, severity: Severity | None = None) -> list[Found]:
    """What has been found so far, in the order of the records. `ref` is the leaf index."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_FINDINGS} limit %s", [severity, severity, MANY])
        rows = cursor.fetchall()
    if len(rows) < MANY:
        return [_found(*row) for row in rows]
    del rows
    found: list[Found] = []
    with connection.chunked_cursor() as cursor:  # all at once would be held three times: by the driver, as rows, and as what they become
        cursor.execute(_FINDINGS, [severity, severity])
        while rows := cursor.fetchmany(MANY):
            found += [_found(*row) for row in rows]
    return found


def _found(ref: int, code: str, grade: str, field: str, value: str) -> Found:
    return Found(ref=ref, code=intern(code), severity=SEVERITIES[grade], field=intern(field), value=value)


def failed_leaves(found: Iterable[Found]) -> list[int]:
    """The records with at least one error."""
    return sorted({one.ref for one in found if one.severity == Severity.ERROR})


def _row_places(cursor: Any, one: Target) -> dict[int, tuple[str, int]]:
    """By the number of an opened row its list, and its place in the document's list. Rows were numbered in the order of the document."""
    places: dict[int, tuple[str, int]] = {}
    for table in _lists_by_table(one):
        cursor.execute(f"select id, list_name, row_number() over (partition by leaf_index, list_name order by id) - 1 from {table}")
        places |= {number: (name, place) for number, name, place in cursor.fetchall()}
    return places


class Part(NamedTuple):
    """One rule as SQL that selects leaf, code, severity, field and value. `rows` is its list, "" for a rule on the record.

    `condition` is what it asks of the record, where it asks nothing else (no list, no other record, no code list); "" where it does.
    """

    rows: str
    sql: str
    params: tuple[Any, ...]
    condition: str = ""
    condition_params: tuple[Any, ...] = ()


def _parts(one: Target, today: date, *, placed: bool = False) -> list[Part]:
    """The rules of a kind that hold now, as SQL."""
    chosen = one.chosen_rules()
    return [*_rule_parts(one, today, placed=placed), *(_rule_parts(one, today, chosen, placed=placed) if chosen else ())]


@lru_cache(maxsize=32)
def _rule_parts(one: Target, today: date, rules: tuple[Rule, ...] = (), *, placed: bool = False) -> list[Part]:
    """Each of `rules`, or of those that always hold, as SQL. They depend on nothing but the day, so they are compiled once a day and process.

    `placed`: the SQL selects the number of the opened row too, null where a record is meant.
    """
    binding = _check_of(one, today)
    columns = {item.name: item.column for item in one.schema.fields}
    parts: list[Part] = []
    for rule in rules or one.rules:
        expression = Cast(rule.value_expression(columns.get(rule.field, rule.field)), TextField())
        queryset = (
            rule.find(binding)
            .annotate(finding_value=expression)
            .values_list("leaf_index", "finding_value", *(["pk"] if placed and rule.rows else []))
        )
        names, more = ("leaf, value, row", ", q.row::text") if placed and rule.rows else ("leaf, value", ", null::text" if placed else "")
        try:
            sql, values = queryset.query.sql_with_params()
        except EmptyResultSet:
            continue
        select = f"select q.leaf, %s, %s, %s, q.value{more} from ({sql}) q({names})"
        parts.append(Part(rule.rows, select, (rule.code, str(rule.severity), rule.field, *values), *_condition(queryset.query, sql, one)))
    return parts


def _condition(query: Query, sql: str, one: Target) -> tuple[str, tuple[Any, ...]]:
    """What a rule asks of a record of `one`, if it asks nothing else."""
    if query.model is not one.opened or sql.count("SELECT ") != 1 or " JOIN " in sql or not query.where:
        return "", ()
    condition, params = query.get_compiler(connection=connection).compile(query.where)
    return condition, tuple(params)


def _check_of(one: Target, today: date) -> Check:
    subject = Subject(one.opened._default_manager.all(), {name: rows.opened._default_manager.all() for name, rows in one.rows.items()})
    untouched = one.live._default_manager.filter(~Exists(one.opened._default_manager.filter(pk=OuterRef("pk"))))
    return Check(subject=subject, others=Others((one.opened._default_manager.all(), untouched)), today=today)


def _tables(one: Target) -> list[str]:
    return [one.opened._meta.db_table, *_lists_by_table(one)]


def _lists_by_table(one: Target) -> dict[str, list[Rows]]:
    """The lists of rows that each temporary table of rows holds."""
    tables: dict[str, list[Rows]] = {}
    for rows in one.schema.rows:
        tables.setdefault(one.rows[rows.name].opened._meta.db_table, []).append(rows)
    return tables


def _fields_together(lists: Sequence[Rows]) -> list[Field]:
    """The fields of lists that share a table, each once; raises ValueError where two of one name are of different types."""
    fields: dict[str, Field] = {}
    for item in (item for rows in lists for item in rows.fields):
        known = fields.setdefault(item.name, item)
        if (known.column, known.sql_type) != (item.column, item.sql_type):
            raise ValueError(f"{item.name} has two types in {', '.join(rows.name for rows in lists)}")
    return list(fields.values())


def _script(source: str) -> str:
    """Everything that opening does, as one script for one round trip.

    Tables of kinds without a record are made too, empty, so that a rule on people may look at units of the same request.
    """
    return ";\n".join(
        [
            _drop(),
            f"create temp table opened_document with (toast_tuple_target = 8160) as {source}",
            "create temp table opened_item as select leaf_index, kind, key, op, base_version, digest from opened_document",
            "create unique index on opened_item(key, kind)",
            "analyze opened_item",
            "create temp table opened_finding(leaf_index int, code text, severity text, field text, value text)",
            *(statement for one in targets() for statement in _open_kind(one)),
            "drop table opened_document",
            _census(),
        ]
    )


def _census() -> str:
    """(kind, null, records) for each kind that has any, and (kind, list, rows) for each list."""
    lists = (f"select '{one.kind}', list_name, count(*) from {table} group by list_name" for one in targets() for table in _lists_by_table(one))
    return " union all ".join(["select kind, null as list, count(*) from opened_item group by kind", *lists])


def _drop() -> str:
    names = ["opened_document", "opened_item", "opened_finding", *(name for one in targets() for name in _tables(one))]
    return f"drop table if exists {', '.join('pg_temp.' + name for name in names)}"


def _open_kind(one: Target) -> Iterator[str]:
    table = one.opened._meta.db_table
    fields, rows = one.schema.fields, one.schema.rows
    shape = ", ".join([*(f"{f.name} text" for f in fields), *(f"{r.name} json" for r in rows)])
    select = ", ".join([*(f"d.{f.name} as {f.name}" for f in fields), *(f"d.{r.name} as {r.name}" for r in rows)])
    yield (
        f"create temp table opened_text {UNTOASTED} as select o.leaf_index, o.key as id, o.op, o.base_version, o.digest, {select} "
        f"from opened_document o cross join lateral json_to_record(convert_from(o.body, 'UTF8')::json) d({shape}) where o.kind = '{one.kind}'"
    )
    typed = ", ".join(f"{_typed(f, 't')} as {f.column}" for f in fields)
    yield (
        f"create temp table {table} as select t.leaf_index, t.id, t.op, t.base_version, t.base_version + 1 as version, t.digest, {typed} "
        "from opened_text t"
    )
    yield from _find_misformed(fields, "opened_text", table)
    yield f"create unique index on {table}(id)"
    yield from (f"create index on {table}({item.column})" for item in fields if item.column in one.indexed)
    # Only what rules join on: the statistics of all ninety columns would cost as much as reading the documents.
    yield f"analyze {table}({', '.join(dict.fromkeys(['id', 'leaf_index', *sorted(one.indexed)]))})"
    for row_table, lists in _lists_by_table(one).items():
        yield from _open_rows(one, row_table, lists)
    yield "drop table opened_text"


def _open_rows(one: Target, table: str, lists: Sequence[Rows]) -> Iterator[str]:
    """Rows of all `lists` in one table, list after list: the columns of any of them, null where a list has none of that name.

    A rule on one list then reads that list's pages alone. With the lists mixed each of two hundred rules read all of them.
    """
    columns = _fields_together(lists)
    (parent,) = {one.rows[rows.name].parent for rows in lists}
    bodies = " union all ".join(_open_list(rows, columns, parent) for rows in lists)
    yield f"create temp table {table} as select row_number() over () as id, u.* from ({bodies}) u"
    yield (
        f"insert into opened_finding select o.leaf_index, '{VALUE_FORM}', 'error', o.list_name || '.' || m.key, m.value from {table} o "
        "cross join lateral json_each_text(o.misformed) m where o.misformed is not null and m.value is not null"
    )
    yield f"create index on {table}(list_name, {parent})"
    yield f"analyze {table}"


def _open_list(rows: Rows, columns: Sequence[Field], parent: str) -> str:
    """One list's rows as a select of all `columns`, each value read once. `misformed` has, by field, what its column could not take."""
    own = {item.name for item in rows.fields}
    text = ", ".join(f"x.{f.name} as text_{f.name}, {_typed(f, 'x')} as {f.column}" for f in rows.fields)
    typed = ", ".join(f"r.{f.column}" if f.name in own else f"null::{f.sql_type} as {f.column}" for f in columns)
    checked = [(f.name, f"r.text_{f.name}", f"r.{f.column}") for f in rows.fields if f.type in PATTERNS]
    misformed = "null::json"
    if checked:
        some = " or ".join(f"({value} is not null and {column} is null)" for _name, value, column in checked)
        pairs = ", ".join(f"'{name}', case when {column} is null then {value} end" for name, value, column in checked)
        misformed = f"case when {some} then json_build_object({pairs}) end"
    # Without `offset 0` the planner would put the conversion into both places that name its outcome, and do it twice.
    return (
        f"select '{rows.name}' as list_name, r.leaf_index, r.op, r.base_version, r.parent as {parent}, {typed}, {misformed} as misformed "
        f"from (select t.leaf_index, t.op, t.base_version, t.id as parent, {text} from opened_text t "
        f"cross join lateral json_to_recordset(t.{rows.name}) x({', '.join(f'{f.name} text' for f in rows.fields)}) "
        f"where t.{rows.name}::text <> '[]' offset 0) r"
    )


def _typed(item: Field, alias: str) -> str:
    value = f"{alias}.{item.name}"
    if item.type in ("text", "bool"):
        return f"{value}::{item.sql_type}"
    valid = "" if item.type in ALWAYS_VALID else f" and pg_input_is_valid({value}, '{item.sql_type}')"
    return f"case when {value} ~ '{PATTERNS[item.type]}'{valid} then {value}::{item.sql_type} end"


def _find_misformed(fields: Sequence[Field], text: str, typed: str) -> Iterator[str]:
    """Values that are text in one table and null in its typed twin.

    Rows without such a value, nearly all, are passed over before their fields are looked at one by one.
    """
    checked = [item for item in fields if item.type in PATTERNS]
    if checked:
        some = " or ".join(f"(t.{f.name} is not null and o.{f.column} is null)" for f in checked)
        values = ", ".join(f"('{f.name}', t.{f.name}, o.{f.column} is null)" for f in checked)
        yield (
            f"insert into opened_finding select t.leaf_index, '{VALUE_FORM}', 'error', v.field, v.value from {text} t "
            f"join {typed} o on o.id = t.id and ({some}) cross join lateral (values {values}) v(field, value, bad) "
            "where v.bad and v.value is not null"
        )


def _transaction_failed() -> bool:
    raw = connection.connection
    return raw is None or raw.info.transaction_status == TransactionStatus.INERROR
