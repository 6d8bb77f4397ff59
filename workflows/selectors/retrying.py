"""What of an ended request can be tried once more, and where the records have moved on since it was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import User
from workflows.choices import OPEN_STATES, Act, ItemState, RequestState
from workflows.documents import Document, parse
from workflows.merging import Clash, Merge, merge
from workflows.models import ChangeItem, ChangeRequest
from workflows.selectors.differences import documents_before
from workflows.selectors.live import live_documents
from workflows.targets import Target, target

UNTRUE = (ItemState.CONFLICT, ItemState.EXCLUDED, ItemState.ENDED)  # an item that ended without becoming true
NOT_ENDED = (*OPEN_STATES, RequestState.DRAFT, RequestState.CHECKING, RequestState.READY)
SHOWN = 50


@dataclass(frozen=True)
class Sides:
    """One clash as a person reads it: each side's values, or the rows in which the list differs from the others."""

    name: str
    label: str
    was: Sequence[str]
    mine: Sequence[str]
    now: Sequence[str]


@dataclass(frozen=True)
class Moved:
    """A record that was changed by others since the request was written."""

    leaf_index: int
    title: str
    base_version: int
    version: int
    clashes: Sequence[Sides]
    carried: Sequence[str]  # labels of the fields that go over without a clash


def retriable(*, user: User, request: ChangeRequest) -> QuerySet[ChangeItem]:
    """The items of an ended request that its author can try once more, by leaf index; none for anyone else.

    What a person declared of themself they declare anew: by what right, only the pages of their own file know. A revocation is proposed anew.
    """
    if request.author_id != user.pk or request.state in NOT_ENDED or request.act in (Act.OWN, Act.REVOKE):
        return request.items.none()
    return request.items.filter(state__in=UNTRUE).order_by("leaf_index")


def moved_items(items: QuerySet[ChangeItem], *, user: User, limit: int = SHOWN) -> tuple[list[Moved], int]:
    """The first `limit` of `items` whose record has another version now, with their clashes in words, and how many there are.

    What a record says now is not shown of one that lies meanwhile where `user` may not edit; the gate would not take it from them either.
    """
    leaves = _moved_leaves(items)
    brought = list(merges(items.filter(leaf_index__in=leaves[:limit]).select_related("document")))
    units = {item.pk: target(item.kind).units_of(item.key, None, now[1]) for item, _one, now in brought if now}
    outside = scope.outside(user, Action.EDIT, set().union(*units.values()))
    return [_moved(item, one, now) for item, one, now in brought if not outside & units.get(item.pk, set())], len(leaves)


def merges(items: Iterable[ChangeItem]) -> Iterator[tuple[ChangeItem, Merge, tuple[int, Document] | None]]:
    """Each item (with its document loaded) brought over to its record as it is now, with that record's version and document."""
    members = list(items)
    befores = documents_before(members)
    heads = live_documents((item.kind, item.key) for item in members)
    for item in members:
        now = heads.get((item.kind, item.key))
        schema, mine = target(item.kind).schema, parse(bytes(item.document.body))
        yield item, merge(schema, was=befores.get(item.pk), mine=mine, now=now[1] if now else None), now


def _moved_leaves(items: QuerySet[ChangeItem]) -> list[int]:
    leaves: list[int] = []
    for kind in sorted(set(items.order_by().values_list("kind", flat=True))):
        live = target(kind).live._meta.db_table
        sql, params = items.filter(kind=kind).order_by().values("leaf_index", "key", "base_version").query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(
                f"select i.leaf_index from ({sql}) i(leaf_index, key, base_version) join {live} l on l.id = i.key and l.version <> i.base_version",
                params,
            )
            leaves += [leaf for (leaf,) in cursor.fetchall()]
    return sorted(leaves)


def _moved(item: ChangeItem, one: Merge, now: tuple[int, Document] | None) -> Moved:
    kind = target(item.kind)
    version, document = now or (0, {})
    return Moved(
        leaf_index=item.leaf_index,
        title=kind.title(document or parse(bytes(item.document.body))),
        base_version=item.base_version,
        version=version,
        clashes=sides_of(kind, one.clashes),
        carried=[kind.label_of(name) for name in one.patch],
    )


def sides_of(kind: Target, clashes: Iterable[Clash]) -> list[Sides]:
    return [_sides(kind, clash.name, (clash.was, clash.mine, clash.now)) for clash in clashes]


def _sides(kind: Target, name: str, values: Sequence[object]) -> Sides:
    """Of a list of rows each side shows the rows that are not on all three."""
    if all(isinstance(value, list) for value in values):
        sides: list[list[Mapping[str, object]]] = [list(value) for value in values]  # type: ignore[call-overload]
        common = [row for row in sides[0] if all(row in side for side in sides)]
        texts = [[_row_text(kind, name, row) for row in side if row not in common] for side in sides]
    else:
        shown = kind.show(name, {value for value in values if value is not None})
        texts = [[shown.get(value, str(value))] if value is not None else [] for value in values]
    was, mine, now = texts
    return Sides(name, kind.label_of(name), was, mine, now)


def _row_text(kind: Target, name: str, row: Mapping[str, object]) -> str:
    cells = (kind.show(f"{name}.{column}", {value}).get(value, str(value)) for column, value in row.items() if value is not None)
    return " · ".join(cell for cell in cells if cell)
