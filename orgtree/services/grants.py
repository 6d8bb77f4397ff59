"""Giving a role on a unit, and ending it. The audit event is written by the caller (workflows), in the same transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from django.contrib.auth.models import Permission
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orgtree import clock, scope
from orgtree.choices import ROLE_ACTIONS, Action, Role
from orgtree.models import Grant, OrgUnit, UnitPermission, User

Period = tuple[date, date]


class GrantError(Exception):
    """Base of the refusals. `code` is stable, for programs; `str()` is for people."""

    code = "GRANT"
    text: str | Promise = ""

    def __str__(self) -> str:
        return str(self.text)


class GrantRefused(GrantError):
    code = "GRANT_REFUSED"
    text = _("You may give and end grants only in units where you hold that right, and never your own.")


class GrantPeriodInvalid(GrantError):
    code = "GRANT_PERIOD"
    text = _("A grant begins before it ends, and ends after today; ending it early is possible from today until the day before its end.")


class GrantOverlaps(GrantError):
    code = "GRANT_OVERLAPS"
    text = _("The user already holds this role on this unit during the period. End that grant first, or begin when it ends.")


def grant_give(*, actor: User, user: User, role: Role, unit: OrgUnit, valid_from: date, valid_to: date) -> Grant:
    """Give `user` the `role` on `unit` and below for [valid_from, valid_to).

    Raises GrantRefused, GrantPeriodInvalid, GrantOverlaps.
    """
    if valid_to <= valid_from or valid_to <= clock.today():
        raise GrantPeriodInvalid
    _refuse_unless_giver(actor, user, unit)
    with transaction.atomic():
        _lock(user)
        if Grant.objects.filter(user=user, role=role, unit=unit, valid_from__lt=valid_to, valid_to__gt=valid_from).exists():
            raise GrantOverlaps
        grant = Grant.objects.create(user=user, role=role, unit=unit, valid_from=valid_from, valid_to=valid_to, giver=actor)
        permissions_derive(user, unit)
    return grant


def grant_end(*, actor: User, grant: Grant, on: date | None = None) -> Grant:
    """End `grant` at the beginning of the day `on`, by default today, at once. One that has not begun never will.

    Raises GrantRefused; GrantPeriodInvalid when it would end later than before, or in the past.
    """
    day = on or clock.today()
    _refuse_unless_giver(actor, grant.user, grant.unit)
    with transaction.atomic():
        _lock(grant.user)
        current = Grant.objects.get(pk=grant.pk)
        if day < clock.today() or day >= current.valid_to:
            raise GrantPeriodInvalid
        current.valid_to = max(day, current.valid_from)
        current.ender, current.ended_at = actor, clock.now()
        current.save(update_fields=["valid_to", "ender", "ended_at"])
        permissions_derive(current.user, current.unit)
    return current


def _refuse_unless_giver(actor: User, user: User, unit: OrgUnit) -> None:
    if not scope.can(actor, Action.GRANT, unit):
        raise GrantRefused
    if actor.pk == user.pk and not actor.is_superuser:
        raise GrantRefused


def _lock(user: User) -> None:
    """One writer at a time for the grants of one person."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def permissions_derive(user: User, unit: OrgUnit) -> None:
    """Replace the permission rows of `user` on `unit` by what the grants come to. Within a transaction that holds the user's row."""
    periods: dict[Action, list[Period]] = defaultdict(list)
    for role, *period in Grant.objects.filter(user=user, unit=unit).values_list("role", "valid_from", "valid_to"):
        for action in ROLE_ACTIONS[Role(role)]:
            periods[action].append((period[0], period[1]))
    permissions = {one.codename: one for one in Permission.objects.filter(content_type__app_label="orgtree", content_type__model="orgunit")}
    UnitPermission.objects.filter(user=user, content_object=unit).delete()
    UnitPermission.objects.bulk_create(
        UnitPermission(user=user, permission=permissions[f"unit_{action.value}"], content_object=unit, valid_from=start, valid_to=end)
        for action, held in periods.items()
        for start, end in union(held)
    )


def union(periods: Iterable[Period]) -> list[Period]:
    """Half-open periods, joined where they meet or overlap; empty ones vanish."""
    joined: list[Period] = []
    for start, end in sorted(period for period in periods if period[0] < period[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
