"""Writing a list of people to a file, some thousand at a time, however many there are: memory does not grow with the list.

The columns, and what a cell says, are those of the Resources (import-export); formulas are neutralised there. Everybody in the file
is in the read log before the file can be fetched; who is marked "does not leave" is not in the file.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol, TextIO

import xlsxwriter
from django.db.models import QuerySet
from xlsxwriter.worksheet import Worksheet

from orgtree import clock
from registry.choices import ListFormat
from registry.fields import LIST_BY_NAME
from registry.masking import CLASS_A
from registry.models import ListExport, StaffProfile
from registry.resources import CHUNK, ProfileListResource, StaffProfileResource
from registry.selectors.filters import filter_read
from registry.selectors.staff import staff_list
from registry.selectors.texts import KIND
from registry.services.exports import KEPT, export_job, path_of
from registry.services.reads import files_export
from workflows.choices import JobState
from workflows.services.jobs import job_advance, job_finish, job_start
from workflows.services.marks import WHOLE, withheld

SHEET_ROWS = 1_048_575  # rows of a sheet below its heading
NAME = "Hồ sơ"


class Writer(Protocol):
    """One table: a heading and lines of cells."""

    def write(self, cells: Sequence[str]) -> None: ...


def export_people(export: ListExport) -> QuerySet[StaffProfile]:
    """Who the list holds, by the rights that the person has now."""
    wanted, _strange = filter_read(user=export.user, data=export.query)
    return staff_list(user=export.user, wanted=wanted)


def export_write(export: ListExport) -> ListExport:
    """Write the file and open its link for a day. Running it again after its end changes nothing; after a crash it starts afresh."""
    job = export_job(export)
    if export.expires_at is not None or job.state in (JobState.DONE, JobState.FAILED):
        return export
    job = job_start(job=job)
    people = export_people(export)
    total = people.order_by().count()
    part = path_of(export).with_name(path_of(export).name + ".part")
    try:
        with _book(export, part) as book:
            rows, left_out = _fill(export, people, book, lambda done: job_advance(job=job, stage="writing", done=done, total=total))
        sha256 = _digest(part)
        os.chmod(part, 0o600)
        os.replace(part, path_of(export))
    except Exception as error:
        part.unlink(missing_ok=True)
        job_finish(job=job, error=f"{type(error).__name__}: {error}"[:1000])
        raise
    size = path_of(export).stat().st_size
    ListExport.objects.filter(pk=export.pk).update(rows=rows, left_out=left_out, size=size, sha256=sha256, expires_at=clock.now() + KEPT)
    job_finish(job=job, done=rows, total=total)
    export.refresh_from_db()
    return export


def _fill(export: ListExport, people: QuerySet[StaffProfile], book: _Book, advance: Callable[[int], None]) -> tuple[int, int]:
    """(people written, people left out)."""
    main = StaffProfileResource(user=export.user, whole=export.whole)
    lists = [ProfileListResource(name) for name in export.lists]
    table = book.table(NAME, main.get_export_headers(selected_fields=export.columns))
    tables = [book.table(str(LIST_BY_NAME[one.name].label), one.get_export_headers()) for one in lists]
    rows = left_out = 0
    for chunk in _chunks(people):
        marks = withheld(kind=KIND, keys=[one.pk for one in chunk])
        leaving = [one for one in chunk if WHOLE not in marks.get(one.pk, ())]
        files_export(actor=export.user, records=[(one.pk, one.using_unit_id) for one in leaving], what=f"export:{export.pk}", address=export.address)
        for line in main.lines(leaving, marks):
            table.write(main.export_resource(line, selected_fields=export.columns))
        open_units = main.open_units(leaving)
        for one, theirs in zip(lists, tables, strict=True):
            shown = [person for person in leaving if one.name not in marks.get(person.pk, ())]
            if one.name in CLASS_A:
                shown = [person for person in shown if person.using_unit_id in open_units]
            for line in one.lines(shown):
                theirs.write(one.export_resource(line))
        rows, left_out = rows + len(leaving), left_out + len(chunk) - len(leaving)
        advance(rows + left_out)
    return rows, left_out


def _chunks(people: QuerySet[StaffProfile]) -> Iterator[list[StaffProfile]]:
    rows = people.order_by("name_sort", "id").iterator(chunk_size=CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _book(export: ListExport, path: Path) -> _Book:
    return _Xlsx(path) if export.format == ListFormat.XLSX else _Csv(path)


class _Book:
    """A file of tables, written row by row."""

    def table(self, name: str, headings: Sequence[str]) -> Writer:
        raise NotImplementedError

    def __enter__(self) -> _Book:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        raise NotImplementedError


class _Csv(_Book):
    """One table. Excel takes a CSV without the mark at its beginning for another code page."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)

    def table(self, name: str, headings: Sequence[str]) -> Writer:
        self._writer.writerow(headings)
        return self

    def write(self, cells: Sequence[str]) -> None:
        self._writer.writerow(cells)

    def close(self) -> None:
        self._file.close()


class _Xlsx(_Book):
    """Sheets that keep one row in memory each; a table that is longer than a sheet goes on in another."""

    def __init__(self, path: Path) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self.book = xlsxwriter.Workbook(str(path), options)
        self.bold = self.book.add_format({"bold": True, "text_wrap": True, "valign": "vcenter", "border": 1})
        self.text = self.book.add_format({"num_format": "@"})
        self._taken: set[str] = set()

    def table(self, name: str, headings: Sequence[str]) -> Writer:
        return _Table(self, name, headings)

    def sheet(self, name: str, headings: Sequence[str]) -> Worksheet:
        sheet = self.book.add_worksheet(self._free(name))
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(headings) - 1, 20, self.text)
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, heading, self.bold)
        return sheet

    def _free(self, name: str) -> str:
        """A name of at most 31 signs without those that Excel forbids, once."""
        clean = "".join(sign for sign in name if sign not in "[]:*?/\\'")[:28].strip() or "Danh sách"
        chosen, number = clean, 1
        while chosen.lower() in self._taken:
            number += 1
            chosen = f"{clean[: 28 - len(str(number))]} {number}"
        self._taken.add(chosen.lower())
        return chosen

    def close(self) -> None:
        self.book.close()


class _Table:
    def __init__(self, book: _Xlsx, name: str, headings: Sequence[str]) -> None:
        self._book, self._name, self._headings = book, name, headings
        self._sheet, self._row = book.sheet(name, headings), 0

    def write(self, cells: Sequence[str]) -> None:
        if self._row == SHEET_ROWS:
            self._sheet, self._row = self._book.sheet(self._name, self._headings), 0
        self._row += 1
        for column, text in enumerate(cells):
            if text:
                self._sheet.write_string(self._row, column, text[:32_767])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
