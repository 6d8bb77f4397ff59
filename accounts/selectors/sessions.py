"""Where somebody is logged in, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session

from orgtree import clock
from orgtree.models import User

# In this order: Edge and Opera also say Chrome, Chrome also says Safari.
BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("coc_coc", "Cốc Cốc"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"), ("Linux", "Linux"))


@dataclass(frozen=True)
class LoggedIn:
    """One session: `browser` and `system` are empty where the browser does not tell."""

    key: int
    browser: str
    system: str
    address: str
    since: datetime
    last_seen: datetime
    is_here: bool


def sessions_of(user: User, *, here: str | None = None) -> list[LoggedIn]:
    """The sessions of `user` that still hold, the reader's own first, then the latest; `here` is its key. Two queries."""
    told = list(UserSession.objects.filter(user=user))
    alive = {one.session_key for one in _held([one.session_key for one in told], user)}
    return sorted((_told(one, here) for one in told if one.session_key in alive), key=lambda one: (one.is_here, one.last_seen), reverse=True)


def _held(keys: list[str], user: User) -> Iterator[Session]:
    """Those of the sessions that have not run out and were not ended by a new password (Django keeps a digest of it in each)."""
    hashes = {user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()}
    for session in Session.objects.filter(session_key__in=keys, expire_date__gt=clock.now()):
        if session.get_decoded().get(HASH_SESSION_KEY) in hashes:
            yield session


def device_of(agent: str) -> tuple[str, str]:
    """Browser and system out of a User-Agent; empty where it does not tell."""
    return _first(BROWSERS, agent), _first(SYSTEMS, agent)


def _told(session: UserSession, here: str | None) -> LoggedIn:
    browser, system = device_of(session.user_agent)
    return LoggedIn(
        key=session.pk,
        browser=browser,
        system=system,
        address=session.ip,
        since=session.created_at,
        last_seen=session.last_seen_at,
        is_here=session.session_key == here,
    )


def _first(names: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((name for mark, name in names if mark in agent), "")
