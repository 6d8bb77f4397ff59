"""Codes that want a pair: written down for each person for whom something waits, and forgotten once it no longer does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction

from exchange.mapping import Gap
from exchange.models import CodeGap


def gaps_settle(*, side: str, way: str, found: Mapping[UUID, Sequence[Gap]]) -> None:
    """Write down what wants a pair for these people, and forget what no longer does. Two statements at most beside the question."""
    with transaction.atomic():
        CodeGap.objects.filter(side=side, way=way, staff__in=found).delete()
        rows = {(one.list, one.code, staff): one for staff, gaps in found.items() for one in gaps}
        CodeGap.objects.bulk_create(
            [CodeGap(side=side, way=way, list=name, code=code, staff_id=staff, place=one.place[:80]) for (name, code, staff), one in rows.items()],
            ignore_conflicts=True,
        )
