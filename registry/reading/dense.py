"""Sheets of .xls, .xlsb and .ods: read by a process of its own with bounded memory and time (dense_worker), kept in a temporary file."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any

from registry.reading.cells import Merge, Raw, SheetRow
from registry.reading.errors import WorkbookRefused
from registry.reading.limits import MEGABYTE, Limits

_WORKER = Path(__file__).with_name("dense_worker.py")
_TOO_MUCH = ("MemoryError", "memory allocation", "capacity overflow", "Cell limit exceeded")
_SECONDS, _SECONDS_PER_MEGABYTE = 10, 2


@dataclass
class DenseSheet:
    """One sheet; see sheets.SheetSource. Its rows are lines of `file` from `place` on."""

    name: str
    hidden: bool
    merges: Sequence[Merge]
    last_row: int | None
    file: IO[bytes] = field(repr=False)
    place: int

    def rows(self) -> Iterator[SheetRow]:
        place = self.place
        while True:
            self.file.seek(place)  # another reading may have moved it
            lines = [line for line in (self.file.readline() for _ in range(500)) if line]
            place = self.file.tell()
            for line in lines:
                value = json.loads(line)
                if isinstance(value, dict):
                    return
                cells = {int(index): _raw(cell) for index, cell in value[1].items()}
                yield SheetRow(value[0], {index: cell for index, cell in cells.items() if not (isinstance(cell, str) and not cell.strip())})
            if not lines:
                return


def dense_sources(path: Path, *, kind: str, name: str, limits: Limits) -> list[DenseSheet]:
    """`kind` is xls, xlsb or ods. Raises WorkbookRefused: damaged, locked with a password, or too much for the bounds."""
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 it lives as long as its sheets
    seconds = _SECONDS + _SECONDS_PER_MEGABYTE * (path.stat().st_size // MEGABYTE)
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, f"book.{kind}")  # calamine goes by the ending, and the sender's may be wrong
        link.symlink_to(path.resolve())
        command = [sys.executable, "-I", str(_WORKER), str(link), str(limits.dense_memory), str(seconds)]
        try:
            done = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, timeout=4 * seconds, check=False)  # noqa: S603 our own program
        except subprocess.TimeoutExpired:
            raise WorkbookRefused("SHEET_TOO_LARGE", name, place=name, limit=limits.max_rows) from None
    if done.returncode:
        raise _refusal(done.stderr.decode(errors="replace"), done.returncode, name, limits)
    return list(_sheets(file))


def _refusal(said: str, status: int, name: str, limits: Limits) -> WorkbookRefused:
    if "PasswordError" in said or "Password" in said:
        return WorkbookRefused("LOCKED", name)
    if status < 0 or any(words in said for words in _TOO_MUCH):
        return WorkbookRefused("SHEET_TOO_LARGE", name, place=name, limit=limits.max_rows)
    return WorkbookRefused("WORKBOOK_DAMAGED", name)


def _sheets(file: IO[bytes]) -> Iterator[DenseSheet]:
    file.seek(0)
    sheet: dict[str, Any] | None = None
    place, last = 0, 0
    while line := file.readline():
        if line.startswith(b"{"):
            if sheet is not None:
                yield _sheet(sheet, last, file, place)
            sheet, place, last = json.loads(line), file.tell(), 0
        else:
            last = int(line[1 : line.index(b",")])
    if sheet is not None:
        yield _sheet(sheet, last, file, place)


def _sheet(head: dict[str, Any], last: int, file: IO[bytes], place: int) -> DenseSheet:
    merges: list[Merge] = [(top, left, bottom, right) for top, left, bottom, right in head["merges"]]
    return DenseSheet(head["sheet"], head["hidden"], merges, last, file, place)


def _raw(cell: Any) -> Raw:
    if not isinstance(cell, dict):
        return cell
    if "t" in cell:
        return time.fromisoformat(cell["t"])
    return datetime.fromisoformat(cell["d"]) if "T" in cell["d"] else date.fromisoformat(cell["d"])
