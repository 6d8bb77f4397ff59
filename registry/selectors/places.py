"""Units and areas that the search box finds: by the name of today and by names they no longer have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import Area, AreaSuccession, OrgUnit, User
from orgtree.selectors.units import unit_paths
from orgtree.text import words
from registry.models import FormerUnitName
from registry.selectors.filters import area_path

SHOWN = 6
LONGEST = 12  # words
# "Ea Kao" is looked for as "xa ea kao", "phuong ea kao" and so on: names of areas are kept with their kind.
KINDS = ("tinh", "thanh pho", "quan", "thi xa", "huyen", "phuong", "thi tran", "xa", "dac khu")


@dataclass(frozen=True)
class UnitFound:
    """A unit in the reader's scope; `former` is the old name by which it was found, "" when it is called so today."""

    unit: OrgUnit
    path: str
    former: str = ""
    ended: date | None = None


@dataclass(frozen=True)
class AreaFound:
    """An area as it was asked for. A former one has ended on a day, and `successor` is what took over most of it."""

    area: Area
    path: str
    ended: date | None
    successor: Area | None
    successor_path: str = ""


def units_found(*, user: User, text: str) -> list[UnitFound]:
    """The first units in scope whose name, present or former, has every word of `text`, or whose code is `text`. Two queries."""
    asked = words(text)
    if not asked or len(asked) > LONGEST:
        return []
    now = Q()
    then = FormerUnitName.objects.filter(unit=OuterRef("pk"))
    for word in asked:
        now &= Q(name_search__contains=word)
        then = then.filter(name_search__contains=word)
    seen = scope.units(user, Action.VIEW).filter(now | Q(code=text.strip().upper()) | Q(short_name__iexact=text.strip()) | Exists(then))
    units = list(seen.annotate(former=then.order_by("-until").values("name")[:1]).order_by("valid_to", "sort_key", "code")[:SHOWN])
    paths: dict[UUID, str] = unit_paths(unit.pk for unit in units) if units else {}
    return [UnitFound(unit, paths.get(unit.pk, ""), "" if _named(unit, asked) else unit.former or "", unit.valid_to) for unit in units]


def areas_found(*, text: str) -> list[AreaFound]:
    """The first areas that `text` names, former ones with their successor: "Phường 1, Quận 3" as well as "Ea Kao". Two queries.

    The text begins with the area's own name, with or without its kind; what follows names areas above it.
    """
    asked = words(text)
    if not asked or len(asked) > LONGEST or (len(asked) == 1 and len(asked[0]) < 2):
        return []
    heads = {" ".join(asked[:count]): asked[count:] for count in range(1, len(asked) + 1)}
    named = {f"{kind} {head}": rest for head, rest in heads.items() for kind in KINDS} | heads
    near = Area.objects.filter(name_search__in=named).select_related("parent__parent").order_by("valid_to", "level", "sort_key", "key")
    found = [area for area in near if _lies_in(area, named[area.name_search])]
    successors = _successors([area.pk for area in found[:SHOWN] if area.valid_to])
    return [
        AreaFound(area, area_path(area), area.valid_to, next_ := successors.get(area.pk), area_path(next_) if next_ else "") for area in found[:SHOWN]
    ]


def _named(unit: OrgUnit, asked: Sequence[str]) -> bool:
    return all(word in unit.name_search for word in asked) or not unit.former


def _lies_in(area: Area, rest: Sequence[str]) -> bool:
    """Whether the words that follow the area's name stand in the names above it."""
    above = " ".join(one.name_search for one in (area.parent, area.parent and area.parent.parent) if one)
    return set(rest) <= set(words(above))


def _successors(keys: Sequence[str]) -> dict[str, Area]:
    """What took over most of each former area."""
    main = AreaSuccession.objects.filter(old__in=keys, is_default=True).select_related("new__parent__parent") if keys else ()
    return {one.old_id: one.new for one in main}
