"""Versions of a record follow one another in the agency's own numbers."""

from __future__ import annotations

from exchange.conformance.checks.check import check, each
from exchange.conformance.kit import Failed, Kit, expect


@check("Versions are taken in order", "The version is base_version + 1, the agency's own number.")
def versions_follow_one_another(kit: Kit) -> None:
    first = kit.person()
    expect(kit.outcome([first]) + kit.outcome([first.again(phone="0987654321")]), ["accepted"] * 2, "versions 1 and 2")


@check("VERSION_GAP for a version whose predecessor is missing", "A gap is a refusal that names the version to send first.")
def a_gap_is_refused(kit: Kit) -> None:
    expect(kit.outcome([kit.person().again(phone="0987654321")]), ["VERSION_GAP"], "version 2 of an unknown record")


@check("Accepted again, with the same digest", "What is held is held, under whatever batch it comes again.")
def the_same_version_again(kit: Kit) -> None:
    change = kit.person()
    expect(kit.outcome([change]) + kit.outcome([change]), ["accepted"] * 2, "the same version twice")


@check("VERSION_CONFLICT for another document under a number that is held", "Compare digests.")
def another_document_under_a_number(kit: Kit) -> None:
    change = kit.person()
    kit.outcome([change])
    other = type(change)(change.kind, change.key, {**change.document, "phone": "0911222333"})
    expect(kit.outcome([other]), ["VERSION_CONFLICT"], "another version 1")


@check("TWICE_IN_BATCH for the second of two versions in one batch", "Versions of a record come in batches one after the other.")
def twice_in_a_batch(kit: Kit) -> None:
    first = kit.person()
    expect(kit.outcome([first, first.again(phone="0987654321")])[1], "TWICE_IN_BATCH", "the second version")


def _wrong_op(kit: Kit, op: str, base: int) -> None:
    envelope = kit.envelope([kit.person()])
    envelope["items"][0] |= {"op": op, "base_version": base}
    told = kit.judged(envelope)[0]["code"]
    if told not in ("OP_INVALID", "PROOF_INVALID"):
        raise Failed(f"{op} on base version {base} was answered with {told or 'accepted'}")


each(
    "operation_fits_its_base",
    {"update of nothing": ("update", 0), "creation on a base": ("create", 3)},
    "OP_INVALID",
    "create has base 0.",
    _wrong_op,
)


@check("The refused version is kept (set_aside), and its correction follows", "Keep a proved version that breaks a rule as refused; take the next.")
def a_correction_follows_a_refusal(kit: Kit) -> None:
    wrong = kit.person(birth_date="2090-01-01")
    (told,) = kit.judged(kit.envelope([wrong]))
    expect((told["outcome"], told["code"], told["set_aside"]), ("rejected", "RULE", True), "the refusal")
    expect(kit.outcome([wrong.again(birth_date="1985-08-15")]), ["accepted"], "the correction")
