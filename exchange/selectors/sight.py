"""What an operator sees of the exchange: the deliveries of the records in their units; the line as a whole where they operate all of it."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q, QuerySet

from exchange.contract import PROFILE_KIND, UNIT_KIND
from exchange.models import Delivery
from orgtree import scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from registry.models import StaffProfile


def installation_top() -> OrgUnit | None:
    """The unit that stands for the whole installation: whoever operates it operates the line."""
    return OrgUnit.objects.filter(parent=None, code=settings.AUTHORITY).first()


def operates_line(user: User) -> bool:
    """May `user` act for the whole line: try it, compare it, send again whatever there is?"""
    if user.is_active and user.is_superuser:
        return True
    return scope.units(user, Action.OPERATE).filter(parent=None, code=settings.AUTHORITY).exists()


def operates_somewhere(user: User) -> bool:
    return user.is_active and (user.is_superuser or bool(scope.intervals(user, Action.OPERATE)))


def deliveries_seen(user: User) -> QuerySet[Delivery]:
    """The deliveries of the people and units where `user` operates; all of them for whoever operates the line."""
    if operates_line(user):
        return Delivery.objects.all()
    units = scope.units(user, Action.OPERATE).order_by().values("pk")
    people = StaffProfile.objects.filter(using_unit__in=units).order_by().values("pk")
    return Delivery.objects.filter(Q(message__kind=PROFILE_KIND, message__key__in=people) | Q(message__kind=UNIT_KIND, message__key__in=units))
