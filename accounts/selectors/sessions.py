"""Where somebody is logged in, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession

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
    """The sessions of `user` that still hold, the latest first; `here` is the key of the reader's own. Rows of dead ones are removed."""
    alive = UserSession.objects.purge_and_list(user)
    return sorted((_told(one, here) for one in alive), key=lambda one: (one.is_here, one.last_seen), reverse=True)


def _told(session: UserSession, here: str | None) -> LoggedIn:
    agent = session.user_agent
    return LoggedIn(
        key=session.pk,
        browser=_first(BROWSERS, agent),
        system=_first(SYSTEMS, agent),
        address=session.ip,
        since=session.created_at,
        last_seen=session.last_seen_at,
        is_here=session.session_key == here,
    )


def _first(names: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((name for mark, name in names if mark in agent), "")
