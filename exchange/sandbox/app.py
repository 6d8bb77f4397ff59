"""The sandbox as a WSGI program: tokens, the gateway, the sides behind it, and the faults around them.

    /o/token/                     OAuth 2 client credentials; any client with the sandbox's secret
    /api/v1/population/...        the population database      /api/v1/party/...    the Party database
    /api/v1/...                   the national hub
    /ndxp/token, /ndxp/api/v1/... the same sides behind a gateway, which wants its headers (NDXP through a provincial LGSP), knows service codes
                                  (/ndxp/services/...) and has faults in a shape of its own
    /node/messages                the same sides behind an Agent Node: calls as messages, no token (`exchange.sandbox.ways`)
    /                             what was received, and the switches of the faults

Order of a call: too many calls -> token -> gateway -> the side -> what is done to its answer on the way back.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from exchange.contract import MAX_ITEMS
from exchange.sandbox.faults import Fault, Faults
from exchange.sandbox.page import page_or_none
from exchange.sandbox.sides import HUB, PARTY, POPULATION, Call, Hub, Party, Population, Refused, Reply, Side
from exchange.sandbox.store import Store
from exchange.sandbox.ways import Faulty, gateway_fault, served_at, unwrapped, wrapped

API, GATEWAY, NODE = "/api/v1", "/ndxp", "/node/messages"
MOST = 16 * 1024 * 1024
SKEW = timedelta(minutes=40)
TOKEN_SECONDS = 3_600
DROPS, PAUSE = 40, 0.25  # an answer in so many pieces, seconds apart

Environ = dict[str, Any]
Start = Callable[..., Any]


@dataclass
class Sandbox:
    """`secret` is what every client must know; `gateway_headers` what the gateway asks for.

    `hang` is for how many seconds a fault keeps silent, `latency` how many a call of the interfaces takes at least. `watch` is told of every call
    (with its whole path), of what is answered and of the faults that struck, before the answer leaves.
    """

    secret: str
    store: Store = field(default_factory=Store)
    faults: Faults = field(default_factory=Faults)
    hang: float = 60.0
    seed: int = 2026
    latency: float = 0.0
    gateway_headers: Sequence[str] = ("x-sender-code", "x-receiver-code", "x-message-id")
    receipts_a_page: int = MAX_ITEMS
    watch: Callable[[Call, Reply, Sequence[str]], None] | None = None

    def __post_init__(self) -> None:
        self._tokens: dict[str, float] = {}
        self.sides: dict[str, Side] = {one.name: one(self.store, self.faults, self.seed) for one in (Population, Party)}
        self.sides[HUB] = Hub(self.store, self.faults, self.seed, receipts_a_page=self.receipts_a_page)

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        struck: list[str] = []
        call = _call(environ)
        shown = page_or_none(self, call)
        if shown is not None:
            status, headers, body = shown
            start(_line(status), headers)
            return [body]
        time.sleep(self.latency)
        name, reply = self._node(call, struck) if call.path == NODE else self._answer(call, struck)
        self.store.call_note(name, f"{call.method} {call.path}"[:200], len(call.body), reply.status, struck)
        if self.watch is not None:
            self.watch(call, reply, struck)
        if Fault.TIMEOUT in struck:
            time.sleep(self.hang)
        return self._send(reply, start, struck)

    def tokens_end(self) -> None:
        """No token that was given out counts any longer."""
        self._tokens = {}

    def _answer(self, call: Call, struck: list[str]) -> tuple[str, Reply]:
        """(which side was meant, its answer)."""
        behind = call.path.startswith(f"{GATEWAY}/")
        path = served_at(call.path.removeprefix(GATEWAY)) if behind else call.path
        if path in ("/o/token/", "/token"):
            return "token", self._token(call, struck)
        side = self._side(path)
        if side is None:
            return "?", Reply(404, {"code": "NO_SUCH_ADDRESS", "message": path, "place": ""})
        try:
            self._may_enter(call, behind, struck)
            reply = self._strike(side, replace(call, path=path.removeprefix(API)), struck)
            return side.name, gateway_fault("101504") if behind and self._hit(Fault.GATEWAY_LATE, struck) else reply
        except Refused as refused:
            return side.name, refused.reply

    def _node(self, call: Call, struck: list[str]) -> tuple[str, Reply]:
        """A message for one of the sides, and its answer as a message. A busy node has passed nothing on; a late one has."""
        try:
            if self._hit(Fault.NODE_BUSY, struck):
                return "node", Reply(503, {"error": {"code": "BUSY", "message": "the node is busy", "retryAfter": 2}})
            inner = unwrapped(call)
            side = self._side(inner.path)
            if side is None:
                return "node", Reply(404, {"error": {"code": "SERVICE_UNKNOWN", "message": inner.path}})
            reply = self._refusable(side, replace(inner, path=inner.path.removeprefix(API)), struck)
        except Refused as refused:
            return "node", refused.reply
        if self._hit(Fault.NODE_LATE, struck):
            return side.name, Reply(504, {"error": {"code": "TIMEOUT", "message": "the other side did not answer in time"}})
        return side.name, wrapped(reply)

    def _refusable(self, side: Side, call: Call, struck: list[str]) -> Reply:
        try:
            return self._strike(side, call, struck)
        except Refused as refused:
            return refused.reply

    def _side(self, path: str) -> Side | None:
        if not path.startswith(f"{API}/"):
            return None
        first = path.removeprefix(f"{API}/").partition("/")[0]
        return self.sides[first if first in (POPULATION, PARTY) else HUB]

    def _may_enter(self, call: Call, behind: bool, struck: list[str]) -> None:
        if self._hit(Fault.TOO_MANY, struck):
            raise _too_many()
        if behind and self._hit(Fault.GATEWAY_DOWN, struck):
            raise Faulty(gateway_fault("101503"))
        if behind and self._hit(Fault.GATEWAY_TOKEN, struck):
            raise Faulty(gateway_fault("900901"))
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, 0.0) < time.monotonic():
            raise Refused(401, "UNAUTHORIZED", "the token is missing or has ended")
        missing = [name for name in self.gateway_headers if behind and not call.headers.get(name)]
        if missing:
            raise Refused(400, "HEADER_MISSING", f"the gateway wants {', '.join(missing)}")

    def _strike(self, side: Side, call: Call, struck: list[str]) -> Reply:
        """The side's answer, and what happens to it. Questions (GET) are only delayed, so that a caller can always find out."""
        asks = call.method == "GET"
        if not asks and self._hit(Fault.FALSE_SUCCESS, struck):
            return Reply(200, {"status": "error", "message": "Lỗi hệ thống"})
        before = self.store.batch(side.name, call.key) if call.key else None
        reply = side.handle(call)
        if not asks:
            reply = self._spoil(side, call, reply, struck, is_new=before is None)
        return reply

    def _spoil(self, side: Side, call: Call, reply: Reply, struck: list[str], *, is_new: bool) -> Reply:
        if is_new and self._hit(Fault.LOST_COMMIT, struck):
            side.forget(call.key)
        self._hit(Fault.TIMEOUT, struck)  # the silence itself follows when the call has been noted
        if self._hit(Fault.EMPTY, struck):
            return Reply(204)
        answers = reply.body.get("answers") if isinstance(reply.body, dict) else None
        if isinstance(answers, list):
            return replace(reply, body={**reply.body, "answers": self._spoiled(side, call, answers, struck)})
        return reply

    def _spoiled(self, side: Side, call: Call, answers: list[Any], struck: list[str]) -> list[Any]:
        if self._hit(Fault.REPLAY, struck):
            answers = self.store.batch_before(side.name, call.key) or []
        if self._hit(Fault.DUPLICATE, struck):
            answers = [*answers, *answers]
        return self.faults.shuffled(answers) if self._hit(Fault.REORDER, struck) else answers

    def _token(self, call: Call, struck: list[str]) -> Reply:
        if self._hit(Fault.TOO_MANY, struck):
            return _too_many().reply
        form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
        if not hmac.compare_digest(_secret(call, form).encode(), self.secret.encode()):
            return Reply(401, {"error": "invalid_client"})
        skewed = self._hit(Fault.CLOCK_SKEW, struck)
        token = secrets.token_urlsafe(24)
        self._tokens = {one: until for one, until in self._tokens.items() if until > time.monotonic()}
        self._tokens[token] = time.monotonic() + TOKEN_SECONDS
        return Reply(200, {"access_token": token, "token_type": "Bearer", "expires_in": 0 if skewed else TOKEN_SECONDS})

    def _send(self, reply: Reply, start: Start, struck: list[str]) -> Iterable[bytes]:
        body = b"" if reply.body is None else json.dumps(reply.body, ensure_ascii=False).encode()
        now = datetime.now(UTC) + (SKEW if self.faults.shares.get(Fault.CLOCK_SKEW) else timedelta())
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Date", format_datetime(now, usegmt=True))]
        start(_line(reply.status), [*headers, *reply.headers])
        return _drops(body) if body and self._hit(Fault.SLOW_DRIP, struck) else [body]

    def _hit(self, fault: Fault, struck: list[str]) -> bool:
        hit = self.faults.strikes(fault)
        if hit:
            struck.append(fault.value)
        return hit


def _drops(body: bytes) -> Iterator[bytes]:
    size = max(1, len(body) // DROPS)
    for place in range(0, len(body), size):
        time.sleep(PAUSE)
        yield body[place : place + size]


def _call(environ: Environ) -> Call:
    text = environ.get("CONTENT_LENGTH") or "0"
    size = min(int(text) if text.isdecimal() else 0, MOST)
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    return Call(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "/") or "/",
        query=dict(parse_qsl(environ.get("QUERY_STRING", ""))),
        headers=headers,
        body=environ["wsgi.input"].read(size) if size else b"",
    )


def _secret(call: Call, form: dict[str, str]) -> str:
    """The client's secret from the Authorization header, or from the form (RFC 6749 section 2.3.1)."""
    scheme, _space, value = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_secret", "")
    try:
        return base64.b64decode(value).decode().partition(":")[2]
    except ValueError:
        return ""


def _too_many() -> Refused:
    refused = Refused(429, "TOO_MANY", "too many calls")
    refused.reply = replace(refused.reply, headers=(("Retry-After", "2"),))
    return refused


def _line(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"
