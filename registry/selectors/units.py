"""The organisation tree as a page shows it: one level at a time, with the number of people in each subtree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from orgtree.selectors.units import unit_paths, unit_search
from registry.models import StaffProfile
from registry.selectors.leaving import in_service

FOUND = 100  # a search shows no more: whoever finds more types another word


@dataclass(frozen=True)
class Branch:
    """A unit in the tree: how many people in service it and all below it have, and what is shown beneath it."""

    unit: OrgUnit
    people: int
    children: Sequence[Branch] = ()

    @property
    def has_children(self) -> bool:
        return not self.unit.is_leaf_node()


@dataclass(frozen=True)
class Place:
    """A unit that a search found, with the way to it from its authority down."""

    unit: OrgUnit
    path: str
    people: int


def visible_units(user: User) -> QuerySet[OrgUnit]:
    """The units of today that the user may view, in the order of the tree."""
    return _of_today(scope.units(user, Action.VIEW)).order_by("tree_id", "lft")


def tops(user: User) -> list[Branch]:
    """The topmost units of what the user may view, each opened by one level."""
    roots = list(_of_today(scope.tops(user, Action.VIEW)))
    below = list(visible_units(user).filter(parent__in=roots))
    people = _people_under([*roots, *below])
    leaves = [Branch(one, people[one.pk]) for one in below]
    return [Branch(root, people[root.pk], [leaf for leaf in leaves if leaf.unit.parent_id == root.pk]) for root in roots]


def children(user: User, unit: OrgUnit) -> list[Branch]:
    """The units directly below `unit`."""
    below = list(visible_units(user).filter(parent=unit))
    people = _people_under(below)
    return [Branch(one, people[one.pk]) for one in below]


def search(user: User, text: str) -> list[Place]:
    """Units called so, accents and case aside, or whose code begins so; at most 100."""
    found = list(_of_today(unit_search(user=user, text=text))[:FOUND])
    people, paths = _people_under(found), unit_paths(one.pk for one in found)
    return [Place(one, paths[one.pk], people[one.pk]) for one in found]


def _of_today(units: QuerySet[OrgUnit]) -> QuerySet[OrgUnit]:
    return units.filter(Q(valid_to=None) | Q(valid_to__gt=clock.today()))


def _people_under(units: Sequence[OrgUnit]) -> dict[UUID, int]:
    """How many people in service each unit and all below it have; one query, grouped by unit, then summed along the intervals."""
    if not units:
        return {}
    condition = Q()
    for one in _outermost(units):
        condition |= Q(using_unit__tree_id=one.tree_id, using_unit__lft__range=(one.lft, one.rght))
    rows = (
        in_service(StaffProfile.objects.filter(condition))
        .order_by()
        .values_list("using_unit__tree_id", "using_unit__lft")
        .annotate(count=Count("pk"))
    )
    counted = list(rows)
    return {one.pk: sum(count for tree, lft, count in counted if tree == one.tree_id and one.lft <= lft <= one.rght) for one in units}


def _outermost(units: Iterable[OrgUnit]) -> list[OrgUnit]:
    kept: list[OrgUnit] = []
    for one in sorted(units, key=lambda unit: (unit.tree_id, unit.lft)):
        if not kept or one.tree_id != kept[-1].tree_id or one.lft > kept[-1].rght:
            kept.append(one)
    return kept
