"""Giving a role on a unit, and ending it: what a change that two people made comes to (workflows.services.grants, its only caller).

The database lets nobody else write these tables, and the caller writes the audit event in the same transaction.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from django.conf import settings
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


class GrantTooLong(GrantError):
    code = "GRANT_TOO_LONG"
    text = _("No grant lasts longer than %(months)d months. Choose an earlier last day; the grant can be renewed before it ends.")

    def __str__(self) -> str:
        return str(self.text) % {"months": settings.GRANT_MAX_MONTHS}


class GrantOverlaps(GrantError):
    code = "GRANT_OVERLAPS"
    text = _("The user already holds this role on this unit during the period. End that grant first, or begin when it ends.")


def grant_give(*, actor: User, user: User, role: Role, unit: OrgUnit, valid_from: date, valid_to: date) -> Grant:
    """Give `user` the `role` on `unit` and below for [valid_from, valid_to).

    Raises GrantRefused, GrantPeriodInvalid, GrantTooLong, GrantOverlaps.
    """
    _refuse_unless_giver(actor, user, unit)
    return grant_write(giver=actor, user=user, role=role, unit=unit, valid_from=valid_from, valid_to=valid_to)


def grant_write(*, giver: User, user: User, role: Role, unit: OrgUnit, valid_from: date, valid_to: date) -> Grant:
    """The same, without asking whether the giver may: for the first grants of an installation. Raises the rest."""
    with transaction.atomic():
        _lock(user)
        _period_check(user=user, role=role, unit=unit, valid_from=valid_from, valid_to=valid_to)
        grant = Grant.objects.create(user=user, role=role, unit=unit, valid_from=valid_from, valid_to=valid_to, giver=giver)
        permissions_derive(user, unit)
    return grant


def grant_check(*, actor: User, user: User, role: Role, unit: OrgUnit, valid_from: date, valid_to: date) -> None:
    """May `actor` give this today? Raises what grant_give raises. Whether it still may be given is asked again when it is."""
    _refuse_unless_giver(actor, user, unit)
    _period_check(user=user, role=role, unit=unit, valid_from=valid_from, valid_to=valid_to)


def grant_end_check(*, actor: User, grant: Grant, on: date) -> None:
    """May `actor` end `grant` on the day `on`? Raises what grant_end raises."""
    _refuse_unless_giver(actor, grant.user, grant.unit)
    if on < clock.today() or on >= grant.valid_to:
        raise GrantPeriodInvalid


def latest_end(valid_from: date) -> date:
    """The latest day on which a grant from `valid_from` may end: GRANT_MAX_MONTHS later, on the same day of the month or its last."""
    years, month = divmod(valid_from.month - 1 + settings.GRANT_MAX_MONTHS, 12)
    year = min(valid_from.year + years, date.max.year)
    return date(year, month + 1, min(valid_from.day, monthrange(year, month + 1)[1]))


def grant_end(*, actor: User, grant: Grant, on: date | None = None) -> Grant:
    """End `grant` at the beginning of the day `on`, by default today, at once. One that has not begun never will.

    Raises GrantRefused; GrantPeriodInvalid when it would end later than before, or in the past.
    """
    day = on or clock.today()
    grant_end_check(actor=actor, grant=Grant.objects.get(pk=grant.pk), on=day)
    return grant_close(grant=grant, on=day, ender=actor)


def grant_close(*, grant: Grant, on: date, ender: User | None) -> Grant:
    """The same, without asking whether somebody may (`ender` None: a reorganisation). Raises GrantPeriodInvalid."""
    with transaction.atomic():
        _lock(grant.user)
        current = Grant.objects.get(pk=grant.pk)
        if on < clock.today() or on >= current.valid_to:
            raise GrantPeriodInvalid
        current.valid_to = max(on, current.valid_from)
        current.ender, current.ended_at = ender, clock.now()
        current.save(update_fields=["valid_to", "ender", "ended_at"])
        permissions_derive(current.user, current.unit)
    return current


def _period_check(*, user: User, role: Role, unit: OrgUnit, valid_from: date, valid_to: date) -> None:
    if valid_to <= valid_from or valid_to <= clock.today():
        raise GrantPeriodInvalid
    if valid_to > latest_end(valid_from):
        raise GrantTooLong
    if Grant.objects.filter(user=user, role=role, unit=unit, valid_from__lt=valid_to, valid_to__gt=valid_from).exists():
        raise GrantOverlaps


def _refuse_unless_giver(actor: User, user: User, unit: OrgUnit) -> None:
    if not scope.can(actor, Action.GRANT, unit):
        raise GrantRefused
    if actor.pk == user.pk:
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
