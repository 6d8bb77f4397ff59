"""The login form, which stops guessing: after ten tries at one login from one address it asks to wait."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import redis
from django.contrib.auth.forms import AuthenticationForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from orgtree.caller import address_of

TRIES, WINDOW_SECONDS = 10, 15 * 60
_LOG = logging.getLogger(__name__)


class GuardedLogin(AuthenticationForm):
    """Counts a try before the password is looked at, so that many at once gain nothing; a right one forgets the count.

    The count is for login and address together: a stranger elsewhere locks nobody out. Without Redis nobody is counted, and people may
    still sign in.
    """

    is_locked = False
    locked_message = _(
        "Too many tries. To protect the account, it cannot be entered from here for 15 minutes. Then try again, or ask your administrator."
    )

    def clean(self) -> dict[str, Any]:
        login = self.cleaned_data.get("username")
        if not login:
            return super().clean()
        key = _key(login, address_of(self.request))
        if _count(key) > TRIES:
            self.is_locked = True
            _LOG.warning("login is locked for %s from %s", login, address_of(self.request))
            raise ValidationError(self.locked_message, code="locked")
        cleaned = super().clean()
        _forget(key)
        return cleaned


def _key(login: str, address: str) -> str:
    return "login:" + hashlib.sha256(f"{login}\n{address}".encode()).hexdigest()


def _count(key: str) -> int:
    try:
        cache.add(key, 0, WINDOW_SECONDS)
        return int(cache.incr(key))
    except redis.RedisError as error:
        _LOG.warning("tries to log in are not counted: %s", error)
        return 0


def _forget(key: str) -> None:
    try:
        cache.delete(key)
    except redis.RedisError as error:
        _LOG.warning("tries to log in are not forgotten: %s", error)
