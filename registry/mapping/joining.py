"""A field that is written in several columns, put together: a date from its parts, a name, a date of birth below "Nam" and "Nữ"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from registry.mapping.words import Part

Join = Callable[[Mapping[int, Any]], dict[str, Any]]
_MALE, _FEMALE = "Nam", "Nữ"


class Placed(Protocol):
    """A column that holds a part of a field."""

    @property
    def index(self) -> int: ...
    @property
    def part(self) -> Part: ...


def joiner(name: str, columns: Sequence[Placed]) -> Join:
    index_of = {one.part: one.index for one in columns}
    if index_of.keys() & {Part.MALE, Part.FEMALE}:
        return _marked(name, index_of)
    if name == "birth_name":
        return lambda cells: _filled(name, " ".join(str(cells[one.index]).strip() for one in _in_order(columns) if one.index in cells))
    return lambda cells: _filled(name, _date_of_parts([cells.get(index_of.get(part, 0)) for part in (Part.DAY, Part.MONTH, Part.YEAR)]))


def _in_order(columns: Sequence[Placed]) -> list[Placed]:
    return sorted(columns, key=lambda one: (one.part != Part.FAMILY, one.index))


def _filled(name: str, value: Any) -> dict[str, Any]:
    return {} if value in ("", None) else {name: value}


def _date_of_parts(parts: Sequence[Any]) -> Any:
    """Text as a clerk would write the date; a year alone stays one, and what is missing stays missing."""
    words = [str(int(one)) if isinstance(one, float) and one.is_integer() else str(one).strip() for one in parts if one is not None]
    return "/".join(words)


def _marked(name: str, index_of: Mapping[Part, int]) -> Join:
    """Two columns "Nam" and "Nữ": that one is filled says which; for a date of birth its cell is the date as well.

    A single column "Nữ" speaks of every row: a mark is a woman, none is a man.
    """
    male, female = index_of.get(Part.MALE), index_of.get(Part.FEMALE)

    def join(cells: Mapping[int, Any]) -> dict[str, Any]:
        filled = [(index, word) for index, word in ((male, _MALE), (female, _FEMALE)) if index in cells]
        if name != "gender":
            return {name: cells[filled[0][0]], "gender": filled[0][1]} if len(filled) == 1 else {}
        if len(filled) == 1:
            return {name: filled[0][1]}
        if not filled and (male is None or female is None):
            return {name: _MALE if male is None else _FEMALE}
        return _filled(name, " / ".join(word for _index, word in filled))

    return join
