"""The population database of the sandbox: it knows whoever it is asked about, and of some it holds something else. Seeded, so always the same.

Whoever is asked about for the first time is invented from the question; from then on that is what the database holds, until somebody corrects
it on the sandbox's page. Of a thousand people about fifty do not match, for every cause some.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

from exchange.population import same_birth_date, same_name

STANDING, CANCELLED, TWICE, UNKNOWN, BROKEN = "standing", "cancelled", "twice", "unknown", "broken"
# Upper bounds among 1,000 people: what the database holds of them.
PORTIONS = (
    (700, "same"),
    (850, "decomposed"),  # the same name in NFD and capitals
    (950, "year"),  # the year of birth alone
    (966, "name"),
    (976, "birth_date"),
    (981, "gender"),
    (988, UNKNOWN),
    (993, CANCELLED),
    (997, TWICE),
    (1000, BROKEN),
)
ACUTE = "\u0301"
TONES = frozenset("\u0300\u0309\u0303\u0301\u0323")


def invented(asked: Mapping[str, str], seed: int) -> dict[str, Any]:
    """What the database holds of somebody it is asked about for the first time."""
    place = int.from_bytes(hashlib.sha256(f"{seed}:{asked['citizen_id']}".encode()).digest()[:4], "big") % 1000
    what = next(name for bound, name in PORTIONS if place < bound)
    held: dict[str, Any] = {"state": STANDING, **{name: asked[name] for name in ("birth_name", "birth_date", "gender")}}
    if what == "decomposed":
        held["birth_name"] = unicodedata.normalize("NFD", asked["birth_name"].upper())
    elif what == "year":
        held["birth_date"] = asked["birth_date"][:4]
    elif what == "name":
        held["birth_name"] = _other_name(asked["birth_name"])
    elif what == "birth_date":
        held["birth_date"] = _other_day(asked["birth_date"])
    elif what == "gender":
        held["gender"] = "2" if asked["gender"] == "1" else "1"
    elif what in (UNKNOWN, CANCELLED, TWICE, BROKEN):
        held["state"] = what
    return held


def answer(asked: Mapping[str, str], held: Mapping[str, Any]) -> dict[str, Any]:
    """The database's answer to one question."""
    codes = {UNKNOWN: "ID_NOT_FOUND", CANCELLED: "ID_CANCELLED", TWICE: "DUPLICATE_ID", BROKEN: "E-500"}
    said = {"ref": asked["ref"], "citizen_id": asked["citizen_id"]}
    if held["state"] in codes:
        return {**said, "code": codes[held["state"]]}
    known = {name: held[name] for name in ("birth_name", "birth_date", "gender")}
    return {**said, "code": _code(asked, known), **known}


def _code(asked: Mapping[str, str], held: Mapping[str, str]) -> str:
    if not same_name(asked["birth_name"], held["birth_name"]):
        return "NAME_DIFF"
    if not same_birth_date(asked["birth_date"], held["birth_date"]):
        return "DOB_DIFF"
    return "MATCHED" if asked["gender"] == held["gender"] else "GENDER_DIFF"


def _other_name(name: str) -> str:
    """The given name with another tone: the commonest slip there is."""
    before, _space, given = name.rpartition(" ")
    parts = unicodedata.normalize("NFD", given)
    bare = "".join(sign for sign in parts if sign not in TONES)
    if bare == parts:
        place = next((index for index, sign in enumerate(bare) if sign.lower() in "aeiouy"), len(bare) - 1)
        bare = bare[: place + 1] + ACUTE + bare[place + 1 :]
    return unicodedata.normalize("NFC", f"{before} {bare}".strip())


def _other_day(text: str) -> str:
    """Day and month exchanged where both can be either, else a day off; the year stays, since the number holds it."""
    day = date.fromisoformat(text)
    if day.day <= 12 and day.day != day.month:
        return day.replace(day=day.month, month=day.day).isoformat()
    return day.replace(day=day.day - 1 if day.day > 1 else 2).isoformat()
