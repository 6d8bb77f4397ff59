"""What an upload would change: totals, and cells before and after, a page at a time however many there are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.db.models.fields.json import KeyTextTransform

from orgtree.text import plain
from registry.choices import ChangeKind, RowState
from registry.fields import label_of
from registry.models import StaffProfile, Upload, UploadChange, UploadRow
from workflows.selectors.differences import FieldChange, cell_changes

PAGE = 100
KIND = "staff_profile"
ACCEPTED = (RowState.STAGED, RowState.SUBMITTED)
UNDATED = "PAY_DATE_MISSING"
DATED_LATER = {UNDATED: "salary_history", "POST_DATE_MISSING": "postings"}  # what is recorded once its day is known
NEEDS_REASON = ("REASON_MISSING", UNDATED, "CHANGED_MEANWHILE")
ASKED = frozenset({*NEEDS_REASON, *DATED_LATER})


@dataclass(frozen=True)
class CellChange:
    """One cell: `place` is where the next page begins. `needs_reason` until somebody said why a verified value is overwritten."""

    place: int
    sheet_row: int
    key: UUID
    name: str
    kind: ChangeKind
    verified: bool
    reason: str
    needs_reason: bool
    change: FieldChange


@dataclass(frozen=True)
class FieldTotal:
    field: str
    label: str
    cells: int


@dataclass(frozen=True)
class ReasonAsked:
    """Cells of one field whose verified (or meanwhile changed) value would be overwritten, and that nobody gave a reason for.

    `undated`: they would be a new fact, and no reason would be asked, if the row said since when.
    """

    field: str
    label: str
    cells: int
    undated: bool


@dataclass(frozen=True)
class DayAsked:
    """Rows that state something new (`label` says what) without a day: `code` is what was found."""

    code: str
    label: str
    rows: int


@dataclass(frozen=True)
class NewFile:
    sheet_row: int
    name: str
    birth_date: str
    state: RowState


def change_page(
    *, upload: Upload, kind: str = "", field: str = "", text: str = "", after: int = 0, limit: int = PAGE
) -> tuple[list[CellChange], int | None]:
    """Cells of files on hand, by row, beyond the place `after`; and the place to ask the next page with."""
    wanted = _filtered(upload, kind, field, text).filter(pk__gt=after).order_by("pk")
    found = list(wanted[: limit + 1])
    shown = found[:limit]
    texts = cell_changes(KIND, [(one.pk, one.field, one.before, one.after) for one in shown])
    rows = {
        row["sheet_row"]: row
        for row in UploadRow.objects.filter(upload=upload, sheet_row__in={one.sheet_row for one in shown}).values("sheet_row", "reasons")
    }
    names = dict(StaffProfile.objects.filter(pk__in={one.key for one in shown}).values_list("pk", "birth_name"))
    asked = set(upload.findings.filter(code__in=NEEDS_REASON, sheet_row__in={one.sheet_row for one in shown}).values_list("sheet_row", "field"))
    lines = [
        CellChange(
            place=one.pk,
            sheet_row=one.sheet_row,
            key=one.key,
            name=names.get(one.key, ""),
            kind=ChangeKind(one.kind),
            verified=one.verified,
            reason=rows[one.sheet_row]["reasons"].get(one.field, ""),
            needs_reason=(one.sheet_row, one.field) in asked,
            change=texts[one.pk],
        )
        for one in shown
    ]
    return lines, shown[-1].pk if len(found) > limit else None


def field_totals(*, upload: Upload, kind: str = "") -> list[FieldTotal]:
    """How many cells each field changes, most first."""
    counted = _filtered(upload, kind, "", "").order_by().values_list("field").annotate(times=Count("pk")).order_by("-times", "field")
    return [FieldTotal(field, label_of(field), times) for field, times in counted]


def asked_of_people(*, upload: Upload) -> tuple[list[DayAsked], list[ReasonAsked]]:
    """What somebody has to say once for all rows of a kind, days first; one query."""
    found = upload.findings.filter(code__in=ASKED).order_by().values_list("code", "field").annotate(times=Count("sheet_row", distinct=True))
    days: Counter[str] = Counter()
    reasons: Counter[tuple[str, bool]] = Counter()
    for code, field, times in found:
        if code in DATED_LATER:
            days[code] += times
        if code in NEEDS_REASON:
            reasons[field, code == UNDATED] += times
    return (
        [DayAsked(code, label_of(DATED_LATER[code]), times) for code, times in sorted(days.items())],
        [
            ReasonAsked(field, label_of(field), times, undated)
            for (field, undated), times in sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
        ],
    )


def new_file_page(*, upload: Upload, text: str = "", after: int = 0, limit: int = PAGE) -> tuple[list[NewFile], int | None]:
    """Rows that found a new file, in the order of the sheet, beyond row `after`."""
    rows = UploadRow.objects.filter(upload=upload, op="create", state__in=ACCEPTED, sheet_row__gt=after).order_by("sheet_row")
    rows = _named(rows, text)
    found = list(rows.values_list("sheet_row", "values", "state")[: limit + 1])
    lines = [
        NewFile(row, (values or {}).get("birth_name", ""), _day((values or {}).get("birth_date")), RowState(state))
        for row, values, state in found[:limit]
    ]
    return lines, found[limit - 1][0] if len(found) > limit else None


def _filtered(upload: Upload, kind: str, field: str, text: str) -> QuerySet[UploadChange]:
    cells = UploadChange.objects.filter(upload=upload)
    if kind in ChangeKind.values:
        cells = cells.filter(kind=kind)
    elif kind == "verified":
        cells = cells.filter(verified=True)
    if field:
        cells = cells.filter(field=field)
    if text:
        people = StaffProfile.objects.filter(name_search__contains=plain(text)).values("pk")
        cells = cells.filter(key__in=people)
    return cells


def _named(rows: QuerySet[UploadRow], text: str) -> QuerySet[UploadRow]:
    return rows.annotate(name=KeyTextTransform("birth_name", "values")).filter(name__icontains=text) if text else rows


def _day(value: Any) -> str:
    return f"{value[8:]}/{value[5:7]}/{value[:4]}" if isinstance(value, str) and len(value) == 10 else ""
