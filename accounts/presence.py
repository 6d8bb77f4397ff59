"""When a session was last seen, and whether its person has what their rights ask for. Kept in the session: a page costs no query more."""

from __future__ import annotations

import time

from allauth.usersessions.models import UserSession
from django.http import HttpRequest

from accounts.selectors.factors import has_factor, must_have_factor

SEEN_EVERY = ASKED_EVERY = 5 * 60  # seconds
_SEEN_AT, _SETTLED_UNTIL = "seen_at", "factor_settled_until"


def note_presence(request: HttpRequest) -> None:
    request.session[_SEEN_AT] = time.time()


def follow(request: HttpRequest) -> None:
    """Write down where and when the session is used, once in five minutes."""
    if time.time() - request.session.get(_SEEN_AT, 0) >= SEEN_EVERY:
        note_presence(request)
        UserSession.objects.create_from_request(request)


def lacks_factor(request: HttpRequest) -> bool:
    """Whether the person must set up a second factor first. Asked anew every five minutes: a grant may have come meanwhile."""
    if request.session.get(_SETTLED_UNTIL, 0) > time.time():
        return False
    if must_have_factor(request.user) and not has_factor(request.user):
        return True
    request.session[_SETTLED_UNTIL] = time.time() + ASKED_EVERY
    return False
