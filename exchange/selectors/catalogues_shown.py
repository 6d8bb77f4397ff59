"""The hub's code lists as the agency's page shows them: what changes in words, what is to be chosen, who signed it, how each list stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _

from exchange.models import CatalogueChoice, CatalogueManifest, CatalogueRead, CatalogueSource
from exchange.selectors.catalogues import OPEN, CodeStanding, CodeState, ended_uses, standings
from orgtree import clock
from registry.selectors.catalogues import catalogue_title
from workflows.targets import target

SHOWN = 200  # lines of one part of the page; a list by itself shows its own
PULL_TAKES = timedelta(minutes=15)  # after which a pull that has not ended was killed


@dataclass(frozen=True)
class CodeLine:
    """One code of the hub's on the page. `changes` are (field, here, at the hub) in words; `uses` counts files on hand, None where nothing ends."""

    standing: CodeStanding
    title: str
    what: str
    changes: Sequence[tuple[str, str, str]]
    uses: int | None
    signed: CatalogueManifest
    choice: CatalogueChoice | None


@dataclass(frozen=True)
class ListLine:
    """How one catalogue stands here."""

    read: CatalogueRead
    title: str
    coming: int
    waiting: int
    clashes: int
    kept: int

    @property
    def current(self) -> bool:
        return not (self.coming or self.waiting or self.clashes)


@dataclass(frozen=True)
class Shown:
    """The page. `more` says how many lines of each part were left out."""

    lists: Sequence[ListLine]
    coming: Sequence[CodeLine]
    clashes: Sequence[CodeLine]
    kept: Sequence[CodeLine]
    requests: Sequence[object]
    takes: int
    more: int


def source_now() -> CatalogueSource | None:
    """The publisher that was asked last; None while none was."""
    return CatalogueSource.objects.select_related("channel").filter(channel__active=True).order_by("channel_id").first()


def pull_runs(source: CatalogueSource) -> bool:
    return source.begun_at is not None and source.begun_at > clock.now() - PULL_TAKES


def catalogues_shown(source: CatalogueSource, *, name: str = "") -> Shown:
    """The page of the publisher's lists, or of one of them."""
    found = standings(source)
    wanted = [one for one in found if not name or one.published.catalogue == name]
    parts = {
        "coming": [one for one in wanted if one.state in (CodeState.NEW, CodeState.CHANGED)],
        "clashes": [one for one in wanted if one.state == CodeState.CLASH],
        "kept": [one for one in wanted if one.state == CodeState.KEPT],
    }
    lines = _lines([one for part in parts.values() for one in part[:SHOWN]])
    return Shown(
        lists=_lists(source, found),
        coming=[lines[one.published.pk] for one in parts["coming"][:SHOWN]],
        clashes=[lines[one.published.pk] for one in parts["clashes"][:SHOWN]],
        kept=[lines[one.published.pk] for one in parts["kept"][:SHOWN]],
        requests=list(dict.fromkeys(one.request for one in found if one.request)),
        takes=sum(one.takes for one in found),
        more=sum(max(0, len(part) - SHOWN) for part in parts.values()),
    )


def _lists(source: CatalogueSource, found: Sequence[CodeStanding]) -> list[ListLine]:
    states: dict[str, list[CodeState]] = defaultdict(list)
    for one in found:
        states[one.published.catalogue].append(one.state)
    return [
        ListLine(
            read=read,
            title=catalogue_title(read.name),
            coming=sum(states[read.name].count(state) for state in OPEN if state != CodeState.CLASH),
            waiting=states[read.name].count(CodeState.WAITING),
            clashes=states[read.name].count(CodeState.CLASH),
            kept=states[read.name].count(CodeState.KEPT),
        )
        for read in CatalogueRead.objects.filter(source=source).order_by("name")
    ]


def _lines(found: Sequence[CodeStanding]) -> dict[int, CodeLine]:
    uses = ended_uses(found)
    return {
        one.published.pk: CodeLine(
            standing=one,
            title=catalogue_title(one.published.catalogue),
            what=_what(one),
            changes=_changes(one),
            uses=uses.get(one.published.pk),
            signed=one.published.manifest,
            choice=one.choice,
        )
        for one in found
    }


def _what(one: CodeStanding) -> str:
    """What happens to the code, in two or three words."""
    if one.ours is None:
        return _("New code")
    if one.ends:
        return _("Ends on %s") % f"{date.fromisoformat(one.ends):%d/%m/%Y}"
    return _("Renamed") if {"name_vi", "title"} & set(one.fields) else _("Changed")


def _changes(one: CodeStanding) -> list[tuple[str, str, str]]:
    about = target(one.published.kind)
    if one.ours is None:
        return []
    wanted = {name: (one.ours.get(name), one.theirs.get(name)) for name in one.fields}
    words = about.show_together(wanted)
    return [(about.label_of(name), words[name][before], words[name][after]) for name, (before, after) in wanted.items()]
