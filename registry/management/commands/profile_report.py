"""Where each item of the form lives: `registry/data/profile_fields.csv` against document, model, workbook, form page and printed form.

Exit status 0 only if nothing is missing. What is derived has no place in the document, a list none in the workbook; both say so.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.fields import BY_NAME, LIST_BY_NAME
from registry.models import LIVE_ROWS, StaffProfile
from registry.paper.probe import printed_names
from registry.schema import STAFF_PROFILE
from registry.selectors.acts import field_is_open, row_rights
from registry.services.codes import DATA
from workflows.choices import Act

PLACES = ("document", "model", "workbook", "form", "print")
MISSING = "MISSING"
# Items of the form that are one list here, several fields, or follow from others.
NAMES: Mapping[str, tuple[str, ...]] = {
    "work_history": ("postings",),
    "allowance_history": ("allowances",),
    "planned_post": ("planned_posts",),
    "date": ("overframe_date",),
    "overframe_pct": ("overframe_percent",),
    "amount": ("job_position_amount",),
    "height": ("height_cm",),
    "weight": ("weight_kg",),
    "blood": ("blood_group",),
    "income": ("incomes",),
    "houses": ("properties",),
    "land": ("properties",),
}
DERIVED: Mapping[str, str] = {
    "record_id": "citizen_id",
    "highest_degree": "degrees[]",
    "current_post": "postings[]",
    "workflow state": "ledger and deliveries",
}
# What is derived, by the name that the printed form knows it under.
PRINTED: Mapping[str, str] = {"workflow state": "version"}


@dataclass(frozen=True)
class Line:
    item: str
    name: str
    places: Mapping[str, str]

    @property
    def missing(self) -> list[str]:
        return [place for place in PLACES if self.places[place] == MISSING]


def lines() -> Iterator[Line]:
    """One line for each field that an item of the form consists of."""
    with (DATA / "profile_fields.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            for name in (part.strip().removesuffix("[]") for part in row["name_en"].split(",")):
                for ours in NAMES.get(name, (name,)):
                    yield Line(row["no"], ours, _derived(ours) if name in DERIVED else _places(ours))


def _derived(name: str) -> dict[str, str]:
    return {**dict.fromkeys(PLACES, f"from {DERIVED[name]}"), "print": _printed(PRINTED.get(name, name))}


def _printed(name: str) -> str:
    """The printed forms on which the value was found when both were rendered with a mark for each value."""
    return ", ".join(form for form, names in printed_names().items() if name in names) or MISSING


def _form(name: str) -> str:
    """The page of the section on which a correction may write the field."""
    described = BY_NAME.get(name)
    if described and described.kind == "picture":
        return "photo"
    return f"edit/{described.section.value}" if described and field_is_open(name, act=Act.CORRECT, base={}) else MISSING


def _form_of_rows(name: str) -> str:
    """The same for a list: rows are added, changed and removed there."""
    rights = row_rights(LIST_BY_NAME[name], act=Act.CORRECT)
    return f"edit/{LIST_BY_NAME[name].section.value}[]" if rights.add and rights.change else MISSING


def _places(name: str) -> dict[str, str]:
    schema: Mapping[str, Any] = {one.name: one for one in (*STAFF_PROFILE.fields, *STAFF_PROFILE.rows)}
    if name in LIVE_ROWS:
        return {
            "document": f"{name}[]" if name in schema else MISSING,
            "model": LIVE_ROWS[name].__name__,
            "workbook": "no: rows" if name in LIST_BY_NAME and name != "postings" else "posting.title",
            "form": _form_of_rows(name),
            "print": _printed(name),
        }
    columns = {column.column for column in StaffProfile._meta.concrete_fields}
    described = BY_NAME.get(name)
    return {
        "document": name if name in schema else MISSING,
        "model": f"StaffProfile.{name}" if name in schema and schema[name].column in columns else MISSING,
        "workbook": described.heading if described and described.headings else "no: picture" if described else MISSING,
        "form": _form(name),
        "print": _printed(name),
    }


class Command(BaseCommand):
    help = "Where each item of the form lives in document, model, workbook, form page and printed form; fails while any is missing."

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(lines())
        for line in found:
            self.stdout.write(f"{line.item:<6}{line.name:<24}" + "  ".join(f"{line.places[place][:34]:<34}" for place in PLACES))
        counts = {place: sum(line.places[place] == MISSING for line in found) for place in PLACES}
        self.stdout.write(f"{len(found)} fields; missing: " + ", ".join(f"{place} {count}" for place, count in counts.items()))
        if any(counts.values()):
            raise CommandError("something is missing; see MISSING above")
