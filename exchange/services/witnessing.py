"""The hub as the witness of an agency's seals: telling it, and asking what it keeps, over the line of WITNESS_CHANNEL."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from django.conf import settings

from exchange.connectors import CallFailed, Connector, connect
from exchange.hub_contract import Seals
from exchange.models import Channel
from workflows.services.witnessing import Link, SealContradicted, WitnessSilent

CONTRADICTIONS = ("SEAL_REWRITTEN", "SEAL_BACKWARDS")


class HubWitness:
    """The hub at the other end of a channel."""

    def __init__(self, channel: Channel, *, connector: Callable[[Channel], Connector] = connect) -> None:
        self.name = f"channel {channel.code}"
        self._channel, self._connector = channel, connector

    def tell(self, body: bytes) -> None:
        said = msgspec.json.decode(body)
        sent = {"at": said["at"], "ledger": said["ledger"], "audit": said["audit"]}
        self._call("PUT", content=msgspec.json.encode(sent), headers={"content-type": "application/json"})

    def told(self) -> Iterator[Link]:
        kept = self._call("GET")
        return (Link(one.chain, one.sequence, one.digest) for one in kept.seals)

    def _call(self, method: str, **request: object) -> Seals:
        try:
            with self._connector(self._channel) as line:
                return line.call(method, "/seals", Seals, **request)
        except CallFailed as failure:
            if failure.code in CONTRADICTIONS:
                raise SealContradicted(failure.code, failure.detail) from failure
            raise WitnessSilent(f"{failure.code}: {failure.detail}") from failure


def hub_witnesses() -> Iterator[HubWitness]:
    """The hub, where WITNESS_CHANNEL names an active channel of this installation."""
    if settings.WITNESS_CHANNEL and settings.ROLE != "hub":
        yield from (HubWitness(one) for one in Channel.objects.filter(code=settings.WITNESS_CHANNEL, active=True))
