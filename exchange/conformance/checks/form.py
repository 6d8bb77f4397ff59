"""The form of calls: what is no call at all is refused before anything is stored."""

from __future__ import annotations

from uuid import uuid4

from exchange.conformance.checks.check import check, each
from exchange.conformance.kit import Failed, Kit, refused
from exchange.contract import MAX_ITEMS, UNIT_KIND


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
