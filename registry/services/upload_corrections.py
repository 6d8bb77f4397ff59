"""Rows that come back in the workbook of returned rows: merged into the upload they came from, cell by cell, by row and version.

The workbook carries, on a hidden sheet, which upload it is from and what each cell held when it was written (`registry.returned`). A cell
that was changed there and not here is taken; one that was changed here and not there stays; one that was changed on both sides, to
different values, stays as it is here and is told. Nothing is overwritten unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from orgtree import scope
from orgtree.choices import Action
from orgtree.locks import Lock, advisory_lock
from registry.cells import text_of
from registry.choices import UPLOAD_OPEN, RowState, UploadState
from registry.models import Upload, UploadRow
from registry.reading import Book, SheetRow, show_raw
from registry.reading.sheets import SheetSource
from registry.selectors.upload_grid import Shown
from registry.services.upload_findings import Findings

HIDDEN_SHEET, MARK = "_hoso_rows", "hoso-upload/1"
ROW_COLUMN, FIRST_CELL = 1, 3  # the sheet for people: row number, reasons, then the cells
FIXABLE = (RowState.RETURNED, RowState.UNDECIDED, RowState.WAITING, RowState.LEFT_OUT, RowState.STAGED)


@dataclass(frozen=True)
class Corrected:
    """What the hidden sheet says: the upload, its column letters in order, and by row (version, cells as they were written)."""

    upload_id: UUID
    letters: tuple[str, ...]
    written: Mapping[int, tuple[int, tuple[str, ...]]]


def corrections_of(*, upload: Upload, book: Book) -> Corrected | None:
    """What this workbook corrects, or None when it is a workbook of its own: no mark, or not of an upload that its sender may correct."""
    source = next((one for one in book.sheets if one.name == HIDDEN_SHEET), None)
    corrected = _parsed(source) if source else None
    if corrected is None:
        return None
    first = Upload.objects.select_related("unit").filter(pk=corrected.upload_id, state__in=UPLOAD_OPEN).first()
    return corrected if first and scope.can(upload.uploader, Action.EDIT, first.unit) else None


def corrections_merge(*, upload: Upload, book: Book, corrected: Corrected) -> Upload:
    """Take the corrections over and have the first upload checked again. Returns it. Runs inside the caller's transaction."""
    advisory_lock(Lock.UPLOAD, corrected.upload_id)
    first = Upload.objects.select_related("unit", "uploader").get(pk=corrected.upload_id)
    if upload.uploader_id != first.uploader_id:
        first.helpers.add(upload.uploader)
    sheet = next(one for one in book.sheets if one.name != HIDDEN_SHEET)
    rows = {row.sheet_row: row for row in UploadRow.objects.filter(upload=first, sheet_row__in=corrected.written, state__in=FIXABLE)}
    texts_here = Shown(first)
    headings = {one["column"]: one["heading"] for one in first.mapping}
    with Findings(first) as findings:
        for number, texts in _lines(sheet, corrected):
            if number in rows:
                _merge(rows[number], corrected, texts, texts_here, headings, findings)
    UploadRow.objects.bulk_update(rows.values(), ["edits", "version"], batch_size=1_000)
    Upload.objects.filter(pk=first.pk).update(state=UploadState.CHECKING)
    return first


def _merge(row: UploadRow, corrected: Corrected, texts: tuple[str, ...], texts_here: Shown, headings: Mapping[str, str], findings: Findings) -> None:
    _version, written = corrected.written[row.sheet_row]
    edits = dict(row.edits)
    for letter, before, after in zip(corrected.letters, written, texts, strict=False):
        here = texts_here(row, letter)
        if after in (before, here):
            continue
        if before == here or (letter not in row.edits and before == text_of(row.raw.get(letter))):  # written before a repair was agreed to
            edits[letter] = after
        else:
            findings.add(row.sheet_row, "CORRECTED_TWICE", value=after, params={"here": here[:200]}, place=(letter, headings.get(letter, "")))
    if edits != row.edits:
        row.edits, row.version = edits, row.version + 1


def _lines(sheet: SheetSource, corrected: Corrected) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(row number of the first upload, cells as text) of the sheet that people filled in."""
    for row in sheet.rows():
        number = row.cells.get(ROW_COLUMN)
        if isinstance(number, int | float) and int(number) in corrected.written:
            yield int(number), _texts(row, len(corrected.letters))


def _parsed(source: SheetSource) -> Corrected | None:
    lines = source.rows()
    first, second = next(lines, None), next(lines, None)
    if first is None or second is None or first.cells.get(1) != MARK:
        return None
    try:
        upload_id = UUID(str(first.cells.get(2)))
        letters = tuple(str(second.cells[index]) for index in sorted(second.cells))
        written = {int(str(row.cells[1]).partition(".")[0]): (int(float(str(row.cells[2]))), _texts(row, len(letters))) for row in lines}
    except (KeyError, ValueError):
        return None
    return Corrected(upload_id, letters, written)


def _texts(row: SheetRow, count: int) -> tuple[str, ...]:
    return tuple(show_raw(row.cells.get(FIRST_CELL + place, "")).strip() for place in range(count))
