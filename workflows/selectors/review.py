"""What an approver of many records looks at first: counts by field, and the records that stand out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Case, Count, IntegerField, Value, When

from workflows.choices import ItemState, Op, Severity
from workflows.models import ChangeRequest, Finding
from workflows.selectors.differences import ItemChange, item_changes
from workflows.targets import target

STRIKING = 20


@dataclass(frozen=True)
class FieldCount:
    """How many records of one kind change a field."""

    label: str
    count: int
    share: int  # percent of the records


@dataclass(frozen=True)
class Statistics:
    """A batch at a glance; `fields` counts changes only, since a new record fills every field."""

    created: int
    updated: int
    excluded: int
    fields: Sequence[FieldCount]


def batch_statistics(request: ChangeRequest) -> Statistics:
    """Two queries, whatever the size."""
    states = dict.fromkeys(((op, state) for op in Op for state in ItemState), 0)
    for op, state, count in request.items.order_by().values_list("op", "state").annotate(count=Count("pk")):
        states[Op(op), ItemState(state)] = count
    total = {op: sum(count for (one, _state), count in states.items() if one == op) for op in Op}
    with connection.cursor() as cursor:
        cursor.execute(
            "select i.kind, f.name, count(*) from workflows_changeitem i cross join lateral unnest(i.changed) f(name) "
            "where i.request_id = %s and i.op = 'update' group by 1, 2 order by 3 desc, 2",
            [request.pk],
        )
        rows = cursor.fetchall()
    return Statistics(
        created=total[Op.CREATE],
        updated=total[Op.UPDATE],
        excluded=sum(count for (_op, state), count in states.items() if state == ItemState.EXCLUDED),
        fields=[FieldCount(target(kind).label_of(name), count, round(100 * count / total[Op.UPDATE])) for kind, name, count in rows],
    )


def striking_items(request: ChangeRequest, limit: int = STRIKING) -> list[ItemChange]:
    """Records with warnings or suggestions, the gravest and most frequent first."""
    weight = Case(When(severity=Severity.WARNING, then=Value(0)), default=Value(1), output_field=IntegerField())
    rows = (
        Finding.objects.filter(request=request).exclude(severity=Severity.ERROR).order_by(weight, "leaf_index").values_list("leaf_index", flat=True)
    )
    leaves = list(dict.fromkeys(rows[: limit * 5]))[:limit]
    items = {item.leaf_index: item for item in request.items.filter(leaf_index__in=leaves).select_related("document")}
    return item_changes(request, [items[leaf] for leaf in leaves if leaf in items])
