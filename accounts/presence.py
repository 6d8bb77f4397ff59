"""When a session was last seen, and what its person has to do first. Kept in the session: a page costs no query more."""

from __future__ import annotations

import time

from allauth.usersessions.models import UserSession
from django.http import HttpRequest

from accounts.models import InitialPassword
from accounts.selectors.factors import has_factor, must_have_factor
from orgtree.models import User

SEEN_EVERY = ASKED_EVERY = 5 * 60  # seconds
_SEEN_AT, _SETTLED_UNTIL = "seen_at", "settled_until"


def note_presence(request: HttpRequest) -> None:
    request.session[_SEEN_AT] = time.time()


def follow(request: HttpRequest) -> None:
    """Write down where and when the session is used, once in five minutes."""
    if time.time() - request.session.get(_SEEN_AT, 0) >= SEEN_EVERY:
        note_presence(request)
        UserSession.objects.create_from_request(request)


def first_to_do(request: HttpRequest, user: User) -> str:
    """The name of the page on which `user` has something to do before anything else; empty when there is nothing.

    Asked at the login, and anew every five minutes: a grant may have come meanwhile.
    """
    if request.session.get(_SETTLED_UNTIL, 0) > time.time():
        return ""
    if InitialPassword.objects.filter(user=user).exists():
        return "account_change_password"
    if must_have_factor(user) and not has_factor(user):
        return "accounts:protect"
    request.session[_SETTLED_UNTIL] = time.time() + ASKED_EVERY
    return ""
