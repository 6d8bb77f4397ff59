"""The code lists as a page shows them: what may be used on a day, what has ended or is still to come, by what other names, from where."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from django.db.models import Count, Q

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from orgtree.text import plain
from registry.models import CodeItem
from registry.models.codes import CodeEntry
from registry.targets.codes import list_label


@dataclass(frozen=True)
class ListLine:
    name: str
    label: str
    count: int


@dataclass(frozen=True)
class CodeLine:
    """One code on a day. `state` is now, ended or coming; `version` that of the ledger, 0 for a code of the release."""

    item: CodeItem
    state: str
    version: int


def code_lists() -> list[ListLine]:
    """All lists, by their names."""
    rows = CodeItem.objects.order_by().values_list("list").annotate(count=Count("pk"))
    return sorted((ListLine(name, list_label(name), count) for name, count in rows), key=lambda one: plain(one.label))


@cache
def list_sources() -> Mapping[str, str]:
    """Where each list of the release comes from, in Vietnamese: law, form, or the national system (`registry/data/README.md`)."""
    with (Path(__file__).resolve().parent.parent / "data" / "code_list_sources.csv").open(encoding="utf-8", newline="") as handle:
        return {row["list"]: row["source"] for row in csv.DictReader(handle)}


def codes_of(*, name: str, text: str = "", on: date) -> Sequence[CodeLine]:
    """The codes of one list, those in use on the day first. `text` is part of a code, a name or another name, accents aside."""
    versions = dict(CodeEntry.objects.filter(list=name).values_list("code", "version"))
    asked = plain(text)
    lines = [
        CodeLine(item, _state(item, on), versions.get(item.code, 0))
        for item in CodeItem.objects.filter(list=name).order_by("sort", "code")
        if not asked or any(asked in plain(each) for each in (item.code, item.name_vi, item.name_en, *item.aliases))
    ]
    return sorted(lines, key=lambda line: line.state != "now")


def code_authority(user: User) -> OrgUnit | None:
    """The authority for which `user` may propose a change of a code, or None: it takes the right on every authority kept here."""
    roots = list(OrgUnit.objects.on(clock.today()).filter(parent=None).order_by("code"))
    return roots[0] if roots and not scope.outside(user, Action.EDIT, [root.pk for root in roots]) else None


def code_get(*, name: str, code: str) -> CodeItem | None:
    return CodeItem.objects.filter(Q(list=name, code=code)).first()


def _state(item: CodeItem, on: date) -> str:
    if item.valid_to is not None and item.valid_to <= on:
        return "ended"
    return "coming" if item.valid_from is not None and item.valid_from > on else "now"
