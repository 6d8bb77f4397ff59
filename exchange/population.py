"""The population database: what it is asked, what it answers, and what the answer means. Pure: no tables, no network.

Neither the interface nor its result codes are published, so both stand behind this module: a question is four fields of one person, an
answer a code and, where the database gives them, the values that it holds. What a code means is a table that an administrator may extend
(`OutcomeCode`); where values are given they outrank the code, because a difference in spelling is not a difference in the person, and a
"matched" beside another date of birth is none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from exchange.choices import MatchOutcome, MatchOwner

MAX_PEOPLE = 500

NAME, BIRTH_DATE, GENDER = "birth_name", "birth_date", "gender"
# In the order in which they weigh: the first one that differs names the outcome.
DIFFERENCES: Mapping[str, MatchOutcome] = {NAME: MatchOutcome.NAME_DIFF, BIRTH_DATE: MatchOutcome.DOB_DIFF, GENDER: MatchOutcome.GENDER_DIFF}
ASKED_FIELDS = ("citizen_id", NAME, BIRTH_DATE, GENDER)

# Our own names of the outcomes, which any register may use as they are; the official codes go into the table of OutcomeCode.
DEFAULT_CODES: Mapping[str, MatchOutcome] = {one.name: one for one in MatchOutcome if one != MatchOutcome.NOT_CHECKED}

OWNERS: Mapping[MatchOutcome, MatchOwner] = {
    MatchOutcome.NAME_DIFF: MatchOwner.AGENCY,
    MatchOutcome.DOB_DIFF: MatchOwner.AGENCY,
    MatchOutcome.GENDER_DIFF: MatchOwner.AGENCY,
    MatchOutcome.ID_NOT_FOUND: MatchOwner.AGENCY,
    # A number that was taken back or given twice is mended where numbers are given (Law 26/2023/QH15 on identification).
    MatchOutcome.ID_CANCELLED: MatchOwner.POLICE,
    MatchOutcome.DUPLICATE_ID: MatchOwner.POLICE,
}

OTHER_PERSON, CODE_UNKNOWN, UNREADABLE, CONTRADICTION = "OTHER_PERSON", "CODE_UNKNOWN", "UNREADABLE", "CONTRADICTION"

_GENDERS: Mapping[str, str] = {"1": "1", "nam": "1", "m": "1", "male": "1", "2": "2", "nữ": "2", "nu": "2", "f": "2", "female": "2"}
_TONES = frozenset("\u0300\u0309\u0303\u0301\u0323")
_APOSTROPHES = str.maketrans("’‘ʼ`´", "'''''")
_ISO = re.compile(r"([0-9]{4})(?:-([0-9]{1,2}))?(?:-([0-9]{1,2}))?(?:T.*)?")
_VIETNAMESE = re.compile(r"(?:(?:([0-9]{1,2})[/.])?([0-9]{1,2})[/.])?([0-9]{4})")


class Person(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One person to compare. `ref` names the question: the answer must carry it."""

    ref: UUID
    citizen_id: Annotated[str, Meta(pattern="^[0-9]{12}$")]
    birth_name: Annotated[str, Meta(min_length=1, max_length=100)]
    birth_date: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    gender: str


class MatchCall(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    people: Annotated[list[Person], Meta(min_length=1, max_length=MAX_PEOPLE)]


class Answer(msgspec.Struct, kw_only=True):
    """What the database says of one question. Values that it holds may be given or not; fields that we do not know are kept in the raw answer."""

    ref: UUID
    code: Annotated[str, Meta(min_length=1, max_length=60)]
    citizen_id: str | None = None
    birth_name: Annotated[str, Meta(max_length=300)] | None = None
    birth_date: Annotated[str, Meta(max_length=30)] | None = None
    gender: Annotated[str, Meta(max_length=20)] | None = None


class Answers(msgspec.Struct, kw_only=True):
    """The answer to a batch. Answers stay as they came until each has been read, so that one that is unreadable spoils no other."""

    answers: list[dict[str, Any]]


@dataclass(frozen=True)
class Judged:
    """What an answer comes to. `differs` names the fields of the file that differ; `code` is the other side's, or ours for no usable answer."""

    outcome: MatchOutcome
    differs: tuple[str, ...] = ()
    code: str = ""


def judge(*, asked: Mapping[str, str], answer: Answer, codes: Mapping[str, MatchOutcome]) -> Judged:
    """What the answer means for the person who was asked about (`asked` holds ASKED_FIELDS as they were sent)."""
    if answer.citizen_id and answer.citizen_id != asked["citizen_id"]:
        return Judged(MatchOutcome.ERROR, code=OTHER_PERSON)
    said = codes.get(answer.code)
    if said is None:
        return Judged(MatchOutcome.ERROR, code=CODE_UNKNOWN)
    if said != MatchOutcome.MATCHED and said not in DIFFERENCES.values():
        return Judged(said, code=answer.code)
    differs = tuple(name for name in DIFFERENCES if _differs(name, asked[name], getattr(answer, name), said))
    return Judged(DIFFERENCES[differs[0]] if differs else MatchOutcome.MATCHED, differs, answer.code)


def answers_by_ref(answers: Iterable[Mapping[str, Any]]) -> dict[UUID, list[Mapping[str, Any]]]:
    """Raw answers by the question that they name, each once; those that name none are left out."""
    found: dict[UUID, list[Mapping[str, Any]]] = {}
    for raw in answers:
        try:
            ref = UUID(str(raw.get("ref")))
        except ValueError:
            continue
        told = found.setdefault(ref, [])
        if raw not in told:
            told.append(raw)
    return found


def read_answer(raw: Mapping[str, Any]) -> Answer | None:
    """The answer in its shape, or None when it has another."""
    try:
        return msgspec.convert(dict(raw), Answer)
    except (msgspec.ValidationError, TypeError):
        return None


def held_value(name: str, text: str | None) -> str | None:
    """A value that the database holds as our document would have it; None where that cannot be said (a birth date of a year alone)."""
    if not text:
        return None
    if name == GENDER:
        return _gender(text)
    if name == NAME:
        return " ".join(unicodedata.normalize("NFC", text).split()) or None
    year, month, day = _parts(text)
    try:
        return date(year, month, day).isoformat() if year and month and day else None
    except ValueError:
        return None


def same_name(one: str, other: str) -> bool:
    """The same name, however it is written: composed or not, in capitals or not, with the tone on either vowel (Hòa, Hoà)."""
    return _name_key(one) == _name_key(other)


def same_birth_date(ours: str, held: str) -> bool:
    """`ours` is an ISO day. Of what the database holds only the known parts count: many old records know the year alone.

    In our own files 1 January may stand for a year alone as well; beside a full date of the database it is a difference like any other,
    since then the day is known.
    """
    known = _parts(held)
    mine = tuple(int(part) for part in ours.split("-"))
    return bool(known[0]) and all(part in (0, mine[place]) for place, part in enumerate(known))


def _differs(name: str, asked: str, held: str | None, said: MatchOutcome) -> bool:
    if held is None or not held.strip() or (name == GENDER and _gender(held) is None) or (name == BIRTH_DATE and not _parts(held)[0]):
        return DIFFERENCES[name] == said
    if name == NAME:
        return not same_name(asked, held)
    return not same_birth_date(asked, held) if name == BIRTH_DATE else _gender(held) != asked


def _name_key(name: str) -> str:
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFC", name).casefold().translate(_APOSTROPHES))
    return " ".join(_word_key(word) for word in text.split())


def _word_key(word: str) -> str:
    """Letters first, then the tones: a Vietnamese syllable has one, so where it stands is spelling."""
    letters = "".join(sign for sign in word if sign not in _TONES)
    return unicodedata.normalize("NFC", letters) + "".join(sorted(sign for sign in word if sign in _TONES))


def _gender(text: str) -> str | None:
    return _GENDERS.get(unicodedata.normalize("NFC", text).strip().casefold())


def _parts(text: str) -> tuple[int, int, int]:
    """(year, month, day) of 2026-03-08, 8/3/2026, 3/2026, 1962, 00/00/1962 and 1962-00-00; 0 for what is not known or not read."""
    found = _ISO.fullmatch(text.strip())
    year, month, day = found.groups() if found else (None, None, None)
    if found is None and (other := _VIETNAMESE.fullmatch(text.strip())):
        day, month, year = other.groups()
    if year is None:
        return (0, 0, 0)
    numbers = (int(year), int(month or 0), int(day or 0))
    return (numbers[0], numbers[1], numbers[2]) if numbers[1] else (numbers[0], 0, 0)
