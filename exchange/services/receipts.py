"""Fetching what the other side decided.

A batch is asked for by its number: is it processed, and what became of its records? Many small batches are read on instead: the other side
issues an agency's receipts in one order and never passes one that appears later, so one question from where we stand
(`Channel.receipts_after`) tells of all of them. What is not told that way in good time is asked for by its number.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import cast
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from exchange.choices import BatchState
from exchange.connectors import CallFailed, Connector, Opened, connect
from exchange.contract import ErrorKind, ItemReceipt
from exchange.models import Attempt, Batch, Channel
from exchange.services.attempts import attempts_begin, attempts_done, attempts_end
from exchange.services.breaker import channel_failed, channel_succeeded, full_jitter
from exchange.services.calling import together
from exchange.services.closing import batches_close
from exchange.services.delivery import batch_park, channel_due, lease
from exchange.services.forming import window
from orgtree import clock

POLL_FIRST, POLL_LAST = 0.5, 30.0  # seconds between two questions for the same batch
MANY = 3  # batches due at once from which reading on is cheaper than a question for each,
PAGES = 8  # of so many pages at most,
ASKED_EVERY = 4  # and every so many times a batch that is still not told of is asked for by its number
OF_THE_LINE = frozenset({ErrorKind.TRANSIENT, ErrorKind.THROTTLED, ErrorKind.AUTH})  # failures that say nothing about the question


def receipts_collect(*, channel_id: int, connector: Callable[[Channel], Opened] = connect, at_most: int = 200) -> int:
    """Ask for the results of accepted batches that are due for a question; returns how many batches ended."""
    ended = asked = 0
    if (channel := channel_due(channel_id, BatchState.ACCEPTED)) is None:
        return ended
    with connector(channel) as line:
        share = window(channel) if line.lines >= MANY else line.lines
        while asked < at_most and (batches := _claim(channel_id, share)):
            asked += len(batches)
            ended += _results(batches, line)
            line.settle()
            if len(batches) < share:
                break
    return ended


def _results(batches: Sequence[Batch], line: Connector) -> int:
    """What became of claimed batches of one channel; returns how many batches ended, which may be others' too."""
    channel = batches[0].channel
    if len(batches) < MANY or channel.receipts_after is None:
        return _ask_all(batches, line)
    try:
        ended = _read_on(channel, channel.receipts_after, line)
    except CallFailed as failure:
        if failure.kind not in OF_THE_LINE:  # it does not know this question: then each by its number
            return _ask_all(batches, line)
        channel_failed(channel, failure)
        _ask_later(batches)
        return 0
    open_ = [batch for batch in batches if batch.pk not in ended]
    overdue = [batch for batch in open_ if batch.polls % ASKED_EVERY == ASKED_EVERY - 1]
    _ask_later([batch for batch in open_ if batch not in overdue])
    return len(ended) + _ask_all(overdue, line)


def _read_on(channel: Channel, after: int, line: Connector) -> set[UUID]:
    """Receipts from the cursor on, and the end of every batch of which all are told; returns those batches. Raises CallFailed."""
    told, last = _pages(after, line)
    channel_succeeded(channel)
    # In this order: what is under way now and has its number a moment later is known then.
    doubtful = Batch.objects.filter(channel=channel, state=BatchState.READY, unsure=True).exists()
    known = {_remote(batch): batch for batch in Batch.objects.filter(channel=channel, remote_id__in=told)}
    whole = {batch: told[number] for number, batch in known.items() if batch.state == BatchState.ACCEPTED and _is_whole(batch, told[number])}
    if whole:
        attempts_done(whole, Attempt.Call.RECEIPTS)
        batches_close(whole)
    waiting = [number for number in told if (_is_open(known[number], whole) if number in known else doubtful)]
    # Never past a receipt whose batch is still open, or may be one whose call has not been recorded yet.
    reached = min((one.sequence - 1 for number in waiting for one in told[number]), default=last)
    Channel.objects.filter(pk=channel.pk, receipts_after__lt=reached).update(receipts_after=reached)
    return {batch.pk for batch in whole}


def _pages(after: int, line: Connector) -> tuple[dict[UUID, list[ItemReceipt]], int]:
    """Receipts by the other side's numbers of their batches, and the last place that was read. Raises CallFailed."""
    told: dict[UUID, list[ItemReceipt]] = {}
    cursor: int | None = after
    for _page in range(PAGES):
        page = line.receipts(batch=None, after=cast(int, cursor))
        for one in page.receipts:
            told.setdefault(one.batch, []).append(one)
            after = max(after, one.sequence)
        if (cursor := page.next) is None:
            break
    return told, after


def _is_open(batch: Batch, ended: Container[Batch]) -> bool:
    return batch.state == BatchState.ACCEPTED and batch not in ended


def _is_whole(batch: Batch, receipts: Iterable[ItemReceipt]) -> bool:
    return {one.index for one in receipts}.issuperset(range(batch.size))


def _claim(channel_id: int, at_most: int) -> list[Batch]:
    with transaction.atomic():
        now = clock.now()
        due = Batch.objects.filter(channel=channel_id, channel__active=True, state=BatchState.ACCEPTED, not_before__lte=now).exclude(
            channel__paused_until__gt=now
        )
        chosen = due.select_related("channel").select_for_update(skip_locked=True, no_key=True, of=("self",)).order_by("not_before")
        batches = list(chosen[:at_most])
        if batches:
            Batch.objects.filter(pk__in=[batch.pk for batch in batches]).update(not_before=now + lease(batches[0].channel))
    return batches


def _ask_all(batches: Sequence[Batch], line: Connector) -> int:
    """Each by its number, as many at a time as the line has room for; returns how many batches ended."""
    return sum(_ask(batches[first : first + line.lines], line) for first in range(0, len(batches), line.lines))


def _ask(batches: Sequence[Batch], line: Connector) -> int:
    """One question for each batch, and the receipts of those that are processed; returns how many batches ended."""
    ended, processed, failures = 0, [], []
    for group in together(lambda batch: line.status(batch=_remote(batch)), batches, line):
        if any(one.failure is None for one in group):
            channel_succeeded(batches[0].channel)
        _ask_later([one.batch for one in group if one.failure is None and one.answer.state == "received"])
        for one in group:
            if one.failure is not None:
                failures.append(one)
            elif one.answer.state == "failed":
                text = "the other side could not process the batch; its operator was told"
                batch_park(batch=one.batch, kind=ErrorKind.AMBIGUOUS, code="REMOTE_FAILED", text=text)
                ended += 1
            elif one.answer.state == "processed":
                processed.append(one.batch)
    if processed:
        attempts = attempts_begin(processed, Attempt.Call.RECEIPTS)
        for group in together(lambda batch: _fetch(batch, line), processed, line):
            attempts_end(attempts, group)
            fetched = {one.batch: one.answer for one in group if one.failure is None}
            batches_close(fetched)
            _begin_reading(batches[0].channel, fetched)
            ended += len(fetched)
            failures += [one for one in group if one.failure is not None]
    # Last, so that what a failure says about the channel outlasts the successes of the same moment.
    for one in failures:
        _put_off(one.batch, cast(CallFailed, one.failure))
    return ended


def _remote(batch: Batch) -> UUID:
    return cast(UUID, batch.remote_id)  # a constraint keeps it for every accepted batch


def _ask_later(batches: Sequence[Batch]) -> None:
    """Batches that the other side has not processed yet: the longer it takes, the rarer the question."""
    for polls in {batch.polls for batch in batches}:
        wait = timedelta(seconds=min(POLL_LAST, POLL_FIRST * 1.5 ** min(polls, 20)))
        same = [batch.pk for batch in batches if batch.polls == polls]
        Batch.objects.filter(pk__in=same, state=BatchState.ACCEPTED).update(polls=polls + 1, not_before=clock.now() + wait)


def _fetch(batch: Batch, line: Connector) -> list[ItemReceipt]:
    """All receipts of a batch, page by page; touches no database, since several are fetched at a time."""
    fetched: list[ItemReceipt] = []
    cursor: int | None = 0
    while cursor is not None and len(fetched) <= batch.size:
        page = line.receipts(batch=_remote(batch), after=cursor)
        fetched += page.receipts
        cursor = page.next
    return fetched


def _begin_reading(channel: Channel, fetched: Mapping[Batch, Sequence[ItemReceipt]]) -> None:
    """Where nobody knows yet how far the other side has come, what was just told says it."""
    if channel.receipts_after is None and (places := [one.sequence for receipts in fetched.values() for one in receipts]):
        Channel.objects.filter(pk=channel.pk, receipts_after=None).update(receipts_after=max(places))


def _put_off(batch: Batch, failure: CallFailed) -> None:
    """A question that failed is asked again. When the other side no longer knows the batch (it was restored), send it again."""
    channel_failed(batch.channel, failure)
    mine = Batch.objects.filter(pk=batch.pk, state=BatchState.ACCEPTED)
    if failure.status == 404 and failure.code == "NOT_FOUND":
        mine.update(state=BatchState.READY, remote_id=None, not_before=Now())
        Channel.objects.filter(pk=batch.channel_id).update(receipts_after=None)  # its counting may begin anew, too
    else:
        mine.update(polls=F("polls") + 1, not_before=clock.now() + full_jitter(batch.polls + 1))
