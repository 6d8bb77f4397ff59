"""Taking back the second factor of somebody who lost the telephone and the recovery codes."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.errors import AccountRefused, OwnFactors
from accounts.selectors.factors import may_look_after
from accounts.services.sessions import sessions_end
from orgtree.models import User
from workflows.services.audit import audit


def factors_take_back(*, actor: User | None, user: User) -> int:
    """Remove all second factors and recovery codes of `user` and end all sessions; returns how many factors there were.

    Where a factor is required, the person is led to set up a new one at the next login. Raises AccountRefused, and OwnFactors for one's own
    account: there a factor is removed with a fresh proof, on the page for it. `actor` None is whoever has the server's own shell.
    """
    if actor is not None and actor.pk == user.pk:
        raise OwnFactors
    if actor is not None and not may_look_after(actor, user):
        raise AccountRefused
    with transaction.atomic():
        _rows, by_model = Authenticator.objects.filter(user=user).delete()
        removed = by_model.get("mfa.Authenticator", 0)
        sessions_end(actor=actor, user=user)
        audit(actor=actor, action="account.factors_taken_back", user=user.pk, count=removed)
    return removed
