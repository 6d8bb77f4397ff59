"""The agency's tree, then its people: what arrives is taken, once, and answered."""

from __future__ import annotations

from uuid import uuid4

from exchange.conformance.checks.check import check
from exchange.conformance.kit import Failed, Kit, expect, refused
from exchange.contract import UNIT_KIND


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
