"""What every way to the other side has in common."""

from __future__ import annotations

import json
import re
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from exchange.contract import ErrorKind
from exchange.models import Channel
from exchange.ways import PLACEHOLDER, place_found

API = "/api/v1"


NUMBER = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=/)[A-Za-z0-9_-]{16,128}$")


class CallFailed(Exception):
    """A call that did not succeed. `detail` holds no secret; `retry_after` is in seconds, when the other side named it."""

    def __init__(self, kind: ErrorKind, code: str, detail: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        self.kind, self.code, self.detail, self.status, self.retry_after = kind, code, detail[:500], status, retry_after
        super().__init__(f"{kind.value}: {code}: {self.detail}")


@dataclass(frozen=True)
class Ask:
    """One call: ours (`url` is the path below the API's address), or as it goes over the line. `secrets` are headers that the archive hides."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    secrets: Sequence[str] = ()

    @property
    def key(self) -> str:
        """The idempotency key that the call carries, in a header or in its question."""
        return self.headers.get("idempotency-key", "") or str(self.params.get("idempotency_key", ""))


def reference_of(asked: Ask) -> str:
    """What one of our calls is about: its idempotency key, or the number of the batch, trial or transfer that it names."""
    if asked.key:
        return asked.key
    found = NUMBER.search(asked.url)
    return str(asked.params.get("batch", "")) or (found.group(0) if found else "")


@dataclass(frozen=True)
class Reply:
    """An answer: as it came, or as the other side gave it, once the way's wrapping is off. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class TokenCall:
    """Where and how a way's token is fetched (RFC 6749 section 4.4)."""

    url: str
    form: Mapping[str, str]
    in_form: bool = False  # the credentials: in the form, or in the Authorization header (section 2.3.1)


class Way(ABC):
    """One channel's way. Pure but for the clock: it makes no call itself, so it may be used by several threads."""

    name: str

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.base = channel.base_url.rstrip("/")

    @abstractmethod
    def place(self, ask: Ask) -> Ask:
        """Our call as it goes over the line. Raises CallFailed when it cannot."""

    def read(self, reply: Reply) -> Reply:
        """The other side's own answer. Raises CallFailed for a fault of the way itself."""
        return reply

    def token(self) -> TokenCall | None:
        """None where the way needs no token."""
        return None


def fault_of(table: Mapping[str, ErrorKind], code: str, text: str, reply: Reply, retry_after: float | None) -> CallFailed:
    """A way's own fault by its table. One that the table does not name is ambiguous: nobody knows how far the call came."""
    kind = table.get(code, ErrorKind.AMBIGUOUS)
    return CallFailed(kind, code[:40], text or f"status {reply.status}", status=reply.status, retry_after=retry_after)


def json_of(body: bytes) -> Any:
    """The body as JSON, None when it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def text_at(document: Any, place: str) -> str:
    found = place_found(document, place)
    return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""


@dataclass(frozen=True)
class Values:
    """What the placeholders of headers and messages stand for in one call."""

    texts: Mapping[str, str]
    channel: str

    @classmethod
    def of(cls, channel: Channel, ask: Ask, receiver: str, **more: str) -> Values:
        # A repeated call has the same number, so that whoever counts messages sees the repetition.
        number = uuid.uuid5(uuid.NAMESPACE_OID, f"{channel.code} {ask.method} {ask.url} {ask.key}") if ask.key else uuid.uuid4()
        said = {"authority": settings.AUTHORITY, "client": channel.client_id, "receiver": receiver, "message": str(number)}
        return cls({**said, "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **more}, channel.code)

    def with_(self, **more: str) -> Values:
        return replace(self, texts={**self.texts, **more})

    def fill(self, text: str) -> str:
        """`text` with every placeholder replaced, once: what a value holds is never looked at again. Raises CallFailed for a missing secret."""
        return PLACEHOLDER.sub(lambda found: self._value(found.group(1), found.group(2)), text)

    def _value(self, name: str, of: str | None) -> str:
        if name != "secret":
            return self.texts.get(name, "")
        secret = settings.CHANNEL_SECRETS.get(f"{self.channel}.{of}")
        if not secret:
            raise CallFailed(ErrorKind.CONFIG, "SECRET_MISSING", f"HOSO_CHANNEL_SECRETS names no secret {self.channel}.{of}")
        return str(secret)
