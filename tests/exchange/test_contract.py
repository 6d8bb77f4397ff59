"""Fuzz: whatever bytes come, the hub either refuses the call, or answers for every item and takes only what was signed."""

import random
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.contract import CallCode, ErrorKind, ItemCode, decode_envelope, kind_of
from exchange.services.intake import BodyInvalid, batch_process, batch_receive, envelope_read
from workflows.services.ledger import verify_ledger

REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_envelope_or_refused(body):
    with pytest.raises(REFUSALS):
        decode_envelope(body)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)))
def test_any_json_is_an_envelope_or_refused(value):
    with pytest.raises(BodyInvalid):
        envelope_read(msgspec.json.encode(value), "staff_profile")


@pytest.mark.parametrize("seed", range(20))
def test_a_batch_with_a_few_bytes_changed(hub, seed):
    """Only what was signed becomes true: an accepted item has the signed document's digest."""
    chance = random.Random(seed)
    sender = hub.senders["H15"]
    people = [sender.person(), sender.person()]
    body = bytearray(sender.sign(*people).body())
    for _ in range(chance.choice([1, 1, 2, 5])):
        body[chance.randrange(len(body))] = chance.choice(b'0123456789abcdef"{}[],:- ')
    try:
        batch = batch_receive(agency=hub.agencies["H15"], kind="staff_profile", idempotency_key=uuid4().hex, body=bytes(body))
    except BodyInvalid:
        return
    batch = batch_process(batch_id=batch.pk)
    results = list(batch.results.order_by("index"))
    assert len(results) == batch.size == batch.accepted + batch.rejected
    signed = {one.digest for one in people}
    assert all(bytes(one.digest) in signed for one in results if one.outcome == "accepted")


def test_the_ledger_is_sound_after_the_fuzz(hub):
    assert verify_ledger().damages == []


def test_every_code_has_a_kind():
    assert {kind_of(code) for code in ItemCode} == {ErrorKind.BUSINESS, ErrorKind.SCHEMA, ErrorKind.CONFIG, ErrorKind.TRANSIENT}
    assert {kind_of(status) for status in range(300, 600)} == set(ErrorKind) - {ErrorKind.BUSINESS}
    assert not {code.value for code in CallCode} & {code.value for code in ItemCode}
