"""What waits for the person: pairings and signing requests, in memory, few, short-lived.

A *pairing* lets one browser, at one origin, talk to this program: the person types the code that the program shows in
its own window. A *request* is one manifest to read and to sign or not. All secrets are compared in constant time; the
PIN is passed on to the key and kept nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from signing_agent.keys import Key, PinWrong
from signing_agent.sign import PurposeRefused, purpose_check, sign_with
from workflows.manifest import Statement
from workflows.registration import Registration, read_signable

LIFETIME = 600.0  # seconds that a pairing or a request waits for the person
MAX_WAITING = 20
MAX_TRIES = 5


class Refused(Exception):
    """What was asked is not done; subclasses say why."""


class Unknown(Refused):
    """No such request or pairing, or it has expired."""


class NotPaired(Refused):
    """The browser has not been paired, or the program was started anew."""


class TooMany(Refused):
    """Too many requests wait already."""


class FormForged(Refused):
    """The form does not come from the page that this program served."""


class CodeWrong(Refused):
    """The pairing code does not match."""


class Locked(Refused):
    """The PIN was wrong too many times; only a restart helps."""


class WrongPin(Refused):
    """The PIN does not open the key; `left` tries remain."""

    def __init__(self, left: int) -> None:
        super().__init__(left)
        self.left = left


class State(StrEnum):
    WAITING = "waiting"
    SIGNED = "signed"
    REFUSED = "refused"


@dataclass
class SigningRequest:
    origin: str
    manifest: bytes
    statement: Statement | Registration
    deadline: float
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    state: State = State.WAITING
    signature: bytes | None = None


@dataclass
class Pairing:
    """`secret` belongs to the browser that asked; `token` and `request` are set once the person typed the right code."""

    origin: str
    manifest: bytes
    deadline: float
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    token: str | None = None
    request: SigningRequest | None = None


Entry = TypeVar("Entry", Pairing, SigningRequest)


class Inbox:
    """Everything the program remembers. Safe to call from several threads; one of them acts at a time.

    `key` signs; `announce` shows a new pairing code to the person; `clock` gives seconds.
    """

    def __init__(self, *, key: Key, announce: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._key = key
        self._announce = announce
        self._clock = clock
        self._lock = threading.RLock()
        self._requests: dict[str, SigningRequest] = {}
        self._pairings: dict[str, Pairing] = {}
        self._tokens: dict[str, str] = {}  # SHA-256 of a browser's token -> its origin
        self._wrong_pins = 0
        self._wrong_codes = 0
        self._new_code()

    def pairing_open(self, *, origin: str, manifest: bytes) -> Pairing:
        """Begin to pair the browser at `origin`, which wants `manifest` signed. Raises ManifestInvalid, PurposeRefused, TooMany."""
        with self._lock:
            _read(manifest, origin)
            pairing = Pairing(origin, manifest, self._deadline())
            self._keep(self._pairings, pairing)
            return pairing

    def pairing_get(self, identifier: str) -> Pairing:
        return self._get(self._pairings, identifier)

    def pairing_watch(self, identifier: str, *, origin: str, secret: str) -> Pairing:
        """The pairing as the browser that opened it may see it. Raises Unknown, NotPaired."""
        pairing = self._get(self._pairings, identifier)
        if pairing.origin != origin or not _same(pairing.secret, secret):
            raise NotPaired
        return pairing

    def pairing_confirm(self, identifier: str, *, form_token: str, code: str) -> SigningRequest:
        """The person typed `code`: give the browser its token and open the request it came with.

        A code works once, and five wrong ones make a new one. Raises Unknown, FormForged, CodeWrong, TooMany.
        """
        with self._lock:
            pairing = self._get(self._pairings, identifier)
            _check_form(pairing, form_token)
            if pairing.request is not None:
                return pairing.request
            if not _same(self._code, "".join(code.split())):
                self._wrong_codes += 1
                if self._wrong_codes >= MAX_TRIES:
                    self._new_code()
                raise CodeWrong
            self._new_code()
            pairing.token = secrets.token_urlsafe(32)
            self._tokens[_hash(pairing.token)] = pairing.origin
            pairing.request = self._open(pairing.origin, pairing.manifest)
            return pairing.request

    def request_open(self, *, origin: str, token: str, manifest: bytes) -> SigningRequest:
        """Show `manifest` to the person. Raises NotPaired, ManifestInvalid, PurposeRefused, TooMany."""
        self._check_paired(origin, token)
        return self._open(origin, manifest)

    def request_get(self, identifier: str) -> SigningRequest:
        return self._get(self._requests, identifier)

    def request_watch(self, identifier: str, *, origin: str, token: str) -> SigningRequest:
        """The request as the page that asked for it may see it. Raises NotPaired, Unknown."""
        self._check_paired(origin, token)
        request = self._get(self._requests, identifier)
        if request.origin != origin:
            raise Unknown
        return request

    def request_sign(self, identifier: str, *, form_token: str, pin: str) -> SigningRequest:
        """Sign with the key that `pin` opens; a request that was decided stays as it is.

        Raises Unknown, FormForged, WrongPin, Locked, and what else `sign_with` raises.
        """
        with self._lock:
            request = self._get(self._requests, identifier)
            _check_form(request, form_token)
            if request.state is not State.WAITING:
                return request
            if self._wrong_pins >= MAX_TRIES:
                raise Locked
            try:
                request.signature = sign_with(self._key, pin=pin, manifest=request.manifest)
            except PinWrong as error:
                self._wrong_pins += 1
                raise (WrongPin(MAX_TRIES - self._wrong_pins) if self._wrong_pins < MAX_TRIES else Locked()) from error
            self._wrong_pins = 0
            request.state = State.SIGNED
            return request

    def request_refuse(self, identifier: str, *, form_token: str) -> SigningRequest:
        """The person does not want to sign. Raises Unknown, FormForged."""
        with self._lock:
            request = self._get(self._requests, identifier)
            _check_form(request, form_token)
            if request.state is State.WAITING:
                request.state = State.REFUSED
            return request

    def _open(self, origin: str, manifest: bytes) -> SigningRequest:
        with self._lock:
            request = SigningRequest(origin, manifest, _read(manifest, origin), self._deadline())
            self._keep(self._requests, request)
            return request

    def _check_paired(self, origin: str, token: str) -> None:
        with self._lock:
            if self._tokens.get(_hash(token)) != origin:
                raise NotPaired

    def _new_code(self) -> None:
        self._code = f"{secrets.randbelow(10**6):06}"
        self._wrong_codes = 0
        self._announce(self._code)

    def _deadline(self) -> float:
        return self._clock() + LIFETIME

    def _keep(self, entries: dict[str, Entry], entry: Entry) -> None:
        for identifier in [old.id for old in entries.values() if old.deadline <= self._clock()]:
            del entries[identifier]
        if len(entries) >= MAX_WAITING:
            raise TooMany
        entries[entry.id] = entry

    def _get(self, entries: dict[str, Entry], identifier: str) -> Entry:
        with self._lock:
            entry = entries.get(identifier)
            if entry is None or entry.deadline <= self._clock():
                raise Unknown
            return entry


def _read(manifest: bytes, origin: str) -> Statement | Registration:
    """What the page at `origin` wants signed. A certificate is registered only at the site that the statement names: no other one passes it on."""
    said = read_signable(manifest)
    purpose_check(said)
    if isinstance(said, Registration) and said.origin != origin:
        raise PurposeRefused(f"made for {said.origin}")
    return said


def _check_form(entry: Pairing | SigningRequest, form_token: str) -> None:
    if not _same(entry.form_token, form_token):
        raise FormForged


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
