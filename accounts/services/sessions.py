"""Logging somebody out: one session or all, by the person or by who looks after accounts; and forgetting what has run out."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.errors import AccountRefused
from accounts.selectors.factors import may_look_after
from orgtree import clock
from orgtree.models import User
from workflows.services.audit import audit


def sessions_end(*, actor: User | None, user: User, only: int | None = None, but: str | None = None) -> int:
    """End the sessions of `user`: the one with the key `only`, or all but the one whose session key is `but`. Returns how many.

    Raises AccountRefused when it is neither the actor's own account nor one that the actor looks after; None is the server's own shell.
    """
    if actor is not None and actor.pk != user.pk and not may_look_after(actor, user):
        raise AccountRefused
    with transaction.atomic():
        sessions = UserSession.objects.filter(user=user).exclude(session_key=but or "")
        ended = list((sessions if only is None else sessions.filter(pk=only)).order_by("pk"))
        for session in ended:
            session.end()
        if ended:
            audit(actor=actor, action="account.logged_out", user=user.pk, count=len(ended))
    return len(ended)


def sessions_forget() -> int:
    """Remove what is left of sessions that have run out or were ended; returns how many. The door makes one for each visitor."""
    forgotten, _by_model = Session.objects.filter(expire_date__lt=clock.now()).delete()
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    UserSession.objects.filter(~Exists(alive)).delete()
    return forgotten
