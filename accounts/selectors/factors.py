"""Who has a second factor, who must have one, and who may look after somebody's account."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import QuerySet

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User
from workflows.models import Delegation

# Recovery codes come with the other two and go with them: alone they are no factor.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def factors(user: User) -> QuerySet[Authenticator]:
    """The second factors of `user`, oldest first."""
    return Authenticator.objects.filter(user=user, type__in=FACTORS).order_by("created_at", "pk")


def has_factor(user: User) -> bool:
    return factors(user).exists()


def must_have_factor(user: User) -> bool:
    """Whether `user` decides or gives rights somewhere today, in person or for somebody away, and the installation asks for a factor."""
    if not settings.SECOND_FACTOR_REQUIRED:
        return False
    if user.is_superuser or user.is_staff:
        return True
    if any(scope.intervals(user, action) for action in (Action.APPROVE, Action.GRANT)):
        return True
    return Delegation.objects.on(clock.today()).filter(receiver=user).exists()


def may_look_after(actor: User, user: User) -> bool:
    """Whether `actor` may end the sessions of `user` and take back lost factors: superusers, and who may change accounts below them."""
    if not actor.is_active:
        return False
    return actor.is_superuser or (actor.has_perm("orgtree.change_user") and not user.is_superuser)
