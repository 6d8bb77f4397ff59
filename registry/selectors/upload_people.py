"""Whose rows they are: the ones a person must decide on, how the others were found, and who is missing from the workbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orgtree import clock
from orgtree.models import OrgUnit
from registry.choices import Match, RowState
from registry.fields import FORMER_NUMBER
from registry.masking import masked
from registry.models import StaffProfile, Upload, UploadRow
from registry.selectors.leaving import in_service

PAGE, MISSING_PAGE = 20, 100
# Why a file may be the row's: what agrees.
WHY: Mapping[str, str | Promise] = {
    "name": _("same name"),
    "birth_date": _("same date of birth"),
    "birth_swapped": _("same date of birth, day and month exchanged"),
    "birth_year": _("same year of birth"),
    "unit": _("same unit"),
    "staff_number": _("same staff number"),
    "old_card": _("same old identity card"),
}


@dataclass(frozen=True)
class Candidate:
    """A file on hand that may be the row's. `citizen_id` is masked; `why` says what agrees."""

    key: UUID
    name: str
    birth_date: Any
    unit: str
    staff_number: str
    citizen_id: str
    score: int
    why: Sequence[str | Promise]


@dataclass(frozen=True)
class Undecided:
    sheet_row: int
    name: str
    birth_date: str
    citizen_id: str
    staff_number: str
    old_card: str
    candidates: Sequence[Candidate]
    more: bool = False


def upload_units(upload: Upload) -> set[UUID]:
    """Keys of the upload's unit and of those below it."""
    unit = upload.unit
    below = OrgUnit.objects.on(clock.today()).filter(tree_id=unit.tree_id, lft__gte=unit.lft, rght__lte=unit.rght)
    return set(below.values_list("pk", flat=True))


def missing_people(upload: Upload) -> QuerySet[StaffProfile]:
    """Files of people in service in the upload's unit and those below it that no row of the workbook is about: listed, never deleted."""
    named = UploadRow.objects.filter(upload=upload, key__isnull=False).values("key")
    return in_service(StaffProfile.objects.filter(using_unit__in=upload_units(upload))).exclude(pk__in=named)


def undecided_page(*, upload: Upload, after: int = 0, limit: int = PAGE) -> tuple[list[Undecided], int | None]:
    """Rows that a person must decide on, in the order of the sheet."""
    rows = UploadRow.objects.filter(upload=upload, state=RowState.UNDECIDED, sheet_row__gt=after).order_by("sheet_row")
    found = list(rows.values_list("sheet_row", "values", "candidates")[: limit + 1])
    keys = {UUID(one["key"]) for _row, _values, candidates in found for one in candidates}
    people = {one.pk: one for one in StaffProfile.objects.filter(pk__in=keys).select_related("using_unit")}
    shown = found[:limit]
    many = set(
        upload.findings.filter(code="WHO_IS_IT_OF_MANY", sheet_row__in=[row for row, _values, _candidates in shown]).values_list(
            "sheet_row", flat=True
        )
    )
    lines = [_undecided(row, values or {}, candidates, people, more=row in many) for row, values, candidates in shown]
    return lines, found[limit - 1][0] if len(found) > limit else None


def match_totals(*, upload: Upload) -> list[tuple[str, int]]:
    """How the people of the rows were found, with counts."""
    counted = UploadRow.objects.filter(upload=upload, op="update").order_by().values_list("match").annotate(times=Count("pk")).order_by("-times")
    return [(str(Match(match).label), times) for match, times in counted if match]


def missing_page(
    *, upload: Upload, after: tuple[str, str] | None = None, limit: int = MISSING_PAGE
) -> tuple[list[StaffProfile], StaffProfile | None]:
    """Files of the unit that no row is about, by name; `after` is (name_sort, id) of the last one shown."""
    people = missing_people(upload).select_related("using_unit").order_by("name_sort", "id")
    if after is not None:
        people = people.extra(where=["(registry_staffprofile.name_sort, registry_staffprofile.id) > (%s, %s::uuid)"], params=list(after))
    found = list(people[: limit + 1])
    return found[:limit], found[limit - 1] if len(found) > limit else None


def _undecided(
    row: int, values: Mapping[str, Any], candidates: Sequence[Mapping[str, Any]], people: Mapping[UUID, StaffProfile], *, more: bool
) -> Undecided:
    day = values.get("birth_date", "")
    known = [(one, people[UUID(one["key"])]) for one in candidates if UUID(one["key"]) in people]
    return Undecided(
        sheet_row=row,
        name=values.get("birth_name", ""),
        birth_date=f"{day[8:]}/{day[5:7]}/{day[:4]}" if day else "",
        citizen_id=values.get("citizen_id", ""),
        staff_number=values.get("staff_number", ""),
        old_card=values.get(FORMER_NUMBER, ""),
        more=more,
        candidates=[
            Candidate(
                key=person.pk,
                name=person.birth_name,
                birth_date=person.birth_date,
                unit=person.using_unit.name,
                staff_number=person.staff_number or "",
                citizen_id=masked(person.citizen_id),
                score=one["score"],
                why=[WHY.get(each, each) for each in one["why"]],
            )
            for one, person in known
        ],
    )
