"""What must be filled in, as the administrator's page shows it, and how complete a file is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

from registry.choices import Section
from registry.fields import BY_NAME, LIST_BY_NAME, SECTION_FIELDS, SECTION_LISTS, label_of
from registry.models import FieldDemand
from registry.rules.demands import DEFAULTS, FIXED, Demands, demands, demands_with
from workflows.documents import Document


@dataclass(frozen=True)
class DemandLine:
    """One field or list: whether it is asked for when a file is made and when it is sent, and how it departs from the default."""

    name: str
    label: str
    item: str
    at_draft: bool
    at_sync: bool
    is_fixed: bool
    is_list: bool
    departure: FieldDemand | None

    @property
    def default(self) -> tuple[bool, bool]:
        return self.name in DEFAULTS.at_draft, self.name in DEFAULTS.at_sync


@dataclass(frozen=True)
class DemandSection:
    title: str | Promise
    name: str
    lines: Sequence[DemandLine]


@dataclass(frozen=True)
class Lack:
    """What a file lacks, and the section in which it is filled in; `anchor` is its place on that page."""

    name: str
    label: str
    section: str

    @property
    def anchor(self) -> str:
        return f"{'t' if self.name in LIST_BY_NAME else 'f'}-{self.name}"


@dataclass(frozen=True)
class Completeness:
    """How much of what is asked for when a file is sent is there: `filled` of `asked` fields and lists."""

    filled: int
    asked: int
    lacks: Sequence[Lack]

    @property
    def percent(self) -> int:
        """Never 100 while anything is missing."""
        return self.filled * 100 // self.asked


def demand_sections() -> tuple[list[DemandSection], Demands]:
    """All fields and lists by section, and what is asked for now. One query."""
    departures = {one.name: one for one in FieldDemand.objects.select_related("changed_by")}
    asked = demands_with((one.name, one.at_draft, one.at_sync) for one in departures.values())
    return [DemandSection(one.label, one.value, [_line(name, asked, departures.get(name)) for name in _names(one)]) for one in Section], asked


def completeness_of(document: Document) -> Completeness:
    """How complete the present version of a file is; the live tables hold the same. One query."""
    asked = demands().at_sync
    lacks = [Lack(name, label_of(name), one.value) for one in Section for name in _names(one) if name in asked and _is_missing(document, name)]
    return Completeness(len(asked) - len(lacks), len(asked), lacks)


def _names(section: Section) -> list[str]:
    return [*SECTION_FIELDS[section], *(one.name for one in SECTION_LISTS[section])]


def _line(name: str, asked: Demands, departure: FieldDemand | None) -> DemandLine:
    described = BY_NAME.get(name) or LIST_BY_NAME[name]
    is_list = name in LIST_BY_NAME
    return DemandLine(name, label_of(name), described.item, name in asked.at_draft, name in asked.at_sync, name in FIXED, is_list, departure)


def _is_missing(document: Document, name: str) -> bool:
    """As the rules see it: nothing there, and nothing that stands in for it."""
    if name in LIST_BY_NAME:
        return not document[name]
    instead = BY_NAME[name].unless
    return document[name] is None and not (instead and document[instead] is not None)
