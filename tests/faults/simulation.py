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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from unittest import mock
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.db.models import Case, F, When

from exchange.choices import DeliveryState
from exchange.connectors import CallFailed
from exchange.contract import UNIT_KIND, Accepted, BatchStatus, ErrorKind, ItemReceipt, Receipts
from exchange.models import Batch, Channel, Delivery
from exchange.selectors.causes import BEHIND
from exchange.services import breaker, delivery, receipts
from exchange.services.calling import Ended, ended
from exchange.services.channels import channel_drive
from exchange.services.delivery import batches_claim
from exchange.services.forming import batches_form, deliveries_fan_out
from exchange.services.receipts import receipts_collect
from orgtree import clock
from tests.exchange.office import OneLine
from workflows.models import OutboxMessage

ROUNDS = 60  # of which faults happen in some at the beginning, by chance
FAULTY_ROUNDS, FEW_FAULTY_ROUNDS = (2, 3, 4, 5, 6), (1, 2)
STARTS, LATE_STARTS = (0, 0, 1, 2, 3), (2, 3)  # how many of the messages the other side has already
FANNED = 0.2  # in how many rounds the outbox is looked through again, which changes nothing
FAULT_SHARE = 0.45
TURN = 45.0  # seconds by which the clock is turned between two rounds, at most
ASIDE = {DeliveryState.PARKED, DeliveryState.REJECTED}
FINISHED = (DeliveryState.RECEIVED.value, DeliveryState.REPLACED.value)


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
class SimulatedHub(OneLine):
    """A `Connector` that remembers everything and fails as its seed has it."""

    chance: random.Random
    channel: Channel
    units_first: bool = True
    calm: bool = False
    fanned: bool = False
    lines: int = 1
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

    def receipts(self, *, batch: UUID | None, after: int) -> Receipts:
        kinds = ("unreachable", "killed before", "doubled", "reordered", "one missing", "conflict", "other digest")
        fault = self._fault("receipts", kinds) if batch is not None else self._fault("stream", (*kinds, "late", "company"))
        if fault in ("unreachable", "killed before"):
            self._raise(fault)
        if fault == "company":
            self._company()
        wanted = None if batch is None else self.ids[batch]
        places = ((name, index, member) for name, members in self.batches.items() for index, member in enumerate(members))
        made = [
            self._receipt(place, name, index, member)
            for place, (name, index, member) in enumerate(places, start=1)
            if place > after and wanted in (None, name)
        ]
        return Receipts(receipts=self._spoilt([] if fault == "late" else made, fault), next=None)

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

    def _receipt(self, place: int, name: str, index: int, member: Member) -> ItemReceipt:
        kind, key, version, digest = member
        told: dict[str, Any] = {"outcome": "accepted", "code": "", "message": "", "digest": digest, "findings": []}
        return ItemReceipt(sequence=place, batch=self._id(name), index=index, kind=kind, key=key, version=version, **told)

    def _spoilt(self, made: list[ItemReceipt], fault: str) -> list[ItemReceipt]:
        if fault in ("one missing", "conflict", "other digest") and made:
            place = self.chance.randrange(len(made))
            self.spoilt.add(self.ids[made[place].batch])
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
        if not hub.fanned or hub.chance.random() < FANNED:
            deliveries_fan_out()
            hub.fanned = True
        if hub.chance.random() < 0.05 and not hub.calm:  # killed between claim and call
            batches_form(channel_id=channel.pk)
            batches_claim(channel_id=channel.pk, at_most=hub.lines)
            raise Killed
        channel_drive(channel_id=channel.pk, connector=hub)
        receipts_collect(channel_id=channel.pk, connector=hub)
    except Killed:
        pass


def run(seed: int, *, first_message: int, small: bool = False) -> Verdict:
    """One world from an empty channel to everything received. Everything it wrote is rolled back.

    `small`: fewer messages and fewer rounds of faults, at half the cost.
    """
    chance = random.Random(seed)
    messages = _messages(first_message)
    start = chance.choice(LATE_STARTS if small else STARTS)
    with transaction.atomic():
        channel = Channel.objects.create(
            code=f"sim-{seed}", name="sim", base_url="http://hub.invalid", client_id="x", timeout_seconds=1,
            batch_size=chance.choice((1, 2, 500)), fanned_below=messages[start - 1][0] if start else first_message,
            receipts_after=chance.choice((None, 0)),
        )  # fmt: skip
        hub = SimulatedHub(chance, channel, lines=chance.choice((1, 2, 2, 4)))
        hub.held = {(kind, key): version for _id, kind, key, version in messages[:start]}
        faulty = chance.choice(FEW_FAULTY_ROUNDS if small else FAULTY_ROUNDS)
        with _seeded(chance):
            for number in range(ROUNDS):
                hub.calm = number >= faulty
                work(channel, hub)
                open_states = _turn(channel, 3_600.0 if hub.calm else chance.uniform(0.5, TURN))
                if not open_states:
                    break
                if not open_states.isdisjoint(ASIDE) and (hub.calm or chance.random() < 0.2):
                    _operator(channel)
        hub.verdict.lost = _lost(channel, hub, messages[start:])
        transaction.set_rollback(True)
    return hub.verdict


Message = tuple[int, str, UUID, int]  # id, kind, key, version


@lru_cache(maxsize=1)
def _messages(first_message: int) -> list[Message]:
    """What every world is about: all messages after the named one."""
    found = OutboxMessage.objects.filter(pk__gt=first_message).order_by("pk")
    return list(found.values_list("pk", "kind", "key", "version"))


def _lost(channel: Channel, hub: SimulatedHub, messages: Sequence[Message]) -> int:
    """Messages that are not received here, or that the hub does not hold."""
    states = dict(Delivery.objects.filter(channel=channel).values_list("message_id", "state"))
    return sum(states.get(pk) != DeliveryState.RECEIVED or hub.held.get((kind, key), 0) < version for pk, kind, key, version in messages)


def _operator(channel: Channel) -> None:
    """A person sends again what was set aside, as `deliveries_retry` does."""
    again = Case(When(error_code=BEHIND, then=F("round")), default=F("round") + 1)
    fresh = {"state": DeliveryState.WAITING, "batch": None, "position": None, "not_before": clock.now()}
    Delivery.objects.filter(channel=channel, state__in=ASIDE).update(round=again, **fresh)


def _turn(channel: Channel, seconds: float) -> set[str]:
    """Turn the clock: everything that waits is due `seconds` earlier. Gives the states of what is not finished."""
    with connection.cursor() as cursor:
        cursor.execute(
            "with b as (update exchange_batch set not_before = not_before - interval '1 second' * %(by)s "
            "where channel_id = %(channel)s and state in ('ready', 'accepted')), "
            "d as (update exchange_delivery set not_before = not_before - interval '1 second' * %(by)s "
            "where channel_id = %(channel)s and state = 'waiting'), "
            "c as (update exchange_channel set paused_until = paused_until - interval '1 second' * %(by)s "
            "where id = %(channel)s and paused_until is not null) "
            "select distinct state from exchange_delivery where channel_id = %(channel)s and state <> all(%(finished)s)",
            {"by": float(seconds), "channel": channel.pk, "finished": list(FINISHED)},
        )
        return {state for (state,) in cursor.fetchall()}


def _bodies(batches: Sequence[Batch]) -> dict[UUID, bytes]:
    """What batches hold, without documents and proofs: who is delivered is what the simulation is about."""
    members: dict[UUID, list[tuple[str, str, int, str]]] = {batch.pk: [] for batch in batches}
    rows = Delivery.objects.filter(batch__in=members).order_by("batch", "position")
    for batch, kind, key, version, digest in rows.values_list(
        "batch_id", "message__kind", "message__key", "message__version", "message__document_id"
    ):
        members[batch].append((kind, str(key), version, bytes(digest).hex()))
    return {batch: msgspec.json.encode(own) for batch, own in members.items()}


def _one_after_the_other(call: Callable[[Batch], Any], batches: Sequence[Batch], _line: SimulatedHub) -> Iterator[list[Ended]]:
    """A wave of calls without threads, recorded together: a worker killed in the middle of it has recorded none of them."""
    yield [ended(call, batch) for batch in batches]


@contextmanager
def quick_connection() -> Iterator[None]:
    """Statements are prepared once and savepoints left out, since a world is one transaction that is rolled back: a third of the cost.

    The product's own settings differ because a proxy may stand before its database.
    """
    options = connection.settings_dict["OPTIONS"]
    before = dict(options)
    connection.close()
    options |= {"server_side_binding": True, "prepare_threshold": 1}
    connection.features.uses_savepoints = False
    try:
        with connection.cursor() as cursor:
            connection.connection.prepared_max = 1_000
            # psycopg forgets every prepared statement at a rollback, since one may undo a DROP; nothing here makes or drops anything
            connection.connection._prepared.clear = lambda: False
            cursor.execute("set plan_cache_mode = force_generic_plan")
            cursor.execute("set jit = off")
            yield
    finally:
        connection.close()
        del connection.features.uses_savepoints
        options.clear()
        options |= before


@contextmanager
def _seeded(chance: random.Random) -> Iterator[None]:
    """Delays come from the seed, as does from how many batches on receipts are read on; bodies are short, and the moment stands still."""
    with connection.cursor() as cursor:
        # ahead of whatever the database itself writes during the run, so that it is due
        cursor.execute("select now() + interval '1 hour'")
        moment = cursor.fetchone()[0]
    with (
        mock.patch.object(breaker, "_random", chance),
        mock.patch.object(delivery, "envelopes_bytes", _bodies),
        mock.patch.object(delivery, "together", _one_after_the_other),
        mock.patch.object(receipts, "together", _one_after_the_other),
        mock.patch.object(receipts, "MANY", chance.choice((1, 1, 3))),
        mock.patch.object(clock, "now", return_value=moment),
    ):
        yield
