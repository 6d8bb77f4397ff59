"""At an agency: the calls about transfers over a channel to the hub. Each raises CallFailed; those that change something may be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.core.cache import cache

from exchange.choices import ChannelKind, Transport
from exchange.connectors import JSON, CallFailed, Connector, connect
from exchange.contract import encode
from exchange.hub_contract import Act, Agencies, AgencyName, TransferFile, Transfers, TransferStatus
from exchange.models import Channel

AGENCIES = "exchange.agencies"
Connect = Callable[[Channel], Connector]
Step = Literal["take", "refuse", "withdraw", "give-back"]


@dataclass(frozen=True)
class TransferLine:
    """The calls, over one connector."""

    connector: Connector

    def __enter__(self) -> TransferLine:
        self.connector.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self.connector.__exit__(*details)

    def agencies(self) -> list[AgencyName]:
        return self.connector.call("GET", "/agencies", Agencies).agencies

    def offer(self, number: UUID, body: bytes) -> TransferStatus:
        return self.connector.call("PUT", f"/transfers/{number}", TransferStatus, content=body, headers=JSON)

    def status(self, number: UUID) -> TransferStatus | None:
        """None when the hub knows no such transfer of this agency."""
        try:
            return self.connector.call("GET", f"/transfers/{number}", TransferStatus)
        except CallFailed as failure:
            if failure.status == 404 and failure.code == "NOT_FOUND":
                return None
            raise

    def step(self, number: UUID, step: Step, reason: str = "") -> TransferStatus:
        return self.connector.call("POST", f"/transfers/{number}/{step}", TransferStatus, content=encode(Act(reason=reason)), headers=JSON)

    def file(self, number: UUID) -> TransferFile:
        return self.connector.call("GET", f"/transfers/{number}/file", TransferFile)

    def incoming(self) -> Iterator[TransferStatus]:
        """Everything that is offered to this agency, page after page."""
        after: UUID | None = None
        while True:
            params = {"side": "in", **({"after": str(after)} if after else {})}
            page = self.connector.call("GET", "/transfers", Transfers, params=params)
            yield from page.transfers
            if page.next is None:
                return
            after = page.next


def agencies_to_choose(connector: Connect = connect) -> tuple[list[tuple[str, str]], bool]:
    """(code, name) of the other agencies, as the hub told them in the last hour; and whether it did, or has ever been asked."""
    channel = hub_channel()
    if channel is None:
        return [], False
    known: list[tuple[str, str]] | None = cache.get(AGENCIES)
    if known is None:
        try:
            with line_to(channel, connector) as line:
                known = [(one.code, one.name) for one in line.agencies() if one.code != settings.AUTHORITY]
        except CallFailed:
            return [], False
        cache.set(AGENCIES, known, 3_600)
    return known, True


def hub_channel() -> Channel | None:
    """The line to the hub; None while there is none."""
    called = Channel.objects.filter(kind=ChannelKind.NATIONAL_HUB, active=True).exclude(transport=Transport.CARRIED)
    return called.order_by("pk").first()


def line_to(channel: Channel, connector: Connect = connect) -> TransferLine:
    return TransferLine(connector(channel))
