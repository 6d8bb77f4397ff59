"""The checks. Each has a name, what is expected of a hub, how to mend it, and a function that raises Failed.

They run in order, since a hub that does not know the examining agency's tree can judge no person.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from exchange.conformance.kit import Failed, Kit, expect, refused
from exchange.contract import MAX_ITEMS, UNIT_KIND
from workflows.documents import canonical


@dataclass(frozen=True)
class Check:
    name: str
    expected: str
    mend: str
    run: Callable[[Kit], None]


CHECKS: list[Check] = []


def check(expected: str, mend: str) -> Callable[[Callable[[Kit], None]], Callable[[Kit], None]]:
    """Register a function as a check under its own name."""

    def registered(function: Callable[[Kit], None]) -> Callable[[Kit], None]:
        CHECKS.append(Check(function.__name__, expected, mend, function))
        return function

    return registered


def each(name: str, cases: dict[str, Any], expected: str, mend: str, run: Callable[..., None]) -> None:
    """Register one check for every case: its value is given to `run` after the kit."""
    CHECKS.extend(Check(f"{name}: {case}", expected, mend, partial(_with, run, value)) for case, value in cases.items())


def _with(run: Callable[..., None], value: Any, kit: Kit) -> None:
    run(kit, *value) if isinstance(value, tuple) else run(kit, value)


# Getting in


@check("A token for client credentials with the scope exchange", "RFC 6749 section 4.4 at /o/token/; answer access_token, token_type and expires_in.")
def token_is_given(kit: Kit) -> None:
    answer = kit.token_ask()
    if answer.status != 200 or not answer.body or str(answer.body.get("token_type", "")).lower() != "bearer" or not answer.body.get("expires_in"):
        raise Failed(f"the token was answered with {answer}")
    kit.token = answer.body["access_token"]


def _token_refused(kit: Kit, form: dict[str, str]) -> None:
    answer = kit.token_ask(**form)
    if answer.status not in (400, 401):
        raise Failed(f"{form} was answered with {answer.status}")


each(
    "token_is_refused",
    {
        "wrong secret": {"secret": "x" * 40},
        "unknown client": {"client_id": "nobody-" + "x" * 20},
        "other grant": {"grant_type": "password"},
        "other scope": {"scope": "admin"},
    },
    "400 or 401",
    "Issue tokens for the client's own secret, the grant client_credentials and the scope exchange only.",
    _token_refused,
)


def _needs_token(kit: Kit, method: str, path: str, token: str) -> None:
    answer = kit.call(method, path, token=token, body={} if method != "GET" else None, headers={"idempotency-key": uuid4().hex})
    refused(answer, 401, "UNAUTHORIZED")
    if "bearer" not in answer.headers.get("www-authenticate", "").lower():
        raise Failed("a 401 has to name the scheme in WWW-Authenticate (RFC 6750 section 3)")


CALLS = {"profiles": ("POST", "/profiles"), "units": ("PUT", "/org-units"), "receipts": ("GET", "/receipts"), "trial": ("POST", "/trial")}
each(
    "without_a_token",
    {name: (*call, "") for name, call in CALLS.items()},
    "401 UNAUTHORIZED",
    "Ask for the token before anything else.",
    _needs_token,
)
each("with_a_false_token", {name: (*call, "nonsense") for name, call in CALLS.items()}, "401 UNAUTHORIZED", "Validate the token.", _needs_token)


@check("An OpenAPI 3.1 document that names every call", "Serve it at /api/v1/openapi.json; it is open to everybody.")
def description_is_published(kit: Kit) -> None:
    answer = kit.call("GET", "/openapi.json", token="")
    paths = (answer.body or {}).get("paths", {})
    wanted = ("/profiles", "/org-units", "/batches", "/receipts", "/trial", "/digests")
    missing = [path for path in wanted if not any(known.endswith(path) for known in paths)]
    if answer.status != 200 or not str(answer.body.get("openapi", "")).startswith("3.1") or missing:
        raise Failed(f"status {answer.status}, version {answer.body and answer.body.get('openapi')}, missing {missing}")


# The form of calls


def _malformed(kit: Kit, body: bytes, status: int, code: str, headers: dict[str, str]) -> None:
    sent = {"idempotency-key": uuid4().hex, **headers}
    refused(kit.call("POST", "/profiles", body=body, headers={name: value for name, value in sent.items() if value}), status, code)


each(
    "malformed_call",
    {
        "no JSON": (b"{", 400, "MALFORMED", {}),
        "empty object": (b"{}", 422, "INVALID", {}),
        "a list": (b"[]", 422, "INVALID", {}),
        "no items": (b'{"manifest":"e30=","signature":"e30=","received_at":"2026-01-01T00:00:00Z","items":[]}', 422, "INVALID", {}),
        "time without a zone": (b'{"manifest":"e30=","signature":"e30=","received_at":"2026-01-01T00:00:00","items":[1]}', 422, "INVALID", {}),
        "not UTF-8": (b'{"manifest":"\xff"}', 422, "INVALID", {}),
        "deeply nested": (b"[" * 100_000, 422, "INVALID", {}),
        "other media type": (b"{}", 415, "UNSUPPORTED_TYPE", {"content-type": "text/plain"}),
        "key too short": (b"{}", 422, "INVALID", {"idempotency-key": "short"}),
        "key with spaces": (b"{}", 422, "INVALID", {"idempotency-key": "a key with spaces in it"}),
        "no key": (b"{}", 422, "KEY_MISSING", {"idempotency-key": ""}),
    },
    "the documented status, with a Problem of code, message and place",
    "Parse strictly before anything is stored, and answer every refusal with a Problem.",
    _malformed,
)


@check("422 INVALID naming the item of another kind", "Each address takes its own kind of record only.")
def kind_belongs_to_its_address(kit: Kit) -> None:
    answer = kit.send(kit.envelope([kit.person()]), kind=UNIT_KIND)
    refused(answer, 422, "INVALID")
    if "items" not in str(answer.body.get("place")):
        raise Failed(f"the place is {answer.body.get('place')!r}")


@check("422 INVALID for an unknown field", "Forbid unknown fields: what is not understood must not be swallowed.")
def unknown_fields_are_refused(kit: Kit) -> None:
    refused(kit.send({**kit.envelope([kit.person()]), "surprise": 1}), 422, "INVALID")


@check(f"422 INVALID for more than {MAX_ITEMS} items", "Bound the number of items of a batch.")
def batches_are_bounded(kit: Kit) -> None:
    envelope = kit.envelope([kit.person()])
    refused(kit.send({**envelope, "items": envelope["items"] * (MAX_ITEMS + 1)}), 422, "INVALID")


def _not_found(kit: Kit, path: str, status: int, code: str) -> None:
    refused(kit.call("GET", path), status, code)


each(
    "what_is_not_there",
    {
        "batch by id": (f"/batches/{uuid4()}", 404, "NOT_FOUND"),
        "batch by key": (f"/batches?idempotency_key={uuid4().hex}", 404, "NOT_FOUND"),
        "trial": (f"/trial/{uuid4()}", 404, "NOT_FOUND"),
        "no identifier": ("/batches/1", 422, "INVALID"),
        "cursor below zero": ("/receipts?after=-1", 422, "INVALID"),
        "cursor that is no number": ("/receipts?after=x", 422, "INVALID"),
        "cursor beyond 64 bits": (f"/receipts?after={2**64}", 422, "INVALID"),
    },
    "404 NOT_FOUND, or 422 INVALID for what is no identifier",
    "Only the agency's own batches exist for it; parameters are bounded.",
    _not_found,
)


# The tree, then people


@check("The agency's tree is taken, its top unit by the agency's own code", "Take units before people, parents first.")
def tree_is_taken(kit: Kit) -> None:
    top = kit.call("POST", "/digests", body={"kind": UNIT_KIND, "depth": "groups"}).body
    if top and top.get("count"):
        raise Failed("the hub already holds units of this agency: run the checks with an agency of their own, once")
    expect(kit.outcome(kit.tree()), ["accepted", "accepted"], "the answers for the top unit and an office")


@check("202 with an id and the number of items, at once", "Store the bytes, answer, and process afterwards.")
def batch_is_answered_at_once(kit: Kit) -> None:
    answer = kit.send(kit.envelope([kit.person()]))
    expect((answer.status, (answer.body or {}).get("items")), (202, 1), "status and number of items")


@check("The receipt names record, version and digest", "Answer with the digest of the document that you hold: the agency compares it.")
def receipt_names_the_record(kit: Kit) -> None:
    change = kit.person()
    (told,) = kit.judged(kit.envelope([change]))
    expect((told["outcome"], told["key"], told["version"], told["digest"]), ("accepted", str(change.key), 1, change.digest), "the receipt")


@check("The same key with the same body gets the same answer", "Keep the key with the body's digest, and answer a repetition from it.")
def repetition_gets_the_same_answer(kit: Kit) -> None:
    envelope, key = kit.envelope([kit.person()]), uuid4().hex
    expect(kit.send(envelope, key=key).body, kit.send(envelope, key=key).body, "the second answer")


@check("409 KEY_REUSED for the same key with another body", "Compare the body's digest.")
def key_is_not_reused(kit: Kit) -> None:
    key = uuid4().hex
    kit.send(kit.envelope([kit.person()]), key=key)
    refused(kit.send(kit.envelope([kit.person()]), key=key), 409, "KEY_REUSED")


@check("A batch can be found by its key", "GET /batches?idempotency_key= is how an agency resolves doubt.")
def batch_is_found_by_its_key(kit: Kit) -> None:
    key = uuid4().hex
    sent = kit.send(kit.envelope([kit.person()]), key=key).body
    found = kit.call("GET", f"/batches?idempotency_key={key}").body or {}
    expect((found.get("batch"), found.get("idempotency_key")), (sent["batch"], key), "the batch")


@check("Eight threads with one key make one batch", "Let a unique constraint decide, not a look-up.")
def one_key_at_the_same_moment(kit: Kit) -> None:
    from concurrent.futures import ThreadPoolExecutor

    envelope, key = kit.envelope([kit.person()]), uuid4().hex
    with ThreadPoolExecutor(8) as threads:
        answers = [one.result() for one in [threads.submit(kit.send, envelope, key=key) for _ in range(8)]]
    expect({(one.status, (one.body or {}).get("batch")) for one in answers}, {(202, answers[0].body["batch"])}, "the eight answers")


# Versions


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


# What was signed


def _forged(kit: Kit, forge: Callable[[dict[str, Any]], None], codes: tuple[str, ...]) -> None:
    envelope = kit.envelope([kit.person(), kit.person()])
    forge(envelope)
    told = [one["code"] for one in kit.judged(envelope)]
    if not set(told) & set(codes):
        raise Failed(f"expected one of {codes}, seen {told}")


def _field(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def forge(envelope: dict[str, Any]) -> None:
        place, _, name = path.rpartition(".")
        (envelope["items"][0] if place == "item" else envelope["items"][0]["document"] if place == "document" else envelope)[name] = value

    return forge


def _flipped(name: str) -> Callable[[dict[str, Any]], None]:
    def forge(envelope: dict[str, Any]) -> None:
        body = bytearray(base64.b64decode(envelope[name]))
        body[len(body) // 2] ^= 1
        envelope[name] = base64.b64encode(bytes(body)).decode()

    return forge


ZEROES = "0" * 64
each(
    "forgery_is_found",
    {
        "document": (_field("document.phone", "0900000000"), ("PROOF_INVALID",)),
        "key": (_field("item.key", str(uuid4())), ("PROOF_INVALID",)),
        "leaf index": (_field("item.leaf_index", 1), ("PROOF_INVALID",)),
        "proof": (_field("item.proof", [ZEROES]), ("PROOF_INVALID",)),
        "no proof": (_field("item.proof", []), ("PROOF_INVALID",)),
        "proof too long": (_field("item.proof", [ZEROES] * 17), ("PROOF_INVALID",)),
        "signature": (_flipped("signature"), ("SIGNATURE_REFUSED",)),
        "manifest": (_flipped("manifest"), ("SIGNATURE_REFUSED", "MANIFEST_INVALID")),
        "manifest that is none": (_field("manifest", base64.b64encode(b"{}").decode()), ("MANIFEST_INVALID",)),
    },
    "the item, or the whole batch, is refused with the documented code",
    "Verify signature, manifest and inclusion proof (RFC 9162) before the record is looked at.",
    _forged,
)


@check("LEAF_EXCLUDED for a record that the approver left out", "A manifest names the leaves that are not approved.")
def an_excluded_leaf_is_refused(kit: Kit) -> None:
    expect(kit.outcome([kit.person(), kit.person()], excluded=[1]), ["accepted", "LEAF_EXCLUDED"], "the two leaves")


@check("WRONG_AGENCY for a manifest of another authority", "The manifest's authority has to be the client's agency.")
def another_authority_is_refused(kit: Kit) -> None:
    expect(kit.outcome([kit.person()], authority="Y99"), ["WRONG_AGENCY"], "another agency's manifest")


def _time(kit: Kit, shift: timedelta) -> None:
    envelope = kit.envelope([kit.person()])
    envelope["received_at"] = (datetime.now(UTC) + shift).isoformat()
    expect([one["code"] for one in kit.judged(envelope)], ["TIME_OUT_OF_BOUNDS"], "the receipt time")


TIMES = {"an hour ahead": timedelta(hours=1), "a year ago": timedelta(days=-365)}
each("receipt_time_in_bounds", TIMES, "TIME_OUT_OF_BOUNDS", "At most 10 minutes ahead of the hub's clock, 90 days behind.", _time)


# What it says


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


# Receipts, trial, reconciliation


@check("Receipts count up without gaps and come by cursor", "`sequence` is the cursor; a later page never misses a receipt.")
def receipts_are_numbered(kit: Kit) -> None:
    numbers, after = [], 0
    while True:
        page = kit.call("GET", f"/receipts?after={after}").body
        numbers += [one["sequence"] for one in page["receipts"]]
        if page["next"] is None:
            break
        after = page["next"]
    expect(numbers, list(range(1, len(numbers) + 1)), "the sequence numbers")


@check("A trial answers as the real call would, and keeps nothing", "Run the same code and roll it back.")
def a_trial_keeps_nothing(kit: Kit) -> None:
    change = kit.person()
    answer = kit.call("POST", "/trial", body={"envelopes": [kit.envelope([change])]})
    told = (answer.body or {}).get("items", [{}])[0]
    expect((answer.status, told.get("outcome"), told.get("digest")), (200, "accepted", change.digest), "the trial")
    expect(kit.outcome([change.again(phone="0987654321")]), ["VERSION_GAP"], "version 2 after a trial of version 1")


@check("The report of a trial can be read back", "Keep the report, and nothing else.")
def a_trial_is_read_back(kit: Kit) -> None:
    told = kit.call("POST", "/trial", body={"envelopes": [kit.envelope([kit.person(birth_date="2090-01-01")])]}).body
    expect((told["passed"], told["items"][0]["code"]), (False, "RULE"), "a trial of a wrong record")
    expect(kit.call("GET", f"/trial/{told['trial']}").body, told, "the report that is read back")


@check("A trial of eleven people is refused", "One to ten people.")
def a_trial_is_small(kit: Kit) -> None:
    refused(kit.call("POST", "/trial", body={"envelopes": [kit.envelope([kit.person() for _ in range(11)])]}), 422, "INVALID")


@check("Digests of 64 groups, and below them of what they hold", "See DigestAnswer in the contract.")
def digests_descend(kit: Kit) -> None:
    change = kit.person()
    kit.outcome([change])
    place = int.from_bytes(hashlib.sha256(change.key.bytes).digest()[:3], "big") >> 6
    sizes = {}
    for depth, inside in {"groups": [], "buckets": [place >> 12], "cells": [place >> 6]}.items():
        told = kit.call("POST", "/digests", body={"kind": change.kind, "depth": depth, "inside": inside}).body
        sizes[depth] = len(base64.b64decode(told["data"]))
    expect(sizes, dict.fromkeys(sizes, 64 * 32), "the bytes of each answer")
    told = kit.call("POST", "/digests", body={"kind": change.kind, "depth": "entries", "inside": [place]}).body
    entry = change.key.bytes + (1).to_bytes(4, "big") + bytes.fromhex(change.digest)
    if entry not in base64.b64decode(told["data"]):
        raise Failed("the entry of a record that was just accepted is not in its cell")


@check("The hub tells the agency's own documents", "POST /documents, by key; other agencies' records are left out.")
def documents_are_told(kit: Kit) -> None:
    change, unknown = kit.person(), str(uuid4())
    kit.outcome([change])
    told = kit.call("POST", "/documents", body={"kind": change.kind, "keys": [str(change.key), unknown]}).body["documents"]
    expect(list(told), [str(change.key)], "the records")
    expect(hashlib.sha256(canonical(told[str(change.key)])).hexdigest(), change.digest, "the digest of the document")


@check("409 NOT_EQUAL for a statement of equality that is not true", "Compare the statement with your own digests before you keep it.")
def a_false_statement_is_refused(kit: Kit) -> None:
    held = {kind: {"root": ZEROES, "count": 1} for kind in ("org_unit", "staff_profile")}
    said = {"schema": "equality/1", "agency": kit.code, "hub": "G09", "at": "2026-01-01T00:00:00Z", "kinds": held}
    refused(kit.call("PUT", "/certificates", body={"statement": base64.b64encode(canonical(said)).decode()}), 409, "NOT_EQUAL")


@check("No answer above 499 in the whole run", "An error of the program's own is never the answer to a call.")
def every_receipt_is_whole(kit: Kit) -> None:
    for told in kit.receipts_seen:
        if told["outcome"] == "rejected" and not (told["code"] and told["message"]):
            raise Failed(f"a refusal without code or message: {told}")
        if told["outcome"] == "accepted" and not told["digest"]:
            raise Failed(f"an acceptance without a digest: {told}")
