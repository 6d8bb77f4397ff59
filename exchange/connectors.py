"""Talking to the other side over HTTP: one call each, its answer or a `CallFailed` of a known kind.

A connector knows addresses, credentials and time limits; it knows nothing of deliveries, retries or transactions.
Which way the calls take (directly, through a gateway, through a node) is the channel's transport (`exchange.transports`); every exchange is
noted in the archive (`exchange.archive`) and written down by `settle`, at the latest when the connector is closed.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import httpx
import msgspec
from django.conf import settings

from exchange.archive import OK, Archive, Said, headers_kept
from exchange.contract import (
    Accepted,
    BatchStatus,
    Certificate,
    DigestAnswer,
    DigestQuestion,
    Documents,
    DocumentsQuestion,
    ErrorKind,
    Problem,
    Receipts,
    TrialReport,
    encode,
    kind_of,
)
from exchange.models import Channel
from exchange.transports import Ask, CallFailed, Reply, Way, way_of
from exchange.transports.base import reference_of
from exchange.transports.tls import verification_of
from exchange.transports.wire import over_the_line
from orgtree import clock

LINES, RECORDS_UNDER_WAY = 16, 400  # calls at the same time, and so few that a weak line is not filled with records
MAX_RETRY_AFTER = 3_600.0
TOKEN_MARGIN = 60.0  # seconds before its end at which a token is fetched anew

JSON = {"content-type": "application/json"}

T = TypeVar("T")


class Connector(Protocol):
    """What delivery needs of the other side, as a context manager; calls may come from several threads. Every method raises CallFailed.

    `lines`: how many calls may be under way at the same time; `pool`: the threads that make them.
    """

    lines: int

    @property
    def pool(self) -> Executor: ...

    def __enter__(self) -> Connector: ...

    def __exit__(self, *details: object) -> None: ...

    def settle(self) -> None:
        """Write down what was exchanged so far; called by the one thread that works with the database."""

    def send(self, *, method: str, path: str, idempotency_key: str, body: bytes) -> Accepted: ...

    def find(self, *, idempotency_key: str) -> BatchStatus | None:
        """The batch that arrived under this key, or None when none did."""

    def status(self, *, batch: UUID) -> BatchStatus: ...

    def receipts(self, *, batch: UUID | None, after: int) -> Receipts:
        """Receipts after a place, of one batch, or (None) of all in the order in which they were issued."""

    def trial(self, *, body: bytes) -> TrialReport: ...

    def trial_report(self, *, trial: UUID) -> TrialReport: ...

    def digests(self, question: DigestQuestion) -> DigestAnswer: ...

    def documents(self, question: DocumentsQuestion) -> Documents: ...

    def certificate(self, sent: Certificate) -> Certificate: ...

    def call(self, method: str, path: str, shape: type[T], **request: Any) -> T: ...


Opened = AbstractContextManager[Connector]  # or one that is open already and stays so


@dataclass(frozen=True)
class _Token:
    text: str
    usable_until: float


# Tokens by channel, per process: they are secrets and stay out of database and cache. The clock is monotonic.
_tokens: dict[tuple[str, str], _Token] = {}
_fetching = threading.Lock()


class HubConnector:
    """The hub's API (docs/api/openapi.json), over whatever way the channel takes, with OAuth 2 client credentials where that needs them."""

    def __init__(self, channel: Channel, *, transport: httpx.BaseTransport | None = None) -> None:
        self._channel = channel
        self._base = channel.base_url.rstrip("/")
        self._transport = transport
        self._archive = Archive(channel.transport)
        self.received = 0  # bytes of answers
        self.lines = max(1, min(LINES, RECORDS_UNDER_WAY // channel.batch_size))

    @cached_property
    def _way(self) -> Way:
        return way_of(self._channel)

    @cached_property
    def _client(self) -> httpx.Client:
        # Redirects are not followed (they would carry the token away), and no proxy or certificate comes from the environment.
        limit = float(self._channel.timeout_seconds)
        return httpx.Client(
            timeout=httpx.Timeout(limit, connect=min(5.0, limit)),
            follow_redirects=False,
            trust_env=False,
            verify=verification_of(self._channel.code),
            transport=self._transport,
            headers={"accept": "application/json", "user-agent": f"hoso/{settings.AUTHORITY}"},
        )

    @cached_property
    def pool(self) -> Executor:
        return ThreadPoolExecutor(self.lines)

    def __enter__(self) -> HubConnector:
        return self

    def __exit__(self, *_: object) -> None:
        if "pool" in self.__dict__:
            self.pool.shutdown()
        if "_client" in self.__dict__:
            self._client.close()
        self.settle()

    def settle(self) -> None:
        self._archive.write(channel_id=self._channel.pk)

    def send(self, *, method: str, path: str, idempotency_key: str, body: bytes) -> Accepted:
        headers = {"content-type": "application/json", "idempotency-key": idempotency_key}
        return self._call(method, path, Accepted, expect=202, content=body, headers=headers)

    def find(self, *, idempotency_key: str) -> BatchStatus | None:
        try:
            return self._call("GET", "/batches", BatchStatus, params={"idempotency_key": idempotency_key})
        except CallFailed as failure:
            # Only the hub's own "no such batch" is an answer; any other 404 is a wrong address.
            if failure.status == 404 and failure.code == "NOT_FOUND":
                return None
            raise

    def status(self, *, batch: UUID) -> BatchStatus:
        return self._call("GET", f"/batches/{batch}", BatchStatus)

    def receipts(self, *, batch: UUID | None, after: int) -> Receipts:
        of_batch = {"batch": str(batch)} if batch is not None else {}
        return self._call("GET", "/receipts", Receipts, params={**of_batch, "after": after})

    def trial(self, *, body: bytes) -> TrialReport:
        return self._call("POST", "/trial", TrialReport, content=body, headers=JSON)

    def trial_report(self, *, trial: UUID) -> TrialReport:
        return self._call("GET", f"/trial/{trial}", TrialReport)

    def digests(self, question: DigestQuestion) -> DigestAnswer:
        return self._call("POST", "/digests", DigestAnswer, content=encode(question), headers=JSON)

    def documents(self, question: DocumentsQuestion) -> Documents:
        return self._call("POST", "/documents", Documents, content=encode(question), headers=JSON)

    def certificate(self, sent: Certificate) -> Certificate:
        return self._call("PUT", "/certificates", Certificate, content=encode(sent), headers=JSON)

    def call(self, method: str, path: str, shape: type[T], **request: Any) -> T:
        """One call of the API that is not delivery's: its answer in `shape`. Raises CallFailed."""
        return self._call(method, path, shape, **request)

    def _call(self, method: str, path: str, shape: type[T], *, expect: int = 200, **request: Any) -> T:
        asked = Ask(method, path, request.get("headers", {}), request.get("content"), request.get("params", {}))
        with _asking(method == "GET"):
            reply = self._authorised(asked)
            if reply.status != expect:
                raise _refused(reply)
            try:
                if b"\\u0000" in reply.body:
                    raise msgspec.DecodeError("it holds a NUL character")
                return msgspec.json.decode(reply.body, type=shape)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise CallFailed(ErrorKind.AMBIGUOUS, "ANSWER_UNREADABLE", f"{method} {path}: {error}", status=reply.status) from error

    def _authorised(self, asked: Ask) -> Reply:
        """Call with a token, where the way needs one; when it is refused, once more with a new one."""
        placed = self._way.place(asked)
        if self._way.token() is None:
            return self._said(asked, placed)
        token = self._token_cached()
        try:
            reply = self._said(asked, placed, token or self._token_new(""))
        except CallFailed as failure:
            if failure.kind != ErrorKind.AUTH or not token:
                raise
        else:
            if reply.status != 401 or not token:
                return reply
        return self._said(asked, placed, self._token_new(token))

    def _said(self, asked: Ask, placed: Ask, token: str = "") -> Reply:
        """What the other side answered, off the way's wrapping; noted in the archive, whatever it was."""
        headers = {**placed.headers, **({"authorization": f"Bearer {token}"} if token else {})}
        return self._exchange(replace(placed, headers=headers), asked=asked)

    def _token_new(self, refused: str) -> str:
        """A token other than the refused one: fetched by one thread, used by those that waited for it."""
        with _fetching:
            token = self._token_cached()
            return token if token and token != refused else self._token_fetch()

    def _token_cached(self) -> str | None:
        token = _tokens.get((self._base, self._channel.client_id))
        return token.text if token and token.usable_until > time.monotonic() else None

    def _token_fetch(self) -> str:
        """RFC 6749 section 4.4."""
        secret, call = settings.CHANNEL_SECRETS.get(self._channel.code), self._way.token()
        if not secret or call is None:
            raise CallFailed(ErrorKind.CONFIG, "SECRET_MISSING", f"HOSO_CHANNEL_SECRETS names no secret for the channel {self._channel.code}")
        own = {"client_id": self._channel.client_id, "client_secret": secret} if call.in_form else {}
        content = urlencode({**call.form, **own}).encode()
        placed = Ask("POST", call.url, {"content-type": "application/x-www-form-urlencoded"}, content)
        with _asking(True):
            reply = self._exchange(placed, auth=None if call.in_form else (self._channel.client_id, secret))
            if reply.status in (400, 401, 403):
                raise CallFailed(ErrorKind.AUTH, "CREDENTIALS_REFUSED", f"the token was refused with status {reply.status}", status=reply.status)
            if reply.status != 200:
                raise _refused(reply)
        try:
            answer = json.loads(reply.body)
            token = _Token(str(answer["access_token"]), time.monotonic() + float(answer["expires_in"]) - TOKEN_MARGIN)
        except (ValueError, KeyError, TypeError) as error:
            raise CallFailed(
                ErrorKind.CONFIG, "TOKEN_UNREADABLE", "the token's answer is not that of OAuth 2; check the channel's address"
            ) from error
        _tokens[self._base, self._channel.client_id] = token
        return token.text

    def _exchange(self, placed: Ask, *, asked: Ask | None = None, auth: tuple[str, str] | None = None) -> Reply:
        """One exchange from the first byte to the last, noted in the archive. `asked` is our own call; without one it is for a token."""
        request, raw = self._request(placed), Reply(0, {}, b"")
        at, begun, failure = clock.now(), time.monotonic(), None
        try:
            raw = over_the_line(self._client, request, auth=auth, seconds=self._channel.timeout_seconds)
            self.received += len(raw.body)
            reply = self._way.read(raw) if asked is not None else raw
            failure = _refused(reply) if reply.status >= 300 else None
        except CallFailed as failed:
            failure = failed
            raise
        finally:
            answered = failure is not None and asked is not None and asked.method == "GET" and failure.code == NOT_THERE
            self._archive.note(
                at=at,
                milliseconds=round(1000 * (time.monotonic() - begun)),
                method=placed.method if asked is None else asked.method,
                address=str(request.url),
                reference=reference_of(asked) if asked is not None else "",
                status=raw.status or (failure.status if failure is not None else None),
                outcome=OK if failure is None or answered else failure.kind.value,
                code=failure.code if failure is not None else "",
                request=Said.of(headers_kept(request.headers, placed.secrets), placed.content or b"", secret=asked is None),
                answer=Said.of(raw.headers, raw.body, secret=asked is None),
            )
        return reply

    def _request(self, placed: Ask) -> httpx.Request:
        try:
            return self._client.build_request(placed.method, placed.url, headers=placed.headers, content=placed.content, params=placed.params or None)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise CallFailed(ErrorKind.CONFIG, "ADDRESS_INVALID", f"{type(error).__name__}: {error}") from error


def connect(channel: Channel) -> HubConnector:
    """The connector of a channel's kind."""
    return HubConnector(channel)


@contextmanager
def _asking(asking: bool) -> Iterator[None]:
    """A question, or the fetching of a token, changes nothing on the other side: its failure is never ambiguous."""
    try:
        yield
    except CallFailed as failure:
        if asking and failure.kind == ErrorKind.AMBIGUOUS:
            failure.kind = ErrorKind.TRANSIENT
        raise


NOT_THERE = "NOT_FOUND"


def _refused(reply: Reply) -> CallFailed:
    try:
        problem = msgspec.json.decode(reply.body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        problem = Problem(code=f"HTTP_{reply.status}", message="")
    detail = f"{problem.message} {problem.place}".strip() or f"status {reply.status}"
    wait = retry_after(reply.headers.get("retry-after"))
    return CallFailed(kind_of(reply.status), problem.code[:40], detail, status=reply.status, retry_after=wait)


def retry_after(value: str | None) -> float | None:
    """Seconds to wait from a Retry-After header (RFC 9110 section 10.2.3): a number or a date; None when it says nothing usable."""
    if not value:
        return None
    try:
        seconds = float(value) if value.strip().isdigit() else (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)
