"""How the line stands: for the operator's page, for the home page, and for the page of one record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exchange.choices import ChannelKind, DeliveryState
from exchange.models import Channel, Delivery, Receipt
from exchange.selectors.causes import title_of
from exchange.selectors.sight import deliveries_seen
from exchange.selectors.terms import is_late
from orgtree import clock
from orgtree.models import User

SHOWN_STATES = tuple(state for state in DeliveryState if state != DeliveryState.REPLACED)


@dataclass(frozen=True)
class Cause:
    """Deliveries that a machine cannot solve, grouped by what is wrong; `sample` is the message of one of them."""

    code: str
    state: DeliveryState
    count: int
    sample: str

    @property
    def title(self) -> str:
        return title_of(self.code)


@dataclass(frozen=True)
class ChannelOverview:
    channel: Channel
    counts: Mapping[DeliveryState, int]
    causes: Sequence[Cause] = field(default=())
    late: int = 0

    @property
    def figures(self) -> list[tuple[DeliveryState, int]]:
        """Every state with its number of deliveries, in the order of a delivery's life."""
        return [(state, self.counts.get(state, 0)) for state in SHOWN_STATES]

    @property
    def sentence(self) -> str:
        """How the channel stands, in one sentence."""
        return _sentence(self)

    @property
    def silent(self) -> bool:
        return self.channel.active and self.channel.failing_since is not None

    def count(self, *states: DeliveryState) -> int:
        return sum(self.counts.get(state, 0) for state in states)


def channel_overviews(*, user: User) -> list[ChannelOverview]:
    """Every channel with the deliveries that `user` sees, by state, and by cause where a person is needed."""
    seen = deliveries_seen(user)
    channels = Channel.objects.filter(kind=ChannelKind.NATIONAL_HUB).select_related("bulk_hours").order_by("-active", "code")
    return _overviews(channels, seen, _causes(seen))


def delivery_sentences(*, user: User) -> list[str]:
    """One sentence for each active channel, for the home page."""
    channels = Channel.objects.filter(active=True, kind=ChannelKind.NATIONAL_HUB).order_by("code")
    return [one.sentence for one in _overviews(channels, deliveries_seen(user), {})]


def _overviews(channels: QuerySet[Channel], seen: QuerySet[Delivery], causes: Mapping[int, Sequence[Cause]]) -> list[ChannelOverview]:
    """Channels with their counts, in one query."""
    counts = {state.value: Count("pk", filter=Q(state=state)) for state in DeliveryState}
    told = seen.filter(channel=OuterRef("pk")).order_by().values("channel").annotate(told=JSONObject(late=Count("pk", filter=is_late()), **counts))
    found = channels.annotate(told=Subquery(told.values("told")))
    return [_overview(one, one.told or {}, causes.get(one.pk, ())) for one in found]


def _overview(channel: Channel, told: Mapping[str, int], causes: Sequence[Cause]) -> ChannelOverview:
    counts = {state: told[state] for state in DeliveryState if told.get(state)}
    return ChannelOverview(channel, counts, causes, told.get("late", 0))


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


def _causes(seen: QuerySet[Delivery]) -> dict[int, list[Cause]]:
    causes: dict[int, list[Cause]] = defaultdict(list)
    stuck = seen.filter(state__in=[DeliveryState.REJECTED, DeliveryState.PARKED])
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


def _sentence(one: ChannelOverview) -> str:
    if one.silent:
        return _silence(one)
    received = one.count(DeliveryState.RECEIVED)
    under_way = one.count(DeliveryState.WAITING, DeliveryState.SENT)
    stuck = one.count(DeliveryState.REJECTED, DeliveryState.PARKED)
    parts = [ngettext("%(count)s record received", "%(count)s records received", received) % {"count": _grouped(received)}]
    if under_way:
        parts.append(ngettext("%(count)s on its way", "%(count)s on their way", under_way) % {"count": _grouped(under_way)})
    if stuck:
        parts.append(ngettext("%(count)s needs attention", "%(count)s need attention", stuck) % {"count": _grouped(stuck)})
    if one.late:
        parts.append(ngettext("%(count)s late", "%(count)s late", one.late) % {"count": _grouped(one.late)})
    sentence = f"{one.channel.name}: {', '.join(parts)}."
    return sentence if one.channel.active else f"{sentence} {_('The channel is switched off.')}"


def _silence(one: ChannelOverview) -> str:
    """The other side does not answer: since when, what waits, and that nothing is lost."""
    since = one.channel.failing_since
    assert since is not None
    local = since.astimezone(clock.ZONE)
    moment = local.strftime("%H:%M") if local.date() == clock.now().astimezone(clock.ZONE).date() else date_format(local, "SHORT_DATETIME_FORMAT")
    text = _("%(channel)s has not answered since %(moment)s; %(count)s messages are waiting; nothing is lost.")
    waiting = _grouped(one.count(DeliveryState.WAITING, DeliveryState.SENT))
    return text % {"channel": one.channel.name, "moment": moment, "count": waiting}


def _grouped(count: int) -> str:
    """A whole number with its thousands, as the reader's language writes them."""
    return str(number_format(count, force_grouping=True))
