"""Every register that this agency is connected to: setting one up, finding who is due, and driving the lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from exchange.choices import ChannelKind
from exchange.connectors import CallFailed
from exchange.contract import PROFILE_KIND, ErrorKind
from exchange.models import Channel
from exchange.party import PolicyInvalid
from exchange.selectors.sight import installation_top, operates_line
from exchange.services.breaker import channel_failed
from exchange.services.lanes import Purpose, batches_dissolve, lanes_review, register_drive, registers_active
from exchange.services.matching import MATCH_TASK, Matching
from exchange.services.party import PartyPush, facts_fetch, facts_propose
from orgtree.models import User
from workflows.dispatch import send_on_commit
from workflows.errors import NotAllowed
from workflows.models import RecordVersion
from workflows.services.audit import audit

REVIEW_TASK = "exchange.registers_review"
PURPOSES: Mapping[str, Purpose] = {ChannelKind.POPULATION: Matching(), ChannelKind.PARTY: PartyPush()}


def register_set(
    *,
    actor: User | None,
    kind: ChannelKind,
    code: str,
    name: str,
    base_url: str,
    client_id: str,
    timeout_seconds: int = 30,
    batch_size: int = 200,
    transport: str | None = None,
    transport_options: Mapping[str, Any] | None = None,
) -> Channel:
    """Connect a register, or change how (actor None: from a shell on the server), and begin with everybody. Raises ValidationError."""
    with transaction.atomic():
        channel = Channel.objects.select_for_update().filter(code=code).first() or Channel(code=code, kind=kind)
        channel.name, channel.kind, channel.base_url, channel.client_id = name, kind, base_url.rstrip("/"), client_id
        channel.timeout_seconds, channel.batch_size, channel.active = timeout_seconds, batch_size, True
        channel.transport = transport or channel.transport  # what is left out stays as it is
        if transport_options is not None or transport is not None:
            channel.transport_options = transport_options or {}
        channel.failures, channel.failing_since, channel.paused_until, channel.last_error, channel.last_error_kind = 0, None, None, "", ""
        channel.full_clean()
        channel.save()
        audit(actor=actor, action="channel.set", channel=code, base_url=base_url, transport=channel.transport)
        send_on_commit(REVIEW_TASK)
    return channel


def register_put_again(*, actor: User, channel: Channel) -> int:
    """Let the people of parked batches be put once more; returns how many. Raises NotAllowed unless `actor` operates the line."""
    if not operates_line(actor):
        raise NotAllowed
    with transaction.atomic():
        count = batches_dissolve(channel=channel)
        audit(actor=actor, action="register.put_again", unit=installation_top(), channel=channel.code, count=count)
        send_on_commit(MATCH_TASK)
    return count


def registers_review() -> int:
    """Find everybody whom a register does not know as they now are; returns how many are newly due."""
    return sum(lanes_review(channel=channel, purpose=PURPOSES[channel.kind]) for channel in registers_active())


def applied_review(*, request_id: UUID) -> int:
    """The same for the people whom an applied request changed."""
    channels = registers_active()
    if not channels:
        return 0
    keys = list(RecordVersion.objects.filter(request=request_id, kind=PROFILE_KIND).values_list("key", flat=True))
    return sum(lanes_review(channel=channel, purpose=PURPOSES[channel.kind], keys=keys) for channel in channels)


def registers_drive() -> int:
    """Put to every register what is due and may go now, and read what the Party database tells; returns how many calls were made."""
    calls = 0
    for channel in registers_active():
        try:
            calls += _drive(channel)
        except PolicyInvalid as error:  # nothing crosses, and the other lines go on
            channel_failed(channel, CallFailed(ErrorKind.CONFIG, "POLICY_INVALID", str(error)))
    return calls


def _drive(channel: Channel) -> int:
    calls = register_drive(channel_id=channel.pk, purpose=PURPOSES[channel.kind])
    if channel.kind == ChannelKind.PARTY:
        calls += facts_fetch(channel=channel)
        facts_propose(channel=channel)
    return calls


__all__ = ["MATCH_TASK", "PURPOSES", "REVIEW_TASK", "applied_review", "register_put_again", "register_set", "registers_drive", "registers_review"]
