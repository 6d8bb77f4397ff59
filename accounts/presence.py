"""When a session was last used, when it is over, and what its person has to do first. Kept in the session: a page costs no query more."""

from __future__ import annotations

import time
from typing import Literal

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest

from accounts.models import InitialPassword
from accounts.selectors.factors import has_factor, must_have_factor
from orgtree.models import User

NOTED_EVERY, SEEN_EVERY, ASKED_EVERY = 60, 5 * 60, 5 * 60  # seconds
PASSIVE = "X-Passive"  # a page asks by itself how far something is: no sign of life
_SEEN_AT, _SHOWN_AT, _BEGAN_AT, _SETTLED_UNTIL = "seen_at", "shown_at", "began_at", "settled_until"

Over = Literal["", "idle", "long"]


def begin(request: HttpRequest) -> None:
    """Somebody has just logged in."""
    request.session[_BEGAN_AT] = request.session[_SEEN_AT] = request.session[_SHOWN_AT] = time.time()


def is_over(request: HttpRequest) -> Over:
    """Why the session must end now: nobody used it for IDLE_MINUTES, or it is SESSION_HOURS old. A session from before is counted from now on."""
    now, began = time.time(), request.session.get(_BEGAN_AT)
    if began is None:
        begin(request)
        return ""
    if now - began > settings.SESSION_HOURS * 3600:
        return "long"
    return "idle" if now - request.session.get(_SEEN_AT, now) > settings.IDLE_MINUTES * 60 else ""


def follow(request: HttpRequest) -> None:
    """Write down that the session is used, once in a minute, and where it is, once in five."""
    if request.headers.get(PASSIVE):
        return
    now = time.time()
    if now - request.session.get(_SEEN_AT, 0) >= NOTED_EVERY:
        request.session[_SEEN_AT] = now
    if now - request.session.get(_SHOWN_AT, 0) >= SEEN_EVERY:
        request.session[_SHOWN_AT] = now
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
