"""Sending batches: claim and commit, call outside any transaction, record what came of it.

A claim pushes the `not_before` of its batches past the time that the calls may take, so a batch whose worker was killed comes back
by itself. A call that may have arrived unanswered leaves the batch `unsure`: the next claim asks before it sends again.

As many batches are claimed as the connector has lines: all their calls begin at once, so the lease holds for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from exchange.choices import BatchState, DeliveryState
from exchange.connectors import CallFailed, Connector, Opened, connect
from exchange.contract import ROUTES, Accepted, BatchStatus, ErrorKind
from exchange.models import Attempt, Batch, Channel
from exchange.services.attempts import attempts_begin, attempts_end
from exchange.services.breaker import channel_failed, channel_succeeded, full_jitter, probing
from exchange.services.calling import together
from exchange.services.envelopes import BatchUnsendable, envelopes_bytes
from orgtree import clock

MAX_DOUBTS = 30


def lease(channel: Channel) -> timedelta:
    """How long a claim may last: token, question and sending at their time limits, and a margin."""
    return timedelta(seconds=3 * channel.timeout_seconds + 5)


def batches_claim(*, channel_id: int, at_most: int = 1) -> list[Batch]:
    """The next batches that are due, invisible to other workers from now on; none when nothing is due or the channel pauses."""
    with transaction.atomic():
        channel = Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
        now = clock.now()
        if not channel.active or (channel.paused_until is not None and channel.paused_until > now):
            return []
        due = Batch.objects.filter(channel=channel, state=BatchState.READY, not_before__lte=now).order_by("created_at", "pk")
        probe = probing(channel)
        batches = list(due.select_for_update(skip_locked=True, no_key=True, of=("self",))[: 1 if probe else at_most])
        if not batches:
            return []
        until = now + lease(channel)
        for batch in batches:
            batch.channel, batch.not_before = channel, until
        Batch.objects.filter(pk__in=[batch.pk for batch in batches]).update(not_before=until)
        if probe:
            Channel.objects.filter(pk=channel.pk).update(paused_until=until)
    return batches


def batches_send(*, batches: Sequence[Batch], connector: Connector) -> None:
    """Bring claimed batches of one channel to the other side, all at once, and record the outcome of each."""
    bodies = envelopes_bytes(batches)
    ready: list[Batch] = []
    for batch in batches:
        body = bodies[batch.pk]
        if isinstance(body, BatchUnsendable):
            batch_park(batch=batch, kind=body.kind, code=body.code, text=body.text)
        else:
            ready.append(batch)
    unsure = [batch for batch in ready if batch.unsure]
    absent = _ask(unsure, connector)
    _send([batch for batch in ready if batch not in unsure or batch in absent], connector, bodies)


def deliver(*, channel_id: int, connector: Callable[[Channel], Opened] = connect, at_most: int = 200) -> int:
    """Send what is due on a channel, one wave after the other; returns how many batches were tried."""
    tried = 0
    if (channel := channel_due(channel_id, BatchState.READY)) is None:
        return tried
    with connector(channel) as line:
        while tried < at_most and (batches := batches_claim(channel_id=channel_id, at_most=line.lines)):
            batches_send(batches=batches, connector=line)
            line.settle()
            tried += len(batches)
            if len(batches) < line.lines:
                break
    return tried


def channel_due(channel_id: int, state: BatchState) -> Channel | None:
    """The channel, when there is anything to do for it: asked before any lock is taken, since mostly there is not."""
    return Channel.objects.filter(pk=channel_id, batches__state=state, batches__not_before__lte=clock.now()).order_by().first()


def batch_park(*, batch: Batch, kind: ErrorKind, code: str, text: str) -> None:
    """Set a batch and what is still open in it aside for a person, unless another worker has brought it further meanwhile."""
    with transaction.atomic():
        if Batch.objects.filter(pk=batch.pk, state=batch.state).update(state=BatchState.PARKED, ended_at=Now()):
            batch.deliveries.filter(state=DeliveryState.SENT).update(
                state=DeliveryState.PARKED, error_kind=kind.value, error_code=code[:40], error_text=text, changed_at=Now()
            )


def _ask(batches: Sequence[Batch], connector: Connector) -> list[Batch]:
    """Ask whether earlier calls arrived; returns the batches that certainly did not."""
    absent: list[Batch] = []
    if not batches:
        return absent
    attempts = attempts_begin(batches, Attempt.Call.ASK)
    for group in together(lambda batch: connector.find(idempotency_key=batch.idempotency_key), batches, connector):
        attempts_end(attempts, group)
        batches_accepted([(one.batch, _arrived(one.answer)) for one in group if one.answer is not None])
        for one in group:
            if one.failure is not None:
                _failed(one.batch, one.failure)
            elif one.answer is None:
                one.batch.unsure = False
                absent.append(one.batch)
    return absent


def _arrived(known: BatchStatus) -> Accepted:
    return Accepted(batch=known.batch, items=known.items)


def _send(batches: Sequence[Batch], connector: Connector, bodies: Mapping[UUID, bytes | BatchUnsendable]) -> None:
    if not batches:
        return

    def call(batch: Batch) -> Accepted:
        method, path = ROUTES[batch.kind]
        body = bodies[batch.pk]
        assert isinstance(body, bytes)
        return connector.send(method=method, path=path, idempotency_key=batch.idempotency_key, body=body)

    with transaction.atomic():
        Batch.objects.filter(pk__in=[batch.pk for batch in batches]).update(unsure=True)
        attempts = attempts_begin(batches, Attempt.Call.SEND)
    for group in together(call, batches, connector):
        attempts_end(attempts, group)
        # Successes first: what a failure says about the channel must outlast them.
        batches_accepted([(one.batch, one.answer) for one in group if one.failure is None])
        for one in group:
            if one.failure is not None:
                _failed(one.batch, one.failure)


def batches_accepted(taken: Sequence[tuple[Batch, Accepted]]) -> None:
    """Batches that the other side has: from now on their receipts are asked for."""
    counted = [(batch, remote) for batch, remote in taken if remote.items == batch.size]
    for batch, remote in taken:
        if remote.items != batch.size:
            text = f"{batch.size} records were sent, the other side counts {remote.items}"
            batch_park(batch=batch, kind=ErrorKind.AMBIGUOUS, code="OTHER_SIZE", text=text)
    if not counted:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "update exchange_batch b set state = 'accepted', remote_id = x.remote, unsure = false, not_before = now(), polls = 0 "
            "from unnest(%s::uuid[], %s::uuid[]) x(id, remote) where b.id = x.id and b.state = 'ready'",
            [[batch.pk for batch, _remote in counted], [remote.batch for _batch, remote in counted]],
        )
    channel_succeeded(counted[0][0].channel)


def _failed(batch: Batch, failure: CallFailed) -> None:
    """Wait and try again, or park: what a machine cannot solve waits for a person."""
    channel_failed(batch.channel, failure)
    mine = Batch.objects.filter(pk=batch.pk, state=BatchState.READY)
    if failure.kind == ErrorKind.SCHEMA or (failure.kind == ErrorKind.AMBIGUOUS and batch.doubts + 1 >= MAX_DOUBTS):
        batch_park(batch=batch, kind=failure.kind, code=failure.code, text=failure.detail)
    elif failure.kind == ErrorKind.AMBIGUOUS:
        mine.update(doubts=F("doubts") + 1, not_before=clock.now() + full_jitter(batch.doubts + 1))
    else:
        # This call certainly did not arrive: the channel decides when the next may go. What an earlier call left unsure stays so.
        wait = full_jitter(1) if failure.kind == ErrorKind.TRANSIENT else timedelta()
        mine.update(unsure=batch.unsure, not_before=clock.now() + wait)
