"""Sending batches: claim and commit, call outside any transaction, record what came of it.

A claim pushes the batch's `not_before` past the time that the calls may take, so a batch whose worker was killed comes back
by itself. A call that may have arrived unanswered leaves the batch `unsure`: the next claim asks before it sends again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from exchange.choices import BatchState, DeliveryState
from exchange.connectors import CallFailed, Connector, connect
from exchange.contract import ROUTES, Accepted, ErrorKind
from exchange.models import Attempt, Batch, Channel
from exchange.services.breaker import channel_failed, channel_succeeded, full_jitter, probing
from exchange.services.envelopes import BatchUnsendable, envelope_bytes
from orgtree import clock

MAX_DOUBTS = 30
OK = "ok"


def lease(channel: Channel) -> timedelta:
    """How long a claim may last: token, question and sending at their time limits, and a margin."""
    return timedelta(seconds=3 * channel.timeout_seconds + 5)


def batch_claim(*, channel_id: int) -> Batch | None:
    """The next batch that is due, invisible to other workers from now on; None when nothing is due or the channel pauses."""
    with transaction.atomic():
        channel = Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
        now = clock.now()
        if not channel.active or (channel.paused_until is not None and channel.paused_until > now):
            return None
        due = Batch.objects.filter(channel=channel, state=BatchState.READY, not_before__lte=now).order_by("created_at", "pk")
        batch = due.select_for_update(skip_locked=True, no_key=True, of=("self",)).first()
        if batch is None:
            return None
        batch.channel = channel
        batch.not_before = now + lease(channel)
        batch.save(update_fields=["not_before"])
        if probing(channel):
            Channel.objects.filter(pk=channel.pk).update(paused_until=batch.not_before)
    return batch


def batch_send(*, batch: Batch, connector: Connector) -> BatchState:
    """Bring a claimed batch to the other side and record the outcome; returns the state it ended in."""
    try:
        body = envelope_bytes(batch)
    except BatchUnsendable as error:
        return batch_park(batch=batch, kind=error.kind, code=error.code, text=error.text)
    try:
        remote = _arrived(batch, connector) if batch.unsure else None
        if remote is None:
            remote = _send(batch, connector, body)
    except CallFailed as failure:
        return _failed(batch, failure)
    return _accepted(batch, remote)


def deliver(*, channel_id: int, connector: Callable[[Channel], Connector] = connect, at_most: int = 100) -> int:
    """Send what is due on a channel, one batch after the other; returns how many were tried."""
    tried = 0
    while tried < at_most and (batch := batch_claim(channel_id=channel_id)) is not None:
        batch_send(batch=batch, connector=connector(batch.channel))
        tried += 1
    return tried


def batch_park(*, batch: Batch, kind: ErrorKind, code: str, text: str) -> BatchState:
    """Set a batch and what is still open in it aside for a person, unless another worker has brought it further meanwhile."""
    with transaction.atomic():
        if Batch.objects.filter(pk=batch.pk, state=batch.state).update(state=BatchState.PARKED, ended_at=Now()):
            batch.deliveries.filter(state=DeliveryState.SENT).update(
                state=DeliveryState.PARKED, error_kind=kind.value, error_code=code[:40], error_text=text, changed_at=Now()
            )
    return BatchState.PARKED


def attempt_make(batch: Batch, call: Attempt.Call) -> Attempt:
    return Attempt.objects.create(batch=batch, call=call)


def attempt_end(attempt: Attempt, failure: CallFailed | None = None) -> None:
    attempt.ended_at = clock.now()
    attempt.outcome = failure.kind.value if failure else OK
    attempt.http_status = failure.status if failure else None
    attempt.detail = f"{failure.code}: {failure.detail}"[:500] if failure else ""
    attempt.save(update_fields=["ended_at", "outcome", "http_status", "detail"])


def _arrived(batch: Batch, connector: Connector) -> Accepted | None:
    """Ask whether an earlier call arrived."""
    attempt = attempt_make(batch, Attempt.Call.ASK)
    try:
        known = connector.find(idempotency_key=batch.idempotency_key)
    except CallFailed as failure:
        attempt_end(attempt, failure)
        raise
    attempt_end(attempt)
    if known is None:
        batch.unsure = False
        return None
    return Accepted(batch=known.batch, items=known.items)


def _send(batch: Batch, connector: Connector, body: bytes) -> Accepted:
    method, path = ROUTES[batch.kind]
    with transaction.atomic():
        Batch.objects.filter(pk=batch.pk).update(unsure=True)
        attempt = attempt_make(batch, Attempt.Call.SEND)
    try:
        accepted = connector.send(method=method, path=path, idempotency_key=batch.idempotency_key, body=body)
    except CallFailed as failure:
        attempt_end(attempt, failure)
        raise
    attempt_end(attempt)
    return accepted


def _accepted(batch: Batch, remote: Accepted) -> BatchState:
    if remote.items != batch.size:
        text = f"{batch.size} records were sent, the other side counts {remote.items}"
        return batch_park(batch=batch, kind=ErrorKind.AMBIGUOUS, code="OTHER_SIZE", text=text)
    Batch.objects.filter(pk=batch.pk, state=BatchState.READY).update(
        state=BatchState.ACCEPTED, remote_id=remote.batch, unsure=False, not_before=Now(), polls=0
    )
    channel_succeeded(batch.channel)
    return BatchState.ACCEPTED


def _failed(batch: Batch, failure: CallFailed) -> BatchState:
    """Wait and try again, or park: what a machine cannot solve waits for a person."""
    channel_failed(batch.channel, failure)
    mine = Batch.objects.filter(pk=batch.pk, state=BatchState.READY)
    if failure.kind == ErrorKind.SCHEMA or (failure.kind == ErrorKind.AMBIGUOUS and batch.doubts + 1 >= MAX_DOUBTS):
        return batch_park(batch=batch, kind=failure.kind, code=failure.code, text=failure.detail)
    if failure.kind == ErrorKind.AMBIGUOUS:
        mine.update(doubts=F("doubts") + 1, not_before=clock.now() + full_jitter(batch.doubts + 1))
        return BatchState.READY
    # This call certainly did not arrive: the channel decides when the next may go. What an earlier call left unsure stays so.
    wait = full_jitter(1) if failure.kind == ErrorKind.TRANSIENT else timedelta()
    mine.update(unsure=batch.unsure, not_before=clock.now() + wait)
    return BatchState.READY
