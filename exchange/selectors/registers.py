"""How the lines to the registers stand, for the operator: in a sentence, in numbers, and what went over them in either direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exchange.choices import BatchState, ChannelKind, FactState
from exchange.models import Channel, PartyFact, RegisterBatch, RegisterEntry, RegisterLane
from orgtree import clock
from registry.selectors.leaving import passed_on
from workflows.documents import parse

SHOWN = 8
KINDS = (ChannelKind.POPULATION, ChannelKind.PARTY)


@dataclass(frozen=True)
class RegisterStanding:
    """One register: lanes by what they wait for, its last batches, and of the Party database what it told."""

    channel: Channel
    known: int
    due: int
    asked: int
    withheld: int
    parked: int
    batches: Sequence[RegisterBatch]
    facts: Sequence[tuple[FactState, int]]

    @property
    def silent(self) -> bool:
        return self.channel.active and self.channel.failing_since is not None

    @property
    def waiting(self) -> int:
        return self.due + self.asked

    @property
    def sentence(self) -> str:
        """How the line stands, in one sentence."""
        waiting = ngettext("%(count)d person waits", "%(count)d people wait", self.waiting) % {"count": self.waiting}
        if not self.channel.active:
            return _("Switched off; {waiting}.").format(waiting=waiting)
        if self.channel.failing_since is not None:
            at = date_format(self.channel.failing_since.astimezone(clock.ZONE), "H:i d/m")
            return _("Not answering since {at}; {waiting}; nothing is lost.").format(at=at, waiting=waiting)
        if self.parked:
            return _("Some batches were not understood; {waiting}.").format(waiting=waiting)
        return _("Working; {waiting}.").format(waiting=waiting) if self.waiting else _("Everybody is settled; nothing waits.")


@dataclass(frozen=True)
class Told:
    """One line of the log of what went out: to whom it belongs, the names of the fields, never their values."""

    entry: RegisterEntry
    fields: Sequence[str]


def registers_standing() -> list[RegisterStanding]:
    """Every register that was ever connected; four queries each."""
    return [_standing(channel) for channel in Channel.objects.filter(kind__in=KINDS).order_by("-active", "-kind", "code")]


def told_out(channel: Channel) -> QuerySet[RegisterEntry]:
    """What went out over a register's line, the latest first."""
    return RegisterEntry.objects.filter(batch__channel=channel).select_related("staff", "batch").order_by("-batch__created_at", "position")


def told_lines(entries: Sequence[RegisterEntry]) -> list[Told]:
    return [Told(one, sorted(parse(bytes(one.payload)))) for one in entries]


def told_in(channel: Channel) -> QuerySet[PartyFact]:
    """What the Party database told, the latest first."""
    return PartyFact.objects.filter(channel=channel).select_related("staff", "request").order_by("-sequence")


def _standing(channel: Channel) -> RegisterStanding:
    lanes = RegisterLane.objects.filter(channel=channel).exclude(passed_on("staff"))
    counts = lanes.aggregate(
        known=Count("pk"),
        due=Count("pk", filter=Q(entry=None) & (Q(due_at__lte=clock.now()) | Q(again_at__lte=clock.now()))),
        asked=Count("pk", filter=Q(entry__isnull=False)),
        withheld=Count("pk", filter=Q(withheld=True)),
    )
    facts: dict[str, int] = {}
    if channel.kind == ChannelKind.PARTY:
        facts = dict(PartyFact.objects.filter(channel=channel).order_by().values_list("state").annotate(count=Count("pk")))
    return RegisterStanding(
        channel=channel,
        parked=lanes.filter(entry__batch__state=BatchState.PARKED).count(),
        batches=list(RegisterBatch.objects.filter(channel=channel).order_by("-created_at")[:SHOWN]),
        facts=[(state, facts[state]) for state in FactState if state in facts],
        **counts,
    )
