"""How findings of an upload are stored: gathered a few thousand at a time, each with the column in which its field stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django.db import connection

from registry.fields.written import columns_of
from registry.messages import severity_of
from registry.models import Upload
from workflows.choices import Severity

CHUNK = 5_000
COLUMNS = 'upload_id, sheet_row, "column", heading, field, code, severity, value, params, cause, repair'
_json = msgspec.json.encode


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
        names = columns_of(field)
        for name in names[:1] if code == "REQUIRED" else names:  # what is missing is not told of another column, which is filled in
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
