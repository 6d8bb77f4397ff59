"""What a record says: refused for its own faults alone, and told where."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from exchange.conformance.checks.check import check, each
from exchange.conformance.kit import Failed, Kit, expect


def _invalid(kit: Kit, change: dict[str, Any], code: str) -> None:
    (told,) = kit.judged(kit.envelope([kit.person(**change)]))
    expect(told["code"], code, "the refusal")
    if not told["message"] or not told["findings"]:
        raise Failed(f"a refusal needs a message and findings, seen {told}")


each(
    "content_is_judged",
    {
        "a date that is none": ({"birth_date": "hôm qua"}, "DOCUMENT_INVALID"),
        "born in the future": ({"birth_date": "2090-01-01"}, "RULE"),
        "a citizen number with letters": ({"citizen_id": "06618500ABCD"}, "RULE"),
        "no name": ({"birth_name": None}, "RULE"),
    },
    "refused with findings that name field and cause",
    "Run the rules on the record and tell the agency all that is wrong with it.",
    _invalid,
)


@check("One wrong record does not refuse the others of its batch", "Judge record by record.")
def the_others_are_taken(kit: Kit) -> None:
    told = kit.outcome([kit.person(), kit.person(birth_date="2090-01-01"), kit.person()])
    expect(told, ["accepted", "RULE", "accepted"], "the three answers")


@check("One citizen number, one person", "A second person with a number that is held is refused.")
def a_citizen_number_is_unique(kit: Kit) -> None:
    first = kit.person()
    second = kit.person(citizen_id=first.document["citizen_id"])
    expect(kit.outcome([first]) + kit.outcome([second]), ["accepted", "RULE"], "two people with one number")


@check("A unit whose superior is unknown is refused", "Take parents first.")
def a_unit_without_its_superior(kit: Kit) -> None:
    told = kit.outcome([kit.unit(parent=str(uuid4()))])
    if told == ["accepted"]:
        raise Failed("a unit below a unit that does not exist was accepted")


@check("A second top unit is refused", "An agency has one tree.")
def one_top_unit(kit: Kit) -> None:
    expect(kit.outcome([kit.unit(code=f"{kit.code}.X", parent=None)]), ["WRONG_OWNER"], "a second top unit")
