"""Guessing is stopped here, whatever is guessed: after ten tries in 15 minutes one waits.

A try is counted before it is looked at, so that many at once gain nothing; a right one forgets the count. Passwords are counted for login
and address together, so that a stranger elsewhere locks nobody out; codes of a second factor for the account alone, since whoever guesses
one knows the password already. Without Redis nobody is counted, and people may still sign in.
"""

from __future__ import annotations

import hashlib
import logging

import redis
from django.core.cache import cache

TRIES, WINDOW_SECONDS = 10, 15 * 60
_LOG = logging.getLogger(__name__)


def count(*what: str) -> int:
    """How often this has been tried in the window that began with the first try, this one included; 0 without Redis."""
    key = _key(what)
    try:
        cache.add(key, 0, WINDOW_SECONDS)
        return int(cache.incr(key))
    except redis.RedisError as error:
        _LOG.warning("tries to log in are not counted: %s", error)
    except ValueError:  # the window closed between the two calls
        return 1
    return 0


def forget(*what: str) -> None:
    try:
        cache.delete(_key(what))
    except redis.RedisError as error:
        _LOG.warning("tries to log in are not forgotten: %s", error)


def _key(what: tuple[str, ...]) -> str:
    return "tries:" + hashlib.sha256("\n".join(what).encode()).hexdigest()
