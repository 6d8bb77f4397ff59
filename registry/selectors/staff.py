"""The staff list: searched without accents, filtered by subtree and type, 100 rows at a time by keyset.

There is no full count: on a nation's files it costs more than the page itself, so counting stops at 1,000.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.db.models import F, Func, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.fields import BooleanField, UUIDField
from django.db.models.lookups import GreaterThan, LessThan

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from orgtree.text import plain
from registry.models import CodeItem, Posting, StaffProfile

PAGE = 100
COUNT_LIMIT = 1_000
Direction = Literal["after", "before"]


@dataclass(frozen=True, kw_only=True)
class StaffFilter:
    """What is asked for. `text` is part of a name, or a whole citizen number or staff number; `unit` covers its subtree."""

    text: str = ""
    unit: OrgUnit | None = None
    personnel_type: str = ""


@dataclass(frozen=True)
class StaffPage:
    """Up to 100 files in the order of Vietnamese lists. `next` and `previous` are cursors, "" where there is nothing more."""

    rows: Sequence[StaffProfile]
    next: str
    previous: str
    count: int
    count_is_exact: bool


def staff_list(*, user: User, wanted: StaffFilter) -> QuerySet[StaffProfile]:
    """The files in the user's scope that answer to the filter, unordered; `post` is the title of the present post."""
    queryset = scope.scoped(StaffProfile.objects.all(), user, Action.VIEW, "using_unit")
    if wanted.unit is not None:
        queryset = queryset.filter(using_unit__tree_id=wanted.unit.tree_id, using_unit__lft__range=(wanted.unit.lft, wanted.unit.rght))
    if wanted.personnel_type:
        queryset = queryset.filter(personnel_type=wanted.personnel_type)
    if words := plain(wanted.text):
        number = wanted.text.strip()
        queryset = queryset.filter(Q(name_search__contains=words) | Q(citizen_id=number) | Q(staff_number=number))
    return queryset


def staff_page(*, user: User, wanted: StaffFilter, cursor: str = "", direction: Direction = "after") -> StaffPage:
    """One page next to `cursor`; a cursor that nobody issued is taken for the beginning."""
    queryset = staff_list(user=user, wanted=wanted)
    place = _place(cursor)
    back = place is not None and direction == "before"
    found = list(_beside(queryset, place, back)[: PAGE + 1])
    rows = found[:PAGE][::-1] if back else found[:PAGE]
    more = len(found) > PAGE
    has_next, has_previous = (True, more) if back else (more, place is not None)
    count = _count(queryset)
    return StaffPage(
        rows=rows,
        next=_cursor(rows[-1]) if rows and has_next else "",
        previous=_cursor(rows[0]) if rows and has_previous else "",
        count=min(count, COUNT_LIMIT),
        count_is_exact=count <= COUNT_LIMIT,
    )


def personnel_types() -> list[CodeItem]:
    """The list from which the filter is chosen."""
    return list(CodeItem.objects.filter(list="personnel_type").order_by("sort", "code"))


def _beside(queryset: QuerySet[StaffProfile], place: tuple[str, UUID] | None, back: bool) -> QuerySet[StaffProfile]:
    post = Posting.objects.filter(staff=OuterRef("pk"), valid_to=None).values("title")[:1]
    ordered = queryset.select_related("using_unit").annotate(post=Subquery(post)).order_by(*(("-name_sort", "-id") if back else ("name_sort", "id")))
    if place is None:
        return ordered
    here, there = _Row(F("name_sort"), F("id")), _Row(Value(place[0]), Value(place[1], output_field=UUIDField()))
    return ordered.filter(LessThan(here, there) if back else GreaterThan(here, there))


class _Row(Func):
    """A row constructor, compared as a whole: PostgreSQL then walks the index (name_sort, id) from that very place."""

    function = "row"
    output_field = BooleanField()  # compared only, never read


def _count(queryset: QuerySet[StaffProfile]) -> int:
    """How many there are, counting no further than one beyond the limit."""
    return queryset.order_by().values("pk")[: COUNT_LIMIT + 1].count()


def _cursor(row: StaffProfile) -> str:
    return base64.urlsafe_b64encode(json.dumps([row.name_sort, str(row.pk)]).encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[str, UUID] | None:
    try:
        name, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return str(name), UUID(key)
    except (ValueError, TypeError, AttributeError, binascii.Error):
        return None
