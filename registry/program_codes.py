"""Codes of another program in a workbook: what each of them is called here, before a cell is recognised as usual.

The pairs are kept where those of every other side are (`exchange.services.mapping`); this room only asks for them, of whoever handed
itself over by `pairs_kept_by` when the program started. What was read stays as it was sent, and what is signed holds national codes only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from orgtree.models import User
from registry.cleaning import Cause, Outcome, Problem, clean_cell
from registry.fields import BY_NAME, POSTING_TITLE
from registry.lookups import Lookups
from registry.reading import Raw, show_raw

RANK, UNIT, TITLE = "rank", "unit", "title"
_BESIDE = {POSTING_TITLE: TITLE}  # a post is a text here; programs have codes for it


@dataclass(frozen=True)
class NewPair:
    """`theirs` of a program is to be `code` of our `list` from now on."""

    list: str
    theirs: str
    code: str


class PairsRefused(Exception):
    """The pairs cannot stand; `reasons` are sentences."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(" ".join(reasons))


class PairKeeper(Protocol):
    """Where pairs of codes are kept."""

    def pairs(self, *, side: str) -> Mapping[tuple[str, str], str]:
        """(list, their code) -> our code, as it holds today."""

    def may_pair(self, user: User) -> bool: ...

    def pair(self, *, actor: User, side: str, pairs: Sequence[NewPair]) -> int:
        """How many are new. Raises NotAllowed, PairsRefused."""

    def meanings(self, lists: Collection[str]) -> Mapping[str, Mapping[str, str]]:
        """Our codes of these lists and what each means; for posts (`TITLE`) those that people hold."""


_keepers: list[PairKeeper] = []


def pairs_kept_by(keeper: PairKeeper) -> None:
    """Say who keeps the pairs; called once, when the program starts."""
    _keepers[:] = [keeper]


def pair_keeper() -> PairKeeper:
    return _keepers[0]


def coded_list(field: str) -> str:
    """The list of which a cell of this field may hold a code; "" for one that holds none."""
    described = BY_NAME[field]
    return _BESIDE.get(field) or (described.kind if described.kind in (RANK, UNIT) else described.code_list if described.kind == "code" else "")


class ProgramCodes:
    """The codes of one program, loaded once for a workbook and then asked in memory."""

    def __init__(self, *, program: str, pairs: Mapping[tuple[str, str], str]) -> None:
        self._program, self._pairs = program, pairs
        lengths: dict[str, set[int]] = {}
        for name, theirs in pairs:
            if theirs.isdigit():
                lengths.setdefault(name, set()).add(len(theirs))
        self._widths = {name: found.pop() for name, found in lengths.items() if len(found) == 1}

    def code_of(self, field: str, cell: Raw) -> tuple[str, str] | None:
        """(their code, ours) of a cell; None where it has no pair. A number that lost its zeros has them again, as their codes have."""
        name, text = coded_list(field), show_raw(cell).strip()
        texts = (text, text.zfill(self._widths.get(name, 0))) if isinstance(cell, int | float) else (text,)
        return next(((one, self._pairs[name, one]) for one in texts if (name, one) in self._pairs), None)

    def read(self, field: str, cell: Raw, lookups: Lookups) -> tuple[Outcome, tuple[str, str] | None]:
        """What a cell of a coded field comes to, and the pair (theirs, ours) by which.

        Without a pair only what says the meaning in words is taken: "01" of the program may be anything but "01" of ours.
        """
        if (pair := self.code_of(field, cell)) is not None:
            return clean_cell(field, pair[1], lookups, {}, strict=True), pair
        outcome = value, problem, _notices = clean_cell(field, cell, lookups, {}, strict=True)
        text = show_raw(cell).strip()
        if (value is None and problem is None) or (problem is not None and problem.repair is not None):
            return outcome, None
        if value is not None and _beyond_doubt(coded_list(field), text, value, lookups):
            return outcome, None
        return (None, Problem(field, "CODE_UNPAIRED", text[:60], {"program": self._program}, Cause.UNPAIRED), ()), None


def _beyond_doubt(name: str, text: str, value: str, lookups: Lookups) -> bool:
    """Whether a cell that was recognised without a pair can mean nothing else: words, or a unit's own code, which is nobody else's."""
    if name == TITLE:
        return any(sign.isalpha() for sign in text)
    return name == UNIT or lookups.says_in_words(name, text, value)
