"""From the rows of a table to proposals for the gate: cleaned, matched with the files on hand, and with everything that is wrong noted.

Not here: storing an upload and its states (uploads), what a cell means (cleaning), whether a person is right (rules, in the gate).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.text import plain
from registry.cleaning import Problem, clean_row
from registry.fields import POSTING_FROM, POSTING_TITLE
from registry.lookups import Lookups
from registry.messages import severity_of
from registry.models import Posting, StaffProfile, Upload, UploadFinding, UploadRow
from registry.reading import SheetRow, Table, column_letter, show_raw
from registry.schema import POSTINGS
from workflows.documents import Document, plain_value
from workflows.rules import Found
from workflows.services.staging import Proposal

CHUNK = 5_000
AREA_FIELDS = ("birth_place_area", "home_town_area", "current_address_area")
# Findings of the gate on a whole record that only follow from what is said of this field.
FOLLOWS_FROM = {"TWICE_IN_REQUEST": "citizen_id", "OUT_OF_SCOPE": "using_unit"}


@dataclass(frozen=True)
class OnFile:
    """What is known of a person with a file: enough to propose a change to it."""

    key: UUID
    version: int
    unit: UUID
    postings: Sequence[Document]


@dataclass
class Intake:
    """One reading of one table. After `proposals()` is exhausted, `read`, `problems` and `unproposed` say what it met."""

    upload: Upload
    table: Table
    lookups: Lookups = field(init=False)
    read: int = 0
    problems: dict[int, list[Problem]] = field(default_factory=dict)
    unproposed: set[int] = field(default_factory=set)
    _twice: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lookups = Lookups(unit=self.upload.unit, actor=self.upload.uploader, day=clock.today())

    def proposals(self, tell: Callable[[int], None]) -> Iterator[Proposal]:
        """Proposals in the order of the sheet, 5,000 rows at a time; raw rows are stored on the way."""
        self._twice = self._rows_of_one_person()
        rows = self.table.rows()
        while chunk := list(islice(rows, CHUNK)):
            yield from self._chunk(chunk)
            self.read += len(chunk)
            tell(chunk[-1].number - self.table.heading_row)

    def findings(self, returned: Mapping[int, Sequence[Found]], remarks: Iterable[Found]) -> Iterator[UploadFinding]:
        """Everything found, by row: what cleaning met, then what the gate's rules said beyond it, then remarks on the workbook."""
        for row, problems in self.problems.items():
            for one in problems:
                yield self._finding(row, one.code, one.field, value=one.value, params=one.params)
        for found in [*(one for many in returned.values() for one in many), *remarks]:
            if not self._already_told(found, returned.get(found.ref, ())):
                yield self._finding(found.ref, found.code, found.field, value=found.value, severity=found.severity)
        for remark in self.table.remarks:
            row = int(remark.place) if remark.code == "ROW_PASSED_OVER" else 0
            yield self._finding(
                row, remark.code, "", value=remark.value, params={"place": remark.place}, column=remark.column, heading=remark.heading
            )

    def _chunk(self, chunk: Sequence[SheetRow]) -> Iterator[Proposal]:
        named = {row.number: self.table.values(row) for row in chunk}
        self.lookups.areas.load(show_raw(cells[name]) for cells in named.values() for name in AREA_FIELDS if name in cells)
        cleaned = {row.number: self._clean(row, named[row.number]) for row in chunk}
        on_file = _on_file(values["citizen_id"] for values in cleaned.values() if "citizen_id" in values)
        elsewhere = scope.outside(self.upload.uploader, Action.EDIT, {one.unit for one in on_file.values()})
        stored: list[UploadRow] = []
        for row in chunk:
            values = cleaned[row.number]
            known = on_file.get(values.get("citizen_id", ""))
            key = known.key if known else uuid4()
            stored.append(UploadRow(upload=self.upload, sheet_row=row.number, raw=_raw(row), key=key, state="staged"))
            if known and known.unit in elsewhere:
                # Nothing more is said of somebody else's file: not even what would be wrong with it.
                self._note(row.number, Problem("citizen_id", "PERSON_ELSEWHERE", values["citizen_id"]))
                self.unproposed.add(row.number)
                continue
            patch = self._change(row.number, known, values) if known else self._new(values)
            yield Proposal(
                kind="staff_profile",
                key=key,
                patch=patch,
                base_version=known.version if known else None,
                ref=row.number,
                blocked=row.number in self.problems,
            )
        UploadRow.objects.bulk_create(stored, batch_size=CHUNK)

    def _clean(self, row: SheetRow, cells: Mapping[str, Any]) -> dict[str, Any]:
        """Values of a row; problems are noted. A cell whose value cannot be trusted (formula, error, merged) is not read at all."""
        distrusted = {
            name: Problem(name, code, "", {"place": f"{column_letter(column)}{row.number}"})
            for name, (code, column) in self.table.doubtful(row).items()
        }
        cleaned = clean_row({name: cell for name, cell in cells.items() if name not in distrusted}, self.lookups)
        for problem in [*distrusted.values(), *cleaned.problems]:
            self._note(row.number, problem)
        if row.number in self._twice:
            self._note(row.number, Problem("citizen_id", "ROW_TWICE", ", ".join(str(one) for one in self._twice[row.number])))
        return dict(cleaned.values)

    def _new(self, values: Mapping[str, Any]) -> Document:
        """A new file. A sheet without a column for the agency or the unit speaks of the unit for which it was sent."""
        here = str(self.upload.unit_id)
        defaults = {name: here for name in ("managing_agency", "using_unit") if name not in self.table.fields}
        patch = {**defaults, **{name: value for name, value in values.items() if not name.startswith("posting.")}}
        if POSTING_TITLE in values or POSTING_FROM in values:
            row = {"title": values.get(POSTING_TITLE), "unit": patch.get("using_unit"), "valid_from": values.get(POSTING_FROM)}
            patch["postings"] = [{**POSTINGS.blank(), **row}]
        return patch

    def _change(self, number: int, known: OnFile, values: Mapping[str, Any]) -> Document:
        """What the row changes in a file on hand. An empty cell changes nothing."""
        patch = {name: value for name, value in values.items() if not name.startswith("posting.")}
        unit = values.get("using_unit", str(known.unit))
        current = next((row for row in known.postings if row["valid_to"] is None), None)
        title = values.get(POSTING_TITLE) or (current or {}).get("title")
        since = values.get(POSTING_FROM)
        if title is None or (
            current and plain(current["title"]) == plain(title) and current["unit"] == unit and since in (None, current["valid_from"])
        ):
            return patch
        if problem := _post_problem(current, title, unit, since):
            self._note(number, problem)
            return patch
        patch["postings"] = _postings_after(known.postings, current, {**POSTINGS.blank(), "title": title, "unit": unit, "valid_from": since})
        return patch

    def _note(self, row: int, problem: Problem) -> None:
        self.problems.setdefault(row, []).append(problem)

    def _already_told(self, found: Found, others: Iterable[Found]) -> bool:
        """A field that could not be read is not also reported missing, nor a record without a readable unit as out of scope."""
        failed = {problem.field for problem in self.problems.get(found.ref, ())}
        if found.code in FOLLOWS_FROM:
            return FOLLOWS_FROM[found.code] in failed | {one.field for one in others}
        return not failed.isdisjoint(_columns_of(found.field))

    def _rows_of_one_person(self) -> dict[int, list[int]]:
        """By row, all rows with its citizen number, for numbers that stand in the sheet more than once."""
        rows: dict[str, list[int]] = defaultdict(list)
        for number, raw in self.table.cells_of("citizen_id"):
            value = clean_row({"citizen_id": raw}, self.lookups).values.get("citizen_id")
            if value:
                rows[value].append(number)
        return {number: same for same in rows.values() if len(same) > 1 for number in same}

    def _finding(self, row: int, code: str, name: str, *, value: str = "", column: str = "", heading: str = "", **more: Any) -> UploadFinding:
        place = next((self.table.fields[each] for each in _columns_of(name) if each in self.table.fields), None)
        return UploadFinding(
            upload=self.upload,
            sheet_row=row,
            column=place.letter if place else column,
            heading=place.heading if place else heading,
            field=name,
            code=code,
            severity=more.get("severity") or severity_of(code),
            value=value[:500],
            params=dict(more.get("params") or {}),
        )


def _columns_of(name: str) -> tuple[str, ...]:
    """The columns of the sheet in which a field of the document is written."""
    if name in ("postings", "postings.valid_from", "postings.valid_to"):
        return (POSTING_FROM, POSTING_TITLE) if name != "postings" else (POSTING_TITLE, POSTING_FROM)
    return {"postings.title": (POSTING_TITLE,), "postings.unit": ("using_unit",)}.get(name, (name,) if name else ())


def _post_problem(current: Document | None, title: str, unit: str, since: str | None) -> Problem | None:
    """Why a post that differs from the one on file cannot follow it."""
    if since is None:
        return Problem(POSTING_FROM, "POST_DATE_MISSING", "")
    same = current and plain(current["title"]) == plain(title) and current["unit"] == unit
    if current and not same and since <= current["valid_from"]:
        return Problem(POSTING_FROM, "POST_DATE_EARLY", f"{since[8:]}/{since[5:7]}/{since[:4]}")
    return None


def _postings_after(postings: Sequence[Document], current: Document | None, new: Document) -> list[Document]:
    """The same post with another beginning is a correction; another post ends the one on file on the day on which it begins."""
    rest = [row for row in postings if row is not current]
    if current is None:
        return [*rest, new]
    if plain(current["title"]) == plain(new["title"]) and current["unit"] == new["unit"]:
        return [*rest, {**current, "valid_from": new["valid_from"]}]
    return [*rest, {**current, "valid_to": new["valid_from"]}, new]


def _on_file(numbers: Iterable[str]) -> dict[str, OnFile]:
    """Files by citizen number, with their postings as in the document; two queries."""
    people = {
        row[0]: row for row in StaffProfile.objects.filter(citizen_id__in=set(numbers)).values_list("citizen_id", "pk", "version", "using_unit_id")
    }
    postings: dict[UUID, list[Document]] = defaultdict(list)
    columns = [(one.name, one.column) for one in POSTINGS.fields]
    rows = Posting.objects.filter(staff_id__in=[row[1] for row in people.values()]).values_list("staff_id", *(column for _name, column in columns))
    for staff, *values in rows:
        postings[staff].append({name: plain_value(value) for (name, _column), value in zip(columns, values, strict=True)})
    return {number: OnFile(key, version, unit, postings[key]) for number, key, version, unit in people.values()}


def _raw(row: SheetRow) -> dict[str, str]:
    return {column_letter(index): show_raw(cell)[:1000].replace("\x00", "") for index, cell in row.cells.items()}
