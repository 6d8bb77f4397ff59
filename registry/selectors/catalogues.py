"""Code lists, ranks and salary steps as the gate's documents, those of the release included; and how many files use a code.

For whoever compares them with another installation's (`exchange`): the keys are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from registry.fields import BY_NAME, LISTS
from registry.models import CodeItem, RankCode, SalaryStep, StaffProfile
from registry.targets.codes import CodeEntryTarget, code_key, list_label
from registry.targets.scales import RankEntryTarget, StepEntryTarget, rank_key, step_key
from workflows.documents import Document, parse, plain_value
from workflows.models import RecordVersion
from workflows.targets import target

RANKS, STEPS = "rank", "salary_step"
PROFILE = "staff_profile"


@dataclass(frozen=True)
class HeldCode:
    """A code as it stands here. `version` is the ledger's, 0 for a code of the release, whose document nobody signed."""

    document: Document
    version: int


def catalogue_title(name: str) -> str:
    """How a catalogue is called: a code list, `rank` or `salary_step`."""
    return {RANKS: _("Ranks and professional titles"), STEPS: _("Salary scale")}.get(name) or list_label(name)


def catalogue_of(kind: str, document: Document) -> str:
    """The catalogue to which a document of the gate belongs."""
    return {RankEntryTarget.kind: RANKS, StepEntryTarget.kind: STEPS}.get(kind) or str(document.get("list") or "")


def key_of(kind: str, document: Document) -> UUID:
    """The key that a document of this kind has in every installation."""
    if kind == RankEntryTarget.kind:
        return rank_key(str(document["code"]))
    if kind == StepEntryTarget.kind:
        return step_key(str(document["salary_class"]), str(document["step"]))
    return code_key(str(document["list"]), str(document["code"]))


def code_of(kind: str, document: Document) -> str:
    """The code as people say it; of a salary step class and step."""
    return f"{document['salary_class']}/{document['step']}" if kind == StepEntryTarget.kind else str(document["code"])


def name_of(kind: str, document: Document) -> str:
    """What the code means, in one line."""
    if kind == StepEntryTarget.kind:
        return str(document["coefficient"]).replace(".", ",")
    return str(document["title" if kind == RankEntryTarget.kind else "name_vi"] or "")


def held_codes(*, kinds: Collection[str], lists: Collection[str] | None = None) -> dict[UUID, HeldCode]:
    """Every code of these kinds by its key, as the gate would read it; of code lists only `lists`, where that is given."""
    held: dict[UUID, HeldCode] = {}
    for kind in kinds:
        for row in RELEASED[kind](lists):
            document = target(kind).schema.merge(None, {name: plain_value(value) for name, value in row.items()})
            held[key_of(kind, document)] = HeldCode(document, 0)
    newest = RecordVersion.objects.filter(kind__in=kinds).order_by("kind", "key", "-version").distinct("kind", "key")
    for key, version, body in newest.values_list("key", "version", "document__body"):
        document = parse(bytes(body))
        if lists is None or document.get("list", "") in ("", *lists):
            held[key] = HeldCode(document, version)
    return held


def _items(lists: Collection[str] | None) -> Iterable[dict[str, Any]]:
    items = CodeItem.objects.order_by() if lists is None else CodeItem.objects.order_by().filter(list__in=lists)
    names = ("list", "code", "name_vi", "name_en", "sort", "valid_from", "valid_to", "source")
    for row in items.values(*names, "aliases"):
        yield {**row, "name_en": row["name_en"] or None, "source": row["source"] or None, "aliases": "|".join(row["aliases"]) or None}


def _ranks(_lists: Collection[str] | None) -> Iterable[dict[str, Any]]:
    names = ("code", "title", "grade", "salary_class", "old_code", "valid_from", "valid_to", "source")
    for row in RankCode.objects.order_by().values(*names, "group"):
        yield {"category": row.pop("group")} | {name: value if value != "" else None for name, value in row.items()}


def _steps(_lists: Collection[str] | None) -> Iterable[dict[str, Any]]:
    names = ("salary_class", "step", "coefficient", "months", "max_step", "source")
    for row in SalaryStep.objects.order_by().values(*names):
        yield {**row, "coefficient": f"{row['coefficient']:.2f}", "source": row["source"] or None}


RELEASED: Mapping[str, Callable[[Collection[str] | None], Iterable[dict[str, Any]]]] = {
    CodeEntryTarget.kind: _items,
    RankEntryTarget.kind: _ranks,
    StepEntryTarget.kind: _steps,
}


def code_uses(*, name: str, codes: Collection[str]) -> dict[str, int]:
    """How many files on hand use each of these codes anywhere; a code that no file uses is missing. A salary step is asked as "class/step"."""
    if not codes or name == STEPS:
        return {}
    placed = [rows.filter(**{f"{column}__in": list(codes)}).order_by().values_list(column, person) for rows, person, column in _places(name)]
    if not placed:
        return {}
    people: dict[str, set[UUID]] = {}
    for code, key in placed[0].union(*placed[1:]):
        people.setdefault(code, set()).add(key)
    return {code: len(keys) for code, keys in people.items()}


def _places(name: str) -> Iterable[tuple[QuerySet[Any], str, str]]:
    """Where a file has codes of this catalogue: rows, the column of the person's key, the column of the code."""
    kind = "rank" if name == RANKS else "code"
    for field in BY_NAME.values():
        if field.kind == kind and field.code_list == ("" if kind == "rank" else name) and not field.is_beside:
            yield StaffProfile.objects.all(), "pk", field.name
    for rows in LISTS:
        for column in rows.columns:
            if column.kind == kind and column.code_list == ("" if kind == "rank" else name):
                bound = target(PROFILE).rows[rows.name]
                yield bound.live._default_manager.all(), bound.parent, column.name
