"""Talking to the other side over HTTP: one call each, its answer or a `CallFailed` of a known kind.

A connector knows addresses, credentials and time limits; it knows nothing of deliveries, retries or transactions.
The national platform's own contract (M51, NDXP headers) will be one more class behind `Connector`.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, Protocol, TypeVar
from uuid import UUID

import httpx
import msgspec
from django.conf import settings

from exchange.contract import (
    SCOPE,
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

LINES, RECORDS_UNDER_WAY = 16, 400  # calls at the same time, and so few that a weak line is not filled with records
MAX_ANSWER = 8 * 1024 * 1024
MAX_RETRY_AFTER = 3_600.0
TOKEN_MARGIN = 60.0  # seconds before its end at which a token is fetched anew

JSON = {"content-type": "application/json"}

T = TypeVar("T")


class CallFailed(Exception):
    """A call that did not succeed. `detail` holds no secret; `retry_after` is in seconds, when the other side named it."""

    def __init__(self, kind: ErrorKind, code: str, detail: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        self.kind, self.code, self.detail, self.status, self.retry_after = kind, code, detail[:500], status, retry_after
        super().__init__(f"{kind.value}: {code}: {self.detail}")


class Connector(Protocol):
    """What delivery needs of the other side, as a context manager; calls may come from several threads. Every method raises CallFailed.

    `lines`: how many calls may be under way at the same time.
    """

    lines: int

    def __enter__(self) -> Connector: ...

    def __exit__(self, *details: object) -> None: ...

    def send(self, *, method: str, path: str, idempotency_key: str, body: bytes) -> Accepted: ...

    def find(self, *, idempotency_key: str) -> BatchStatus | None:
        """The batch that arrived under this key, or None when none did."""

    def status(self, *, batch: UUID) -> BatchStatus: ...

    def receipts(self, *, batch: UUID, after: int) -> Receipts: ...

    def trial(self, *, body: bytes) -> TrialReport: ...

    def trial_report(self, *, trial: UUID) -> TrialReport: ...

    def digests(self, question: DigestQuestion) -> DigestAnswer: ...

    def documents(self, question: DocumentsQuestion) -> Documents: ...

    def certificate(self, sent: Certificate) -> Certificate: ...

    def call(self, method: str, path: str, shape: type[T], **request: Any) -> T: ...


@dataclass(frozen=True)
class _Token:
    text: str
    usable_until: float


# Tokens by channel, per process: they are secrets and stay out of database and cache. The clock is monotonic.
_tokens: dict[tuple[str, str], _Token] = {}
_fetching = threading.Lock()


class HubConnector:
    """The hub's API (docs/api/openapi.json) with OAuth 2 client credentials."""

    def __init__(self, channel: Channel, *, transport: httpx.BaseTransport | None = None) -> None:
        self._channel = channel
        self._base = channel.base_url.rstrip("/")
        self._transport = transport
        self.received = 0  # bytes of answers
        self.lines = max(1, min(LINES, RECORDS_UNDER_WAY // channel.batch_size))

    @cached_property
    def _client(self) -> httpx.Client:
        # Redirects are not followed (they would carry the token away), and no proxy or certificate comes from the environment.
        limit = float(self._channel.timeout_seconds)
        return httpx.Client(
            timeout=httpx.Timeout(limit, connect=min(5.0, limit)),
            follow_redirects=False,
            trust_env=False,
            transport=self._transport,
            headers={"accept": "application/json", "user-agent": f"hoso/{settings.AUTHORITY}"},
        )

    def __enter__(self) -> HubConnector:
        return self

    def __exit__(self, *_: object) -> None:
        if "_client" in self.__dict__:
            self._client.close()

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

    def receipts(self, *, batch: UUID, after: int) -> Receipts:
        return self._call("GET", "/receipts", Receipts, params={"batch": str(batch), "after": after})

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
        with _asking(method == "GET"):
            status, headers, body = self._authorised(method, f"{self._base}/api/v1{path}", request)
            if status != expect:
                raise _refused(status, headers, body)
            try:
                if b"\\u0000" in body:
                    raise msgspec.DecodeError("it holds a NUL character")
                return msgspec.json.decode(body, type=shape)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise CallFailed(ErrorKind.AMBIGUOUS, "ANSWER_UNREADABLE", f"{method} {path}: {error}", status=status) from error

    def _authorised(self, method: str, url: str, request: Mapping[str, Any]) -> tuple[int, httpx.Headers, bytes]:
        """Call with a token; when it is refused, once more with a new one."""
        token = self._token_cached()
        answer = self._raw(method, url, request, token or self._token_new(""))
        if answer[0] == 401 and token:
            answer = self._raw(method, url, request, self._token_new(token))
        return answer

    def _token_new(self, refused: str) -> str:
        """A token other than the refused one: fetched by one thread, used by those that waited for it."""
        with _fetching:
            token = self._token_cached()
            return token if token and token != refused else self._token_fetch()

    def _raw(self, method: str, url: str, request: Mapping[str, Any], token: str) -> tuple[int, httpx.Headers, bytes]:
        headers = {**request.get("headers", {}), "authorization": f"Bearer {token}"}
        return self._exchange(lambda: self._client.stream(method, url, **{**request, "headers": headers}))

    def _token_cached(self) -> str | None:
        token = _tokens.get((self._base, self._channel.client_id))
        return token.text if token and token.usable_until > time.monotonic() else None

    def _token_fetch(self) -> str:
        """RFC 6749 section 4.4; the credentials travel in the Authorization header (section 2.3.1)."""
        secret = settings.CHANNEL_SECRETS.get(self._channel.code)
        if not secret:
            raise CallFailed(ErrorKind.CONFIG, "SECRET_MISSING", f"HOSO_CHANNEL_SECRETS names no secret for the channel {self._channel.code}")
        form = {"grant_type": "client_credentials", "scope": SCOPE}
        auth = (self._channel.client_id, secret)
        with _asking(True):
            status, headers, body = self._exchange(lambda: self._client.stream("POST", f"{self._base}/o/token/", data=form, auth=auth))
            if status in (400, 401, 403):
                raise CallFailed(ErrorKind.AUTH, "CREDENTIALS_REFUSED", f"the token was refused with status {status}", status=status)
            if status != 200:
                raise _refused(status, headers, body)
        try:
            answer = json.loads(body)
            token = _Token(str(answer["access_token"]), time.monotonic() + float(answer["expires_in"]) - TOKEN_MARGIN)
        except (ValueError, KeyError, TypeError) as error:
            raise CallFailed(
                ErrorKind.CONFIG, "TOKEN_UNREADABLE", "the token's answer is not that of OAuth 2; check the channel's address"
            ) from error
        _tokens[self._base, self._channel.client_id] = token
        return token.text

    def _exchange(self, stream: Callable[[], Any]) -> tuple[int, httpx.Headers, bytes]:
        """One HTTP exchange, bounded in size and time; failures of transport become kinds."""
        # The client's own limit is for each read: a line that drips byte by byte would keep within it for ever.
        until = time.monotonic() + self._channel.timeout_seconds
        try:
            with stream() as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if time.monotonic() > until:
                        raise CallFailed(ErrorKind.AMBIGUOUS, "NO_ANSWER", "the answer did not end in time", status=response.status_code)
                    if len(body) > MAX_ANSWER:
                        raise CallFailed(
                            ErrorKind.AMBIGUOUS, "ANSWER_TOO_LARGE", f"the answer is longer than {MAX_ANSWER} bytes", status=response.status_code
                        )
                self.received += len(body)
                return response.status_code, response.headers, bytes(body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            if _untrusted(error):
                raise CallFailed(ErrorKind.CONFIG, "CERTIFICATE_UNTRUSTED", _transport(error)) from error
            raise CallFailed(ErrorKind.TRANSIENT, "UNREACHABLE", _transport(error)) from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise CallFailed(ErrorKind.CONFIG, "ADDRESS_INVALID", _transport(error)) from error
        except httpx.HTTPError as error:
            # The request may have been read before the connection or the time ran out.
            raise CallFailed(ErrorKind.AMBIGUOUS, "NO_ANSWER", _transport(error)) from error


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


def _transport(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _untrusted(error: BaseException | None) -> bool:
    """Did the connection fail because the server's certificate is not trusted? The TLS error is somewhere in the chain of causes."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _refused(status: int, headers: httpx.Headers, body: bytes) -> CallFailed:
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        problem = Problem(code=f"HTTP_{status}", message="")
    detail = f"{problem.message} {problem.place}".strip() or f"status {status}"
    return CallFailed(kind_of(status), problem.code[:40], detail, status=status, retry_after=retry_after(headers.get("retry-after")))


def retry_after(value: str | None) -> float | None:
    """Seconds to wait from a Retry-After header (RFC 9110 section 10.2.3): a number or a date; None when it says nothing usable."""
    if not value:
        return None
    try:
        seconds = float(value) if value.strip().isdigit() else (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)
