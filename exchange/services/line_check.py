"""Does the line to the hub stand? One call that changes nothing, and what its failure says about each thing that has to be right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from exchange.connectors import CallFailed, Connector, connect
from exchange.contract import ErrorKind
from exchange.hub_contract import Agencies
from exchange.models import Channel


class Rung(StrEnum):
    """What has to be right, in the order in which a call finds out."""

    SECRET = "secret"  # noqa: S105 (not one)
    ADDRESS = "address"
    CREDENTIALS = "credentials"
    NAME = "name"


TITLES: dict[Rung, str | Promise] = {
    Rung.SECRET: _("The client secret is here"),
    Rung.ADDRESS: _("The other side answers at its address"),
    Rung.CREDENTIALS: _("It takes our credentials"),
    Rung.NAME: _("It knows our agency"),
}
ADVICE: dict[Rung, str | Promise] = {
    Rung.SECRET: _("The server’s administrator puts the secret from the hub into HOSO_CHANNEL_SECRETS and starts the program again."),
    Rung.ADDRESS: _("Compare the address with the one that the hub’s operator gave, and ask your network’s administrator whether it may be reached."),
    Rung.CREDENTIALS: _("Compare client ID and secret with what the hub’s operator gave: one of them is another."),
    Rung.NAME: _("Ask the hub’s operator under which identifier your agency was admitted, and whether it is active."),
}


@dataclass(frozen=True)
class Found:
    """`well` is None for what could not be tried because of something before it; `told` is what the other side or the network said."""

    rung: Rung
    well: bool | None
    told: str = ""

    @property
    def title(self) -> str:
        return str(TITLES[self.rung])

    @property
    def advice(self) -> str:
        return str(ADVICE[self.rung]) if self.well is False else ""


def line_check(*, channel: Channel, connector: Callable[[Channel], Connector] = connect) -> Sequence[Found]:
    """Ask the hub which agencies it knows; every rung with what was found. The call waits as long as the channel's time limit says."""
    try:
        with connector(channel) as line:
            known = line.call("GET", "/agencies", Agencies)
    except CallFailed as failure:
        return _up_to(_rung(failure), f"{failure.code}: {failure.detail}")
    if settings.AUTHORITY not in {one.code for one in known.agencies}:
        return _up_to(Rung.NAME, settings.AUTHORITY)
    return [Found(rung, True) for rung in Rung]


def _rung(failure: CallFailed) -> Rung:
    """Where a call failed."""
    if failure.code == "SECRET_MISSING":
        return Rung.SECRET
    return Rung.CREDENTIALS if failure.kind == ErrorKind.AUTH else Rung.ADDRESS


def _up_to(broken: Rung, told: str) -> list[Found]:
    place = list(Rung).index(broken)
    return [Found(rung, None if at > place else at < place, told if at == place else "") for at, rung in enumerate(Rung)]
