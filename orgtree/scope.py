"""Who may see and do what: the only module that turns grants into filters.

A grant on a unit covers the unit and everything below it, which in the tree is one interval of `lft`. The few intervals
that somebody holds today are fetched first, then anything with a unit is filtered by them: one grant costs one row, however
many people stand below. Nobody asks guardian or `has_perm`, and nobody asks in a loop.

Between the two queries the tree may be renumbered, and old bounds would then show strangers: every filter also asks, once a
query, whether the granted unit still has these bounds, and shows nothing for that grant if not.

Inactive users see nothing, superusers everything. An end of a grant works from the beginning of that day in Viet Nam.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

from orgtree import clock
from orgtree.choices import Action
from orgtree.models import Grant, OrgUnit, UnitPermission, User

M = TypeVar("M", bound=Model)
T = TypeVar("T")
Place = tuple[int, int]  # where a unit stands: (tree_id, lft)
Somebody = User | AnonymousUser


@dataclass(frozen=True, order=True)
class Interval:
    """The subtree of `unit_id`: the units of tree `tree_id` whose `lft` lies from `lft` to `rght`."""

    tree_id: int
    lft: int
    rght: int
    unit_id: UUID

    def covers(self, unit: OrgUnit) -> bool:
        return self.reaches((unit.tree_id, unit.lft))

    def reaches(self, place: Place) -> bool:
        return self.tree_id == place[0] and self.lft <= place[1] <= self.rght


# Within one page: what was asked and what the answer was. A page asks many times, and all must have one answer.
_remembered: ContextVar[dict[Hashable, Any] | None] = ContextVar("remembered_answers", default=None)


@contextmanager
def remembered() -> Iterator[None]:
    """Everything asked about a user in this context is answered from one query. For reading only: nobody gives grants in it.

    When the page is answered nothing of it is left: the next one asks anew.
    """
    if _remembered.get() is not None:
        yield
        return
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)


def only_reading() -> bool:
    """Whether a page is being answered that changes nothing."""
    return _remembered.get() is not None


def once(key: Hashable, ask: Callable[[], T]) -> T:
    """What `ask` answers; in a `remembered` context it is asked once for each `key`."""
    memory = _remembered.get()
    if memory is None:
        return ask()
    if key not in memory:
        memory[key] = ask()
    return cast(T, memory[key])


def scoped(queryset: QuerySet[M], user: Somebody, action: Action, unit_field: str = "unit") -> QuerySet[M]:
    """The rows of `queryset` whose unit lies where `user` may do `action`.

    `unit_field` is the path to the foreign key to OrgUnit; a row without a unit is seen by superusers only.
    """
    return _filtered(queryset, user, action, unit_field + "__")


def units(user: Somebody, action: Action) -> QuerySet[OrgUnit]:
    """The units on which `user` may do `action`, in the order of the tree."""
    return _filtered(OrgUnit.objects.all(), user, action, "")


def tops(user: Somebody, *actions: Action) -> QuerySet[OrgUnit]:
    """The topmost of the units on which `user` may do one of `actions`, for each action. All others lie below one of them."""
    if user.is_active and user.is_superuser:
        return OrgUnit.objects.filter(parent=None)
    return OrgUnit.objects.filter(pk__in=[one.unit_id for action in actions for one in intervals(user, action)])


def can(user: Somebody, action: Action, unit: OrgUnit | UUID | None) -> bool:
    """May `user` do `action` on `unit`? A superuser always; on no unit (what concerns the whole installation), nobody else."""
    if unit is None:
        return user.is_active and user.is_superuser
    if only_reading() and isinstance(unit, OrgUnit):  # on a page that is only read: which buttons it shows
        return user.is_active and (user.is_superuser or any(one.covers(unit) for one in intervals(user, action)))
    return not outside(user, action, [unit.pk if isinstance(unit, OrgUnit) else unit])


def outside(user: Somebody, action: Action, unit_ids: Iterable[UUID]) -> set[UUID]:
    """Those of `unit_ids` on which `user` may not do `action`, in one query. A unit that does not exist is outside.

    On a page that is only read, whatever the actions asked for, one query says where the units stand.
    """
    asked = set(unit_ids)
    if not asked or not user.is_active:
        return asked
    if user.is_superuser:
        return set()
    if only_reading():
        held = intervals(user, action)
        return asked - {key for key, place in _places(asked).items() if any(one.reaches(place) for one in held)}
    covering = _held(action, user=user).filter(
        content_object__tree_id=OuterRef("tree_id"), content_object__lft__lte=OuterRef("lft"), content_object__rght__gte=OuterRef("rght")
    )
    return asked - set(OrgUnit.objects.filter(Exists(covering), pk__in=asked).order_by().values_list("pk", flat=True))


def outside_role(user: Somebody, role: str, unit_ids: Iterable[UUID]) -> set[UUID]:
    """Those of `unit_ids` on which `user` holds no grant of `role` today, in one query; none for a superuser."""
    asked = set(unit_ids)
    if not asked or not user.is_active:
        return asked
    if user.is_superuser:
        return set()
    covering = Grant.objects.on(clock.today()).filter(
        user=user, role=role, unit__tree_id=OuterRef("tree_id"), unit__lft__lte=OuterRef("lft"), unit__rght__gte=OuterRef("rght")
    )
    return asked - set(OrgUnit.objects.filter(Exists(covering), pk__in=asked).order_by().values_list("pk", flat=True))


def reaches(user: Somebody, action: Action, places: Collection[Place], *, role: str = "") -> bool:
    """Does `user` hold `action`, and `role` if one is named, at all of `places`? For a page that is only read; who acts asks `outside`."""
    if user.is_superuser:
        return user.is_active
    held = [intervals(user, action), *([_role_intervals(user, role)] if role else [])]
    return all(any(one.reaches(place) for one in each) for each in held for place in places)


def roles(user: Somebody) -> set[str]:
    """The roles that `user` holds today, wherever."""
    if user.is_active and only_reading():
        return {name.removeprefix(_ROLE) for name in _all_held(user) if name.startswith(_ROLE)}
    return set(Grant.objects.on(clock.today()).filter(user=user).values_list("role", flat=True)) if user.is_active else set()


def holders(action: Action, unit: OrgUnit) -> QuerySet[User]:
    """The active users who hold `action` on `unit` by a grant on it or above it. Superusers only where they hold one too."""
    # By key: the bounds of an instance read earlier may be stale.
    below = OrgUnit.objects.filter(
        pk=unit.pk, tree_id=OuterRef("content_object__tree_id"), lft__gte=OuterRef("content_object__lft"), rght__lte=OuterRef("content_object__rght")
    )
    return User.objects.filter(Exists(_held(action, user=OuterRef("pk")).filter(Exists(below))), is_active=True).order_by("pk")


def holders_together(action: Action, units: Collection[OrgUnit]) -> dict[OrgUnit, set[User]]:
    """The same for some units, as they stand in the tree now, in one query."""
    covering = Q(pk__in=[])
    for unit in units:
        covering |= Q(content_object__tree_id=unit.tree_id, content_object__lft__lte=unit.lft, content_object__rght__gte=unit.rght)
    found: dict[OrgUnit, set[User]] = {unit: set() for unit in units}
    for one in _in_force(action).filter(covering, user__is_active=True).select_related("user", "content_object") if units else ():
        for unit in units:
            if one.content_object.tree_id == unit.tree_id and one.content_object.lft <= unit.lft <= one.content_object.rght:
                found[unit].add(one.user)
    return found


def intervals(user: Somebody, action: Action) -> list[Interval]:
    """The subtrees on which `user` holds `action` today, nested ones left out. One query, or none in a `remembered` context."""
    if not user.is_active:
        return []
    if not only_reading():
        return _outermost(Interval(*row) for row in _held(user=user, action=action).values_list(*_BOUNDS))
    return _all_held(user).get(f"unit_{Action(action).value}", [])


_ROLE = "role:"


def _role_intervals(user: Somebody, role: str) -> list[Interval]:
    return _all_held(user).get(_ROLE + role, []) if user.is_active else []


def _all_held(user: Somebody) -> dict[str, list[Interval]]:
    """By permission ("unit_view") and by role ("role:clerk") the subtrees on which `user` holds it today; one query for a page."""

    def ask() -> dict[str, list[Interval]]:
        of_role = Grant.objects.on(clock.today()).filter(user=user).order_by()
        given = of_role.values_list(Concat(Value(_ROLE), "role", output_field=TextField()), "unit__tree_id", "unit__lft", "unit__rght", "unit_id")
        held = _held(user=user).order_by().values_list(Cast("permission__codename", TextField()), *_BOUNDS)
        by_name: dict[str, list[Interval]] = {}
        for name, *row in held.union(given, all=True):
            by_name.setdefault(name, []).append(Interval(*row))
        return {name: _outermost(found) for name, found in by_name.items()}

    return once(("held", user.pk, clock.today()), ask)


def _places(unit_ids: Collection[UUID]) -> dict[UUID, Place]:
    """Where these units stand, as far as there are such; on one page each is asked for once."""
    known: dict[UUID, Place | None] = once("places", dict)
    if new := [key for key in unit_ids if key not in known]:
        known |= dict.fromkeys(new)
        known |= {key: (tree, lft) for key, tree, lft in OrgUnit.objects.filter(pk__in=new).order_by().values_list("pk", "tree_id", "lft")}
    return {key: place for key in unit_ids if (place := known[key]) is not None}


_BOUNDS = ("content_object__tree_id", "content_object__lft", "content_object__rght", "content_object_id")


def _outermost(found: Iterable[Interval]) -> list[Interval]:
    outermost: list[Interval] = []
    for one in sorted(set(found)):
        if not outermost or one.tree_id != outermost[-1].tree_id or one.lft > outermost[-1].rght:
            outermost.append(one)
    return outermost


def _held(action: Action | None = None, *, user: Any) -> QuerySet[UnitPermission]:
    """What `user` holds today, of one action or of all."""
    return _in_force(action).filter(user=user)


def _in_force(action: Action | None = None) -> QuerySet[UnitPermission]:
    """What anybody holds today."""
    today = clock.today()
    held = UnitPermission.objects.filter(permission__content_type__app_label="orgtree", valid_from__lte=today, valid_to__gt=today)
    return held.filter(permission__codename=f"unit_{Action(action).value}") if action else held


def _filtered(queryset: QuerySet[M], user: Somebody, action: Action, prefix: str) -> QuerySet[M]:
    if user.is_active and user.is_superuser:
        return queryset
    condition = Q()
    for one in intervals(user, action):
        unmoved = Exists(OrgUnit.objects.filter(pk=one.unit_id, tree_id=one.tree_id, lft=one.lft, rght=one.rght).order_by())
        condition |= Q(unmoved, **{f"{prefix}tree_id": one.tree_id, f"{prefix}lft__range": (one.lft, one.rght)})
    return queryset.filter(condition) if condition else queryset.none()
