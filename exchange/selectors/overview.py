"""How the exchange stands, for its operator and for the page of one record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exchange.choices import DeliveryState
from exchange.models import Channel, Delivery, Receipt


@dataclass(frozen=True)
class Cause:
    """Deliveries that a machine cannot solve, grouped by what is wrong; `sample` is the message of one of them."""

    code: str
    state: DeliveryState
    count: int
    sample: str


@dataclass(frozen=True)
class ChannelOverview:
    channel: Channel
    counts: Mapping[DeliveryState, int]
    causes: Sequence[Cause] = field(default=())

    @property
    def figures(self) -> list[tuple[DeliveryState, int]]:
        """Every state with its number of deliveries, in the order of a delivery's life."""
        return [(state, self.counts.get(state, 0)) for state in DeliveryState]

    @property
    def sentence(self) -> str:
        """How the channel stands, in one sentence."""
        return _sentence(self.channel, self.counts)


def channel_overviews() -> list[ChannelOverview]:
    """Every channel with its deliveries by state, and by cause where a person is needed. Three queries."""
    counts: dict[int, dict[DeliveryState, int]] = defaultdict(dict)
    for channel, state, count in Delivery.objects.order_by().values_list("channel", "state").annotate(count=Count("pk")):
        counts[channel][DeliveryState(state)] = count
    causes = _causes()
    return [ChannelOverview(one, counts[one.pk], causes.get(one.pk, ())) for one in Channel.objects.order_by("code")]


def delivery_sentences() -> list[str]:
    """One sentence for each active channel, for the home page."""
    return [one.sentence for one in channel_overviews() if one.channel.active]


def deliveries_of(*, kind: str, key: UUID) -> dict[int, list[Delivery]]:
    """The deliveries of one record by version, with channel and receipts."""
    found: dict[int, list[Delivery]] = defaultdict(list)
    rows = (
        Delivery.objects.filter(message__kind=kind, message__key=key).select_related("channel", "message").prefetch_related("receipts").order_by("pk")
    )
    for delivery in rows:
        found[delivery.message.version].append(delivery)
    return found


def last_receipt(delivery: Delivery) -> Receipt | None:
    """The latest answer to a delivery whose receipts are fetched."""
    return max(delivery.receipts.all(), key=lambda one: one.pk, default=None)


def _causes() -> dict[int, list[Cause]]:
    causes: dict[int, list[Cause]] = defaultdict(list)
    stuck = Delivery.objects.filter(state__in=[DeliveryState.REJECTED, DeliveryState.PARKED])
    groups = stuck.order_by("channel", "state", "error_code").values_list("channel", "state", "error_code").annotate(count=Count("pk"))
    samples = {
        (channel, state, code): text
        for channel, state, code, text in stuck.order_by("channel", "state", "error_code", "pk")
        .distinct("channel", "state", "error_code")
        .values_list("channel", "state", "error_code", "error_text")
    }
    for channel, state, code, count in groups:
        causes[channel].append(Cause(code, DeliveryState(state), count, samples[channel, state, code]))
    return causes


def _sentence(channel: Channel, counts: Mapping[DeliveryState, int]) -> str:
    under_way = counts.get(DeliveryState.WAITING, 0) + counts.get(DeliveryState.SENT, 0)
    stuck = counts.get(DeliveryState.REJECTED, 0) + counts.get(DeliveryState.PARKED, 0)
    received = counts.get(DeliveryState.RECEIVED, 0)
    parts = [ngettext("%(count)d record received", "%(count)d records received", received) % {"count": received}]
    if under_way:
        parts.append(ngettext("%(count)d on its way", "%(count)d on their way", under_way) % {"count": under_way})
    if stuck:
        parts.append(ngettext("%(count)d needs attention", "%(count)d need attention", stuck) % {"count": stuck})
    return f"{channel.name}: {', '.join(parts)}. {_trouble(channel)}".strip()


def _trouble(channel: Channel) -> str:
    if not channel.active:
        return _("The channel is switched off.")
    if channel.failures:
        return _("The other side does not answer as it should; the program keeps trying.")
    return ""
