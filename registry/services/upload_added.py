"""Columns that a workbook does not have, added here: for what its list leaves out and the files cannot be without.

An added column stands behind the last that any sheet can have, and holds nothing but corrections: its cells are filled in like others, row
by row in the grid, in the workbook of returned rows, or once for all rows in which the value is missing. What was sent stays as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from django.db import connection, transaction

from orgtree.models import User
from registry.fields import BY_NAME
from registry.mapping import Assignment, Part, Reason
from registry.models import Upload
from registry.reading import column_letter
from registry.selectors.upload_grid import BEYOND, rows_missing
from registry.services.upload_fixing import LONGEST_CELL, settle
from registry.services.uploads import upload_open
from workflows.services.audit import audit


def column_add(*, actor: User, upload: Upload, field: str, text: str = "") -> Upload:
    """Add a column for a field that the workbook has none for; `text` goes into all rows in which it is missing.

    Raises KeyError for a field that no column may hold, NotAllowed, WrongState. A field that has a column already keeps it.
    """
    if not BY_NAME[field].headings:
        raise KeyError(field)
    with transaction.atomic():
        upload = upload_open(actor=actor, upload_id=upload.pk)
        rows = rows_missing(upload=upload, field=field) if text.strip() else []
        columns_of_field(upload, field)
        if rows:
            cells_write(upload, rows, field, {Part.WHOLE: text.strip()[:LONGEST_CELL]})
        audit(actor=actor, action="upload.column_added", unit=upload.unit, upload=str(upload.pk), field=field, rows=len(rows))
        return settle(actor=actor, upload=upload, rows=rows) if rows else upload


def cells_write(upload: Upload, rows: Collection[int], field: str, texts: Mapping[Part, str]) -> None:
    """Put the text into the field's column of these rows, or its parts into the columns that hold them. The caller has them checked."""
    edits = {letter: texts[part] for letter, part in columns_of_field(upload, field).items() if part in texts}
    with connection.cursor() as cursor:
        cursor.execute(
            "update registry_uploadrow set edits = edits || %s::jsonb, version = version + 1 where upload_id = %s and sheet_row = any(%s)",
            [msgspec.json.encode(edits).decode(), upload.pk, list(rows)],
        )


def columns_of_field(upload: Upload, field: str) -> dict[str, Part]:
    """The letters of the columns that hold a field, with the part that each holds; a column is added where there is none."""
    if found := {one["column"]: Part(one.get("part") or "") for one in upload.mapping if one["field"] == field}:
        return found
    index = max(BEYOND, max((int(one["index"]) for one in upload.mapping), default=0) + 1)
    added: dict[str, Any] = Assignment(index, BY_NAME[field].heading, field, confidence=1.0, reason=Reason.CHOSEN).to_json()
    upload.mapping = [*upload.mapping, {**added, "column": column_letter(index), "samples": []}]
    upload.save(update_fields=["mapping"])
    return {column_letter(index): Part.WHOLE}
