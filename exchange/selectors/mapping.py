"""Pairs of codes: the table of a side as it holds on a day, the page's lines, and what still wants a pair."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Min, Q
from django.utils.translation import gettext as _

from exchange.choices import ChannelKind
from exchange.mapping import BOTH, IN, OUT, CodeTable, Pair
from exchange.models import Channel, CodeGap, CodePair, SharingClient
from orgtree import clock
from orgtree.models import OrgUnit
from registry.models import CodeItem, Posting, RankCode, SourceProgram
from registry.program_codes import TITLE, UNIT
from registry.selectors.catalogues import RANKS, catalogue_title

LISTS_BESIDE = (RANKS,)
MOST_TITLES = 300  # proposed; any other may be written
FROM_WORKBOOKS = "upload."  # a program that workbooks come from has codes of its own also for units, and for posts, which are texts here


@dataclass(frozen=True)
class Side:
    """Somebody whose codes may differ from ours. `way` is the direction in which its pairs are used."""

    name: str
    title: str
    way: str = BOTH

    @property
    def both(self) -> bool:
        return self.way == BOTH

    @property
    def is_source(self) -> bool:
        """A program that workbooks come from."""
        return self.name.startswith(FROM_WORKBOOKS)


@dataclass(frozen=True)
class GapLine:
    """A code without a pair, with the number of people for whom something waits."""

    way: str
    list: str
    title: str
    code: str
    meaning: str
    people: int
    since: date


@dataclass(frozen=True)
class PairLine:
    pair: CodePair
    meaning: str


def side_of_channel(channel: Channel) -> str:
    return f"channel.{channel.code}"


def side_of_program(client: SharingClient) -> str:
    return f"program.{client.code}"


def sides() -> list[Side]:
    """The Party databases, the programs with which files are shared, and those that workbooks come from."""
    channels = Channel.objects.filter(kind=ChannelKind.PARTY).order_by("code")
    programs = SharingClient.objects.filter(active=True).order_by("code")
    return [
        *(Side(side_of_channel(one), one.name) for one in channels),
        *(Side(side_of_program(one), one.name, OUT) for one in programs),
        *(Side(one.side, one.name, IN) for one in SourceProgram.objects.filter(active=True)),
    ]


def code_table(side: str, *, on: date | None = None) -> CodeTable:
    """The pairs of a side that hold on a day (today). One query."""
    day = on or clock.today()
    present = CodePair.objects.filter(Q(valid_from=None) | Q(valid_from__lte=day), Q(valid_to=None) | Q(valid_to__gt=day), side=side, ended_at=None)
    return CodeTable.of(Pair(*row) for row in present.values_list("list", "code", "theirs", "way"))


def meanings(code_list: str) -> dict[str, str]:
    """What each of our codes of a list means, those in use first."""
    return meanings_of([code_list])[code_list]


def meanings_of(lists: Collection[str]) -> dict[str, dict[str, str]]:
    """`meanings` of several lists: one query for all that are code lists."""
    found: dict[str, dict[str, str]] = {name: BESIDE[name]() for name in lists if name in BESIDE}
    if plain := set(lists) - BESIDE.keys():
        found |= {name: {} for name in plain}
        for name, code, said in CodeItem.objects.filter(list__in=plain).order_by("sort", "code").values_list("list", "code", "name_vi"):
            found[name][code] = said
    return found


def _ranks() -> dict[str, str]:
    return dict(RankCode.objects.order_by("code").values_list("code", "title"))


def _units() -> dict[str, str]:
    return dict(OrgUnit.objects.on(clock.today()).order_by("tree_id", "lft").values_list("code", "name"))


def _titles() -> dict[str, str]:
    """Posts that people hold, the most frequent first; a post is a text, so it means itself."""
    titles = Posting.objects.filter(valid_to=None).order_by().values_list("title", flat=True).annotate(held=Count("pk")).order_by("-held", "title")
    return {one: one for one in titles[:MOST_TITLES]}


BESIDE = {RANKS: _ranks, UNIT: _units, TITLE: _titles}


def list_names(side: str = "") -> list[tuple[str, str]]:
    """(name, title) of every list of which pairs with `side` may be kept, by title."""
    names = {*CodeItem.objects.order_by().values_list("list", flat=True).distinct(), *LISTS_BESIDE}
    named = [(name, catalogue_title(name)) for name in names] + ([(UNIT, _("Units")), (TITLE, _("Posts"))] if side.startswith(FROM_WORKBOOKS) else [])
    return sorted(named, key=lambda one: one[1])


def pair_lines(side: str, code_list: str) -> list[PairLine]:
    known = meanings(code_list)
    present = CodePair.objects.filter(side=side, list=code_list, ended_at=None).order_by("code", "valid_from")
    return [PairLine(one, known.get(one.code, "")) for one in present]


def lists_mapped(side: str) -> dict[str, int]:
    """Present pairs of a side, by list."""
    rows = CodePair.objects.filter(side=side, ended_at=None).order_by().values_list("list").annotate(count=Count("pk"))
    return dict(rows)


def gap_lines(side: str) -> list[GapLine]:
    """Codes without a pair, those for which most people wait first."""
    rows = (
        CodeGap.objects.filter(side=side)
        .order_by()
        .values_list("way", "list", "code")
        .annotate(people=Count("staff", distinct=True), since=Min("noticed_at"))
    )
    known = {name: meanings(name) for name in {row[1] for row in rows}}
    found = [
        GapLine(
            way, name, catalogue_title(name), code, known[name].get(code, "") if way == "out" else "", people, since.astimezone(clock.ZONE).date()
        )
        for way, name, code, people, since in rows
    ]
    return sorted(found, key=lambda one: (-one.people, one.title, one.code))


def gap_count(side: str) -> int:
    return CodeGap.objects.filter(side=side).order_by().values("staff").distinct().count()


def exported_rows(side: str) -> Sequence[dict[str, str]]:
    """Every present pair of a side, and every code that still wants one with an empty place for it, as rows of a spreadsheet."""
    pairs = CodePair.objects.filter(side=side, ended_at=None).order_by("list", "code", "valid_from")
    gaps = gap_lines(side)
    known = {name: meanings(name) for name in {*(one.list for one in pairs), *(one.list for one in gaps)}}
    rows = [
        {
            "list": one.list,
            "code": one.code,
            "name": known[one.list].get(one.code, ""),
            "theirs": one.theirs,
            "way": one.way,
            "valid_from": one.valid_from.isoformat() if one.valid_from else "",
            "valid_to": one.valid_to.isoformat() if one.valid_to else "",
        }
        for one in pairs
    ]
    wanted = [(one, "code" if one.way == "out" else "theirs") for one in gaps]
    return rows + [{"list": one.list, "name": one.meaning, "way": "both", column: one.code} for one, column in wanted]
