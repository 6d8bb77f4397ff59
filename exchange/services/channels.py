"""Setting up a channel, and driving it: forming, sending and asking until nothing more may go."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from exchange.choices import BatchState, ChannelKind
from exchange.connectors import Opened, connect
from exchange.models import Batch, Channel
from exchange.selectors.sight import operates_line
from exchange.services.delivery import deliver
from exchange.services.forming import WINDOW, batches_form, window
from exchange.services.receipts import receipts_collect
from exchange.services.retrying import DELIVER_TASK
from orgtree.models import User
from workflows.dispatch import send_on_commit
from workflows.errors import GateError, NotAllowed
from workflows.services.audit import audit

TURN = 30.0  # seconds that one channel may have at a time, so that the others have theirs


def channel_set(
    *,
    actor: User | None,
    code: str,
    name: str,
    base_url: str,
    client_id: str,
    timeout_seconds: int = 30,
    batch_size: int = 200,
    active: bool = True,
    transport: str | None = None,
    transport_options: Mapping[str, Any] | None = None,
) -> Channel:
    """Create or change a channel (actor None: from a shell on the server), and start sending if it is `active`. Raises ValidationError."""
    with transaction.atomic():
        channel = Channel.objects.select_for_update().filter(code=code).first() or Channel(code=code)
        channel.name, channel.kind, channel.base_url, channel.client_id = name, ChannelKind.NATIONAL_HUB, base_url.rstrip("/"), client_id
        channel.timeout_seconds, channel.batch_size, channel.active = timeout_seconds, batch_size, active
        channel.transport = transport or channel.transport  # what is left out stays as it is
        if transport_options is not None or transport is not None:
            channel.transport_options = transport_options or {}
        channel.failures, channel.failing_since, channel.paused_until, channel.last_error, channel.last_error_kind = 0, None, None, "", ""
        channel.full_clean()
        channel.save()
        audit(actor=actor, action="channel.set", channel=code, base_url=base_url, transport=channel.transport)
        send_on_commit(DELIVER_TASK)
    return channel


class NotTried(GateError):
    """Sending begins after a trial that passed."""

    code = "NOT_TRIED"
    text = _("No trial over this line has passed yet. Try one to ten people first; then begin to send.")


def channel_begin(*, actor: User, channel: Channel) -> None:
    """Begin to send over a line that was set up without sending. Raises NotAllowed, NotTried; has no effect where it sends already."""
    if not operates_line(actor):
        raise NotAllowed
    with transaction.atomic():
        line = Channel.objects.select_for_update().get(pk=channel.pk)
        if line.active:
            return
        if not line.trials.filter(passed=True).exists():
            raise NotTried
        line.active = True
        line.save(update_fields=["active"])
        audit(actor=actor, action="channel.begin", channel=line.code, base_url=line.base_url)
        send_on_commit(DELIVER_TASK)


def channel_probe(*, actor: User, channel: Channel) -> None:
    """Try a line that pauses now: one call goes as a probe, and its success opens the line again. Raises NotAllowed."""
    if not operates_line(actor):
        raise NotAllowed
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(paused_until=None)
        audit(actor=actor, action="channel.probe", channel=channel.code)
        send_on_commit(DELIVER_TASK)


def channel_drive(*, channel_id: int, connector: Callable[[Channel], Opened] = connect) -> bool:
    """Form batches as far as the window allows, and send what is due. True while receipts are outstanding: they make room for more."""
    batches_form(channel_id=channel_id)
    deliver(channel_id=channel_id, connector=connector)
    return Batch.objects.filter(channel=channel_id, state=BatchState.ACCEPTED).exists()


def channel_work(*, channel_id: int, connector: Callable[[Channel], Opened] = connect) -> bool:
    """Drive a channel for as long as that brings anything, `TURN` seconds at most. True while receipts are outstanding.

    One line serves the whole turn: its connections stay open. Where a call holds few records, their receipts are asked for at once, since only
    those make room for more in the window. A large batch takes the other side its time: it is asked for later.
    """
    until = time.monotonic() + TURN
    channel = Channel.objects.get(pk=channel_id)
    with connector(channel) as line:

        def kept(_channel: Channel) -> Opened:
            return nullcontext(line)

        outstanding = channel_drive(channel_id=channel_id, connector=kept)
        while outstanding and window(channel) > WINDOW and time.monotonic() < until and receipts_collect(channel_id=channel_id, connector=kept):
            outstanding = channel_drive(channel_id=channel_id, connector=kept)
    return outstanding
