"""What is expected of a program that sends, judged by what it was seen to do.

Each check is a function of the log: it gives "" when all is well, what was seen when it is not, and raises Unseen where nothing happened that could
be judged. Signatures are judged at the moment that each envelope names, against the trust store of whoever examines.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from exchange.conformance.senders.judging import Examined, Unseen, check
from exchange.conformance.senders.watching import Seen
from exchange.contract import MAX_BODY, MAX_ITEMS, PROFILE_KIND, RECEIVED_AT_FUTURE, UNIT_KIND, Envelope, Item
from exchange.sandbox.faults import Fault
from exchange.services.proving import Leaf, ProofWrong, leaf_prove, sealed_statements, signature_prove, statement_read
from registry.fields import BY_NAME
from workflows.documents import canonical, digest
from workflows.manifest import Statement
from workflows.targets import target

KEY = re.compile("[A-Za-z0-9_-]{16,128}")
UNDER_WAY = 0.5  # seconds in which a call that had begun before still arrives
AT_MOST, IN_SECONDS = 10, 10.0  # the same question so often in so long is no patience any more
CALLS_A_TOKEN = 5
UNITS_OF_PERSON = tuple(name for name, one in BY_NAME.items() if one.kind == "unit")


# How it enters


@check("a token by client credentials (RFC 6749 section 4.4)", "Ask /o/token/ with grant_type=client_credentials and the secret.")
def token_by_client_credentials(one: Examined) -> str:
    asked = _some(one.log.tokens, "a token be asked for")
    return _first(f"{call} said {_form(call)}" for call in asked if _form(call).get("grant_type") != "client_credentials")


@check("a token serves many calls", "Keep the token until shortly before its end, and fetch another when it is refused.")
def token_is_kept(one: Examined) -> str:
    calls, refused = _some(one.log.behind_token, "something be called"), [seen for seen in one.log.behind_token if seen.status == 401]
    given = [seen for seen in one.log.tokens if seen.status == 200]
    most = 2 + len(refused) + len(calls) // CALLS_A_TOKEN
    return f"{len(given)} tokens for {len(calls)} calls" if len(given) > most else ""


@check("every call carries the token", "Send “Authorization: Bearer …” with every call below /api/v1.")
def calls_carry_the_token(one: Examined) -> str:
    calls = _some(one.log.behind_token, "something be called")
    return _first(str(call) for call in calls if not call.call.headers.get("authorization", "").startswith("Bearer "))


@check("after 401 a new token, and the same call once more", "Fetch a token when one is refused; a token may end at any time.")
def refused_token_is_replaced(one: Examined) -> str:
    refused = [seen for seen in one.log.behind_token if seen.status == 401]
    for seen in _some(refused, "two batches be taken: then the tokens end once"):
        later = one.log.after(seen)
        if not any(call.call.path == seen.call.path and call.status != 401 for call in later):
            return f"{seen} was refused with 401 and did not come again"
    return ""


# The form of what it sends


@check("content-type application/json", "Say what the body is.")
def body_is_json(one: Examined) -> str:
    return _first(f"{seen} says {said!r}" for seen in _sent(one) if not (said := _content_type(seen)).startswith("application/json"))


@check("an Idempotency-Key of 16 to 128 letters, digits, - and _", "Name every batch by a key of its own, made once and kept with it.")
def batch_has_a_key(one: Examined) -> str:
    return _first(f"{seen} has the key {seen.call.key!r}" for seen in _sent(one) if not KEY.fullmatch(seen.call.key))


@check("the envelope as the contract has it, and nothing else in it", "Compare with docs/api/openapi.json; names and types are judged strictly.")
def envelope_can_be_read(one: Examined) -> str:
    return _first(f"{seen} cannot be read as an envelope" for seen in _sent(one) if seen.envelope is None)


@check("units by PUT /org-units, people by POST /profiles, never mixed", "Make a batch of one kind.")
def kinds_have_their_address(one: Examined) -> str:
    return _first(f"{seen} carries a {item.kind}" for seen, item in _items(one) if item.kind != seen.kind)


@check("at most 1,000 records and 16 MiB a call", "Divide what is larger into several batches.")
def batches_keep_their_size(one: Examined) -> str:
    large = ((seen, len(envelope.items)) for seen, envelope in _envelopes(one) if len(envelope.items) > MAX_ITEMS or len(seen.call.body) > MAX_BODY)
    return _first(f"{seen} carries {count} records in {len(seen.call.body)} bytes" for seen, count in large)


@check("documents of the published schema", "Compare with docs/schema; a field that the form does not have is an error, too.")
def documents_keep_the_schema(one: Examined) -> str:
    for seen, item in _items(one):
        if problems := target(item.kind).schema.problems(item.document):
            return f"{seen}, {item.key}: {problems[0]}"
    return ""


# What is signed


@check("a manifest/1 in the name of the sending agency", "Sign the canonical bytes of docs/schema/manifest.v1.json, with your identifier.")
def manifest_is_the_agencys(one: Examined) -> str:
    return _first(str(wrong) for _seen, wrong in _statements(one) if isinstance(wrong, ProofWrong))


@check("a signature over the manifest, by a certificate of the agency that is trusted", "CMS, detached, with the chain inside (docs/signing.md).")
def signature_holds(one: Examined) -> str:
    if one.trust is None:
        raise Unseen("the examiner know whom to trust: name the directory of the trust store")
    known: set[str] = set()
    for seen, envelope in _envelopes(one):
        for signed in (envelope, *envelope.signed_before):
            name = digest(signed.manifest + signed.signature).hex()
            if name not in known:
                known.add(name)
                try:
                    signature_prove(signed, authority=one.authority, trust=one.trust)
                except ProofWrong as wrong:
                    return f"{seen}: {wrong}"
    return ""


@check("a seal comes with the very signatures that it names", "Send what people signed in signed_before, in the order of the seal's “over”.")
def seal_brings_what_it_is_put_on(one: Examined) -> str:
    for seen, envelope in _envelopes(one):
        try:
            statement = statement_read(envelope.manifest, authority=one.authority)
            sealed_statements(envelope, statement, authority=one.authority)
        except ProofWrong as wrong:
            return f"{seen}: {wrong}"
    return ""


@check("every document is a leaf of the signed tree", "Digest over the canonical bytes (RFC 8785), proof as RFC 9162, lowest sibling first.")
def proofs_lead_to_the_root(one: Examined) -> str:
    for seen, envelope in _envelopes(one):
        try:
            statement = statement_read(envelope.manifest, authority=one.authority)
            for item in envelope.items:
                leaf_prove(_leaf(item), statement)
        except ProofWrong as wrong:
            return f"{seen}: {wrong}"
    return ""


@check("received_at is when the agency's server received the signature", "Keep that moment with the signature; it is not when the batch is sent.")
def receipt_time_is_a_moment_of_the_past(one: Examined) -> str:
    now = datetime.now(UTC)
    for seen, found in _statements(one):
        envelope = seen.envelope
        if envelope is not None and isinstance(found, Statement) and not found.prepared_at <= envelope.received_at <= now + RECEIVED_AT_FUTURE:
            return f"{seen} says {envelope.received_at.isoformat()}, the manifest was prepared {found.prepared_at.isoformat()}"
    return ""


# In which order


@check("a unit after its parent", "Send the tree from above.")
def units_come_after_their_parent(one: Examined) -> str:
    known: set[str] = set()
    sent = {str(item.key) for _seen, item in _first_items(one) if item.kind == UNIT_KIND}
    for seen, item in _first_items(one):
        if item.kind == UNIT_KIND:
            if (parent := item.document.get("parent")) in sent - known:
                return f"{seen} brings {item.key} before its parent {parent}"
            known.add(str(item.key))
    return ""


@check("people after their units", "Send the units first; a person of an unknown unit would be refused.")
def people_come_after_their_units(one: Examined) -> str:
    known: set[str] = set()
    sent = {str(item.key) for _seen, item in _first_items(one) if item.kind == UNIT_KIND}
    if not any(item.kind == PROFILE_KIND for _seen, item in _first_items(one)):
        raise Unseen("people be sent, too")
    for seen, item in _first_items(one):
        if item.kind == UNIT_KIND:
            known.add(str(item.key))
        elif early := next((unit for name in UNITS_OF_PERSON if (unit := item.document.get(name)) in sent - known), None):
            return f"{seen} brings {item.key} before its unit {early}"
    return ""


@check("versions of a record one after the other, none left out", "Send base_version + 1 after base_version, from the first on.")
def versions_follow_each_other(one: Examined) -> str:
    reached: dict[Any, int] = {}
    for seen, item in _first_items(one):
        last = reached.get(item.key)
        if last is not None and item.base_version > last:
            return f"{seen} brings {item.key} version {item.version} after version {last}"
        reached[item.key] = max(item.version, last or 0)
    if not any(version > 1 for version in reached.values()):
        raise Unseen("one person be changed once more and sent again")
    return ""


@check("no version under two keys", "A batch that is repeated keeps its key; what was taken is not put into another batch.")
def nothing_is_sent_twice(one: Examined) -> str:
    under: dict[tuple[Any, int], str] = {}
    for seen, item in _first_items(one):
        if under.setdefault((item.key, item.version), seen.call.key) != seen.call.key:
            return f"{seen} brings {item.key} version {item.version} under another key than before"
    return ""


# With what care


@check("the same key, the same bytes", "Make a batch once; what it holds never changes while its key lives.")
def same_key_same_bytes(one: Examined) -> str:
    bodies: dict[str, str] = {}
    return _first(
        f"{seen} has other bytes under its key" for seen in _sent(one) if bodies.setdefault(seen.call.key, seen.body_digest) != seen.body_digest
    )


def _comes_back(one: Examined, fault: Fault, what: str) -> str:
    """After a fault the batch is asked about, or repeated under its own key."""
    for seen in _some(one.log.struck(fault), what):
        later = one.log.after(seen)
        if not any(call.call.key == seen.call.key or call.call.query.get("idempotency_key") == seen.call.key for call in later):
            return f"{seen} ended without a usable answer, and nobody asked or sent again under its key"
    return ""


@check("after an answer without content: ask by the key, or repeat under it", "204 says nothing of the batch; GET /batches?idempotency_key= does.")
def empty_answer_is_looked_into(one: Examined) -> str:
    return _comes_back(one, Fault.EMPTY, "more batches be sent: one is answered with 204")


@check("after 200 that names no batch: ask by the key, or repeat under it", "Only 202 with a batch's number is an acceptance.")
def false_success_is_looked_into(one: Examined) -> str:
    return _comes_back(one, Fault.FALSE_SUCCESS, "more batches be sent: one is answered with 200 and an error")


@check("after a time-out: ask by the key, or repeat under it", "The batch may have arrived; a new key would double it.")
def silence_is_looked_into(one: Examined) -> str:
    return _comes_back(one, Fault.TIMEOUT, "more batches be sent: one is not answered in time")


@check("a batch that the hub does not know any more is sent again under its key", "404 to a batch's number: repeat it.")
def lost_batch_is_sent_again(one: Examined) -> str:
    for seen in _some(one.log.struck(Fault.LOST_COMMIT), "more batches be sent: one is accepted and forgotten"):
        if not any(call.call.key == seen.call.key and call.kind is not None for call in one.log.after(seen)):
            return f"{seen} was accepted and then forgotten, and never came again"
    return ""


@check("after 429 no call before Retry-After has passed", "Wait as long as the answer says, with all calls.")
def waits_as_it_is_told(one: Examined) -> str:
    told = [seen for seen in one.log.calls if seen.status == 429]
    for seen in _some(told, "more batches be sent: one is answered with 429"):
        for later in one.log.after(seen):
            if UNDER_WAY < later.at - seen.at < RETRY_AFTER - MARGIN:
                return f"{later} came {later.at - seen.at:.1f} s after {seen} was told to wait {RETRY_AFTER:.0f} s"
    return ""


@check("the same question at most ten times in ten seconds", "Ask again after a while that grows.")
def asks_with_patience(one: Examined) -> str:
    asked: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for seen in _some([seen for seen in one.log.behind_token if seen.call.method == "GET" and seen.status == 200], "something be asked"):
        times = asked[seen.call.path, str(sorted(seen.call.query.items()))]
        times.append(seen.at)
        if len(times) > AT_MOST and seen.at - times[-AT_MOST - 1] < IN_SECONDS:
            return f"{seen} with {dict(seen.call.query)} was asked {AT_MOST + 1} times in {seen.at - times[-AT_MOST - 1]:.1f} s"
    return ""


@check("receipts are fetched", "GET /receipts tells what became of every record; only they say that it was accepted.")
def receipts_are_fetched(one: Examined) -> str:
    last = _some([seen for seen in _sent(one) if seen.clean], "a batch be accepted")[-1]
    return "" if any(_of_receipts(seen) for seen in one.log.after(last)) else f"nobody asked for receipts after {last}"


@check("receipts are read to their last page", "Where an answer says “next”, ask after that place.")
def pages_are_followed(one: Examined) -> str:
    paged = [seen for seen in one.log.calls if _of_receipts(seen) and isinstance(seen.body, dict) and seen.body.get("next") is not None]
    for seen in _some(paged, "three records be sent in one batch: receipts come by pages of two"):
        about = (None, seen.call.query.get("batch"))  # of the same batch, or of all in their order
        told = (
            call.body["receipts"]
            for call in one.log.after(seen)
            if _of_receipts(call) and call.status == 200 and call.call.query.get("batch") in about
        )
        if not any(receipt["sequence"] > seen.body["next"] for page in told for receipt in page):
            return f"{seen} was told of more after {seen.body['next']}, and nobody read it"
    return ""


RETRY_AFTER, MARGIN = 2.0, 0.2  # what the sandbox says (`sandbox.app`), and what a clock may be off


def _some(found: list[Seen], wanted: str) -> list[Seen]:
    if not found:
        raise Unseen(wanted)
    return found


def _first(wrong: Iterator[str]) -> str:
    return next(wrong, "")


def _sent(one: Examined) -> list[Seen]:
    return _some(one.log.sendings, "units and people be sent")


def _envelopes(one: Examined) -> list[tuple[Seen, Envelope]]:
    found = list(one.log.readable)
    if not found:
        raise Unseen("units and people be sent in envelopes that can be read")
    return found


def _items(one: Examined) -> Iterator[tuple[Seen, Item]]:
    return ((seen, item) for seen, envelope in _envelopes(one) for item in envelope.items)


def _first_items(one: Examined) -> Iterator[tuple[Seen, Item]]:
    """The records of each batch as it came first."""
    _envelopes(one)
    return ((seen, item) for seen, envelope in one.log.first_sent for item in envelope.items)


def _statements(one: Examined) -> Iterator[tuple[Seen, Statement | ProofWrong]]:
    for seen, envelope in _envelopes(one):
        try:
            yield seen, statement_read(envelope.manifest, authority=one.authority)
        except ProofWrong as wrong:
            yield seen, wrong


def _leaf(item: Item) -> Leaf:
    return Leaf(item.kind, item.key, item.base_version, digest(canonical(item.document)), item.leaf_index, item.proof)


def _form(seen: Seen) -> dict[str, str]:
    """The fields of a form; never its secret."""
    fields = dict(parse_qsl(seen.call.body.decode("utf-8", "replace")))
    return {name: value for name, value in fields.items() if name != "client_secret"}


def _content_type(seen: Seen) -> str:
    return str(seen.call.headers.get("content-type", ""))


def _of_receipts(seen: Seen) -> bool:
    return seen.call.method == "GET" and seen.call.path == "/api/v1/receipts"
