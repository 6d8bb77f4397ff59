"""How far an agency has come on its way to the hub: from nothing to the first accepted record."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.choices import ChannelKind, DeliveryState
from exchange.models import Channel, Delivery, Trial


@dataclass(frozen=True)
class Joining:
    """`channel` is None before one is set up; `received` counts records whose acceptance the hub has confirmed."""

    channel: Channel | None
    trial: Trial | None = None
    received: int = 0

    @property
    def tried(self) -> bool:
        return self.trial is not None and self.trial.passed

    @property
    def sending(self) -> bool:
        return self.channel is not None and self.channel.active


def joining() -> Joining:
    """The agency's line to the hub; the one that sends, where there are several."""
    channel = Channel.objects.filter(kind=ChannelKind.NATIONAL_HUB).order_by("-active", "pk").first()
    if channel is None:
        return Joining(None)
    trial = channel.trials.select_related("actor").order_by("-passed", "-created_at").first()
    return Joining(channel, trial, Delivery.objects.filter(channel=channel, state=DeliveryState.RECEIVED).count())
