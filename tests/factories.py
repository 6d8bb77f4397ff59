"""Shared makers of test records. They write real rows on the real database, by the product's own writers.

The tables behind the gate are opened for a factory by lifting their trigger inside the transaction; everything else,
constraints included, stays in force.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from orgtree import clock, projection
from orgtree.choices import Role, UnitKind
from orgtree.models import Grant, OrgUnit, User
from orgtree.services.grants import grant_give

_numbers = itertools.count(1)
FOUNDED = date(2025, 7, 1)
PASSWORD = "đúng-đủ-sạch-sống"


def user_make(username: str = "", *, password: str | None = None, **fields: Any) -> User:
    """An active user; without `password` one that cannot log in (hashing is slow)."""
    number = next(_numbers)
    user = User(username=username or f"user{number}", **{"last_name": "Nguyễn Văn", "first_name": f"Người {number}", **fields})
    user.set_password(password) if password else user.set_unusable_password()
    user.save()
    return user


def superuser_make(username: str = "", **fields: Any) -> User:
    return user_make(username, **{"is_superuser": True, "is_staff": True, **fields})


def unit_make(name: str = "", *, parent: OrgUnit | None = None, **fields: Any) -> OrgUnit:
    """One unit in the tree. Bounds of units read earlier are stale afterwards: `refresh_from_db()` where they matter."""
    (unit_id,) = units_make([unit_row(name, parent=parent and parent.pk, **fields)])
    return OrgUnit.objects.get(pk=unit_id)


def unit_row(name: str = "", *, parent: UUID | None = None, **fields: Any) -> dict[str, Any]:
    """The columns of an opened unit, new unless `base_version` says otherwise."""
    number = next(_numbers)
    row = {
        "id": uuid4(),
        "base_version": 0,
        "digest": b"\0" * 32,
        "code": f"H15.{number}" if parent else f"H{number % 90 + 10}.{number}",
        "name": name or f"Đơn vị {number}",
        "short_name": None,
        "kind": UnitKind.OTHER,
        "area_id": None,
        "parent_id": parent,
        "order_no": None,
        "valid_from": FOUNDED,
        "valid_to": None,
        **fields,
    }
    return {"leaf_index": number, "op": "update" if row["base_version"] else "create", **row}


def units_make(rows: Sequence[dict[str, Any]]) -> list[UUID]:
    """Write opened units through the projection, the gate lifted; gives their keys."""
    with transaction.atomic(), opened_units(rows) as table, gate_lifted("orgtree_orgunit"):
        projection.write_units(table)
    return [row["id"] for row in rows]


@contextmanager
def opened_units(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A temporary table as `workflows.opening` makes it for units, with `rows`; gives its name."""
    columns = "leaf_index int, id uuid, op text, base_version int, digest bytea, code text, name text, short_name text, kind text"
    columns += ", area_id text, parent_id uuid, order_no int, valid_from date, valid_to date"
    names = [part.split()[0] for part in columns.split(", ")]
    table = f"opened_unit_{next(_numbers)}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {table} ({columns})")
        with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([row[name] for name in names])
        yield table
        cursor.execute(f"DROP TABLE {table}")


@contextmanager
def gate_lifted(table: str) -> Iterator[None]:
    """Let this transaction write a gated table. Its deferred constraints are checked before the gate falls again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = 'hoso_gate' AND tgenabled <> 'D')", [table])
        (gated,) = cursor.fetchone()
        if gated:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER hoso_gate")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield
        if gated:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER hoso_gate")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def grant_make(user: User, role: Role, unit: OrgUnit, *, days: tuple[int, int] = (-30, 365), giver: User | None = None) -> Grant:
    """A grant from `days[0]` to `days[1]` counted from today, given by a superuser, with nobody to confirm it."""
    giver = giver or User.objects.filter(username="giver").first() or superuser_make("giver")
    start, end = (clock.today() + timedelta(days=offset) for offset in days)
    with grants_lifted():
        return grant_give(actor=giver, user=user, role=role, unit=unit, valid_from=start, valid_to=end)


@contextmanager
def grants_lifted() -> Iterator[None]:
    """Let this transaction write grants without a change that two people made."""
    with transaction.atomic(), gate_lifted("orgtree_grant"), gate_lifted("orgtree_unitpermission"):
        yield
