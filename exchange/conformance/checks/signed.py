"""What was signed, by whom and when: a forged batch is found out at whatever place it was forged."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from exchange.conformance.checks.check import check, each
from exchange.conformance.kit import Failed, Kit, expect


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
