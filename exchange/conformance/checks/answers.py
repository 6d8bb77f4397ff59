"""Receipts, trial, reconciliation: what the hub tells."""

from __future__ import annotations

import base64
import hashlib
from uuid import uuid4

from exchange.conformance.checks.check import check
from exchange.conformance.kit import Failed, Kit, expect, refused
from workflows.documents import canonical

ZEROES = "0" * 64


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
