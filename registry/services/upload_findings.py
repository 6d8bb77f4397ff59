"""How findings of an upload are stored: gathered a few thousand at a time, each with the column in which its field stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django.db import connection

from registry.fields import POSTING_FROM, POSTING_TITLE, SALARY_DECISION
from registry.messages import severity_of
from registry.models import Upload
from workflows.choices import Severity

CHUNK = 5_000
COLUMNS = 'upload_id, sheet_row, "column", heading, field, code, severity, value, params, cause, repair'
_json = msgspec.json.encode
# In which fields of a workbook a column of the salary history is written, the nearest first.
_SALARY_COLUMNS = {
    **{name: (name, "step") for name in ("rank_code", "step", "coefficient", "percent")},
    "valid_from": ("step_date", "rank_date", "step"),
    **{name.partition(".")[2]: (name, "step") for name in SALARY_DECISION},
}


class Findings:
    """Findings on their way into the table. Use as a context manager: what is gathered is written at its end."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._places = {one["field"]: (one["column"], one["heading"]) for one in reversed(upload.mapping) if one.get("field")}
        self._waiting: list[tuple[Any, ...]] = []

    def __enter__(self) -> Findings:
        return self

    def __exit__(self, kind: object, *_more: object) -> None:
        if kind is None:
            self.write()

    def add(
        self,
        row: int,
        code: str,
        field: str = "",
        *,
        value: str = "",
        params: Mapping[str, Any] | None = None,
        severity: Severity | None = None,
        place: tuple[str, str] = ("", ""),
        cause: str = "",
        repair: Mapping[str, Any] | None = None,
    ) -> None:
        """`place` is (column letter, heading) for what belongs to a column without a field."""
        for name in columns_of(field):
            if name in self._places:
                place = self._places[name]
                break
        letter, heading = place
        grade = severity or severity_of(code)
        said = (field[:60], code, str(grade), value[:500], _json(params or {}).decode(), cause, _json(repair).decode() if repair else None)
        self._waiting.append((self._upload.pk, row, letter, heading[:200], *said))
        if len(self._waiting) >= CHUNK:
            self.write()

    def write(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            rows_copy(f"copy registry_uploadfinding({COLUMNS}) from stdin", waiting)


def rows_copy(statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """COPY of rows, streamed."""
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def columns_of(name: str) -> tuple[str, ...]:
    """The fields of a workbook in which a field of the document is written."""
    if name.startswith("salary_history"):
        return _SALARY_COLUMNS.get(name.rpartition(".")[2], _SALARY_COLUMNS["valid_from"])
    if name.startswith("allowances"):
        return "overframe_date", "overframe_percent"
    if name in ("postings", "postings.valid_from", "postings.valid_to"):
        return (POSTING_FROM, POSTING_TITLE) if name != "postings" else (POSTING_TITLE, POSTING_FROM)
    return {"postings.title": (POSTING_TITLE,), "postings.unit": ("using_unit",)}.get(name, (name,) if name else ())
