"""The circuit breaker of a channel, and how long to wait before trying again.

After `THRESHOLD` calls failed in a row (calls that began together count once) the channel pauses; when the pause is over one call goes as a
probe, and its success opens the channel again. Refused credentials or a wrong address pause it at once: no record can mend them.
"""

from __future__ import annotations

import random
from datetime import timedelta

from django.db.models import F, IntegerField, Value
from django.db.models.functions import Coalesce, Least, Now

from exchange.connectors import CallFailed
from exchange.contract import ErrorKind
from exchange.models import Channel
from orgtree import clock

THRESHOLD = 5
NOTED = timedelta(seconds=1)
BASE, CAP = 1.0, 600.0  # seconds
# Kinds that say something about the channel as a whole, not about one batch.
CHANNEL_WIDE = frozenset({ErrorKind.AUTH, ErrorKind.CONFIG})

_random = random.SystemRandom()


def full_jitter(failures: int) -> timedelta:
    """A random wait up to an exponential bound: many workers that failed together do not come back together."""
    return timedelta(seconds=_random.uniform(0.2, min(CAP, BASE * 2 ** min(failures, 20))))


def channel_succeeded(channel: Channel) -> None:
    """Close the breaker and note the contact; a channel known to be well a moment ago is not written again."""
    well = not channel.failures and channel.paused_until is None and not channel.last_error
    if well and channel.last_contact is not None and clock.now() - channel.last_contact < NOTED:
        return
    Channel.objects.filter(pk=channel.pk).update(
        failures=0, failing_since=None, paused_until=None, last_contact=Now(), last_error="", last_error_kind=""
    )


def channel_failed(channel: Channel, failure: CallFailed) -> None:
    """Count a failed call, `channel` being as it was when the call was claimed. A business or schema answer is contact, not failure."""
    if failure.kind in (ErrorKind.SCHEMA, ErrorKind.BUSINESS):
        channel_succeeded(channel)
        return
    said = {"last_error": f"{failure.code}: {failure.detail}"[:500], "last_error_kind": failure.kind.value}
    if failure.kind == ErrorKind.THROTTLED:
        wait = full_jitter(THRESHOLD) if failure.retry_after is None else timedelta(seconds=max(failure.retry_after, 1.0))
        Channel.objects.filter(pk=channel.pk).update(paused_until=clock.now() + wait, last_contact=Now(), **said)
        return
    # Sixteen calls that began together fail at one moment and say no more than one: counted each, a second's outage was a pause of minutes.
    counted = Least(F("failures") + 1, Value(channel.failures + 1), output_field=IntegerField())
    Channel.objects.filter(pk=channel.pk).update(failures=counted, failing_since=Coalesce("failing_since", Now()), **said)
    failures = Channel.objects.values_list("failures", flat=True).get(pk=channel.pk)
    if failure.kind in CHANNEL_WIDE or failures >= THRESHOLD:
        Channel.objects.filter(pk=channel.pk).update(paused_until=clock.now() + full_jitter(max(failures, THRESHOLD)))


def probing(channel: Channel) -> bool:
    """Is the channel on its way back from a pause, so that only one call may go at a time?"""
    return channel.failures >= THRESHOLD or (channel.failures > 0 and channel.last_error_kind in CHANNEL_WIDE)
