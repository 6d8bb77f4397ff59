"""Rows of an upload as a grid: cells as text, with what was found at each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from registry.cells import doubt_of, kept, raw_of, text_of
from registry.choices import RowState
from registry.cleaning import Recipe, Recipes
from registry.fields import FIELDS, label_of
from registry.fields.written import columns_of
from registry.models import Upload, UploadRepair, UploadRow
from registry.selectors.uploads import FindingLine, finding_lines
from workflows.choices import Severity

PAGE = 50
BEYOND = 16_385  # the first column that no spreadsheet has: from there on stand those that were added here
_MISSED = {"code": "REQUIRED", "severity": Severity.ERROR}
TO_FIX = (RowState.RETURNED, RowState.UNDECIDED, RowState.WAITING)
_GRADES = {Severity.ERROR: "bad", Severity.WARNING: "warn"}


@dataclass(frozen=True)
class GridColumn:
    letter: str
    heading: str
    label: str
    added: bool = False  # here: the workbook has none


@dataclass(frozen=True)
class AddedField:
    """A field for which a column may be added; `rows` miss it."""

    field: str
    label: str
    rows: int


@dataclass(frozen=True)
class GridCell:
    """`grade` is "bad", "warn" or ""; `said` what is wrong and what to do, one sentence a finding."""

    letter: str
    text: str
    grade: str
    said: str
    edited: bool

    def as_json(self) -> dict[str, Any]:
        return {"text": self.text, "grade": self.grade, "said": self.said, "edited": self.edited}


@dataclass(frozen=True)
class GridRow:
    number: int
    version: int
    state: RowState
    cells: Sequence[GridCell]
    said: str

    def as_json(self) -> dict[str, Any]:
        return {
            "state": str(self.state),
            "state_label": str(self.state.label),
            "version": self.version,
            "said": self.said,
            "cells": {one.letter: one.as_json() for one in self.cells},
        }


def grid_columns(*, upload: Upload, letters: Iterable[str] | None = None) -> list[GridColumn]:
    """The columns that are read, in the order of the sheet; `letters` narrows them down."""
    wanted = None if letters is None else set(letters)
    return [
        GridColumn(one["column"], one["heading"], label_of(one["field"]), int(one["index"]) >= BEYOND)
        for one in upload.mapping
        if one["field"] and (wanted is None or one["column"] in wanted)
    ]


def columns_to_fix(*, upload: Upload, rows: Sequence[int]) -> set[str]:
    """Letters of the columns in which something was found in these rows, of those that say who it is, and of those that were added."""
    wrong = upload.findings.filter(sheet_row__in=rows).exclude(severity=Severity.SUGGESTION)
    found = set(wrong.exclude(column="").values_list("column", flat=True))
    told = ("birth_name", "citizen_id", "birth_date")
    return found | {one["column"] for one in upload.mapping if one["field"] in told or int(one["index"]) >= BEYOND}


def fields_to_add(*, upload: Upload) -> list[AddedField]:
    """Fields for which the workbook has no column: first those that rows miss, with how many."""
    there = {one["field"] for one in upload.mapping}
    missed: Counter[str] = Counter()
    for field, times in upload.findings.filter(**_MISSED).exclude(field="").order_by().values_list("field").annotate(times=Count("pk")):
        missed[columns_of(field)[0]] += times
    fields = [AddedField(one.name, str(one.label), missed[one.name]) for one in FIELDS if one.name not in there]
    return sorted(fields, key=lambda one: -one.rows)


def rows_missing(*, upload: Upload, field: str) -> list[int]:
    """Rows that miss a value of the field, in the order of the sheet."""
    found = upload.findings.filter(**_MISSED).exclude(field="").values_list("sheet_row", "field")
    return sorted({row for row, name in found if columns_of(name)[0] == field})


def grid_page(*, upload: Upload, after: int = 0, states: Sequence[RowState] = TO_FIX, limit: int = PAGE) -> tuple[list[UploadRow], int | None]:
    """Rows to look at beyond row `after`, in the order of the sheet, and where the next page begins."""
    rows = list(UploadRow.objects.filter(upload=upload, state__in=states, sheet_row__gt=after).order_by("sheet_row")[: limit + 1])
    return rows[:limit], rows[limit - 1].sheet_row if len(rows) > limit else None


def grid_rows(*, upload: Upload, rows: Sequence[UploadRow], columns: Sequence[GridColumn]) -> list[GridRow]:
    """Cells and findings of rows; two queries."""
    found: dict[int, list[FindingLine]] = {}
    for line in finding_lines(upload.findings.filter(sheet_row__in=[row.sheet_row for row in rows]).order_by("sheet_row", "id")):
        found.setdefault(line.sheet_row, []).append(line)
    shown = Shown(upload)
    return [_row(row, found.get(row.sheet_row, []), columns, shown) for row in rows]


def _row(row: UploadRow, found: Sequence[FindingLine], columns: Sequence[GridColumn], texts: Shown) -> GridRow:
    by_column: dict[str, list[FindingLine]] = {}
    for line in found:
        by_column.setdefault(line.column, []).append(line)
    shown = {one.letter for one in columns}
    rest = [line for letter, lines in by_column.items() if letter not in shown for line in lines]
    cells = [_cell(row, one.letter, by_column.get(one.letter, []), texts(row, one.letter)) for one in columns]
    return GridRow(row.sheet_row, row.version, RowState(row.state), cells, " ".join(_said(line, with_label=True) for line in rest))


def _cell(row: UploadRow, letter: str, found: Sequence[FindingLine], text: str) -> GridCell:
    grade = next((grade for severity, grade in _GRADES.items() if any(line.severity == severity for line in found)), "")
    edited = letter in row.edits
    doubt = "" if edited else doubt_of(row.raw.get(letter))
    said = " ".join(dict.fromkeys(_said(line) for line in found if not doubt or line.code))
    return GridCell(letter, text, grade, said, edited)


def _said(line: FindingLine, *, with_label: bool = False) -> str:
    start = f"{line.label or line.heading}: " if with_label and (line.label or line.heading) else ""
    return f"{start}{line.message} {line.repair}".strip()


def recipes_of(upload: Upload) -> Recipes:
    """The repairs in force on an upload, in the order in which they were agreed to."""
    recipes = Recipes()
    for one in UploadRepair.objects.filter(upload=upload, undone_at=None).order_by("pk"):
        recipes = recipes.with_(Recipe.from_json(one.recipe))
    return recipes


class Shown:
    """Cells of an upload's rows as people see them: as corrected here, else as sent with the repairs in force put over them."""

    def __init__(self, upload: Upload) -> None:
        self._recipes = recipes_of(upload)
        self._fields = {one["column"]: one["field"] for one in upload.mapping if one["field"] and not one.get("part")}

    def __call__(self, row: UploadRow, letter: str) -> str:
        if letter in row.edits:
            return row.edits[letter]
        stored = row.raw.get(letter)
        raw, field = raw_of(stored), self._fields.get(letter)
        if raw is None or field is None:
            return text_of(stored)
        after = self._recipes.repaired(field, raw)
        return text_of(stored if after == raw else kept(after))

    def of_row(self, row: UploadRow, mapping: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Every cell of a row, by column letter."""
        return {one["column"]: self(row, one["column"]) for one in mapping}
