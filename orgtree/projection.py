"""The only writer of OrgUnit: from the gate's opened rows into the tree, set-wise.

MPTT's own save would shift the bounds of half a tree for each unit (118 s for 13,634 units). Here the bounds of every
touched tree are computed once in memory and written in one statement. Siblings stand by `order_no`, then by name. A new root
gets a tree number of its own after the last; no other tree is renumbered.

Called by the OrgUnit target inside the applying transaction (the table's trigger refuses anybody else); neighbours are
`locks.tree_lock`, taken first, and `selectors.integrity`, which proves the result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from psycopg import sql

from orgtree.locks import tree_lock

COLUMNS = ("code", "name", "short_name", "kind", "area_id", "parent_id", "order_no", "valid_from", "valid_to")


class UnitsChanged(Exception):
    """Live units are not at the version on which the opened rows were based. The gate compares first; this is its last wall."""


class TreeBroken(Exception):
    """The superiors of some units form a circle, or one does not exist. The rules of the target find it first."""


class Node(NamedTuple):
    """What decides the place of a unit. `tree_id` is None for a unit that is not yet in a tree."""

    id: UUID
    parent_id: UUID | None
    order_no: int | None
    sort_key: str
    tree_id: int | None


class Place(NamedTuple):
    id: UUID
    tree_id: int
    lft: int
    rght: int
    level: int


def write_units(opened_table: str) -> int:
    """Insert the new and update the old units of `opened_table`, then put their trees in order. Gives the number of units written.

    The table has `id, op, base_version, digest` and the schema's columns. Raises UnitsChanged, TreeBroken, and
    LockOutsideTransaction outside a transaction.
    """
    tree_lock()
    opened = sql.Identifier(opened_table)
    updated = _update_contents(opened)
    places = _computed(_nodes_around(opened))
    inserted = _insert(opened, places)
    _move(places)
    return updated + inserted


def rebuild_tree(root_ids: Iterable[UUID]) -> None:
    """Compute the bounds of whole trees anew from the superiors alone, whatever the bounds are now. Raises TreeBroken."""
    tree_lock()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE below AS (
                SELECT id, parent_id, order_no, sort_key, tree_id FROM orgtree_orgunit WHERE id = ANY(%s) AND parent_id IS NULL
                UNION ALL
                SELECT u.id, u.parent_id, u.order_no, u.sort_key, u.tree_id FROM orgtree_orgunit u JOIN below b ON u.parent_id = b.id
            )
            SELECT * FROM below
            """,
            [list(root_ids)],
        )
        nodes = [Node(*row) for row in cursor.fetchall()]
    _move(_computed(nodes))


def _update_contents(opened: sql.Identifier) -> int:
    assignments = sql.SQL(", ").join(sql.SQL("{0} = o.{0}").format(sql.Identifier(name)) for name in COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {} WHERE op = 'update'").format(opened))
        (expected,) = cursor.fetchone()
        cursor.execute(
            sql.SQL(
                "UPDATE orgtree_orgunit u SET {}, version = o.base_version + 1, digest = o.digest "
                "FROM {} o WHERE o.op = 'update' AND u.id = o.id AND u.version = o.base_version"
            ).format(assignments, opened)
        )
        if cursor.rowcount != expected:
            raise UnitsChanged(f"{expected - cursor.rowcount} of {expected} units")
    return expected


def _nodes_around(opened: sql.Identifier) -> list[Node]:
    """The new units, and every unit of a tree that one of the opened units stood in or now stands in."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                """
                SELECT id, parent_id, order_no, sort_key, tree_id FROM orgtree_orgunit
                WHERE tree_id IN (SELECT tree_id FROM orgtree_orgunit WHERE id IN (SELECT id FROM {0} UNION SELECT parent_id FROM {0}))
                UNION ALL
                SELECT id, parent_id, order_no, public.hoso_sort_key(name), NULL FROM {0} WHERE op = 'create'
                """
            ).format(opened)
        )
        return [Node(*row) for row in cursor.fetchall()]


def _computed(nodes: Sequence[Node]) -> list[Place]:
    """Bounds, level and tree of every node. Raises TreeBroken when a node hangs on no root."""
    children: dict[UUID | None, list[Node]] = defaultdict(list)
    for node in nodes:
        children[node.parent_id].append(node)
    for siblings in children.values():
        siblings.sort(key=lambda node: (node.order_no is None, node.order_no, node.sort_key, node.id))
    tree_ids = _tree_ids(children[None])
    places = [place for root in children[None] for place in _walk(root, children, tree_ids[root.id])]
    if len(places) != len(nodes):
        missing = {node.id for node in nodes} - {place.id for place in places}
        raise TreeBroken(f"{len(missing)} units, among them {sorted(missing)[0]}")
    return places


def _tree_ids(roots: Sequence[Node]) -> dict[UUID, int]:
    """A root keeps the number of its tree; a new one, or a unit that left its superior's tree, gets the next free number."""
    keys = [root.id for root in roots]
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(tree_id), 0) FROM orgtree_orgunit")
        (last,) = cursor.fetchone()
        cursor.execute("SELECT tree_id FROM orgtree_orgunit WHERE parent_id IS NULL AND id <> ALL(%s)", [keys])
        taken = {number for (number,) in cursor.fetchall()}
        cursor.execute("SELECT id FROM orgtree_orgunit WHERE id = ANY(%s) AND level = 0", [keys])
        settled = {unit_id for (unit_id,) in cursor.fetchall()}
    numbers: dict[UUID, int] = {}
    for root in sorted(roots, key=lambda one: one.id not in settled):
        if root.tree_id is None or root.tree_id in taken:
            last += 1
            numbers[root.id] = last
        else:
            numbers[root.id] = root.tree_id
        taken.add(numbers[root.id])
    return numbers


def _walk(root: Node, children: Mapping[UUID | None, Sequence[Node]], tree_id: int) -> Iterator[Place]:
    """Number the bounds of one tree depth first, without recursion: a chain of units may be deeper than Python's stack."""
    counter = 1
    path: list[tuple[Node, int, Iterator[Node]]] = [(root, counter, iter(children.get(root.id, ())))]
    while path:
        node, left, remaining = path[-1]
        counter += 1
        if (child := next(remaining, None)) is not None:
            path.append((child, counter, iter(children.get(child.id, ()))))
        else:
            path.pop()
            yield Place(node.id, tree_id, left, counter, len(path))


def _insert(opened: sql.Identifier, places: Sequence[Place]) -> int:
    names = sql.SQL(", ").join(sql.Identifier(name) for name in COLUMNS)
    values = sql.SQL(", ").join(sql.Identifier("o", name) for name in COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO orgtree_orgunit (id, version, digest, tree_id, lft, rght, level, {}) "
                "SELECT o.id, o.base_version + 1, o.digest, p.tree_id, p.lft, p.rght, p.level, {} "
                "FROM {} o JOIN unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[]) p(id, tree_id, lft, rght, level) ON p.id = o.id "
                "WHERE o.op = 'create'"
            ).format(names, values, opened),
            _columns(places),
        )
        return cursor.rowcount


def _move(places: Sequence[Place]) -> None:
    """Write the bounds that differ."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orgtree_orgunit u SET tree_id = p.tree_id, lft = p.lft, rght = p.rght, level = p.level "
            "FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[]) p(id, tree_id, lft, rght, level) "
            "WHERE u.id = p.id AND (u.tree_id, u.lft, u.rght, u.level) IS DISTINCT FROM (p.tree_id, p.lft, p.rght, p.level)",
            _columns(places),
        )


def _columns(places: Sequence[Place]) -> list[list[object]]:
    return [list(column) for column in zip(*places, strict=True)] if places else [[], [], [], [], []]
