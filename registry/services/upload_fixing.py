"""What people decide about single rows: a cell's right text, who it is, why a value is overwritten, that a row stays out.

Every decision is concluded at once: the rows concerned are checked again, alone, and the upload's figures follow. Only what touches more
rows than a person waits for goes to a worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import User
from registry.cells import text_of
from registry.choices import RowState, UploadState
from registry.models import StaffProfile, Upload, UploadRow
from registry.selectors.upload_changes import NEEDS_REASON, UNDATED
from registry.selectors.upload_grid import Shown
from registry.services.upload_checking import rows_check
from registry.services.upload_cleaning import new_key
from registry.services.upload_repairs import recipe_agree, recipe_take_back
from registry.services.uploads import state_of, upload_move, upload_open, upload_queue
from workflows.errors import NotAllowed
from workflows.services.audit import audit

AT_ONCE = 1_000
LONGEST_CELL = 1_000
NEW_PERSON = "new"


@dataclass(frozen=True)
class CellEdit:
    """One cell as somebody wants it; `before` is what they looked at."""

    row: int
    column: str
    before: str
    after: str


@dataclass(frozen=True)
class Edited:
    """`taken` edits are stored; of a `refused` one the cell had been changed by somebody else, to the text named."""

    upload: Upload
    taken: Sequence[CellEdit]
    refused: Sequence[tuple[CellEdit, str]]


def cells_edit(*, actor: User, upload: Upload, edits: Iterable[CellEdit]) -> Edited:
    """Correct cells. An edit of a cell that has changed since it was looked at is refused, never merged unseen.

    Raises NotAllowed, WrongState. Cells of columns that the workbook does not have, and of rows in a request, are passed over.
    """
    with transaction.atomic():
        upload = upload_open(actor=actor, upload_id=upload.pk)
        letters = {one["column"] for one in upload.mapping}
        wanted = [one for one in edits if one.column in letters]
        rows = _rows(upload, {one.row for one in wanted})
        texts, taken = Shown(upload), list[CellEdit]()
        refused: list[tuple[CellEdit, str]] = []
        for one in wanted:
            if (row := rows.get(one.row)) is None:
                continue
            here = texts(row, one.column)
            if one.before not in (here, text_of(row.raw.get(one.column)) if one.column not in row.edits else here) and here != one.after:
                refused.append((one, here))
                continue
            row.edits = {**row.edits, one.column: one.after.strip()[:LONGEST_CELL]}
            taken.append(one)
        changed = [rows[number] for number in sorted({one.row for one in taken})]
        for row in changed:
            row.version += 1
        UploadRow.objects.bulk_update(changed, ["edits", "version"])
        upload.findings.filter(code="CORRECTED_TWICE", sheet_row__in=[row.sheet_row for row in changed]).delete()
        upload = settle(actor=actor, upload=upload, rows=[row.sheet_row for row in changed])
    return Edited(upload, taken, refused)


def people_choose(*, actor: User, upload: Upload, choices: Mapping[int, UUID | str | None]) -> Upload:
    """Say whose rows these are: the key of a file, NEW_PERSON, or None to take a choice back.

    Raises NotAllowed for a file outside the units in which the actor may edit.
    """
    with transaction.atomic():
        upload = upload_open(actor=actor, upload_id=upload.pk)
        files = {key for key in choices.values() if isinstance(key, UUID)}
        units = dict(StaffProfile.objects.filter(pk__in=files).values_list("pk", "using_unit_id"))
        if files - units.keys() or scope.outside(actor, Action.EDIT, units.values()):
            raise NotAllowed
        rows = _rows(upload, choices)
        for number, row in rows.items():
            choice = choices[number]
            row.chosen = new_key(upload, number) if choice == NEW_PERSON else choice if isinstance(choice, UUID) else None
            row.seen_version, row.version = None, row.version + 1
        UploadRow.objects.bulk_update(rows.values(), ["chosen", "seen_version", "version"])
        audit(actor=actor, action="upload.people_chosen", unit=upload.unit, upload=str(upload.pk), rows=sorted(rows))
        return settle(actor=actor, upload=upload, rows=sorted(rows))


def reason_give(*, actor: User, upload: Upload, field: str, reason: str, row: int | None = None, undated: bool | None = None) -> Upload:
    """Say why verified (or meanwhile changed) values of `field` are overwritten: of one row, or of all that still need it.

    With `undated` only of rows that change pay without a day, or only of the others: a reason makes a correction of such a row.
    """
    with transaction.atomic():
        upload = upload_open(actor=actor, upload_id=upload.pk)
        codes = NEEDS_REASON if undated is None else (UNDATED,) if undated else tuple(one for one in NEEDS_REASON if one != UNDATED)
        found = upload.findings.filter(code__in=codes, field=field)
        numbers = sorted(found.filter(**({} if row is None else {"sheet_row": row})).values_list("sheet_row", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(
                "update registry_uploadrow set reasons = reasons || jsonb_build_object(%s::text, %s::text), version = version + 1 "
                "where upload_id = %s and sheet_row = any(%s)",
                [field, reason.strip()[:300], upload.pk, numbers],
            )
        audit(actor=actor, action="upload.reason_given", unit=upload.unit, upload=str(upload.pk), field=field, rows=len(numbers))
        return settle(actor=actor, upload=upload, rows=numbers)


def repair_agree(*, actor: User, upload: Upload, field: str, cause: str, op: str) -> int:
    """Agree to the repair of a group of findings; returns how many rows it touches. Raises NothingToRepair."""
    with transaction.atomic():
        upload = upload_open(actor=actor, upload_id=upload.pk)
        rows = recipe_agree(actor=actor, upload=upload, field=field, cause=cause, op=op)
        audit(actor=actor, action="upload.repaired", unit=upload.unit, upload=str(upload.pk), field=field, cause=cause, rows=len(rows))
        settle(actor=actor, upload=upload, rows=rows)
    return len(rows)


def repair_take_back(*, actor: User, upload: Upload, repair_id: int) -> Upload:
    """Take a repair back: every open row is checked again without it. Raises UploadRepair.DoesNotExist."""
    with transaction.atomic():
        upload = upload_open(actor=actor, upload_id=upload.pk)
        one = recipe_take_back(upload=upload, repair_id=repair_id)
        audit(actor=actor, action="upload.repair_undone", unit=upload.unit, upload=str(upload.pk), field=one.recipe["field"])
        rows = UploadRow.objects.filter(upload=upload).exclude(state__in=(RowState.SUBMITTED, RowState.LEFT_OUT)).order_by("sheet_row")
        return settle(actor=actor, upload=upload, rows=list(rows.values_list("sheet_row", flat=True)[: AT_ONCE + 1]))


def rows_leave_out(*, actor: User, upload: Upload, rows: Sequence[int], out: bool = True) -> Upload:
    """Leave rows out of everything, or take them in again."""
    with transaction.atomic():
        upload = upload_open(actor=actor, upload_id=upload.pk)
        states = {RowState.SUBMITTED, RowState.LEFT_OUT} if out else {one for one in RowState if one != RowState.LEFT_OUT}
        wanted = UploadRow.objects.filter(upload=upload, sheet_row__in=rows).exclude(state__in=states)
        numbers = sorted(wanted.values_list("sheet_row", flat=True))
        concerned = {*numbers, *_twins(upload, numbers)}
        UploadRow.objects.filter(upload=upload, sheet_row__in=numbers).update(state=RowState.LEFT_OUT if out else RowState.WAITING)
        if out:
            upload.findings.filter(sheet_row__in=numbers).delete()
            upload.changes.filter(sheet_row__in=numbers).delete()
        return settle(actor=actor, upload=upload, rows=sorted(concerned))


def settle(*, actor: User, upload: Upload, rows: Sequence[int]) -> Upload:
    """Check these rows at once when they are few, else have a worker check everything; with them those that were about the same people."""
    rows = sorted({*rows, *_twins(upload, rows)})
    if len(rows) > AT_ONCE:
        upload = upload_move(upload, UploadState.CHECKING)
        upload_queue(upload=upload, actor=actor)
        return upload
    figures = rows_check(upload=upload, only=rows)
    return upload_move(upload, state_of(figures), **figures)


def _twins(upload: Upload, rows: Sequence[int]) -> set[int]:
    """The rows that these were found to be about the same people with: what ends one of two ends the other's doubt."""
    told = upload.findings.filter(code="ROW_TWICE", sheet_row__in=rows).values_list("value", flat=True)
    return {int(row) for value in told for row in value.split(", ")}


def _rows(upload: Upload, numbers: Iterable[int]) -> dict[int, UploadRow]:
    """Rows that may be corrected, locked."""
    rows = UploadRow.objects.select_for_update(of=("self",)).filter(upload=upload, sheet_row__in=list(numbers))
    return {row.sheet_row: row for row in rows.exclude(state__in=(RowState.SUBMITTED, RowState.LEFT_OUT)).order_by("sheet_row")}
