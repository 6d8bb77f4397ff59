"""Fetching what the other side decided, and writing it on the deliveries.

A delivery is received only when the answer names our record, our version and our digest; anything else is parked for a
person. A batch's receipts, its deliveries and its end are one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from exchange.choices import BatchState, DeliveryState, Outcome
from exchange.connectors import CallFailed, Connector, connect
from exchange.contract import ErrorKind, ItemCode, ItemReceipt, kind_of
from exchange.models import Attempt, Batch, Channel, Delivery, Receipt
from exchange.selectors.causes import BEHIND
from exchange.services.breaker import channel_failed, channel_succeeded, full_jitter
from exchange.services.delivery import attempt_end, attempt_make, batch_park, lease
from orgtree import clock

MAX_ROUNDS = 5  # how often a conflict at the other side is tried again by itself
POLL_FIRST, POLL_LAST = 0.5, 30.0  # seconds between two questions for the same batch


@dataclass(frozen=True)
class Member:
    """A delivery of a batch and what its receipt has to name."""

    delivery: int
    round: int
    kind: str
    key: UUID
    version: int
    digest: bytes


@dataclass(frozen=True)
class Verdict:
    """What becomes of one delivery."""

    member: Member
    state: DeliveryState
    kind: str = ""
    code: str = ""
    text: str = ""
    set_aside: bool = False


def receipts_collect(*, channel_id: int, connector: Callable[[Channel], Connector] = connect, at_most: int = 100) -> int:
    """Ask for the results of accepted batches that are due for a question; returns how many batches ended."""
    ended = asked = 0
    while asked < at_most and (batch := _claim(channel_id)) is not None:
        asked += 1
        try:
            ended += _collect(batch, connector(batch.channel))
        except CallFailed as failure:
            _put_off(batch, failure)
    return ended


def _claim(channel_id: int) -> Batch | None:
    with transaction.atomic():
        now = clock.now()
        due = Batch.objects.filter(channel=channel_id, channel__active=True, state=BatchState.ACCEPTED, not_before__lte=now).exclude(
            channel__paused_until__gt=now
        )
        batch = due.select_related("channel").select_for_update(skip_locked=True, no_key=True, of=("self",)).order_by("not_before").first()
        if batch is not None:
            Batch.objects.filter(pk=batch.pk).update(not_before=now + lease(batch.channel))
    return batch


def _collect(batch: Batch, connector: Connector) -> bool:
    """One question for one batch; True when it ended."""
    remote_id = cast(UUID, batch.remote_id)  # a constraint keeps it for every accepted batch
    status = connector.status(batch=remote_id)
    channel_succeeded(batch.channel)
    if status.state == "failed":
        batch_park(
            batch=batch, kind=ErrorKind.AMBIGUOUS, code="REMOTE_FAILED", text="the other side could not process the batch; its operator was told"
        )
        return True
    if status.state == "received":
        wait = min(POLL_LAST, POLL_FIRST * 1.5 ** min(batch.polls, 20))
        Batch.objects.filter(pk=batch.pk, state=BatchState.ACCEPTED).update(polls=F("polls") + 1, not_before=clock.now() + timedelta(seconds=wait))
        return False
    batch_close(batch=batch, receipts=_fetch(batch, remote_id, connector))
    return True


def _fetch(batch: Batch, remote_id: UUID, connector: Connector) -> list[ItemReceipt]:
    attempt = attempt_make(batch, Attempt.Call.RECEIPTS)
    fetched: list[ItemReceipt] = []
    cursor: int | None = 0
    try:
        while cursor is not None and len(fetched) <= batch.size:
            page = connector.receipts(batch=remote_id, after=cursor)
            fetched += page.receipts
            cursor = page.next
    except CallFailed as failure:
        attempt_end(attempt, failure)
        raise
    attempt_end(attempt)
    return fetched


def _put_off(batch: Batch, failure: CallFailed) -> None:
    """A question that failed is asked again. When the other side no longer knows the batch (it was restored), send it again."""
    channel_failed(batch.channel, failure)
    mine = Batch.objects.filter(pk=batch.pk, state=BatchState.ACCEPTED)
    if failure.status == 404 and failure.code == "NOT_FOUND":
        mine.update(state=BatchState.READY, remote_id=None, not_before=Now())
    else:
        mine.update(polls=F("polls") + 1, not_before=clock.now() + full_jitter(batch.polls + 1))


def batch_close(*, batch: Batch, receipts: Sequence[ItemReceipt]) -> None:
    """Write the receipts of a batch on its deliveries and end it. Doing so twice changes nothing."""
    by_index = {one.index: one for one in receipts}
    with transaction.atomic():
        if not Batch.objects.filter(pk=batch.pk, state=BatchState.ACCEPTED).update(state=BatchState.DONE, ended_at=Now()):
            return
        members = _members(batch)
        Receipt.objects.bulk_create(
            [_receipt(batch, member, by_index[position]) for position, member in members.items() if position in by_index], ignore_conflicts=True
        )
        verdicts = [_judge(member, by_index.get(position)) for position, member in members.items()]
        _write(verdicts)
        _replace_refused(batch.channel_id, [one.member for one in verdicts if one.state == DeliveryState.RECEIVED and one.member.version > 1])


def _members(batch: Batch) -> dict[int, Member]:
    rows = batch.deliveries.filter(state=DeliveryState.SENT, position__isnull=False).values_list(
        "position", "pk", "round", "message__kind", "message__key", "message__version", "message__document_id"
    )
    return {position or 0: Member(pk, round_, kind, key, version, bytes(digest)) for position, pk, round_, kind, key, version, digest in rows}


def _receipt(batch: Batch, member: Member, said: ItemReceipt) -> Receipt:
    return Receipt(
        delivery_id=member.delivery,
        batch=batch,
        outcome=said.outcome,
        code=said.code[:40],
        message=said.message,
        digest=bytes.fromhex(said.digest) if said.digest else None,
        raw=msgspec.to_builtins(said),
    )


def _judge(member: Member, said: ItemReceipt | None) -> Verdict:
    if said is None:
        return Verdict(
            member, DeliveryState.PARKED, ErrorKind.AMBIGUOUS, "NO_RECEIPT", "the other side ended the batch without an answer for this record"
        )
    if (said.kind, said.key, said.version) != (member.kind, member.key, member.version):
        text = f"the answer names {said.kind} {said.key} version {said.version}"
        return Verdict(member, DeliveryState.PARKED, ErrorKind.AMBIGUOUS, "OTHER_RECORD", text)
    if said.outcome == Outcome.ACCEPTED:
        if said.digest != member.digest.hex():
            return Verdict(member, DeliveryState.PARKED, ErrorKind.AMBIGUOUS, "OTHER_DIGEST", f"the other side holds {said.digest}")
        return Verdict(member, DeliveryState.RECEIVED)
    if said.code == ItemCode.SUPERSEDED:
        return Verdict(member, DeliveryState.REPLACED, text=said.message)
    kind = kind_of(said.code)
    if kind == ErrorKind.TRANSIENT and member.round < MAX_ROUNDS:
        return Verdict(member, DeliveryState.WAITING, kind, said.code[:40], said.message)
    text = "\n".join([said.message, *(f"{one.field}: {one.message}" for one in said.findings)])
    return Verdict(member, DeliveryState.REJECTED, kind, said.code[:40], text, said.set_aside)


def _write(verdicts: Sequence[Verdict]) -> None:
    """Deliveries take their verdicts in one statement; one that is tried again leaves its batch for a new round."""
    with connection.cursor() as cursor:
        cursor.execute(
            "update exchange_delivery d set state = v.state, error_kind = v.kind, error_code = v.code, error_text = v.text, set_aside = v.set_aside, "
            "changed_at = now(), "
            "batch_id = case when v.state = 'waiting' then null else d.batch_id end, "
            "position = case when v.state = 'waiting' then null else d.position end, "
            "round = d.round + case when v.state = 'waiting' then 1 else 0 end, "
            "not_before = case when v.state = 'waiting' then now() + interval '2 seconds' * (d.round + 1) else d.not_before end "
            "from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bool[]) "
            "v(id, state, kind, code, text, set_aside) where d.id = v.id",
            [
                [one.member.delivery for one in verdicts],
                [str(one.state) for one in verdicts],
                [str(one.kind) for one in verdicts],
                [one.code for one in verdicts],
                [one.text for one in verdicts],
                [one.set_aside for one in verdicts],
            ],
        )


def _replace_refused(channel_id: int, received: Sequence[Member]) -> None:
    """Refused versions of records of which a later one is received now are done with; what stood behind them may go."""
    if not received:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "update exchange_delivery d set state = 'replaced', changed_at = now() from workflows_outboxmessage m "
            "join unnest(%s::text[], %s::uuid[], %s::int[]) r(kind, key, version) on r.kind = m.kind and r.key = m.key and r.version > m.version "
            "where d.message_id = m.id and d.channel_id = %s and d.state in ('rejected', 'parked')",
            [[one.kind for one in received], [one.key for one in received], [one.version for one in received], channel_id],
        )
        if cursor.rowcount:
            Delivery.objects.filter(channel=channel_id, state=DeliveryState.PARKED, error_code=BEHIND).update(
                state=DeliveryState.WAITING, batch=None, position=None, not_before=Now(), changed_at=Now()
            )
