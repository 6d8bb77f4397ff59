"""Every call that others make to our interfaces is kept in the exchange archive: this is the one place that all of them pass."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from exchange.archive import OK, Said, entry_made, exchanges_keep
from exchange.choices import Transport, Way
from exchange.contract import CallCode, Problem, kind_of
from exchange.models import Agency, SharingClient
from exchange.transports import Ask
from exchange.transports.base import reference_of
from orgtree import clock
from orgtree.caller import ip_of

TOKENS = "/o/token/"
INTERFACES = {"/api/v1/": "/api/v1", "/api/shared/v1/": "/api/shared/v1", TOKENS: ""}
PUBLISHED = ("/openapi.json",)
STRANGERS_A_MINUTE = 60  # calls without a valid token that are kept, so that nobody fills the archive by knocking


class ArchiveMiddleware:
    """Notes a call after it was answered: one insert. `exchange.answers` leaves what it read as `body_said`, the APIs who called as `caller`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        base = next((base for prefix, base in INTERFACES.items() if request.path.startswith(prefix)), None)
        if base is None or request.path.endswith(PUBLISHED):
            return self.get_response(request)
        at, begun = clock.now(), time.monotonic()
        response = self.get_response(request)
        caller = getattr(request, "caller", None)
        if caller is not None or _room_for_strangers():
            path = request.path.removeprefix(base)
            asked = Ask(request.method or "", path, {name.lower(): value for name, value in request.headers.items()}, None, request.GET.dict())
            secret = request.path == TOKENS
            sent: Said = getattr(request, "body_said", None) or Said(length=_length(request))
            exchanges_keep(
                [
                    entry_made(
                        at=at,
                        milliseconds=round(1000 * (time.monotonic() - begun)),
                        way=Way.IN,
                        agency=caller if isinstance(caller, Agency) else None,
                        client=caller.code if isinstance(caller, SharingClient) else "",
                        transport=Transport.DIRECT,
                        method=asked.method,
                        address=request.get_full_path(),
                        reference=reference_of(asked),
                        status=response.status_code,
                        outcome=_outcome(asked.method, response.status_code, code := _code(response)),
                        code=code,
                        request=Said(headers=Said.of(asked.headers, b"").headers, digest=None if secret else sent.digest, length=sent.length),
                        answer=Said.of(dict(response.items()), response.content, secret=secret),
                        caller=ip_of(request),
                    )
                ]
            )
        return response


def _room_for_strangers() -> bool:
    name = f"exchange.strangers.{int(time.time()) // 60}"
    cache.add(name, 0, timeout=120)
    return cache.incr(name) <= STRANGERS_A_MINUTE


def _length(request: HttpRequest) -> int:
    """What the caller says of its body; nothing of it is believed but its length."""
    text = request.headers.get("Content-Length", "")
    return min(int(text), 2**31 - 1) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _outcome(method: str, status: int, code: str) -> str:
    """That nothing is there is an answer to a question, not a failure."""
    return OK if status < 400 or (method == "GET" and code == CallCode.NOT_FOUND) else kind_of(status).value


def _code(response: HttpResponse) -> str:
    if response.status_code < 400:
        return ""
    try:
        return msgspec.json.decode(response.content, type=Problem).code
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
