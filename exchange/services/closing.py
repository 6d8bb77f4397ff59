"""Writing on the deliveries what the other side decided, and ending their batches.

A delivery is received only when the answer names our record, our version and our digest; anything else is parked for a
person. A batch's receipts, its deliveries and its end are one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.db.models.functions import Now

from exchange.choices import DeliveryState, Outcome
from exchange.contract import ErrorKind, ItemCode, ItemReceipt, kind_of
from exchange.models import Batch, Delivery, Receipt
from exchange.selectors.causes import BEHIND
from orgtree import clock

MAX_ROUNDS = 5  # how often a conflict at the other side is tried again by itself


@dataclass(frozen=True)
class Member:
    """A delivery at its place in a batch, and what its receipt has to name."""

    batch: UUID
    position: int
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


def batches_close(fetched: Mapping[Batch, Sequence[ItemReceipt]]) -> None:
    """Write the receipts of batches of one channel on their deliveries and end them. Doing so twice changes nothing."""
    if not fetched:
        return
    answers = {batch.pk: {one.index: one for one in receipts} for batch, receipts in fetched.items()}
    with transaction.atomic():
        members = _members(_end(list(answers)))
        said = [(member, answers[member.batch].get(member.position)) for member in members]
        Receipt.objects.bulk_create([_receipt(member, answer) for member, answer in said if answer is not None], ignore_conflicts=True)
        verdicts = [_judge(member, answer) for member, answer in said]
        _write(verdicts)
        later = [one.member for one in verdicts if one.state == DeliveryState.RECEIVED and one.member.version > 1]
        _replace_refused(next(iter(fetched)).channel_id, later)


def _end(batch_ids: list[UUID]) -> list[UUID]:
    """End those that are still open; returns them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "update exchange_batch set state = 'done', ended_at = now() where id = any(%s) and state = 'accepted' returning id", [batch_ids]
        )
        return [batch_id for (batch_id,) in cursor.fetchall()]


def _members(batch_ids: Sequence[UUID]) -> list[Member]:
    rows = (
        Delivery.objects.filter(batch__in=batch_ids, state=DeliveryState.SENT, position__isnull=False)
        .order_by("batch", "position")
        .values_list("batch_id", "position", "pk", "round", "message__kind", "message__key", "message__version", "message__document_id")
    )
    return [Member(batch, place or 0, pk, round_, kind, key, version, bytes(digest)) for batch, place, pk, round_, kind, key, version, digest in rows]


def _receipt(member: Member, said: ItemReceipt) -> Receipt:
    return Receipt(
        delivery_id=member.delivery,
        batch_id=member.batch,
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
    if not verdicts:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "update exchange_delivery d set state = v.state, error_kind = v.kind, error_code = v.code, error_text = v.text, set_aside = v.set_aside, "
            "changed_at = now(), "
            "batch_id = case when v.state = 'waiting' then null else d.batch_id end, "
            "position = case when v.state = 'waiting' then null else d.position end, "
            "round = d.round + case when v.state = 'waiting' then 1 else 0 end, "
            "not_before = case when v.state = 'waiting' then %s + interval '2 seconds' * (d.round + 1) else d.not_before end "
            "from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bool[]) "
            "v(id, state, kind, code, text, set_aside) where d.id = v.id",
            [
                clock.now(),
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
