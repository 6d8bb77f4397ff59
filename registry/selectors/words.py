"""Words of names that somebody mistyped: what they may have been meant to be.

Names are made of a few thousand words (`NameWord`), so a slip is mended word by word, as spelling checkers do: every text that is
one slip away (a letter left out, put in, changed, or two exchanged) is tried against the table of words that do stand in names.
Nothing is scanned, whatever the number of people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from django.db import connection
from django.db.models import Q

LONGEST = 40  # letters of a word, and words of a question, beyond which nothing is mended
MOST_WORDS = 8
SHORTEST_PREFIX = 2


@dataclass(frozen=True)
class Reading:
    """One way of reading what was typed: people who have all of `words` in their name, and of every set in `any_of` one."""

    words: tuple[str, ...]
    any_of: tuple[frozenset[str], ...] = ()

    @property
    def condition(self) -> Q:
        condition = Q(name_words__contains=list(self.words)) if self.words else Q()
        for one in self.any_of:
            condition &= Q(name_words__overlap=sorted(one))
        return condition


@dataclass(frozen=True)
class NameAsked:
    """`exact` is what was typed, its last word perhaps only begun; `near` what may have been meant. Both may be empty."""

    exact: Sequence[Reading]
    near: Sequence[Reading]


def name_asked(words: Sequence[str]) -> NameAsked:
    """How words without accents (orgtree.text.words) can be read as a name. One query."""
    if not words or len(words) > MOST_WORDS or any(len(word) > LONGEST for word in words):
        return NameAsked([Reading(tuple(words))] if words else [], [])
    tried = {word: slips(word) for word in words}
    pairs = {word: list(_halves(word)) for word in words}
    joined = ["".join(words[at : at + 2]) for at in range(len(words) - 1)]
    texts = {*words, *joined, *(one for each in tried.values() for one in each), *(half for each in pairs.values() for pair in each for half in pair)}
    known = _known(texts, begun=words[-1] if len(words[-1]) >= SHORTEST_PREFIX else "")
    return NameAsked(_exact(words, known), list(_near(words, known, tried, pairs, joined)))


def _known(texts: set[str], begun: str) -> set[str]:
    """Those of `texts` that are words of names, and all that start with `begun` unless that is "". One array, not a thousand parameters."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select word from registry_nameword where word = any(%s) "
            "union select word from registry_nameword where %s <> '' and word >= %s and word < %s",
            [list(texts), begun, begun, begun + "\U0010ffff"],
        )
        return {word for (word,) in cursor.fetchall()}


def slips(word: str) -> frozenset[str]:
    """Every text one slip away from `word`: a letter left out, two neighbours exchanged, a letter changed or put in."""
    parts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    dropped = {head + tail[1:] for head, tail in parts if tail}
    exchanged = {head + tail[1] + tail[0] + tail[2:] for head, tail in parts if len(tail) > 1}
    changed = {head + letter + tail[1:] for head, tail in parts if tail for letter in ascii_lowercase}
    added = {head + letter + tail for head, tail in parts for letter in ascii_lowercase}
    return frozenset((dropped | exchanged | changed | added) - {word, ""})


def _halves(word: str) -> Iterator[tuple[str, str]]:
    """Ways of reading one word as two: a space was forgotten."""
    return ((word[:at], word[at:]) for at in range(1, len(word)))


def _exact(words: Sequence[str], known: set[str]) -> list[Reading]:
    """What was typed as it stands; a last word that is nobody's is the beginning of one."""
    last = words[-1]
    begun = frozenset(word for word in known if word.startswith(last)) if len(last) >= SHORTEST_PREFIX else frozenset()
    if last in known or not begun:
        return [Reading(tuple(words))]
    return [Reading(tuple(words[:-1]), (begun,))]


def _near(
    words: Sequence[str], known: set[str], tried: dict[str, frozenset[str]], pairs: dict[str, list[tuple[str, str]]], joined: Sequence[str]
) -> Iterator[Reading]:
    """Readings with one slip: in the words that are nobody's, else in any one word. Two words that are nobody's may have a slip each."""
    strange = [at for at, word in enumerate(words) if word not in known]
    if len(strange) > 2:
        return
    if len(strange) == 2:
        meant = tuple(frozenset(tried[words[at]] & known) for at in strange)
        if all(meant):
            yield Reading(_without(words, strange), meant)
    for at in strange or range(len(words)):
        rest = _without(words, [at])
        if len(strange) < 2:
            if meant_here := frozenset(tried[words[at]] & known):
                yield Reading(rest, (meant_here,))
            for left, right in pairs[words[at]]:
                if left in known and right in known and len(words[at]) > 3:
                    yield Reading((*rest, left, right))
        if at + 1 < len(words) and joined[at] in known:
            yield Reading((*_without(words, [at, at + 1]), joined[at]))


def _without(words: Sequence[str], places: Sequence[int]) -> tuple[str, ...]:
    return tuple(word for at, word in enumerate(words) if at not in places)
