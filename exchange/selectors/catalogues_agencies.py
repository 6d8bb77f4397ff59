"""On the hub: what is published, what of the lists nobody has signed yet, and how far each agency has it, as it said itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from exchange.catalogue_contract import CATALOGUE_KINDS, CatalogueHead
from exchange.models import Agency, AgencyCatalogue
from exchange.selectors.catalogues_published import catalogue_heads
from registry.selectors.catalogues import catalogue_of, catalogue_title, held_codes


@dataclass(frozen=True)
class PublishedLine:
    """One list at the hub: `head` None while nothing of it is published; `unpublished` codes of it bear nobody's signature."""

    name: str
    title: str
    head: CatalogueHead | None
    unpublished: int
    current: int  # agencies that hold this very version, all of it in force


@dataclass(frozen=True)
class AgencyLine:
    """How far one agency is. `behind` are the lists of which it holds an older version or where something waits: (title, its version, waiting)."""

    agency: Agency
    reported_at: datetime | None
    current: int
    behind: Sequence[tuple[str, int, int]]
    kept: int


def published_lines(heads: Sequence[CatalogueHead], held: Mapping[str, Sequence[AgencyCatalogue]]) -> list[PublishedLine]:
    by_name = {one.name: one for one in heads}
    counts: dict[str, int] = defaultdict(int)
    for one in held_codes(kinds=CATALOGUE_KINDS).values():
        counts[catalogue_of(one.document["schema"].partition("/")[0], one.document)] += 1
    titles = {name: catalogue_title(name) for name in counts}
    return [
        PublishedLine(
            name=name,
            title=title,
            head=by_name.get(name),
            unpublished=counts[name] - (by_name[name].codes if name in by_name else 0),
            current=sum(_current(one, by_name.get(name)) for one in held.get(name, ())),
        )
        for name, title in sorted(titles.items(), key=lambda one: (one[0] not in by_name, one[1]))
    ]


def agency_lines(heads: Sequence[CatalogueHead]) -> list[AgencyLine]:
    by_name = {one.name: one for one in heads}
    reported: dict[int, dict[str, AgencyCatalogue]] = defaultdict(dict)
    for one in AgencyCatalogue.objects.all():
        reported[one.agency_id][one.name] = one
    return [_agency(agency, reported.get(agency.pk, {}), by_name) for agency in Agency.objects.filter(active=True).order_by("code")]


def _agency(agency: Agency, said: Mapping[str, AgencyCatalogue], heads: Mapping[str, CatalogueHead]) -> AgencyLine:
    current = [name for name, head in heads.items() if name in said and _current(said[name], head)]
    behind = [
        (head.title, said[name].version if name in said else 0, said[name].waiting if name in said else 0)
        for name, head in heads.items()
        if name not in current
    ]
    return AgencyLine(
        agency=agency,
        reported_at=max((one.reported_at for one in said.values()), default=None),
        current=len(current),
        behind=behind if said else (),
        kept=sum(one.kept for one in said.values()),
    )


def _current(said: AgencyCatalogue, head: CatalogueHead | None) -> bool:
    return head is not None and said.version == head.version and not said.waiting


def hub_catalogues() -> tuple[list[PublishedLine], list[AgencyLine]]:
    """The hub's page: lists and agencies."""
    heads = catalogue_heads()
    held: dict[str, list[AgencyCatalogue]] = defaultdict(list)
    for one in AgencyCatalogue.objects.filter(agency__active=True):
        held[one.name].append(one)
    return published_lines(heads, held), agency_lines(heads)
