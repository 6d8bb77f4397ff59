"""What a request changes, as a person reads it: before and after of every changed field, in words instead of codes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from orgtree.models import User
from workflows.choices import ItemState, Op
from workflows.documents import Document, canonical, parse
from workflows.models import ChangeItem, ChangeRequest, Finding, RecordVersion, Stage
from workflows.selectors.findings import FindingLine, finding_lines
from workflows.selectors.sight import items_seen
from workflows.targets import Target, target

PAGE = 50


@dataclass(frozen=True)
class FieldChange:
    """One changed field. For a list of rows, `before` and `after` hold the rows that went and came; else one value or none."""

    name: str
    label: str
    before: Sequence[str]
    after: Sequence[str]


@dataclass(frozen=True)
class ItemChange:
    """One record of a request with its differences and remarks."""

    leaf_index: int
    ref: int
    kind: str
    key: UUID
    title: str
    op: Op
    state: ItemState
    reason: str
    changes: Sequence[FieldChange]
    findings: Sequence[FindingLine]
    beside: str = ""  # tells records of one title apart
    address: str = ""  # of the record on file; "" for one that is not there yet, or has no page


def for_reading(items: QuerySet[ChangeItem]) -> QuerySet[ChangeItem]:
    """`items` with all that item_changes reads of them: the document, the one before it (`body_before`) and the findings (`remarks`)."""
    version = RecordVersion.objects.filter(kind=OuterRef("kind"), key=OuterRef("key"), version=OuterRef("base_version"))
    found = Finding.objects.filter(request=OuterRef("request"), leaf_index=OuterRef("leaf_index")).order_by("code", "pk")
    remark = JSONObject(code="code", severity="severity", field="field", value="value")
    return items.select_related("document").annotate(
        body_before=Subquery(version.values("document__body")[:1]), remarks=ArraySubquery(found.values(remark=remark))
    )


def item_page(request: ChangeRequest, *, user: User, stage: Stage | None, after: int = -1, limit: int = PAGE) -> tuple[list[ItemChange], int | None]:
    """Items with a leaf index above `after`, at most `limit`, and the index to ask the next page with, or None.

    Of these, what `user` sees, who decides on `stage` now unless that is None.
    """
    shown, next_after, _besides = items_together(request, user=user, stage=stage, after=after, limit=limit)
    return shown, next_after


def items_together(
    request: ChangeRequest, *, user: User, stage: Stage | None, after: int = -1, limit: int = PAGE, besides: Sequence[int] = ()
) -> tuple[list[ItemChange], int | None, list[ItemChange]]:
    """The same with the items at the leaf indexes `besides`, in that order, looked up together."""
    # Leaf indexes have no gaps: they are the leaves of the request's tree.
    wanted = Q(leaf_index__gt=after, leaf_index__lte=after + limit + 1) | Q(leaf_index__in=besides)
    items = list(for_reading(request.items.filter(wanted)).order_by("leaf_index"))
    here = [item.leaf_index for item in items if after < item.leaf_index <= after + limit]
    more = any(item.leaf_index == after + limit + 1 for item in items)
    seen, masked = items_seen(user=user, request=request, stage=stage, items=items)
    changes = {one.leaf_index: one for one in item_changes(seen, masked)}
    shown, others = ([changes[leaf] for leaf in leaves if leaf in changes] for leaves in (here, besides))
    return shown, here[-1] if more else None, others


def item_changes(items: Sequence[ChangeItem], masked: Collection[int] = ()) -> list[ItemChange]:
    """The differences of items made `for_reading`, in bulk: one query for each kind at most, however many items.

    The items with the keys `masked` are shown as a mere reader sees them.
    """
    afters = {item.pk: parse(bytes(item.document.body)) for item in items}
    befores = {item.pk: parse(bytes(body)) for item in items if (body := item.body_before) is not None}  # type: ignore[attr-defined]
    by_kind: dict[str, list[ChangeItem]] = defaultdict(list)
    for item in items:
        by_kind[item.kind].append(item)
    changes: dict[int, list[FieldChange]] = {}
    for kind, members in by_kind.items():
        changes |= _changes_of_kind(target(kind), [(item.pk, item.changed, befores.get(item.pk), afters[item.pk]) for item in members])
    return [
        ItemChange(
            leaf_index=item.leaf_index,
            ref=item.ref,
            kind=item.kind,
            key=item.key,
            title=target(item.kind).title(afters[item.pk]),
            op=Op(item.op),
            state=ItemState(item.state),
            reason=item.reason,
            changes=_hidden(target(item.kind), changes[item.pk]) if item.pk in masked else changes[item.pk],
            findings=finding_lines(target(item.kind), item.remarks, masked=item.pk in masked),  # type: ignore[attr-defined]
            beside=target(item.kind).beside(afters[item.pk]),
            address=target(item.kind).address(item.key) if item.op == Op.UPDATE or item.state == ItemState.APPLIED else "",
        )
        for item in items
    ]


def document_changes(kind: str, before: Document | None, after: Document) -> list[FieldChange]:
    """The differences between two documents of one kind, for a version in a record's history."""
    return version_changes(kind, {0: (before, after)})[0]


def version_changes(kind: str, pairs: Mapping[int, tuple[Document | None, Document]]) -> dict[int, list[FieldChange]]:
    """The same for many versions, by number, looked up together: as many queries as for one."""
    one = target(kind)
    return _changes_of_kind(one, [(number, one.schema.changed(before, after), before, after) for number, (before, after) in pairs.items()])


def _hidden(one: Target, changes: Sequence[FieldChange]) -> list[FieldChange]:
    def each(name: str, texts: Sequence[str]) -> list[str]:
        return [one.hidden(name, text) for text in texts]

    return [replace(change, before=each(change.name, change.before), after=each(change.name, change.after)) for change in changes]


def documents_before(items: Iterable[ChangeItem]) -> dict[int, Document]:
    """By item, the ledger's document at the item's base version; none for a new record."""
    wanted = {(item.kind, item.key, item.base_version): item.pk for item in items if item.base_version}
    versions = RecordVersion.objects.filter(kind__in={kind for kind, _key, _version in wanted}, key__in={key for _kind, key, _version in wanted})
    rows = versions.values_list("kind", "key", "version", "document__body")
    return {wanted[kind, key, version]: parse(bytes(body)) for kind, key, version, body in rows if (kind, key, version) in wanted}


_Entry = tuple[int, Sequence[str], Document | None, Document]


def _changes_of_kind(one: Target, entries: Sequence[_Entry]) -> dict[int, list[FieldChange]]:
    order = {name: place for place, name in enumerate([*(f.name for f in one.schema.fields), *(r.name for r in one.schema.rows)])}
    pairs = {
        (pk, name): ((before or {}).get(name), after.get(name))
        for pk, changed, before, after in entries
        for name in sorted(changed, key=lambda n: order.get(n, len(order)))
    }
    texts = _texts(one, pairs)
    changes: dict[int, list[FieldChange]] = {pk: [] for pk, *_rest in entries}
    for (pk, name), (before, after) in pairs.items():
        gone, come = _sides(before, after)
        changes[pk].append(FieldChange(name, one.label_of(name), [texts(name, value) for value in gone], [texts(name, value) for value in come]))
    return changes


def _sides(before: Any, after: Any) -> tuple[list[Any], list[Any]]:
    """What stands on either side: for lists of rows only the rows that differ, for a value itself unless it is empty."""
    if isinstance(before, list) or isinstance(after, list):
        old, new = before or [], after or []
        kept = {canonical(row) for row in old} & {canonical(row) for row in new}
        return [row for row in old if canonical(row) not in kept], [row for row in new if canonical(row) not in kept]
    return [before] if before is not None else [], [after] if after is not None else []


class _Texts:
    """Readable text of values, looked up once for each field over all items."""

    def __init__(self, one: Target, pairs: Mapping[tuple[int, str], tuple[Any, Any]]) -> None:
        wanted: dict[str, set[Any]] = defaultdict(set)
        for (_pk, name), sides in pairs.items():
            for value in (each for side in _sides(*sides) for each in side):
                if isinstance(value, dict):
                    for column, cell in value.items():
                        wanted[f"{name}.{column}"].add(cell)
                else:
                    wanted[name].add(value)
        self.shown = one.show_together({name: values - {None} for name, values in wanted.items()})
        self._order = {rows.name: {column.name: place for place, column in enumerate(rows.fields)} for rows in one.schema.rows}

    def __call__(self, name: str, value: Any) -> str:
        if isinstance(value, dict):
            order = self._order.get(name, {})  # as the form has them, not as they are stored
            filled = sorted((item for item in value.items() if item[1] is not None), key=lambda item: order.get(item[0], len(order)))
            cells = (self.shown[f"{name}.{column}"].get(cell, str(cell)) for column, cell in filled)
            return " · ".join(cell for cell in cells if cell)
        return self.shown[name].get(value, str(value))


_texts = _Texts


def cell_changes(kind: str, cells: Sequence[tuple[int, str, Any, Any]]) -> dict[int, FieldChange]:
    """Readable differences of single cells (number, field, before, after), by number; a fixed number of queries however many cells."""
    shown = _changes_of_kind(target(kind), [(number, [field], {field: before}, {field: after}) for number, field, before, after in cells])
    return {number: changes[0] for number, changes in shown.items()}
