"""The organisation tree as a page shows it: one level at a time, with the number of people in each subtree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from orgtree.text import plain
from registry.models import StaffProfile

FOUND = 100  # a search shows no more: whoever finds more types another word


@dataclass(frozen=True)
class Branch:
    """A unit in the tree: how many people it and all below it have, and what is shown beneath it."""

    unit: OrgUnit
    people: int
    has_children: bool
    children: Sequence[Branch] = ()


@dataclass(frozen=True)
class Place:
    """A unit that a search found, with the names of the units above it that the reader may see, the topmost first."""

    unit: OrgUnit
    above: Sequence[str]
    people: int


def visible_units(user: User) -> QuerySet[OrgUnit]:
    """The units of today that the user may view, in the order of the tree."""
    return scope.units(user, Action.VIEW).filter(Q(valid_to=None) | Q(valid_to__gt=clock.today())).order_by("tree_id", "lft")


def tops(user: User) -> list[Branch]:
    """The topmost units of what the user may view, each opened by one level."""
    visible = visible_units(user)
    roots = list(visible.filter(~Exists(visible.filter(tree_id=OuterRef("tree_id"), lft__lt=OuterRef("lft"), rght__gt=OuterRef("rght")).order_by())))
    below = list(visible.filter(parent__in=roots).select_related("parent"))
    people = _people_under([*roots, *below])
    leaves = [Branch(one, people[one.pk], not one.is_leaf_node()) for one in below]
    return [Branch(root, people[root.pk], not root.is_leaf_node(), [leaf for leaf in leaves if leaf.unit.parent_id == root.pk]) for root in roots]


def children(user: User, unit: OrgUnit) -> list[Branch]:
    """The units directly below `unit`."""
    below = list(visible_units(user).filter(parent=unit))
    people = _people_under(below)
    return [Branch(one, people[one.pk], not one.is_leaf_node()) for one in below]


def search(user: User, text: str) -> list[Place]:
    """Units whose name holds `text`, accents and case aside, or whose code begins with it; at most 100."""
    words = plain(text)
    if not words:
        return []
    found = list(visible_units(user).filter(Q(name_search__contains=words) | Q(code__istartswith=text.strip()))[:FOUND])
    people = _people_under(found)
    above = _names_above(user, found)
    return [Place(one, above[one.pk], people[one.pk]) for one in found]


def _people_under(units: Sequence[OrgUnit]) -> dict[UUID, int]:
    """How many files each unit and all below it have; one query, grouped by unit, then summed along the intervals."""
    if not units:
        return {}
    condition = Q()
    for one in _outermost(units):
        condition |= Q(using_unit__tree_id=one.tree_id, using_unit__lft__range=(one.lft, one.rght))
    rows = StaffProfile.objects.filter(condition).order_by().values_list("using_unit__tree_id", "using_unit__lft").annotate(count=Count("pk"))
    counted = sorted(rows)
    return {one.pk: sum(count for tree, lft, count in counted if tree == one.tree_id and one.lft <= lft <= one.rght) for one in units}


def _outermost(units: Iterable[OrgUnit]) -> list[OrgUnit]:
    kept: list[OrgUnit] = []
    for one in sorted(units, key=lambda unit: (unit.tree_id, unit.lft)):
        if not kept or one.tree_id != kept[-1].tree_id or one.lft > kept[-1].rght:
            kept.append(one)
    return kept


def _names_above(user: User, units: Sequence[OrgUnit]) -> dict[UUID, list[str]]:
    """The visible ancestors' names of each unit, the topmost first; one query."""
    condition = Q(pk__in=[])
    for one in units:
        condition |= Q(tree_id=one.tree_id, lft__lt=one.lft, rght__gt=one.rght)
    ancestors = list(visible_units(user).filter(condition).values_list("tree_id", "lft", "rght", "name"))
    return {one.pk: [name for tree, lft, rght, name in ancestors if tree == one.tree_id and lft < one.lft and rght > one.rght] for one in units}
