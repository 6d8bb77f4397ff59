"""Pairs of codes as uploads ask for them (`registry.program_codes.PairKeeper`): those of a program that workbooks come from, inwards only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from exchange.mapping import IN
from exchange.selectors.mapping import code_table, meanings_of
from exchange.selectors.sight import operates_line
from exchange.services.mapping import PairsWrong, Wanted, pairs_set
from orgtree.models import User
from registry.program_codes import NewPair, PairsRefused


class ProgramPairs:
    """The table of pairs, handed over when the program starts."""

    def pairs(self, *, side: str) -> Mapping[tuple[str, str], str]:
        return code_table(side).inward

    def may_pair(self, user: User) -> bool:
        return operates_line(user)

    def pair(self, *, actor: User, side: str, pairs: Sequence[NewPair]) -> int:
        try:
            return pairs_set(actor=actor, side=side, wanted=[Wanted(one.list, one.code, one.theirs, IN) for one in pairs])
        except PairsWrong as error:
            raise PairsRefused([one.message for one in error.wrong]) from error

    def meanings(self, lists: Collection[str]) -> Mapping[str, Mapping[str, str]]:
        return meanings_of(lists)
