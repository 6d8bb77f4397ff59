"""The ways that a channel's calls may take: directly, through a provincial LGSP (NDXP), or through an Agent Node of the data centre.

Each is a small class behind `base.Way`: it says where one of our calls goes and in what wrapping, what token it needs, and what an answer was once
the wrapping is off. Who is called with what, retries and states know nothing of it. What can be set stands in `exchange.ways`.
"""

from __future__ import annotations

from exchange.choices import Transport
from exchange.contract import ErrorKind
from exchange.models import Channel
from exchange.transports.agent_node import AgentNode
from exchange.transports.base import Ask, CallFailed, Reply, TokenCall, Way
from exchange.transports.direct import Direct
from exchange.transports.lgsp import Lgsp
from exchange.ways import OptionsInvalid

WAYS: dict[str, type[Way]] = {Transport.DIRECT: Direct, Transport.LGSP: Lgsp, Transport.AGENT_NODE: AgentNode}


def way_of(channel: Channel) -> Way:
    """The way of a channel. Raises CallFailed when it has none that calls can take."""
    way = WAYS.get(channel.transport)
    if way is None:
        raise CallFailed(ErrorKind.CONFIG, "NOT_CALLED", f"what goes over the channel {channel.code} is carried by hand: export a package instead")
    try:
        return way(channel)
    except OptionsInvalid as error:
        raise CallFailed(ErrorKind.CONFIG, "OPTIONS_INVALID", f"the channel {channel.code}: {error}") from error


__all__ = ["Ask", "CallFailed", "Reply", "TokenCall", "Way", "way_of"]
