"""The columns of a sheet, each with its field or ignored: suggested, chosen by a person, remembered, and read with."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from registry.fields import BY_NAME, FIELDS, FORMER_NUMBER, ProfileField, heading_key
from registry.mapping.headings import Heading, match_heading, settled_parts
from registry.mapping.joining import Join, joiner
from registry.mapping.words import Part, Reason

VERSION = 1
LIKELY = 0.8  # below it a person should look at the suggestion


@dataclass(frozen=True)
class Assignment:
    """One column: `field` is None when it is ignored; `rival` then names the field it would hold if no other column did."""

    index: int
    heading: str
    field: str | None = None
    part: Part = Part.WHOLE
    confidence: float = 0.0
    reason: Reason = Reason.UNKNOWN
    rival: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "heading": self.heading,
            "field": self.field,
            "part": str(self.part),
            "confidence": round(self.confidence, 2),
            "reason": str(self.reason),
            "rival": self.rival,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Assignment:
        """Raises MappingInvalid for anything but what `to_json` writes; a field that is gone from the catalogue is ignored."""
        try:
            field = value.get("field")
            return cls(
                index=int(value["index"]),
                heading=str(value["heading"])[:400],
                field=field if field in BY_NAME else None,
                part=Part(value.get("part") or ""),
                confidence=min(max(float(value.get("confidence", 1)), 0.0), 1.0),
                reason=Reason(value.get("reason", Reason.REMEMBERED)),
                rival=str(value.get("rival", "")),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MappingInvalid(str(error)) from error


class MappingInvalid(ValueError):
    """The JSON is not a mapping that `ColumnMapping.to_json` has written."""


@dataclass(frozen=True)
class MappingProblem:
    """Why a workbook cannot be read with this mapping. `code` is one of messages.WORKBOOK; `columns` are the indexes concerned."""

    code: str
    field: str
    columns: tuple[int, ...] = ()


@dataclass(frozen=True)
class ColumnMapping:
    """All columns with a heading, in the order of the sheet, each with its field or ignored."""

    columns: tuple[Assignment, ...]

    @cached_property
    def fields(self) -> dict[str, tuple[Assignment, ...]]:
        """The columns of each field that is read."""
        found: dict[str, list[Assignment]] = defaultdict(list)
        for one in self.columns:
            if one.field:
                found[one.field].append(one)
        return {name: tuple(columns) for name, columns in found.items()}

    @property
    def ignored(self) -> tuple[Assignment, ...]:
        return tuple(one for one in self.columns if one.field is None)

    @property
    def doubtful(self) -> tuple[Assignment, ...]:
        """The columns that a person should look at: assigned, but not with certainty."""
        return tuple(one for one in self.columns if one.field and one.confidence < LIKELY)

    def chosen(self, index: int, field: str | None, part: Part = Part.WHOLE) -> ColumnMapping:
        """The mapping with a person's choice for one column. Raises KeyError for an unknown column or field."""
        if field is not None and field not in BY_NAME:
            raise KeyError(field)
        if index not in {one.index for one in self.columns}:
            raise KeyError(index)
        choice = {"field": field, "part": part, "confidence": 1.0, "reason": Reason.CHOSEN, "rival": ""}
        return ColumnMapping(tuple(replace(one, **choice) if one.index == index else one for one in self.columns))

    def problems(self, *, numberless: bool = False) -> tuple[MappingProblem, ...]:
        """What forbids reading with it: a field in two columns, no citizen number to tell whose row it is.

        With `numberless` a person has said so, and staff numbers or names will do.
        """
        found = []
        for name, columns in self.fields.items():
            rivals = [one for one in self.columns if one.rival == name and one.reason == Reason.TWICE]
            parts = Counter(one.part for one in columns)
            if rivals or max(parts.values()) > 1 or (len(parts) > 1 and Part.WHOLE in parts):
                found.append(MappingProblem("COLUMN_TWICE", name, tuple(sorted(one.index for one in (*columns, *rivals)))))
        if not self.fields.keys() & ({"citizen_id", "staff_number", "birth_name", FORMER_NUMBER} if numberless else {"citizen_id"}):
            found.append(MappingProblem("NO_CITIZEN_ID_COLUMN", "citizen_id"))
        return tuple(found)

    def applied_to(self, columns: Sequence[Heading], *, by_place: bool = False) -> ColumnMapping:
        """A remembered mapping on the columns of another file: by heading, wherever it stands now; new headings are suggested anew.

        `by_place` (our own template): a column with another heading is still the one that stood in its place.
        """
        known: dict[str, list[Assignment]] = defaultdict(list)
        for one in self.columns:
            known[heading_key(one.heading)].append(one)
        result = []
        for fresh in suggest(columns).columns:
            if before := known.get(heading_key(fresh.heading)):
                kept = replace(before.pop(0), index=fresh.index, heading=fresh.heading, confidence=1.0, reason=Reason.REMEMBERED, rival="")
                result.append(kept)
            else:
                result.append(fresh)
        return ColumnMapping(tuple(self._by_place(result) if by_place else result))

    def _by_place(self, columns: Sequence[Assignment]) -> Iterator[Assignment]:
        there = {one.index: one for one in self.columns}
        taken = {one.field for one in columns}
        for one in columns:
            old = there.get(one.index)
            renamed = one.field is None and one.reason != Reason.REMEMBERED and old is not None and old.field not in taken
            yield replace(old, heading=one.heading, confidence=0.9, reason=Reason.REMEMBERED) if renamed and old else one

    def values(self, cells: Mapping[int, Any]) -> dict[str, Any]:
        """Cells by field name: `cells` by column index; a field spread over several columns is put together."""
        values = self.joined(cells)
        for index, name in self._single:
            if index in cells:
                values[name] = cells[index]
        return values

    def joined(self, cells: Mapping[int, Any]) -> dict[str, Any]:
        """Only the fields that are spread over several columns, put together; one whose parts are all empty is left out."""
        values: dict[str, Any] = {}
        for join in self._spread:
            values |= join(cells)
        return values

    @cached_property
    def spread_fields(self) -> frozenset[str]:
        return frozenset(name for name, columns in self.fields.items() if len(columns) > 1 or columns[0].part)

    def column_of(self, field: str) -> int | None:
        """The first column in which the field is written."""
        columns = self.fields.get(field)
        return columns[0].index if columns else None

    def to_json(self) -> dict[str, Any]:
        return {"version": VERSION, "columns": [one.to_json() for one in self.columns]}

    @classmethod
    def from_json(cls, value: Any) -> ColumnMapping:
        """Raises MappingInvalid."""
        if not isinstance(value, Mapping) or value.get("version") != VERSION or not isinstance(value.get("columns"), list):
            raise MappingInvalid("version")
        return cls(tuple(Assignment.from_json(one) for one in value["columns"]))

    @cached_property
    def _single(self) -> tuple[tuple[int, str], ...]:
        return tuple((columns[0].index, name) for name, columns in self.fields.items() if name not in self.spread_fields)

    @cached_property
    def _spread(self) -> tuple[Join, ...]:
        return tuple(joiner(name, columns) for name, columns in self.fields.items() if name in self.spread_fields)


def suggest(columns: Iterable[Heading], known: Iterable[ProfileField] = FIELDS) -> ColumnMapping:
    """The likely field of every column, `known` being the fields that may be chosen; what is unknown is listed as ignored."""
    names = {one.name for one in known}
    found = [(column, match_heading(column.lines)) for column in columns]
    matches = {column.index: match for column, match in found if match and match.field in names}
    matches = settled_parts([column for column, _match in found], matches)
    taken: dict[tuple[str, Part], int] = {}
    whole: dict[str, int] = {}
    newer = {column.index for column, _match in found if "moi" in heading_key(" ".join(column.lines)).split()}  # "Bậc cũ" beside "Bậc mới"
    for index, match in sorted(matches.items(), key=lambda item: (-item[1].confidence, item[0] not in newer, item[0])):
        if match.part is Part.WHOLE:
            whole.setdefault(match.field, index)
        taken.setdefault((match.field, match.part), index)
    result = []
    for column, _match in found:
        match = matches.get(column.index)
        if match is None:
            result.append(Assignment(column.index, column.heading))
        elif taken[match.field, match.part] != column.index or (match.part and match.field in whole):
            result.append(Assignment(column.index, column.heading, reason=Reason.TWICE, rival=match.field))
        else:
            result.append(Assignment(column.index, column.heading, match.field, match.part, match.confidence, match.reason))
    return ColumnMapping(tuple(result))


def signature(columns: Iterable[Heading]) -> str:
    """64 hex digits that are equal for the same set of headings, whatever their order, case, accents and punctuation."""
    keys = sorted(key for one in columns if (key := heading_key(one.heading)))
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()
