"""Devices on which an account was used: a random mark in a long-lived cookie, kept as a digest. A new one is told to the account's owner."""

from __future__ import annotations

import hashlib
import secrets

from django.http import HttpRequest, HttpResponse

from accounts.models import KnownDevice
from accounts.selectors.sessions import device_of
from orgtree import clock
from orgtree.caller import address_of
from orgtree.models import User
from workflows.services.audit import audit

COOKIE = "hoso_device"
YEAR = 365 * 24 * 3600


def device_note(*, user: User, request: HttpRequest) -> None:
    """At a login: is this a device that `user` came from before? The mark of a new one goes out with the answer (`device_mark`)."""
    mark = request.COOKIES.get(COOKIE, "")
    known = KnownDevice.objects.filter(user=user, digest=_digest(mark)).first() if mark else None
    if known is not None:
        KnownDevice.objects.filter(pk=known.pk).update(last_login=clock.now())
        return
    mark = mark if 20 <= len(mark) <= 100 else secrets.token_urlsafe(32)
    first = not KnownDevice.objects.filter(user=user).exists()
    browser, system = device_of(request.headers.get("User-Agent", ""))
    KnownDevice.objects.create(user=user, digest=_digest(mark), browser=browser, system=system)
    audit(actor=user, action="account.new_device", user=user.pk, first=first, browser=browser, system=system, address=address_of(request))
    request.device_mark = mark  # type: ignore[attr-defined]


def device_mark(request: HttpRequest, response: HttpResponse) -> None:
    """Give the browser the mark of a new device. It opens nothing: it only says that somebody logged in here before."""
    if mark := getattr(request, "device_mark", ""):
        response.set_cookie(COOKIE, mark, max_age=YEAR, httponly=True, secure=request.is_secure(), samesite="Lax")


def _digest(mark: str) -> bytes:
    return hashlib.sha256(mark.encode()).digest()
