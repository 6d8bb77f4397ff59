"""Who may see and do what: the only module that turns grants into filters.

A grant on a unit covers the unit and everything below it, which in the tree is one interval of `lft`. The few intervals
that somebody holds today are fetched first, then anything with a unit is filtered by them: one grant costs one row, however
many people stand below. Nobody asks guardian or `has_perm`, and nobody asks in a loop.

Between the two queries the tree may be renumbered, and old bounds would then show strangers: every filter also asks, once a
query, whether the granted unit still has these bounds, and shows nothing for that grant if not.

Inactive users see nothing, superusers everything. An end of a grant works from the beginning of that day in Viet Nam.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from orgtree import clock
from orgtree.choices import Action
from orgtree.models import Grant, OrgUnit, UnitPermission, User

M = TypeVar("M", bound=Model)
Somebody = User | AnonymousUser


@dataclass(frozen=True, order=True)
class Interval:
    """The subtree of `unit_id`: the units of tree `tree_id` whose `lft` lies from `lft` to `rght`."""

    tree_id: int
    lft: int
    rght: int
    unit_id: UUID

    def covers(self, unit: OrgUnit) -> bool:
        return self.tree_id == unit.tree_id and self.lft <= unit.lft <= self.rght


# Within one page: (user, day) -> the bounds of all grants, by action. A page asks many times, and all must have one answer.
_remembered: ContextVar[dict[Any, dict[str, list[Interval]]] | None] = ContextVar("remembered_intervals", default=None)


@contextmanager
def remembered() -> Iterator[None]:
    """Everything asked about a user in this context is answered from one query. For reading only: nobody gives grants in it."""
    if _remembered.get() is not None:
        yield
        return
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)


def scoped(queryset: QuerySet[M], user: Somebody, action: Action, unit_field: str = "unit") -> QuerySet[M]:
    """The rows of `queryset` whose unit lies where `user` may do `action`.

    `unit_field` is the path to the foreign key to OrgUnit; a row without a unit is seen by superusers only.
    """
    return _filtered(queryset, user, action, unit_field + "__")


def units(user: Somebody, action: Action) -> QuerySet[OrgUnit]:
    """The units on which `user` may do `action`, in the order of the tree."""
    return _filtered(OrgUnit.objects.all(), user, action, "")


def tops(user: Somebody, action: Action) -> QuerySet[OrgUnit]:
    """The topmost of those units: the roots of what `user` sees. Everything else he sees lies below one of them."""
    if user.is_active and user.is_superuser:
        return OrgUnit.objects.filter(parent=None)
    return OrgUnit.objects.filter(pk__in=[one.unit_id for one in intervals(user, action)])


def can(user: Somebody, action: Action, unit: OrgUnit | UUID | None) -> bool:
    """May `user` do `action` on `unit`? A superuser always; on no unit (what concerns the whole installation), nobody else."""
    if unit is None:
        return user.is_active and user.is_superuser
    if _remembered.get() is not None and isinstance(unit, OrgUnit):  # on a page that is only read: which buttons it shows
        return user.is_active and (user.is_superuser or any(one.covers(unit) for one in intervals(user, action)))
    return not outside(user, action, [unit.pk if isinstance(unit, OrgUnit) else unit])


def outside(user: Somebody, action: Action, unit_ids: Iterable[UUID]) -> set[UUID]:
    """Those of `unit_ids` on which `user` may not do `action`, in one query. A unit that does not exist is outside."""
    asked = set(unit_ids)
    if not asked or not user.is_active:
        return asked
    if user.is_superuser:
        return set()
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


def roles(user: Somebody) -> set[str]:
    """The roles that `user` holds today, wherever."""
    return set(Grant.objects.on(clock.today()).filter(user=user).values_list("role", flat=True)) if user.is_active else set()


def holders(action: Action, unit: OrgUnit) -> QuerySet[User]:
    """The active users who hold `action` on `unit` by a grant on it or above it. Superusers only where they hold one too."""
    # By key: the bounds of an instance read earlier may be stale.
    below = OrgUnit.objects.filter(
        pk=unit.pk, tree_id=OuterRef("content_object__tree_id"), lft__gte=OuterRef("content_object__lft"), rght__lte=OuterRef("content_object__rght")
    )
    return User.objects.filter(Exists(_held(action, user=OuterRef("pk")).filter(Exists(below))), is_active=True).order_by("pk")


def intervals(user: Somebody, action: Action) -> list[Interval]:
    """The subtrees on which `user` holds `action` today, nested ones left out. One query, or none in a `remembered` context."""
    if not user.is_active:
        return []
    memory = _remembered.get()
    if memory is None:
        return _outermost(Interval(*row) for row in _held(user=user, action=action).values_list(*_BOUNDS))
    if (key := (user.pk, clock.today())) not in memory:
        by_action: dict[str, list[Interval]] = {}
        for codename, *row in _held(user=user).values_list("permission__codename", *_BOUNDS):
            by_action.setdefault(codename, []).append(Interval(*row))
        memory[key] = {codename: _outermost(found) for codename, found in by_action.items()}
    return memory[key].get(f"unit_{Action(action).value}", [])


_BOUNDS = ("content_object__tree_id", "content_object__lft", "content_object__rght", "content_object_id")


def _outermost(found: Iterable[Interval]) -> list[Interval]:
    outermost: list[Interval] = []
    for one in sorted(set(found)):
        if not outermost or one.tree_id != outermost[-1].tree_id or one.lft > outermost[-1].rght:
            outermost.append(one)
    return outermost


def _held(action: Action | None = None, *, user: Any) -> QuerySet[UnitPermission]:
    """What `user` holds today, of one action or of all."""
    today = clock.today()
    held = UnitPermission.objects.filter(user=user, permission__content_type__app_label="orgtree", valid_from__lte=today, valid_to__gt=today)
    return held.filter(permission__codename=f"unit_{Action(action).value}") if action else held


def _filtered(queryset: QuerySet[M], user: Somebody, action: Action, prefix: str) -> QuerySet[M]:
    if user.is_active and user.is_superuser:
        return queryset
    condition = Q()
    for one in intervals(user, action):
        unmoved = Exists(OrgUnit.objects.filter(pk=one.unit_id, tree_id=one.tree_id, lft=one.lft, rght=one.rght).order_by())
        condition |= Q(unmoved, **{f"{prefix}tree_id": one.tree_id, f"{prefix}lft__range": (one.lft, one.rght)})
    return queryset.filter(condition) if condition else queryset.none()
