"""Reading the organisation tree: lists and labels for the pages, always from what the reader may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from orgtree.text import AgencyCodeInvalid, parse_agency_code, plain

SEPARATOR = " › "


@dataclass(frozen=True)
class TreeLine:
    """A unit as one line of the tree page. `depth` counts from the topmost unit that the reader may see on its branch.

    `current` is false for a unit that has ended or not begun; `has_below` says whether there is anything to unfold.
    """

    unit: OrgUnit
    depth: int
    current: bool
    has_below: bool


def unit_tree(*, user: User, below: OrgUnit | None = None, levels: int = 2, action: Action = Action.VIEW) -> list[TreeLine]:
    """The units that `user` may see, in the order of the tree: from the topmost ones, or those below `below`, `levels` deep."""
    heads = [below] if below else list(scope.tops(user, action))
    first = 1 if below else 0
    wanted = Q(pk__in=[])
    for head in heads:
        deep = Q(level__range=(head.level + first, head.level + first + levels - 1))
        wanted |= Q(tree_id=head.tree_id, lft__range=(head.lft, head.rght)) & deep
    return list(_lines(scope.units(user, action).filter(wanted).select_related("area"), clock.today()))


def _lines(units: Iterable[OrgUnit], today: date) -> Iterator[TreeLine]:
    """The depth of a unit is one more than that of its superior, where that is in the list."""
    depths: dict[UUID | None, int] = {}
    for unit in units:
        depths[unit.pk] = depths[unit.parent_id] + 1 if unit.parent_id in depths else 0
        current = unit.valid_from <= today and (unit.valid_to is None or unit.valid_to > today)
        yield TreeLine(unit, depths[unit.pk], current, unit.rght > unit.lft + 1)


def unit_get(*, code: str, on: date | None = None) -> OrgUnit:
    """The unit that has `code` (either form of an agency identifier) on a day, by default today. Raises OrgUnit.DoesNotExist."""
    try:
        canonical = parse_agency_code(code)
    except AgencyCodeInvalid as error:
        raise OrgUnit.DoesNotExist(code) from error
    return OrgUnit.objects.on(on or clock.today()).get(code=canonical)


def unit_search(*, user: User, text: str, action: Action = Action.VIEW) -> QuerySet[OrgUnit]:
    """The units that `user` may see whose name holds every word of `text`, accents and case aside, or whose code begins with it.

    In Vietnamese order of names; the caller takes as many as it shows. Nothing is found for an empty text.
    """
    words = plain(text).split()
    if not words:
        return OrgUnit.objects.none()
    named = Q()
    for word in words:
        named &= Q(name_search__contains=word)
    coded = Q(code__startswith=text.strip().upper()) | Q(short_name__iexact=text.strip())
    return scope.units(user, action).filter(named | coded).order_by("sort_key", "code")


def unit_paths(unit_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Where each unit stands, from its authority down: "Tỉnh Đắk Lắk › Sở Nội vụ › Văn phòng Sở". One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT u.id, string_agg(a.name, %s ORDER BY a.lft)
            FROM orgtree_orgunit u JOIN orgtree_orgunit a ON a.tree_id = u.tree_id AND a.lft <= u.lft AND a.rght >= u.rght
            WHERE u.id = ANY(%s) GROUP BY u.id
            """,
            [SEPARATOR, list(unit_ids)],
        )
        return dict(cursor.fetchall())


def indented(units: Sequence[OrgUnit]) -> list[tuple[OrgUnit, str]]:
    """(unit, its name set in by its depth below the topmost unit of the list), for a select."""
    top = min(one.level for one in units)
    return [(one, "\u2003" * (one.level - top) + one.name) for one in units]
