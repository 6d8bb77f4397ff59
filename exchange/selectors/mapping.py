"""Pairs of codes: the table of a side as it holds on a day, the page's lines, and what still wants a pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Min, Q

from exchange.choices import ChannelKind
from exchange.mapping import CodeTable, Pair
from exchange.models import Channel, CodeGap, CodePair, SharingClient
from orgtree import clock
from registry.models import CodeItem, RankCode
from registry.selectors.catalogues import RANKS, catalogue_title

LISTS_BESIDE = (RANKS,)


@dataclass(frozen=True)
class Side:
    """Somebody whose codes may differ from ours. `both` is whether anything comes from there that holds codes."""

    name: str
    title: str
    both: bool


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
    """The Party databases, and the programs with which files are shared."""
    channels = Channel.objects.filter(kind=ChannelKind.PARTY).order_by("code")
    programs = SharingClient.objects.filter(active=True).order_by("code")
    return [Side(side_of_channel(one), one.name, True) for one in channels] + [Side(side_of_program(one), one.name, False) for one in programs]


def code_table(side: str, *, on: date | None = None) -> CodeTable:
    """The pairs of a side that hold on a day (today). One query."""
    day = on or clock.today()
    present = CodePair.objects.filter(Q(valid_from=None) | Q(valid_from__lte=day), Q(valid_to=None) | Q(valid_to__gt=day), side=side, ended_at=None)
    return CodeTable.of(Pair(*row) for row in present.values_list("list", "code", "theirs", "way"))


def meanings(code_list: str) -> dict[str, str]:
    """What each of our codes of a list means, those in use first."""
    if code_list == RANKS:
        return dict(RankCode.objects.order_by("code").values_list("code", "title"))
    return dict(CodeItem.objects.filter(list=code_list).order_by("sort", "code").values_list("code", "name_vi"))


def list_names() -> list[tuple[str, str]]:
    """(name, title) of every list that may be mapped, by title."""
    names = {*CodeItem.objects.order_by().values_list("list", flat=True).distinct(), *LISTS_BESIDE}
    return sorted(((name, catalogue_title(name)) for name in names), key=lambda one: one[1])


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
