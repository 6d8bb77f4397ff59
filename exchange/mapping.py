"""Codes of ours and codes of another side: a document projected outwards, and an answer read inwards, by a table of pairs. Pure.

What was signed is never touched: the projection stands beside the document. A list of which a side has no pair goes as it is; of a list that has
pairs every code needs one, and a code without is a `Gap`, which nobody guesses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.fields import BY_NAME, LIST_BY_NAME

OUT, IN, BOTH = "out", "in", "both"
RANK = "rank"


@dataclass(frozen=True)
class Pair:
    """`code` of ours is `theirs` at the other side, in one direction or both."""

    list: str
    code: str
    theirs: str
    way: str = BOTH


@dataclass(frozen=True, order=True)
class Gap:
    """A code without a pair: of which list, in which direction, and in which field it stood."""

    way: str
    list: str
    code: str
    place: str


@dataclass(frozen=True)
class CodeTable:
    """The pairs of one side that hold on a day."""

    outward: Mapping[tuple[str, str], str] = field(default_factory=dict)
    inward: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> CodeTable:
        told = list(pairs)
        return cls(
            {(one.list, one.code): one.theirs for one in told if one.way in (OUT, BOTH)},
            {(one.list, one.theirs): one.code for one in told if one.way in (IN, BOTH)},
        )

    @property
    def tag(self) -> str:
        """Changes with the table; "" for one without pairs."""
        said = sorted([(OUT, *names, told) for names, told in self.outward.items()] + [(IN, *names, told) for names, told in self.inward.items()])
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16] if said else ""

    def _pairs(self, way: str) -> tuple[Mapping[tuple[str, str], str], frozenset[str]]:
        pairs = self.outward if way == OUT else self.inward
        return pairs, frozenset(name for name, _code in pairs)

    def project(self, fields: Mapping[str, Any], *, way: str) -> tuple[dict[str, Any], list[Gap]]:
        """The fields of a `staff_profile/1` with codes of the side (`out`) or of ours (`in`), and the codes that have no pair.

        A field with a gap keeps its value in what is returned; whoever calls does not use it.
        """
        pairs, mapped = self._pairs(way)
        gaps: list[Gap] = []

        def turned(place: str, code_list: str, value: Any) -> Any:
            if code_list not in mapped or value is None:
                return value
            if (told := pairs.get((code_list, str(value)))) is None:
                gaps.append(Gap(way, code_list, str(value)[:60], place))
                return value
            return told

        after: dict[str, Any] = {}
        for name, value in fields.items():
            if name in LIST_BY_NAME and isinstance(value, list):
                lists = _columns(name)
                after[name] = [{column: turned(f"{name}.{column}", lists.get(column, ""), one) for column, one in row.items()} for row in value]
            else:
                after[name] = turned(name, code_list_of(name), value)
        return after, gaps


def code_list_of(name: str) -> str:
    """The code list of a field of the document; "" for one that holds no code."""
    described = BY_NAME.get(name)
    return "" if described is None else RANK if described.kind == "rank" else described.code_list


def _columns(rows: str) -> dict[str, str]:
    return {one.name: RANK if one.kind == "rank" else one.code_list for one in LIST_BY_NAME[rows].columns}
