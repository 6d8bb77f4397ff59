"""Delivery under seeded faults, with a clock that is turned by hand: the functions that deliver are the real ones, on the real database.

One run is one world: a channel of its own over the same few messages, a hub made of dictionaries, and a seed that decides every
fault, every delay and who works when. Time stands still inside a run's transaction and is turned by moving what waits; at its end
the transaction is rolled back, so that a run costs a few hundred statements and leaves nothing.

What can go wrong at a call: not reached, not arrived though sent, arrived though unanswered, told to slow down, credentials refused, an
answer that is none, the worker killed before or after arrival, and a second worker at work meanwhile. And of receipts: late, doubled,
out of order, one missing, a conflict, another digest. The verdict: every message arrived (nothing lost), none was taken under two
names (nothing twice), and every version came after the one before it and every person after their unit (nothing out of order).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.db.models.functions import Now

from exchange.choices import DeliveryState
from exchange.connectors import CallFailed
from exchange.contract import UNIT_KIND, Accepted, BatchStatus, ErrorKind, ItemReceipt, Receipts
from exchange.models import Batch, Channel, Delivery
from exchange.selectors.causes import BEHIND
from exchange.services import breaker, delivery
from exchange.services.channels import channel_drive
from exchange.services.delivery import batch_claim
from exchange.services.forming import batches_form, deliveries_fan_out
from exchange.services.receipts import receipts_collect
from orgtree import clock

ROUNDS = 60  # of which faults happen in the first
FAULTY_ROUNDS = 6
FAULT_SHARE = 0.45
TURN = 45.0  # seconds by which the clock is turned between two rounds, at most
OPEN = (DeliveryState.WAITING, DeliveryState.SENT, DeliveryState.PARKED, DeliveryState.REJECTED)


class Killed(BaseException):
    """The worker was killed: no handler of the program sees it."""


@dataclass
class Verdict:
    """What became of one run."""

    lost: int = 0
    twice: int = 0
    out_of_order: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        return not (self.lost or self.twice or self.out_of_order)


Member = tuple[str, UUID, int, str]  # kind, key, version, digest


@dataclass
class SimulatedHub:
    """A `Connector` that remembers everything and fails as its seed has it."""

    chance: random.Random
    channel: Channel
    units_first: bool = True
    calm: bool = False
    batches: dict[str, list[Member]] = field(default_factory=dict)
    ids: dict[UUID, str] = field(default_factory=dict)
    held: dict[tuple[str, UUID], int] = field(default_factory=dict)
    taken_as: dict[tuple[str, UUID, int], str] = field(default_factory=dict)
    delays: dict[UUID, int] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=Verdict)
    busy: bool = False

    def __call__(self, channel: Channel) -> SimulatedHub:
        return self

    def send(self, *, method: str, path: str, idempotency_key: str, body: bytes) -> Accepted:
        members = [(kind, UUID(key), version, digest) for kind, key, version, digest in msgspec.json.decode(body)]
        fault = self._fault("send", ("unreachable", "throttled", "auth", "lost", "unanswered", "rubbish", "killed before", "killed after", "company"))
        if fault in ("unreachable", "throttled", "auth", "lost", "killed before"):
            self._raise(fault)
        if fault == "company":
            self._company()
        self._take(idempotency_key, members)
        if fault in ("unanswered", "rubbish", "killed after"):
            self._raise(fault)
        return Accepted(batch=self._id(idempotency_key), items=len(members))

    def find(self, *, idempotency_key: str) -> BatchStatus | None:
        fault = self._fault("find", ("unreachable", "throttled", "killed before"))
        if fault:
            self._raise(fault)
        return self._status(idempotency_key) if idempotency_key in self.batches else None

    def status(self, *, batch: UUID) -> BatchStatus:
        fault = self._fault("status", ("unreachable", "late", "late", "killed before", "company"))
        if fault == "late":
            return self._status(self.ids[batch], state="received")
        if fault == "company":
            self._company()
        elif fault:
            self._raise(fault)
        return self._status(self.ids[batch])

    def receipts(self, *, batch: UUID, after: int) -> Receipts:
        fault = self._fault("receipts", ("unreachable", "killed before", "doubled", "reordered", "one missing", "conflict", "other digest"))
        if fault in ("unreachable", "killed before"):
            self._raise(fault)
        made = [self._receipt(batch, place, member) for place, member in enumerate(self.batches[self.ids[batch]])]
        return Receipts(receipts=self._spoilt(made, fault), next=None)

    def _take(self, name: str, members: list[Member]) -> None:
        """As a hub would: the same name once; a version that it holds is held, one that comes too early is a fault of the sender."""
        if name in self.batches:
            return
        self.batches[name] = members
        self.ids[UUID(int=self.chance.getrandbits(128))] = name
        for kind, key, version, _digest in members:
            if kind != UNIT_KIND and not any(held_kind == UNIT_KIND for held_kind, _key in self.held):
                self.verdict.out_of_order += 1
            held = self.held.get((kind, key), 0)
            if version > held + 1:
                self.verdict.out_of_order += 1
            before = self.taken_as.setdefault((kind, key, version), name)
            if before != name and not self._was_in_doubt(before):
                self.verdict.twice += 1
            self.held[kind, key] = max(held, version)

    def _was_in_doubt(self, name: str) -> bool:
        """Did we spoil the receipts of that batch? Then the agency had to send again under another name, and rightly did."""
        return name in self.spoilt

    spoilt: set[str] = field(default_factory=set)

    def _receipt(self, batch: UUID, place: int, member: Member) -> ItemReceipt:
        kind, key, version, digest = member
        told: dict[str, Any] = {"outcome": "accepted", "code": "", "message": "", "digest": digest, "findings": []}
        return ItemReceipt(sequence=place + 1, batch=batch, index=place, kind=kind, key=key, version=version, **told)

    def _spoilt(self, made: list[ItemReceipt], fault: str) -> list[ItemReceipt]:
        if fault in ("one missing", "conflict", "other digest") and made:
            self.spoilt.add(self.ids[made[0].batch])
            place = self.chance.randrange(len(made))
            if fault == "one missing":
                return made[:place] + made[place + 1 :]
            change = {"digest": "0" * 64} if fault == "other digest" else {"outcome": "rejected", "code": "CONFLICT", "digest": None}
            return [*made[:place], msgspec.structs.replace(made[place], **change), *made[place + 1 :]]
        if fault == "doubled":
            return made + made
        return made[::-1] if fault == "reordered" else made

    def _status(self, name: str, state: str = "processed") -> BatchStatus:
        size = len(self.batches[name])
        said: Any = {"state": state, "items": size, "accepted": size, "rejected": 0, "received_at": clock.now(), "processed_at": None}
        return BatchStatus(batch=self._id(name), idempotency_key=name, **said)

    def _id(self, name: str) -> UUID:
        return next(batch for batch, known in self.ids.items() if known == name)

    def _fault(self, call: str, kinds: tuple[str, ...]) -> str:
        if self.calm or self.chance.random() > FAULT_SHARE:
            return ""
        fault = self.chance.choice(kinds)
        self.verdict.faults[f"{call}: {fault}"] += 1
        return fault

    def _raise(self, fault: str) -> None:
        if fault.startswith("killed"):
            raise Killed
        kind, status, wait = {
            "unreachable": (ErrorKind.TRANSIENT, None, None),
            "throttled": (ErrorKind.THROTTLED, 429, self.chance.choice((None, 2.0, 30.0))),
            "auth": (ErrorKind.AUTH, 401, None),
            "lost": (ErrorKind.AMBIGUOUS, 504, None),
            "unanswered": (ErrorKind.AMBIGUOUS, None, None),
            "rubbish": (ErrorKind.AMBIGUOUS, 200, None),
        }[fault]
        raise CallFailed(kind, "SIMULATED", fault, status=status, retry_after=wait)

    def _company(self) -> None:
        """Another worker does a whole round while this call is under way."""
        if not self.busy:
            self.busy = True
            try:
                work(self.channel, self)
            finally:
                self.busy = False


def work(channel: Channel, hub: SimulatedHub) -> None:
    """One round of one worker, which may be killed in the middle."""
    try:
        deliveries_fan_out()
        if hub.chance.random() < 0.05 and not hub.calm:  # killed between claim and call
            batches_form(channel_id=channel.pk)
            batch_claim(channel_id=channel.pk)
            raise Killed
        channel_drive(channel_id=channel.pk, connector=hub)
        receipts_collect(channel_id=channel.pk, connector=hub)
    except Killed:
        pass


def run(seed: int, *, first_message: int) -> Verdict:
    """One world from an empty channel to everything received. Everything it wrote is rolled back."""
    chance = random.Random(seed)
    with transaction.atomic():
        channel = Channel.objects.create(
            code=f"sim-{seed}", name="sim", base_url="http://hub.invalid", client_id="x", timeout_seconds=1,
            batch_size=chance.choice((1, 2, 500)), fanned_below=first_message,
        )  # fmt: skip
        hub = SimulatedHub(chance, channel)
        with _seeded(chance):
            for number in range(ROUNDS):
                hub.calm = number >= FAULTY_ROUNDS
                work(channel, hub)
                if not Delivery.objects.filter(channel=channel, state__in=OPEN).exists():
                    break
                _turn(channel, 3_600.0 if hub.calm else chance.uniform(0.5, TURN))
                if hub.calm or chance.random() < 0.2:
                    _operator(channel)
        hub.verdict.lost = _lost(channel, hub, first_message)
        transaction.set_rollback(True)
    return hub.verdict


def _lost(channel: Channel, hub: SimulatedHub, first_message: int) -> int:
    """Messages that are not received here, or that the hub does not hold."""
    states = Delivery.objects.filter(channel=channel, message__gt=first_message).values_list(
        "state", "message__kind", "message__key", "message__version"
    )
    return sum(state != DeliveryState.RECEIVED or hub.held.get((kind, key), 0) < version for state, kind, key, version in states)


def _operator(channel: Channel) -> None:
    """A person sends again what was set aside, as `deliveries_retry` does."""
    parked = Delivery.objects.filter(channel=channel, state__in=[DeliveryState.PARKED, DeliveryState.REJECTED])
    fresh = {"state": DeliveryState.WAITING, "batch": None, "position": None, "not_before": Now()}
    for one in parked.exclude(error_code=BEHIND):
        Delivery.objects.filter(pk=one.pk).update(round=one.round + 1, **fresh)
    parked.filter(error_code=BEHIND).update(**fresh)


def _turn(channel: Channel, seconds: float) -> None:
    """Turn the clock: everything that waits is due `seconds` earlier."""
    with connection.cursor() as cursor:
        cursor.execute(
            "update exchange_batch set not_before = not_before - interval '1 second' * %(by)s where channel_id = %(channel)s;"
            "update exchange_delivery set not_before = not_before - interval '1 second' * %(by)s "
            "where channel_id = %(channel)s and state = 'waiting';"
            "update exchange_channel set paused_until = paused_until - interval '1 second' * %(by)s where id = %(channel)s",
            {"by": seconds, "channel": channel.pk},
        )


def _body(batch: Batch) -> bytes:
    """What a batch holds, without documents and proofs: who is delivered is what the simulation is about."""
    rows = batch.deliveries.order_by("position").values_list("message__kind", "message__key", "message__version", "message__document_id")
    return msgspec.json.encode([(kind, str(key), version, bytes(digest).hex()) for kind, key, version, digest in rows])


@contextmanager
def _seeded(chance: random.Random) -> Iterator[None]:
    """Delays come from the seed, bodies are short, and the moment stands still as the database's does in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("select now()")
        moment = cursor.fetchone()[0]
    with (
        mock.patch.object(breaker, "_random", chance),
        mock.patch.object(delivery, "envelope_bytes", _body),
        mock.patch.object(clock, "now", return_value=moment),
    ):
        yield
