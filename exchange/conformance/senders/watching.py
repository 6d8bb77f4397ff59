"""A sandbox that plays the hub, keeps what it was called with, and has one fault after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from exchange.contract import ROUTES, Envelope, decode_envelope
from exchange.sandbox.app import API, Sandbox
from exchange.sandbox.faults import Fault, Faults
from exchange.sandbox.sides import Call, Reply
from workflows.documents import digest

TOKEN_PATH = "/o/token/"  # noqa: S105 - an address
SENDINGS = {(method, API + path): kind for kind, (method, path) in ROUTES.items()}
IN_TURN = (Fault.EMPTY, Fault.TOO_MANY, Fault.FALSE_SUCCESS, Fault.TIMEOUT, Fault.LOST_COMMIT)
PAGE = 2  # receipts a page, so that whoever has three meets a second one


@dataclass(frozen=True)
class Seen:
    """One call, and what it was told. `at` is in seconds of a monotonic clock; `place` counts from zero."""

    place: int
    at: float
    call: Call
    status: int
    body: Any = None
    struck: tuple[str, ...] = ()

    @property
    def kind(self) -> str | None:
        """The kind of record of a call that sends some; None for every other."""
        return SENDINGS.get((self.call.method, self.call.path))

    @property
    def clean(self) -> bool:
        return self.status == 202 and not self.struck

    @cached_property
    def envelope(self) -> Envelope | None:
        """None for what cannot be read as one."""
        try:
            return decode_envelope(self.call.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    @cached_property
    def body_digest(self) -> str:
        return digest(self.call.body).hex()

    def __str__(self) -> str:
        return f"call {self.place + 1}, {self.call.method} {self.call.path}"


@dataclass(frozen=True)
class Log:
    """What was called so far, in order."""

    calls: Sequence[Seen]

    @property
    def tokens(self) -> list[Seen]:
        return [one for one in self.calls if one.call.path == TOKEN_PATH]

    @property
    def behind_token(self) -> list[Seen]:
        return [one for one in self.calls if one.call.path.startswith(f"{API}/")]

    @property
    def sendings(self) -> list[Seen]:
        return [one for one in self.calls if one.kind is not None]

    @property
    def readable(self) -> Iterator[tuple[Seen, Envelope]]:
        """Sendings whose envelope can be read."""
        return ((one, one.envelope) for one in self.sendings if one.envelope is not None)

    @property
    def first_sent(self) -> Iterator[tuple[Seen, Envelope]]:
        """Of each idempotency key the first sending that could have been taken."""
        known: set[str] = set()
        for one, envelope in self.readable:
            if one.status not in (401, 429) and one.call.key not in known:
                known.add(one.call.key)
                yield one, envelope

    def struck(self, fault: Fault) -> list[Seen]:
        return [one for one in self.sendings if fault.value in one.struck]

    def after(self, seen: Seen) -> Sequence[Seen]:
        return self.calls[seen.place + 1 :]


class InTurn(Faults):
    """Each fault strikes one sending, in their order; the next waits until a sending was left in peace."""

    def __init__(self, faults: Sequence[Fault] = IN_TURN) -> None:
        super().__init__()
        self.left = list(faults)
        self.armed = False

    def strikes(self, fault: Fault) -> bool:
        with self._lock:
            if not (self.armed and self.left and self.left[0] == fault):
                return False
            self.armed = False
            self.left.pop(0)
            self.struck[fault] = self.struck.get(fault, 0) + 1
            return True


@dataclass
class Watched:
    """A sandbox under observation: `sandbox` is what is served, `log` what was called. Safe with several callers at once."""

    secret: str
    hang: float = 60.0
    faults: InTurn = field(default_factory=InTurn)

    def __post_init__(self) -> None:
        self._calls: list[Seen] = []
        self._lock = threading.Lock()
        self._token_ended = False
        self.sandbox = Sandbox(self.secret, faults=self.faults, hang=self.hang, watch=self._note, receipts_a_page=PAGE)

    @property
    def log(self) -> Log:
        with self._lock:
            return Log(tuple(self._calls))

    def _note(self, call: Call, reply: Reply, struck: Sequence[str]) -> None:
        with self._lock:
            seen = Seen(len(self._calls), time.monotonic(), call, reply.status, reply.body, tuple(struck))
            self._calls.append(seen)
            if seen.kind is None or not seen.clean:
                return
            self.faults.armed = True
            if not self._token_ended and len([one for one in self._calls if one.kind is not None and one.clean]) > 1:
                self._token_ended = True
                self.sandbox.tokens_end()
