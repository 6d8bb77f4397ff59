"""The sides that the sandbox plays: population database, Party database, national hub.

A side takes a batch under its idempotency key once; the same key gives the same answer again, as the contract asks. Most faults strike around a
side (`app`); here is what only the side itself can do wrong: take half of a batch, or use a code of yesterday.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import msgspec

from exchange.contract import MAX_ITEMS, ROUTES, decode_envelope
from exchange.holding_contract import PAGE, HeldQuestion
from exchange.party import MembersCall
from exchange.population import MatchCall
from exchange.sandbox.faults import Fault, Faults
from exchange.sandbox.people import answer, invented
from exchange.sandbox.store import Store
from workflows.documents import canonical, digest

POPULATION, PARTY, HUB = "population", "party", "hub"
KIND_OF = {path: kind for kind, (_method, path) in ROUTES.items()}
STALE = "V1-07"  # a code that no table of today names


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Call:
    """One call after the gateway: `path` is below the address of the side's interface, `body` as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers.get("idempotency-key", "")


class Refused(Exception):
    """The call is refused: `status` and a problem in the shape of the contract."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.reply = Reply(status, {"code": code, "message": message, "place": ""})
        super().__init__(message)


class Side:
    """What all sides share: batches by their key."""

    name: str

    def __init__(self, store: Store, faults: Faults, seed: int) -> None:
        self.store, self.faults, self.seed = store, faults, seed

    def handle(self, call: Call) -> Reply:
        """Raises Refused."""
        raise NotImplementedError

    def once(self, call: Call, take: Callable[[], Any]) -> Any:
        """The answer under the call's key: kept from the first time, or made by `take` now. Raises Refused without a key."""
        if not 16 <= len(call.key) <= 128:
            raise Refused(400, "KEY_MISSING", "the header Idempotency-Key names the batch, 16 to 128 characters")
        kept = self.store.batch(self.name, call.key)
        if kept is not None:
            return kept
        answer_ = take()
        self.store.batch_keep(self.name, call.key, answer_)
        return answer_

    def kept(self, key: str) -> Any:
        kept = self.store.batch(self.name, key)
        if kept is None:
            raise Refused(404, "NOT_FOUND", "nothing arrived under this key")
        return kept

    def forget(self, key: str) -> None:
        """As if nothing had ever arrived under this key."""
        self.store.batch_forget(self.name, key)

    def some(self, items: Sequence[Any]) -> Sequence[Any]:
        """All of a batch, or half of it where that fault strikes."""
        return items[: (len(items) + 1) // 2] if self.faults.strikes(Fault.HALF_BATCH) else items


class Population(Side):
    name = POPULATION

    def handle(self, call: Call) -> Reply:
        if call.method == "POST" and call.path == "/population/matches":
            return Reply(200, {"answers": self.once(call, lambda: self._answers(_decoded(call.body, MatchCall)))})
        if call.method == "GET" and call.path.startswith("/population/matches/"):
            return Reply(200, {"answers": self.kept(call.path.rpartition("/")[2])})
        raise Refused(404, "NO_SUCH_ADDRESS", call.path)

    def agree(self, number: str) -> None:
        """The police correct what is held: from now on the database says what it was asked."""
        held = self.store.held(self.name, number)
        if held is not None and "asked" in held:
            self.store.hold(self.name, number, {"state": "standing", **held["asked"], "asked": held["asked"]})

    def _answers(self, call: MatchCall) -> list[dict[str, Any]]:
        return [self._answer(msgspec.to_builtins(person)) for person in self.some(call.people)]

    def _answer(self, asked: dict[str, str]) -> dict[str, Any]:
        number = asked["citizen_id"]
        held = self.store.held(self.name, number) or invented(asked, self.seed)
        values = {name: asked[name] for name in ("birth_name", "birth_date", "gender")}
        self.store.hold(self.name, number, {**held, "asked": values})
        said = answer(asked, held)
        return {**said, "code": STALE} if self.faults.strikes(Fault.STALE_CODE) else said


class Party(Side):
    """Keeps whom it is told of; of some whose day of joining it learns, it later tells the day of full membership, and more than it should."""

    name = PARTY

    def handle(self, call: Call) -> Reply:
        if call.method == "POST" and call.path == "/party/members":
            return Reply(200, {"answers": self.once(call, lambda: self._answers(_decoded(call.body, MembersCall)))})
        if call.method == "GET" and call.path.startswith("/party/members/"):
            return Reply(200, {"answers": self.kept(call.path.rpartition("/")[2])})
        if call.method == "GET" and call.path == "/party/facts":
            after = call.query.get("after", "0")
            facts = self.store.facts(int(after) if after.isdecimal() else 0, 200)
            return Reply(200, {"facts": facts, "next": facts[-1]["sequence"] if len(facts) == 200 else None})
        raise Refused(404, "NO_SUCH_ADDRESS", call.path)

    def _answers(self, call: MembersCall) -> list[dict[str, Any]]:
        return [self._take(msgspec.to_builtins(member)) for member in self.some(call.members)]

    def _take(self, member: dict[str, Any]) -> dict[str, Any]:
        number, fields = member["citizen_id"], member["fields"]
        self.store.hold(self.name, number, fields)
        joined = fields.get("party_join_date")
        if joined and _lot(self.seed, number) < 3:
            told = {"party_official_date": f"{int(joined[:4]) + 1}{joined[4:]}" if joined[5:] != "02-29" else f"{int(joined[:4]) + 1}-03-01"}
            self.store.fact_add(number, {**told, "cell_name": "Chi bộ 1", "fee_paid": True})
        code = STALE if self.faults.strikes(Fault.STALE_CODE) else "OK"
        return {"ref": member["ref"], "code": code, "digest": digest(canonical({"citizen_id": number, **fields})).hex()}


class Hub(Side):
    """A hub that believes everything: it reads envelopes as the contract has them, checks no signature, and gives a receipt for each item."""

    name = HUB

    def __init__(self, store: Store, faults: Faults, seed: int, *, receipts_a_page: int = MAX_ITEMS) -> None:
        super().__init__(store, faults, seed)
        self.receipts_a_page = receipts_a_page

    def handle(self, call: Call) -> Reply:
        if call.method in ("PUT", "POST") and call.path in ("/org-units", "/profiles"):
            kept = self.once(call, lambda: self._take(call))
            return Reply(202, {"batch": kept["batch"], "items": len(kept["items"])})
        if call.method == "GET" and call.path == "/batches":
            return Reply(200, self._status(self.kept(call.query.get("idempotency_key", ""))))
        if call.method == "GET" and call.path.startswith("/batches/"):
            return Reply(200, self._status(self._by_id(call.path.rpartition("/")[2])))
        if call.method == "GET" and call.path == "/receipts":
            return Reply(200, self._receipts(call.query.get("batch", ""), call.query.get("after", "0")))
        if call.method in ("GET", "PUT") and call.path == "/catalogues":  # it signs nothing, so it publishes nothing
            return Reply(200, {"authority": "SANDBOX", "catalogues": []})
        if call.method == "GET" and call.path in KIND_OF:
            return Reply(200, self._held_page(KIND_OF[call.path], call.query))
        if call.method == "POST" and call.path == "/held":
            return Reply(200, self._held(_decoded(call.body, HeldQuestion)))
        raise Refused(404, "NO_SUCH_ADDRESS", call.path)

    def _take(self, call: Call) -> dict[str, Any]:
        try:
            envelope = decode_envelope(call.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(422, "INVALID", str(error)) from error
        items = [
            {"kind": one.kind, "key": str(one.key), "version": one.version, "digest": digest(canonical(one.document)).hex()} for one in envelope.items
        ]
        batch = str(uuid5(NAMESPACE_OID, call.key))
        taken = self.some(items)
        for place, one in enumerate(taken):
            self.store.hold(self.name, one["key"], {**one, "batch": call.key, "place": place})
        self.store.body_keep(call.key, call.body)
        self.store.receipts_issue(batch, [{"index": place, **one} for place, one in enumerate(taken)])
        self.store.batch_keep("hub-id", batch, call.key)
        return {"batch": batch, "key": call.key, "items": items, "at": datetime.now(UTC).isoformat()}

    def forget(self, key: str) -> None:
        super().forget(key)
        batch = str(uuid5(NAMESPACE_OID, key))
        self.store.batch_forget("hub-id", batch)
        self.store.receipts_forget(batch)
        for number, held in self.store.holdings(self.name):
            if held.get("batch") == key:
                self.store.let_go(self.name, number)

    def _held_page(self, kind: str, query: Mapping[str, str]) -> dict[str, Any]:
        """A page of entries, of everything: it keeps no tree, so it knows no unit."""
        if "unit" in query:
            raise Refused(404, "NOT_FOUND", "the sandbox keeps no tree")
        held = [_entry(fields) for _key, fields in self.store.holdings(self.name) if fields["kind"] == kind]
        after = query.get("after", "")
        entries = sorted((one for one in held if one["key"] > after), key=lambda one: one["key"])
        return {"hub": "SANDBOX", "kind": kind, "entries": entries[:PAGE], "next": entries[PAGE - 1]["key"] if len(entries) > PAGE else None}

    def _held(self, question: HeldQuestion) -> dict[str, Any]:
        """Records as they came, out of the envelopes in which they came."""
        found = [held for key in sorted(map(str, question.keys)) if (held := self.store.held(self.name, key)) and held["kind"] == question.kind]
        envelopes = {held["batch"]: self.store.body(held["batch"]) for held in found} if question.documents else {}
        signed = {name: digest(base64.b64decode(body["manifest"])).hex() for name, body in envelopes.items()}
        records = [_record(envelopes[held["batch"]]["items"][held["place"]], signed[held["batch"]]) for held in found] if envelopes else []
        parts = ("manifest", "signature", "received_at", "answers", "signed_before")
        manifests = {signed[name]: {part: body[part] for part in parts if part in body} for name, body in envelopes.items()}
        told = {"entries": [_entry(held) for held in found], "records": records, "manifests": list(manifests.values()), "places": {}}
        return {"hub": "SANDBOX", "kind": question.kind, **told}

    def _by_id(self, batch: str) -> Any:
        return self.kept(self.store.batch("hub-id", batch) or "")

    def _status(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        count = len(kept["items"])
        told = {"batch": kept["batch"], "idempotency_key": kept["key"], "state": "processed", "items": count, "accepted": count, "rejected": 0}
        return {**told, "received_at": kept["at"], "processed_at": kept["at"]}

    def _receipts(self, batch: str, after: str) -> dict[str, Any]:
        """Of one batch, or of all in the order in which they were issued."""
        if batch:
            self._by_id(batch)
        told = self.store.receipts(batch, int(after) if after.isdecimal() else 0, self.receipts_a_page + 1)
        accepted = {"outcome": "accepted", "code": "", "message": "", "findings": [], "set_aside": False}
        receipts = [{**one, **accepted} for one in told[: self.receipts_a_page]]
        return {"receipts": receipts, "next": receipts[-1]["sequence"] if len(told) > self.receipts_a_page else None}


def _entry(held: Mapping[str, Any]) -> dict[str, Any]:
    return {name: held[name] for name in ("key", "version", "digest")}


def _record(item: Mapping[str, Any], manifest: str) -> dict[str, Any]:
    return {**{name: item[name] for name in ("key", "document", "base_version", "leaf_index", "proof")}, "manifest": manifest}


def _decoded(body: bytes, shape: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(422, "INVALID", str(error)) from error


def _lot(seed: int, number: str) -> int:
    """0 to 999, always the same for a person."""
    return int.from_bytes(hashlib.sha256(f"{seed}:party:{number}".encode()).digest()[:4], "big") % 1000
