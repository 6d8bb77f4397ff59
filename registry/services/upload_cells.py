"""The cells of a row as values of the document: what was read, corrected by what somebody typed here, repaired by the recipes in force.

Most cells of a column repeat (a code, a unit, a year, a remark), so each column keeps what a stored cell came to for the next row that
holds the same bytes: of a row whose cells were all met before nothing is decoded, read or cleaned again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from orgtree import clock
from registry.cells import doubt_of, raw_of, text_of
from registry.cleaning import Outcome, Problem, Recipes, clean_cell, context_of, doubtful_problem
from registry.lookups import Lookups
from registry.mapping import ColumnMapping
from registry.masking import is_hidden
from registry.models import Upload
from registry.program_codes import ProgramCodes, coded_list, pair_keeper
from registry.reading import Raw, column_letter

AREA_FIELDS = ("birth_place_area", "home_town_area", "current_address_area")
MOST_KEPT = 5_000  # ways of writing a column; names and numbers, which do not repeat, stop there
stored_cells = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode  # a row as it is stored, its cells still bytes
_json = msgspec.json.decode


class StoredRow(NamedTuple):
    """What was given of a row: cells as read (JSON of registry.cells by column letter), corrections by letter, who somebody said it is."""

    sheet_row: int
    cells: Mapping[str, msgspec.Raw]
    edits: Mapping[str, str]
    chosen: UUID | None
    seen_version: int | None


@dataclass(slots=True)
class RowValues:
    """Values by field; problems, which refuse one; notices, which refuse nothing: how a cell was read, or may be written better."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)

    def take(self, name: str, outcome: Outcome) -> None:
        value, problem, noticed = outcome
        if problem is not None:
            self.problems.append(problem)
        elif value is not None:
            self.values[name] = value
        if noticed:
            self.notices += noticed


@dataclass(slots=True)
class Told:
    """What one stored cell comes to: itself after the repairs in force, None where it is empty; why it cannot be trusted, if so.

    `pair` is (code of the program it comes from, ours). `plain` is (cell, value) of one that is a value and nothing else: nothing
    repaired or translated, nothing wrong, nothing to say. Nearly all are.
    """

    cell: Raw | None
    doubt: str
    repaired: bool
    outcome: Outcome | None  # None where it depends on the rest of the row
    pair: tuple[str, str] | None = None
    plain: tuple[Raw, Any] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.cell is not None and self.outcome is not None and not self.repaired and self.pair is None:
            value, problem, noticed = self.outcome
            if value is not None and problem is None and not noticed:
                self.plain = self.cell, value


@dataclass(slots=True)
class Column:
    """One column that is read. `part` is one of several that make a field together: its cells are repaired after that."""

    index: int
    letter: str
    name: str
    part: bool
    kept: dict[bytes, Told] = field(default_factory=dict)
    kept_in_row: dict[tuple[bytes, Hashable], Outcome] = field(default_factory=dict)


@dataclass
class Cleaner:
    """Rows of an upload as values. `repaired` counts the cells that the repairs in force changed, by field; `paired` those that were
    translated, by (field, code of the program, ours)."""

    upload: Upload
    recipes: Recipes = field(default_factory=Recipes)
    repaired: Counter[str] = field(default_factory=Counter)
    paired: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    lookups: Lookups = field(init=False)
    mapping: ColumnMapping = field(init=False)

    def __post_init__(self) -> None:
        self.lookups = Lookups(unit=self.upload.unit, actor=self.upload.uploader, day=clock.today())
        self.mapping = ColumnMapping.from_json({"version": 1, "columns": self.upload.mapping})
        program = self.upload.program if self.upload.program_id else None
        self._codes = ProgramCodes(program=program.name, pairs=pair_keeper().pairs(side=program.side)) if program else None
        spread = self.mapping.spread_fields
        read = (Column(one.index, column_letter(one.index), one.field, one.field in spread) for one in self.mapping.columns if one.field)
        self._columns = {column.letter: column for column in read}

    def clean(self, row: StoredRow) -> RowValues:
        """All that stands in the row, and all that is wrong with it."""
        made = RowValues()
        cells: dict[str, Raw] = {}  # by field, as they stand after corrections and repairs
        parts: dict[int, Raw] = {}
        waiting: list[tuple[Column, bytes]] = []
        columns, edits, values = self._columns, row.edits, made.values
        for letter, raw in row.cells.items():
            if (column := columns.get(letter)) is None or letter in edits:
                continue
            stored = bytes(raw)
            told = column.kept.get(stored) or self._read(column, stored)
            if told.plain:
                cells[column.name], values[column.name] = told.plain
            elif told.doubt:
                made.problems.append(doubtful_problem(column.name, told.doubt, place=f"{letter}{row.sheet_row}", raw=told.cell))
            elif told.cell is None:
                continue
            elif column.part:
                parts[column.index] = told.cell
            else:
                cells[column.name] = told.cell
                self._count(column.name, told)
                if told.outcome is not None:
                    made.take(column.name, told.outcome)
                else:
                    waiting.append((column, stored))
        typed = self._correct(edits, cells, parts) if edits else {}
        joined = self._join(parts, cells) if parts else ()
        for column, stored in waiting:
            made.take(column.name, self._in_row(column, stored, cells))
        for name in (*joined, *typed):
            if name in cells:
                loose = name in typed
                value, problem, noticed = clean_cell(name, cells[name], self.lookups, cells, strict=not loose)
                made.take(name, (value, problem, () if loose else noticed))
        return made

    def _count(self, name: str, told: Told) -> None:
        if told.repaired:
            self.repaired[name] += 1
        if told.pair is not None:
            self.paired[name, *told.pair] += 1

    def load_areas(self, rows: Iterable[StoredRow]) -> None:
        """Fetch the areas that these rows name, in one query."""
        letters = [(column.letter, column) for column in self._columns.values() if column.name in AREA_FIELDS]
        if not letters:
            return
        named = set()
        for row in rows:
            named |= {(letter, bytes(row.cells[letter])) for letter, _column in letters if letter in row.cells}
        tolds = (self._columns[letter].kept.get(stored) or self._read(self._columns[letter], stored) for letter, stored in named)
        self.lookups.areas.load(text_of(told.cell) for told in tolds if told.cell is not None)

    def _read(self, column: Column, stored: bytes) -> Told:
        """What a cell that was not met before comes to."""
        decoded, name = _json(stored), column.name
        cell, doubt = raw_of(decoded), doubt_of(decoded)
        if isinstance(cell, str) and is_hidden(cell):
            cell = None  # a masked value of a list that was exported: who sends it back changed nothing
        if doubt and not self.recipes.trusts(name, doubt):
            told = Told(cell, doubt, False, None)
        elif cell is None or cell == "" or column.part:
            told = Told(None if cell == "" else cell, "", False, None)
        else:
            told = self._told(name, cell)
        if len(column.kept) < MOST_KEPT:
            column.kept[stored] = told
        return told

    def _told(self, name: str, cell: Raw) -> Told:
        """A cell repaired and recognised. A code of the program that the workbook comes from is translated first; what somebody repaired is
        in our words already."""
        after = self.recipes.repaired(name, cell)
        if self._codes is not None and after == cell and coded_list(name):
            outcome, pair = self._codes.read(name, cell, self.lookups)
            return Told(cell, "", False, outcome, pair)
        return Told(after, "", after != cell, clean_cell(name, after, self.lookups, {}, strict=True) if context_of(name, {}) is None else None)

    def _in_row(self, column: Column, stored: bytes, cells: Mapping[str, Raw]) -> Outcome:
        """The outcome of a cell whose meaning depends on others of its row."""
        key = stored, context_of(column.name, cells)
        outcome = column.kept_in_row.get(key)
        if outcome is None:
            outcome = clean_cell(column.name, cells[column.name], self.lookups, cells, strict=True)
            if len(column.kept_in_row) < MOST_KEPT:
                column.kept_in_row[key] = outcome
        return outcome

    def _correct(self, edits: Mapping[str, str], cells: dict[str, Raw], parts: dict[int, Raw]) -> dict[str, None]:
        """Put what somebody typed in place; returns its fields: it is taken for what it plainly means."""
        typed: dict[str, None] = {}
        for letter, text in edits.items():
            if (column := self._columns.get(letter)) is None or text == "":
                continue
            typed[column.name] = None
            if column.part:
                parts[column.index] = text
            else:
                cells[column.name] = self._repair(column.name, text)
        return typed

    def _join(self, parts: Mapping[int, Raw], cells: dict[str, Raw]) -> list[str]:
        """Fields spread over several columns, put together; returns those that hold anything."""
        joined = self.mapping.joined(parts)
        for name, cell in joined.items():
            cells[name] = self._repair(name, cell)
        return list(joined)

    def _repair(self, name: str, cell: Raw) -> Raw:
        after = self.recipes.repaired(name, cell)
        if after != cell:
            self.repaired[name] += 1
        return after
