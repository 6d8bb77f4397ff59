"""Talking to a register of another authority: the population database and the Party database.

One connector for each, on the transport of `exchange.connectors` (OAuth 2, bounded answers, failures as kinds). The paths and shapes are our
own, since neither interface is published; another one is another class here. Every call has an end: a line that drips one byte at a time
keeps within every single read's limit, so the whole answer has one too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

import httpx

from exchange.choices import ChannelKind
from exchange.connectors import JSON, CallFailed, HubConnector
from exchange.contract import ErrorKind
from exchange.models import Channel
from exchange.party import Facts
from exchange.population import Answers

POPULATION_PATH, PARTY_PATH, FACTS_PATH = "/population/matches", "/party/members", "/party/facts"


class RegisterConnector(Protocol):
    """What a lane needs of a register, as a context manager. `put` and `answers` raise CallFailed."""

    def __enter__(self) -> RegisterConnector: ...

    def __exit__(self, *details: object) -> None: ...

    def settle(self) -> None:
        """Write down what was exchanged so far (`exchange.archive`)."""

    def put(self, *, idempotency_key: str, body: bytes) -> Sequence[dict[str, Any]]:
        """The answers to a batch, in whatever order they come. The same key gives the same answers."""

    def answers(self, *, idempotency_key: str) -> Sequence[dict[str, Any]] | None:
        """What was answered under this key, or None when nothing had arrived."""


class _Register(HubConnector):
    """A register that is put a batch at `path` and asked for its answers below it."""

    path: str

    def __enter__(self) -> Self:
        return self

    def put(self, *, idempotency_key: str, body: bytes) -> Sequence[dict[str, Any]]:
        headers = {**JSON, "idempotency-key": idempotency_key}
        try:
            return self._answered(self._call("POST", self.path, Answers, content=body, headers=headers))
        except CallFailed as failure:
            if failure.status is not None and httpx.codes.is_success(failure.status):  # "done", and nothing said: ask what it was
                failure.kind = ErrorKind.AMBIGUOUS
            raise

    def answers(self, *, idempotency_key: str) -> Sequence[dict[str, Any]] | None:
        try:
            return self._answered(self._call("GET", f"{self.path}/{idempotency_key}", Answers))
        except CallFailed as failure:
            # Only the register's own "nothing under this key" is an answer; any other 404 is a wrong address.
            if failure.status == httpx.codes.NOT_FOUND and failure.code == "NOT_FOUND":
                return None
            raise

    def _answered(self, answers: Answers) -> Sequence[dict[str, Any]]:
        return answers.answers


class PopulationConnector(_Register):
    path = POPULATION_PATH


class PartyConnector(_Register):
    path = PARTY_PATH

    def facts(self, *, after: int) -> Facts:
        return self._call("GET", FACTS_PATH, Facts, params={"after": after})


_KINDS: dict[str, type[_Register]] = {ChannelKind.POPULATION: PopulationConnector, ChannelKind.PARTY: PartyConnector}


def connect_register(channel: Channel) -> _Register:
    """The connector of a register's channel. Raises CallFailed for a channel of another kind."""
    kind = _KINDS.get(channel.kind)
    if kind is None:
        raise CallFailed(ErrorKind.CONFIG, "NOT_A_REGISTER", f"the channel {channel.code} is of the kind {channel.kind}")
    return kind(channel)
