"""Lanes to a register: whose file it has to look at again, in batches, one question a person at a time, nothing lost and nothing doubled.

The rules are those of deliveries: claim and commit, call outside any transaction, record what came of it; a call that may have arrived is asked
for before it is repeated, under the same key; the channel's circuit breaker decides when to try again. What a register is asked, and what its
answers mean, is a `Purpose` (`services.matching`, `services.party`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from exchange.choices import BatchState, ChannelKind
from exchange.connectors import CallFailed
from exchange.contract import ErrorKind
from exchange.mapping import OUT, Gap
from exchange.models import Channel, RegisterBatch, RegisterEntry, RegisterLane
from exchange.population import answers_by_ref
from exchange.registers import RegisterConnector, connect_register
from exchange.selectors.mapping import side_of_channel
from exchange.services.breaker import channel_failed, channel_succeeded, full_jitter, probing
from exchange.services.delivery import lease
from exchange.services.gaps import gaps_settle
from orgtree import clock
from registry.models import StaffProfile
from registry.selectors.leaving import passed_on
from workflows.documents import canonical

REGISTERS = (ChannelKind.POPULATION, ChannelKind.PARTY)
WINDOW = 4  # batches of a channel that may be open at the same time
AT_ONCE = 200  # batches that one run puts at most
WITHHELD_AGAIN = timedelta(days=1)
UNMAPPED_AGAIN = timedelta(days=1)
MOST_TRIES = 12
USELESS = 6  # an answer that nobody can use is asked for again after minutes, not seconds

# A lane for everybody who has none; and what changed since the register looked at it is due.
MAKE = """
insert into exchange_registerlane(channel_id, staff_id)
select %(channel)s, p.id from registry_staffprofile p
where (%(keys)s::uuid[] is null or p.id = any(%(keys)s::uuid[]))
  and not exists (select from exchange_registerlane l where l.channel_id = %(channel)s and l.staff_id = p.id)
on conflict do nothing
"""
WAKE = """
update exchange_registerlane l set due_at = now()
from registry_staffprofile p
where p.id = l.staff_id and l.channel_id = %(channel)s and l.version is distinct from p.version and l.entry_id is null
  and (l.due_at is null or l.due_at > now()) and not l.withheld
  and (%(keys)s::uuid[] is null or p.id = any(%(keys)s::uuid[]))
"""


@dataclass(frozen=True)
class Question:
    """What one person's file comes to for a register: the fields on the wire, without the ref."""

    staff: UUID
    version: int
    fields: Mapping[str, Any]

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha256(canonical(dict(self.fields))).digest()


@dataclass(frozen=True)
class Unmapped:
    """One person's file holds codes for which the register's own are not known: nothing is sent until somebody says which they are."""

    gaps: Sequence[Gap]


class Purpose(Protocol):
    """What a kind of register is asked, and what its answers come to."""

    kind: ChannelKind

    def prepare(self, channel: Channel) -> None:
        """Whatever must stand before questions are made: called in the transaction that makes the lanes."""

    def questions(self, channel: Channel, staff: Collection[UUID]) -> Mapping[UUID, Question | Unmapped | None]:
        """By person; None for one who is marked "does not leave"."""

    def body(self, entries: Sequence[RegisterEntry]) -> bytes:
        """The batch as it goes over the line."""

    def take(self, answered: Sequence[tuple[RegisterEntry, Sequence[Mapping[str, Any]]]]) -> Mapping[UUID, Taken]:
        """Read what was said of each entry (one answer, or several that disagree) and keep what it comes to, in the caller's transaction."""


@dataclass(frozen=True)
class Taken:
    """`code` is kept with the answer; `again_in` asks once more after that time; `usable` says whether the question is answered."""

    code: str
    usable: bool = True
    again_in: timedelta | None = None


def registers_active() -> list[Channel]:
    return list(Channel.objects.filter(active=True, kind__in=REGISTERS).order_by("pk"))


def lanes_review(*, channel: Channel, purpose: Purpose, keys: Collection[UUID] | None = None) -> int:
    """Find whom the register does not know as they now are: everybody, or the people of `keys`. Returns how many are newly due."""
    values = {"channel": channel.pk, "keys": list(keys) if keys is not None else None}
    with transaction.atomic(), connection.cursor() as cursor:
        Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)  # two reviews, or a review and a batch being formed, one after the other
        cursor.execute(MAKE, values)
        made = cursor.rowcount
        cursor.execute(WAKE, values)
        woken = cursor.rowcount
        purpose.prepare(channel)
    return made + woken


def lanes_ask_again(*, channel: Channel, keys: Collection[UUID]) -> int:
    """Ask about these people once more although nothing has changed; returns about how many. Those under way are left alone."""
    return RegisterLane.objects.filter(channel=channel, staff__in=keys, entry=None).update(again_at=Now(), tries=0)


def batches_form(*, channel_id: int, purpose: Purpose) -> int:
    """Bundle the people who are due into batches, up to the channel's window; returns how many were made."""
    formed = 0
    with transaction.atomic():
        channel = Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
        room = WINDOW - RegisterBatch.objects.filter(channel=channel, state=BatchState.READY).count()
        while formed < room and channel.active and (lanes := _due(channel)):
            formed += _form(channel, purpose, lanes)
    return formed


def batch_claim(*, channel_id: int) -> RegisterBatch | None:
    """The next batch that is due, invisible to other workers from now on; None when nothing is due or the channel pauses."""
    with transaction.atomic():
        channel = Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
        now = clock.now()
        if not channel.active or (channel.paused_until is not None and channel.paused_until > now):
            return None
        due = RegisterBatch.objects.filter(channel=channel, state=BatchState.READY, not_before__lte=now).order_by("created_at", "pk")
        batch = due.select_for_update(skip_locked=True, no_key=True, of=("self",)).first()
        if batch is None:
            return None
        batch.channel = channel
        batch.not_before = now + lease(channel)
        batch.calls += 1
        batch.save(update_fields=["not_before", "calls"])
        if probing(channel):
            Channel.objects.filter(pk=channel.pk).update(paused_until=batch.not_before)
    return batch


def batch_put(*, batch: RegisterBatch, connector: RegisterConnector, purpose: Purpose) -> BatchState:
    """Put a claimed batch to the register and keep what it answers; returns the state it ended in."""
    key = batch.idempotency_key
    try:
        answers = connector.answers(idempotency_key=key) if batch.unsure else None
        if answers is None:
            entries = list(batch.entries.order_by("position"))
            if _has_moved_on(entries, purpose):
                return _put_together_anew(batch)
            RegisterBatch.objects.filter(pk=batch.pk).update(unsure=True)
            answers = connector.put(idempotency_key=key, body=purpose.body(entries))
    except CallFailed as failure:
        return _failed(batch, failure)
    return answers_take(batch=batch, answers=answers, purpose=purpose)


def answers_take(*, batch: RegisterBatch, answers: Sequence[Mapping[str, Any]], purpose: Purpose) -> BatchState:
    """Keep the answers of a batch, each once. People whom the register passed over are asked about again in a new batch."""
    by_ref = answers_by_ref(answers)
    with transaction.atomic():
        batch = RegisterBatch.objects.select_for_update(of=("self",)).select_related("channel").get(pk=batch.pk)
        if batch.state != BatchState.READY:  # another worker, whose claim ran out, was faster
            return BatchState(batch.state)
        answered = _settle(batch, by_ref, purpose)
        by_ref = {ref: said for ref, said in by_ref.items() if ref not in answered}
        left = [f"{batch.size - len(answered)} without an answer"] if len(answered) < batch.size else []
        left += [f"{len(by_ref)} answers to questions that were not asked"] if by_ref else []
        batch.state, batch.answered, batch.unsure, batch.detail = BatchState.DONE, len(answered), False, "; ".join(left)
        batch.ended_at = clock.now()
        batch.save(update_fields=["state", "answered", "unsure", "detail", "ended_at"])
    if answered:
        channel_succeeded(batch.channel)
    else:
        channel_failed(batch.channel, CallFailed(ErrorKind.TRANSIENT, "NOTHING_ANSWERED", batch.detail))
    return BatchState.DONE


def register_drive(*, channel_id: int, purpose: Purpose, connector: Callable[[Channel], RegisterConnector] = connect_register) -> int:
    """Form batches and put them until nothing more may go now; returns how many calls were made."""
    calls = 0
    with connector(Channel.objects.get(pk=channel_id)) as line:
        while calls < AT_ONCE:
            batches_form(channel_id=channel_id, purpose=purpose)
            batch = batch_claim(channel_id=channel_id)
            if batch is None:
                break
            batch_put(batch=batch, connector=line, purpose=purpose)
            line.settle()
            calls += 1
    return calls


def _due(channel: Channel) -> list[RegisterLane]:
    """Who is to be asked about; whoever has passed to another agency is that one's to ask about."""
    now = clock.now()
    asked = RegisterLane.objects.filter(Q(due_at__lte=now) | Q(again_at__lte=now), channel=channel, entry=None)
    due = asked.exclude(passed_on("staff")).order_by("due_at", "pk")
    return list(due.select_for_update(skip_locked=True, no_key=True)[: channel.batch_size])


def _form(channel: Channel, purpose: Purpose, lanes: Sequence[RegisterLane]) -> int:
    """One batch of those whose question is a new one; 0 when there was none. Everybody else of `lanes` is settled without asking."""
    questions = purpose.questions(channel, [lane.staff_id for lane in lanes])
    gaps_settle(side=side_of_channel(channel), way=OUT, found={key: one.gaps if isinstance(one, Unmapped) else () for key, one in questions.items()})
    asked: list[tuple[RegisterLane, Question]] = []
    now = clock.now()
    for lane in lanes:
        question = questions.get(lane.staff_id)
        anyway = lane.again_at is not None and lane.again_at <= now
        if question is None:
            lane.withheld, lane.due_at, lane.again_at = True, now + WITHHELD_AGAIN, None
        elif isinstance(question, Unmapped):  # due again as soon as the table of codes changes
            lane.withheld, lane.due_at, lane.again_at = False, now + UNMAPPED_AGAIN, None
        elif not anyway and lane.fingerprint is not None and bytes(lane.fingerprint) == question.fingerprint:
            lane.version, lane.due_at, lane.withheld, lane.tries = question.version, None, False, 0
        else:
            asked.append((lane, question))
    if asked:
        _batch_make(channel, asked)
    RegisterLane.objects.bulk_update(lanes, ["version", "due_at", "withheld", "again_at", "tries", "entry"], batch_size=500)
    return int(bool(asked))


def _batch_make(channel: Channel, asked: Sequence[tuple[RegisterLane, Question]]) -> None:
    batch = RegisterBatch.objects.create(channel=channel, size=len(asked))
    entries = [
        RegisterEntry(
            id=uuid4(),
            batch=batch,
            position=position,
            staff_id=lane.staff_id,
            version=question.version,
            payload=canonical(dict(question.fields)),
            fingerprint=question.fingerprint,
        )
        for position, (lane, question) in enumerate(asked)
    ]
    RegisterEntry.objects.bulk_create(entries, batch_size=500)
    for (lane, _question), entry in zip(asked, entries, strict=True):
        lane.entry_id, lane.due_at, lane.again_at, lane.withheld = entry.pk, None, None, False


def _has_moved_on(entries: Sequence[RegisterEntry], purpose: Purpose) -> bool:
    """Has a file changed, or been marked "does not leave", since the batch was formed? It may have waited long; what is put is what holds now."""
    questions = purpose.questions(entries[0].batch.channel, [entry.staff_id for entry in entries])
    now = {key: one.fingerprint for key, one in questions.items() if isinstance(one, Question)}
    return any(now.get(entry.staff_id) != bytes(entry.fingerprint) for entry in entries)


def _put_together_anew(batch: RegisterBatch) -> BatchState:
    """End a batch that was never put; its people are looked at again."""
    with transaction.atomic():
        ended = RegisterBatch.objects.filter(pk=batch.pk, state=BatchState.READY)
        if ended.update(state=BatchState.DONE, unsure=False, detail="files have changed: put together anew", ended_at=Now()):
            RegisterLane.objects.filter(entry__batch=batch).update(entry=None, due_at=Now(), again_at=Now())
    return BatchState.DONE


def _settle(batch: RegisterBatch, by_ref: Mapping[UUID, Sequence[Mapping[str, Any]]], purpose: Purpose) -> set[UUID]:
    """Keep the answers of a batch and move its lanes on; returns the entries that were answered. A fixed number of statements."""
    lanes = {lane.entry_id: lane for lane in RegisterLane.objects.filter(entry__batch=batch).select_for_update(of=("self",)).order_by("pk")}
    entries = list(batch.entries.order_by("position"))
    answered = [(entry, by_ref[entry.pk]) for entry in entries if by_ref.get(entry.pk)]
    taken = purpose.take(answered)
    versions = dict(StaffProfile.objects.filter(pk__in=[entry.staff_id for entry in entries]).values_list("pk", "version"))
    for entry, said in answered:
        entry.answer, entry.code, entry.answered_at = list(said), taken[entry.pk].code[:60], clock.now()
    RegisterEntry.objects.bulk_update([entry for entry, _said in answered], ["answer", "code", "answered_at"], batch_size=200)
    for entry in entries:
        _move(lanes[entry.pk], entry, taken.get(entry.pk), present=versions[entry.staff_id])
    RegisterLane.objects.bulk_update(lanes.values(), ["entry", "tries", "due_at", "version", "fingerprint", "again_at"], batch_size=500)
    return {entry.pk for entry, _said in answered}


def _move(lane: RegisterLane, entry: RegisterEntry, taken: Taken | None, *, present: int) -> None:
    """When the lane is due again: later and later where nothing usable came, at once where the file has moved on, else when told."""
    lane.entry_id, lane.version = None, entry.version
    if taken is not None and taken.usable:
        lane.fingerprint, lane.tries = entry.fingerprint, 0
        lane.again_at = clock.now() + taken.again_in if taken.again_in is not None else None
    else:
        lane.tries = min(lane.tries + 1, MOST_TRIES)
        lane.due_at = clock.now() + full_jitter(lane.tries if taken is None else lane.tries + USELESS)
        if taken is None:
            lane.again_at = lane.due_at  # what was settled before still holds; the question stays open
        else:
            lane.fingerprint = None
    if present != entry.version:
        lane.due_at = clock.now()


def _failed(batch: RegisterBatch, failure: CallFailed) -> BatchState:
    """Wait and try again. A batch that the register does not understand is parked with its people, for an operator."""
    channel_failed(batch.channel, failure)
    mine = RegisterBatch.objects.filter(pk=batch.pk, state=BatchState.READY)
    detail = f"{failure.code}: {failure.detail}"[:500]
    if failure.kind == ErrorKind.SCHEMA:
        mine.update(state=BatchState.PARKED, detail=detail, ended_at=Now())
        return BatchState.PARKED
    unsure = batch.unsure or failure.kind == ErrorKind.AMBIGUOUS
    certain = failure.kind in (ErrorKind.THROTTLED, ErrorKind.AUTH, ErrorKind.CONFIG)
    wait = timedelta() if certain else full_jitter(batch.calls)
    mine.update(unsure=unsure, detail=detail, not_before=clock.now() + wait)
    return BatchState.READY


def batches_dissolve(*, channel: Channel) -> int:
    """Let the people of parked batches be put once more, in new batches; returns how many. The parked ones stay as they ended."""
    parked = RegisterLane.objects.filter(channel=channel, entry__batch__state=BatchState.PARKED)
    return parked.update(entry=None, due_at=Now(), again_at=Now())
