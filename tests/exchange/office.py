"""The agency's side: its gate, which fills the outbox, and a hub made of a dictionary, which fails as it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID, uuid4

from django.db import connection

from exchange.connectors import CallFailed
from exchange.contract import Accepted, BatchStatus, Envelope, ErrorKind, Item, ItemReceipt, Receipts, decode_envelope
from exchange.models import Channel, Delivery
from exchange.services.channels import channel_drive
from exchange.services.forming import deliveries_fan_out
from exchange.services.receipts import receipts_collect
from orgtree import clock
from orgtree.models import OrgUnit
from signing_agent.sign import sign_manifest
from tests.exchange.sender import Change
from tests.workflows.certificates import PIN
from workflows.documents import canonical, digest
from workflows.models import ChangeRequest
from workflows.services.applying import request_apply
from workflows.services.approval import manifest_prepare, request_approve, request_approve_by_system
from workflows.services.staging import Proposal, request_stage
from workflows.services.submission import request_submit


@dataclass
class Office:
    """Two people who bring changes through the agency's gate."""

    author: Any
    approver: Any
    p12: bytes

    def apply(self, *changes: Change) -> ChangeRequest:
        staged = request_stage(actor=self.author, unit=None, title="Cập nhật hồ sơ", proposals=_proposals(changes))
        assert staged.request is not None
        assert staged.staged == len(changes), staged.returned
        return self.carry(staged.request)

    def carry(self, request: ChangeRequest) -> ChangeRequest:
        """Submit a draft of the author's, sign it as the approver, and apply it."""
        request_submit(actor=self.author, request_id=request.pk)
        manifest = manifest_prepare(actor=self.approver, request_id=request.pk)
        signature = sign_manifest(p12=self.p12, pin=PIN, manifest=bytes(manifest.body))
        request_approve(actor=self.approver, manifest_digest=bytes(manifest.digest), signature=signature)
        return request_apply(request_id=request.pk)

    def apply_by_system(self, *changes: Change) -> ChangeRequest:
        """As a program would that approves without a person's signature."""
        staged = request_stage(actor=None, system="test", allowed=OrgUnit.objects.all(), unit=None, title="Tự động", proposals=_proposals(changes))
        assert staged.request is not None
        request_submit(actor=None, request_id=staged.request.pk, system_stage="test")
        request_approve_by_system(request_id=staged.request.pk)
        return request_apply(request_id=staged.request.pk)


def _proposals(changes: Sequence[Change]) -> list[Proposal]:
    return [Proposal(kind=one.kind, key=one.key, patch=one.document, base_version=one.base_version, ref=ref) for ref, one in enumerate(changes)]


@dataclass
class Failing:
    """One step of a script: the failure, and whether the call had arrived all the same."""

    kind: ErrorKind
    arrived: bool = False
    retry_after: float | None = None
    status: int | None = None

    def raise_(self) -> None:
        raise CallFailed(self.kind, "SCRIPTED", "as the test wants it", status=self.status, retry_after=self.retry_after)


Judge = Callable[[Item], dict[str, Any]]


def accept(item: Item) -> dict[str, Any]:
    return {"outcome": "accepted", "digest": digest(canonical(item.document)).hex()}


def refuse(code: str = "RULE") -> Judge:
    return lambda item: {"outcome": "rejected", "code": code, "message": "Không được"}


class OneLine:
    """What every `Connector` of the tests is besides: opened and closed without effect, one call at a time."""

    lines = 1
    pool = ThreadPoolExecutor(16)  # its threads begin when they are needed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        pass

    def settle(self) -> None:
        """Nothing of it is kept."""


@dataclass
class PaperHub(OneLine):
    """A `Connector` that keeps what it is sent. `script` holds failures for the next calls, `judge` decides each item."""

    script: list[Failing | None] = field(default_factory=list)
    judge: Judge = accept
    holding: bool = False  # batches are accepted and not processed
    calls: list[str] = field(default_factory=list)
    envelopes: dict[str, Envelope] = field(default_factory=dict)
    bodies: dict[str, list[bytes]] = field(default_factory=dict)
    ids: dict[UUID, str] = field(default_factory=dict)
    spoil: Callable[[list[ItemReceipt]], list[ItemReceipt]] = lambda receipts: receipts

    def __call__(self, channel: Channel) -> PaperHub:
        return self

    def send(self, *, method: str, path: str, idempotency_key: str, body: bytes) -> Accepted:
        self.calls.append(f"{method} {path}")
        step = self.script.pop(0) if self.script else None
        if step is None or step.arrived:
            self.bodies.setdefault(idempotency_key, []).append(body)
            if idempotency_key not in self.envelopes:
                self.envelopes[idempotency_key] = decode_envelope(body)
                self.ids[uuid4()] = idempotency_key
        if step is not None:
            step.raise_()
        return Accepted(batch=self._id(idempotency_key), items=len(self.envelopes[idempotency_key].items))

    def find(self, *, idempotency_key: str) -> BatchStatus | None:
        self.calls.append("ASK")
        if self.script and (step := self.script.pop(0)) is not None:
            step.raise_()
        return self.status(batch=self._id(idempotency_key)) if idempotency_key in self.envelopes else None

    def status(self, *, batch: UUID) -> BatchStatus:
        if batch not in self.ids:
            raise CallFailed(ErrorKind.CONFIG, "NOT_FOUND", "no such batch", status=404)
        size = len(self.envelopes[self.ids[batch]].items)
        return BatchStatus(
            batch=batch,
            idempotency_key=self.ids[batch],
            state="received" if self.holding else "processed",
            items=size,
            accepted=size,
            rejected=0,
            received_at=clock.now(),
            processed_at=None,
        )

    def receipts(self, *, batch: UUID | None, after: int) -> Receipts:
        """Of one batch, or of all in the order in which they came."""
        items = ((key, index, item) for key, envelope in self.envelopes.items() for index, item in enumerate(envelope.items))
        wanted = None if batch is None else self.ids[batch]
        made = [
            self._receipt(place, key, index, item)
            for place, (key, index, item) in enumerate(items, start=1)
            if place > after and (not self.holding if wanted is None else key == wanted)
        ]
        return Receipts(receipts=self.spoil(made), next=None)

    def _receipt(self, place: int, key: str, index: int, item: Item) -> ItemReceipt:
        said = {"code": "", "message": "", "digest": None, "findings": [], **self.judge(item)}
        return ItemReceipt(sequence=place, batch=self._id(key), index=index, kind=item.kind, key=item.key, version=item.version, **said)

    def forget(self) -> None:
        """As after a restored backup."""
        self.envelopes.clear()
        self.ids.clear()

    @property
    def sent(self) -> list[list[tuple[UUID, int]]]:
        """Keys and versions of every batch in the order of arrival."""
        return [[(item.key, item.version) for item in one.items] for one in self.envelopes.values()]

    def _id(self, key: str) -> UUID:
        return next(batch for batch, known in self.ids.items() if known == key)


def once(channel: Channel, hub: PaperHub) -> None:
    """One round: fan out, form and send, collect."""
    deliveries_fan_out()
    channel_drive(channel_id=channel.pk, connector=hub)
    receipts_collect(channel_id=channel.pk, connector=hub)


def until_settled(channel: Channel, hub: PaperHub, rounds: int = 20) -> None:
    """Rounds, with waiting skipped, until nothing waits or is under way."""
    for _ in range(rounds):
        once(channel, hub)
        pass_time(3_600)
        if not Delivery.objects.filter(channel=channel, state__in=["waiting", "sent"]).exists():
            return
    raise AssertionError(f"not settled: {states(channel)}")


def pass_time(seconds: float) -> None:
    """Everything that waits is due `seconds` earlier."""
    with connection.cursor() as cursor:
        for table, column in (("exchange_batch", "not_before"), ("exchange_delivery", "not_before"), ("exchange_channel", "paused_until")):
            cursor.execute(f"update {table} set {column} = {column} - interval '1 second' * %s", [seconds])


def states(channel: Channel) -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Delivery.objects.filter(channel=channel).values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def state_of(channel: Channel, change: Change) -> Delivery:
    return Delivery.objects.get(channel=channel, message__key=change.key, message__version=change.base_version + 1)
