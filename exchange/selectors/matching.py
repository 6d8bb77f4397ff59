"""How the files of one's units stand beside the population database: figures by outcome and unit, the work queue, one person's story."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exchange.choices import ChannelKind, DisputeState, MatchOutcome, MatchOwner
from exchange.models import Channel, MatchDispute, OutcomeCode, PopulationMatch, RegisterEntry
from exchange.population import (
    CODE_UNKNOWN,
    CONTRADICTION,
    DEFAULT_CODES,
    DIFFERENCES,
    OTHER_PERSON,
    UNREADABLE,
    Judged,
    held_value,
    judge,
    read_answer,
)
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from registry.fields import label_of
from registry.masking import masked
from registry.models import StaffProfile
from registry.selectors.leaving import passed_on
from registry.targets import show_together
from workflows.choices import OPEN_STATES
from workflows.documents import parse

PAGE = 50
WORK = tuple(one for one in MatchOutcome if one not in (MatchOutcome.MATCHED, MatchOutcome.NOT_CHECKED))
LOOKS = {MatchOutcome.MATCHED: "hs-chip-good", MatchOutcome.NOT_CHECKED: "", MatchOutcome.ERROR: "hs-chip-warn"}

# What to do about each outcome, in a sentence.
ADVICE: Mapping[MatchOutcome, str | Promise] = {
    MatchOutcome.NAME_DIFF: gettext_lazy("Compare both with the identity card. Where the card agrees with the database, take its value over."),
    MatchOutcome.DOB_DIFF: gettext_lazy("Compare both with the birth certificate. Where it agrees with the database, take its value over."),
    MatchOutcome.GENDER_DIFF: gettext_lazy("Compare with the identity card; one of the two is a slip of the pen."),
    MatchOutcome.ID_NOT_FOUND: gettext_lazy("Copy the 12 digits from the identity card once more; an old number of 9 digits is not known there."),
    MatchOutcome.ID_CANCELLED: gettext_lazy("Ask the person for the new card. Where they have none, the police settle it."),
    MatchOutcome.DUPLICATE_ID: gettext_lazy("The police settle whose number it is; the person applies at the police of the commune."),
    MatchOutcome.ERROR: gettext_lazy("Nothing to do: the program asks again by itself. When it lasts, tell the operator of the exchange."),
}
ERRORS: Mapping[str, str | Promise] = {
    OTHER_PERSON: gettext_lazy("the answer was about somebody else"),
    CODE_UNKNOWN: gettext_lazy("the database used a code that this program does not know"),
    UNREADABLE: gettext_lazy("the answer could not be read"),
    CONTRADICTION: gettext_lazy("the database gave two answers that disagree"),
}


@dataclass(frozen=True)
class UnitShare:
    """How far one unit with all below it is: people, how many match, how many need somebody."""

    unit: OrgUnit
    people: int
    matched: int
    work: int

    @property
    def share(self) -> float | None:
        """Per cent that match, one digit, never rounded up to 100."""
        return int(1000 * self.matched / self.people) / 10 if self.people else None


@dataclass(frozen=True)
class Standing:
    """The figures of a page. `total` counts everybody of the units in sight, `outcomes` all outcomes with their numbers."""

    outcomes: Sequence[tuple[MatchOutcome, int]]
    owners: Mapping[str, int]
    units: Sequence[UnitShare]
    total: int
    overdue: int

    @property
    def matched(self) -> int:
        return dict(self.outcomes).get(MatchOutcome.MATCHED, 0)

    @property
    def share(self) -> float | None:
        return int(1000 * self.matched / self.total) / 10 if self.total else None


@dataclass(frozen=True)
class Difference:
    """One field that differs, in words. `takes` says that the value held can be taken over as it is."""

    name: str
    label: str
    ours: str
    held: str
    takes: bool


@dataclass(frozen=True)
class Line:
    """One person of the queue. `differences` is None where the reader may not see what the database holds."""

    match: PopulationMatch
    number: str
    differences: Sequence[Difference] | None
    dispute: MatchDispute | None
    may_edit: bool

    @property
    def outcome(self) -> MatchOutcome:
        return MatchOutcome(self.match.outcome)

    @property
    def look(self) -> str:
        return LOOKS.get(self.outcome, "hs-chip-bad")

    @property
    def is_under_way(self) -> bool:
        return self.match.correction is not None and self.match.correction.state in OPEN_STATES

    @property
    def is_overdue(self) -> bool:
        return self.dispute is not None and self.dispute.due_on < clock.today()

    @property
    def may_correct(self) -> bool:
        return self.may_edit and not self.is_under_way and bool(self.differences) and all(one.takes for one in self.differences or ())

    @property
    def advice(self) -> str | Promise:
        return ADVICE.get(self.outcome, "")

    @property
    def error(self) -> str | Promise:
        return ERRORS.get(self.match.code, self.match.code) if self.outcome == MatchOutcome.ERROR else ""


@dataclass(frozen=True)
class Asked:
    """One question of a person's story and what came of it."""

    entry: RegisterEntry
    outcome: MatchOutcome | None
    look: str
    differs: Sequence[str] = field(default=())


def population_channel() -> Channel | None:
    return Channel.objects.filter(kind=ChannelKind.POPULATION, active=True).order_by("pk").first()


def matches_seen(user: User) -> QuerySet[PopulationMatch]:
    """Those in sight of people who are still this agency's."""
    return scope.scoped(PopulationMatch.objects.exclude(passed_on("staff")), user, Action.VIEW, "staff__using_unit")


def standing(*, user: User, unit: OrgUnit | None) -> Standing:
    """The figures of a unit's subtree, or of everything in sight, and of the units one level below. Four queries."""
    seen = _within(matches_seen(user), unit)
    rows = list(seen.order_by().values_list("outcome", "owner", "staff__using_unit__tree_id", "staff__using_unit__lft").annotate(count=Count("pk")))
    outcomes: Counter[str] = Counter()
    owners: Counter[str] = Counter()
    for outcome, owner, _tree, _left, count in rows:
        outcomes[outcome] += count
        owners[owner] += count if outcome in WORK else 0
    overdue = MatchDispute.objects.filter(match__in=seen, state=DisputeState.OPEN, due_on__lt=clock.today()).count()
    listed = [(one, outcomes[one]) for one in MatchOutcome]
    return Standing(listed, owners, _shares(_below(user, unit), rows), sum(outcomes.values()), overdue)


def queue(*, user: User, unit: OrgUnit | None, outcome: str = "", owner: str = "", overdue: bool = False) -> QuerySet[PopulationMatch]:
    """Whom something is to be done about, the longest waiting first; an outcome lists everybody who has it."""
    rows = _within(matches_seen(user), unit)
    rows = rows.filter(outcome=outcome) if outcome in MatchOutcome.values else rows.filter(outcome__in=WORK)
    if owner in MatchOwner.values and owner:
        rows = rows.filter(owner=owner)
    if overdue:
        rows = rows.filter(disputes__state=DisputeState.OPEN, disputes__due_on__lt=clock.today())
    return rows.select_related("staff__using_unit", "entry", "correction").order_by("since", "staff__name_sort", "pk")


def lines(*, user: User, matches: Sequence[PopulationMatch]) -> list[Line]:
    """The people of a page with what differs, in words; five queries."""
    units = {one.staff.using_unit_id for one in matches}
    no_edit = scope.outside(user, Action.EDIT, units)
    closed = scope.outside(user, Action.APPROVE, no_edit)
    disputes = {one.match_id: one for one in MatchDispute.objects.filter(match__in=[one.pk for one in matches], state=DisputeState.OPEN)}
    open_ = [one for one in matches if one.staff.using_unit_id not in closed]
    words = _differences(open_)
    return [
        Line(one, masked(one.staff.citizen_id), words.get(one.pk), disputes.get(one.pk), one.staff.using_unit_id not in no_edit) for one in matches
    ]


def match_line(*, user: User, profile: StaffProfile) -> Line | None:
    """One person's row, or None when nobody has compared them yet."""
    match = PopulationMatch.objects.select_related("staff__using_unit", "entry", "correction").filter(staff=profile).first()
    return lines(user=user, matches=[match])[0] if match is not None else None


def story(*, profile: StaffProfile, limit: int = 30) -> list[Asked]:
    """What the population database was asked about a person and what it said, the latest first. Two queries."""
    codes = {**DEFAULT_CODES, **{code: MatchOutcome(outcome) for code, outcome in OutcomeCode.objects.values_list("code", "outcome")}}
    entries = RegisterEntry.objects.filter(staff=profile, batch__channel__kind=ChannelKind.POPULATION).select_related("batch")
    found = []
    for entry in entries.order_by("-batch__created_at")[:limit]:
        judged = _judged(entry, codes)
        labels = [label_of(name) for name in judged.differs] if judged else []
        found.append(Asked(entry, judged.outcome if judged else None, LOOKS.get(judged.outcome, "hs-chip-bad") if judged else "", labels))
    return found


def disputes_of(profile: StaffProfile) -> QuerySet[MatchDispute]:
    return MatchDispute.objects.filter(match=profile.pk).select_related("raised_by", "closed_by")


def papers_named() -> QuerySet[MatchDispute, str]:
    """Hashes of the papers of all disputes: the sweep of evidence leaves them."""
    return MatchDispute.objects.exclude(sha256="").order_by().values_list("sha256", flat=True).distinct()


def match_sentence(match: PopulationMatch | None, *, dispute: MatchDispute | None = None) -> str:
    """How a person stands beside the population database, in one sentence; "" where none is connected."""
    if match is None:
        return ""
    outcome = MatchOutcome(match.outcome)
    if match.checked_at is None:
        return _("Not compared with the population database yet.")
    day = _day(match.checked_at)
    if outcome == MatchOutcome.MATCHED:
        return _("Agrees with the population database, compared on {day}.").format(day=day)
    if match.correction is not None and match.correction.state in OPEN_STATES:
        return _("Differs from the population database; the correction waits for its decision.")
    said = str(outcome.label)
    if match.owner == MatchOwner.POLICE:
        return _("Population database, {day}: {said}. It is the police's turn.").format(day=day, said=said)
    return _("Population database, {day}: {said}.").format(day=day, said=said)


def _judged(entry: RegisterEntry, codes: Mapping[str, MatchOutcome]) -> Judged | None:
    """What an entry's answer means by the codes of today; None while there is none."""
    if not entry.answer:
        return None
    if len(entry.answer) > 1:
        return Judged(MatchOutcome.ERROR, code=CONTRADICTION)
    answer = read_answer(entry.answer[0])
    if answer is None:
        return Judged(MatchOutcome.ERROR, code=UNREADABLE)
    return judge(asked=parse(bytes(entry.payload)), answer=answer, codes=codes)


def _differences(matches: Sequence[PopulationMatch]) -> dict[UUID, list[Difference]]:
    """What differs of each, in words; one query. What the database holds is shown as it came where it is no value of ours (a year alone)."""
    pairs: list[tuple[UUID, str, str, str | None, str]] = []
    for one in matches:
        answer = read_answer(one.entry.answer[0]) if one.entry is not None and one.entry.answer else None
        asked: dict[str, Any] = parse(bytes(one.entry.payload)) if one.entry is not None else {}
        for name in one.differs:
            if name in DIFFERENCES and answer is not None:
                raw = getattr(answer, name) or ""
                pairs.append((one.pk, name, asked.get(name, ""), held_value(name, raw), raw))
    wanted: dict[str, set[Any]] = {}
    for _key, name, ours, held, _raw in pairs:
        wanted.setdefault(name, set()).update(value for value in (ours, held) if value)
    words = show_together(wanted) if wanted else {}
    found: dict[UUID, list[Difference]] = {one.pk: [] for one in matches}
    for key, name, ours, held, raw in pairs:
        told = words[name].get(held, raw) if held else raw
        found[key].append(Difference(name, label_of(name), words[name].get(ours, ours), told or _("not told"), held is not None))
    return found


def _within(rows: QuerySet[PopulationMatch], unit: OrgUnit | None) -> QuerySet[PopulationMatch]:
    if unit is None:
        return rows
    return rows.filter(staff__using_unit__tree_id=unit.tree_id, staff__using_unit__lft__range=(unit.lft, unit.rght))


def _below(user: User, unit: OrgUnit | None) -> list[OrgUnit]:
    """The units one level below; of everything in sight the topmost ones, or what is below the one there is."""
    if unit is None:
        tops = list(scope.tops(user, Action.VIEW))
        if len(tops) != 1:
            return tops
        unit = tops[0]
    return list(OrgUnit.objects.filter(parent=unit).order_by("sort_key"))


def _shares(units: Collection[OrgUnit], rows: Iterable[tuple[str, str, int, int, int]]) -> list[UnitShare]:
    """The counts of each unit with all below it; units without anybody are left out, where most is to be done comes first."""
    places = sorted(units, key=lambda one: (one.tree_id, one.lft))
    starts = [(one.tree_id, one.lft) for one in places]
    counts: dict[UUID, Counter[str]] = {one.pk: Counter() for one in places}
    for outcome, _owner, tree, left, count in rows:
        place = bisect_right(starts, (tree, left)) - 1
        if place >= 0 and places[place].tree_id == tree and left <= places[place].rght:
            counts[places[place].pk][outcome] += count
    shares = [
        UnitShare(one, counts[one.pk].total(), counts[one.pk][MatchOutcome.MATCHED], sum(counts[one.pk][each] for each in WORK)) for one in units
    ]
    return sorted((one for one in shares if one.people), key=lambda one: -one.work)


def _day(moment: datetime) -> str:
    day: date = moment.astimezone(clock.ZONE).date()
    return date_format(day, "SHORT_DATE_FORMAT")
