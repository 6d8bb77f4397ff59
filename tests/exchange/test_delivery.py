"""From the outbox to receipts, with a hub that fails as it is told. Time is skipped, never slept."""

import threading
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from exchange.contract import ErrorKind, decode_envelope
from exchange.models import Attempt, Batch, Channel, Delivery, Receipt
from exchange.selectors.due import oldest_due
from exchange.services import delivery, forming
from exchange.services.breaker import THRESHOLD
from exchange.services.delivery import batches_claim, deliver
from exchange.services.envelopes import envelope_bytes
from exchange.services.forming import BEHIND, batches_form, deliveries_fan_out
from exchange.services.retrying import deliveries_retry
from orgtree import clock
from tests.exchange.office import Failing, PaperHub, accept, once, pass_time, refuse, state_of, states, until_settled
from tests.factories import user_make
from workflows import merkle
from workflows.documents import canonical, digest
from workflows.errors import NotAllowed
from workflows.manifest import read_manifest
from workflows.models import OutboxMessage


def test_what_was_applied_is_received(office, sender, channel):
    hub, people = PaperHub(), [sender.person() for _ in range(3)]
    office.apply(*people)
    assert oldest_due() is None
    # when it is delivered
    once(channel, hub)
    # then each has one receipt that names its digest, and nothing is due
    assert states(channel) == {"received": 3}
    assert {bytes(one.digest) for one in Receipt.objects.filter(delivery__channel=channel)} == {one.digest for one in people}
    assert hub.calls == ["POST /profiles"]
    assert oldest_due() is None
    assert Channel.objects.get(pk=channel.pk).last_contact is not None


def test_what_was_there_before_the_channel_is_delivered_too_units_first(office, sender, channel):
    # given an agency with units and people, and a channel that knows nothing of them
    office.apply(sender.person())
    Channel.objects.filter(pk=channel.pk).update(fanned_below=0)
    hub = PaperHub()
    # when it is driven
    until_settled(channel, hub)
    # then all of the outbox arrived, the units in the first batch
    assert states(channel) == {"received": OutboxMessage.objects.count()}
    assert hub.calls[0] == "PUT /org-units"
    assert {key for key, _version in hub.sent[0]} >= {sender.root, sender.office}
    first = {}
    for place, batch in enumerate(hub.sent):
        for key, version in batch:
            assert first.setdefault((key, version), place) == place, "sent twice"
    assert all(version == 1 or first[key, version - 1] < place for (key, version), place in first.items())


def test_the_envelope_is_the_same_every_time_and_proves_every_item(office, sender, channel):
    office.apply(*[sender.person() for _ in range(3)])
    deliveries_fan_out()
    (batch,) = batches_form(channel_id=channel.pk)
    body = envelope_bytes(batch)
    assert envelope_bytes(batch) == body
    envelope = decode_envelope(body)
    statement = read_manifest(envelope.manifest)
    assert (statement.authority, statement.purpose, statement.count) == ("H15", "approve", 3)
    for item in envelope.items:
        leaf = merkle.leaf_hash(
            kind=item.kind, key=item.key, op=item.op, base_version=item.base_version, document_digest=digest(canonical(item.document))
        )
        path = [bytes.fromhex(node) for node in item.proof]
        assert merkle.verify(leaf=leaf, index=item.leaf_index, count=3, path=path, expected_root=statement.root_hash)


def test_fan_out_makes_each_delivery_once_and_its_mark_misses_nothing(office, sender, channel, monkeypatch):
    monkeypatch.setattr(forming, "SETTLED", "0 seconds")
    office.apply(sender.person())
    deliveries_fan_out()
    mark = Channel.objects.get(pk=channel.pk).fanned_below
    assert mark == OutboxMessage.objects.order_by("-pk")[0].pk
    assert deliveries_fan_out() == 0
    office.apply(sender.person())
    assert deliveries_fan_out() == 1
    assert Delivery.objects.filter(channel=channel).count() == 2


def test_a_version_waits_for_the_one_before(office, sender, channel):
    one = sender.person()
    two = one.again(phone="0987654321")
    office.apply(one)
    office.apply(two)
    hub = PaperHub(holding=True)
    # while the first is under way the second stays
    once(channel, hub)
    assert hub.sent == [[(one.key, 1)]]
    # when the first is received it goes
    hub.holding = False
    until_settled(channel, hub)
    assert hub.sent == [[(one.key, 1)], [(one.key, 2)]]


def test_people_wait_for_units_that_were_applied_before_them(office, sender, channel):
    below = sender.unit(parent=str(sender.root))
    office.apply(below)
    office.apply(sender.person(using_unit=str(below.key)))
    hub = PaperHub(holding=True)
    once(channel, hub)
    assert hub.calls == ["PUT /org-units"]
    hub.holding = False
    until_settled(channel, hub)
    assert hub.calls == ["PUT /org-units", "POST /profiles"]


@given(
    sizes=st.lists(st.integers(min_value=1, max_value=forming.BYTES_IN_A_CALL * 2), max_size=40),
    most=st.integers(min_value=1, max_value=7),
)
def test_no_call_is_larger_than_a_hub_takes(sizes, most):
    members = [forming.Candidate(place, uuid4(), 1, b"", 0, size) for place, size in enumerate(sizes)]
    made = list(forming.shares(members, most))
    assert [one for share in made for one in share] == members
    for share in made:
        assert 1 <= len(share) <= most
        assert len(share) == 1 or sum(one.bytes for one in share) <= forming.BYTES_IN_A_CALL
    for share, after in pairwise(made):  # and none is smaller than it has to be
        assert len(share) == most or sum(one.bytes for one in [*share, after[0]]) > forming.BYTES_IN_A_CALL


def test_long_files_go_in_smaller_batches(office, sender, channel, monkeypatch):
    people = [sender.person() for _ in range(5)]
    office.apply(*people)
    monkeypatch.setattr(forming, "BYTES_IN_A_CALL", 2 * max(len(canonical(one.document)) for one in people))
    hub = PaperHub()
    until_settled(channel, hub)
    assert sorted(len(batch) for batch in hub.sent) == [1, 2, 2]


def test_units_go_parents_first_one_batch_at_a_time(office, sender, channel, monkeypatch):
    monkeypatch.setattr(forming, "MAX_ITEMS", 3)
    # given a branch of seven levels, applied in one request in the wrong order
    branch = [sender.unit(parent=str(sender.root))]
    for _ in range(6):
        branch.append(sender.unit(parent=str(branch[-1].key)))
    office.apply(*reversed(branch))
    hub = PaperHub()
    until_settled(channel, hub)
    assert [[key for key, _version in batch] for batch in hub.sent] == [[one.key for one in branch[start : start + 3]] for start in (0, 3, 6)]


def test_a_window_of_batches_is_open_at_most(office, sender, channel, monkeypatch):
    Channel.objects.filter(pk=channel.pk).update(batch_size=1)
    monkeypatch.setattr(forming, "WINDOW", 2)
    monkeypatch.setattr(forming, "WINDOW_MOST", 2)
    office.apply(*[sender.person() for _ in range(5)])
    hub = PaperHub(holding=True)
    once(channel, hub)
    assert len(hub.sent) == 2
    hub.holding = False
    until_settled(channel, hub)
    assert sorted(len(batch) for batch in hub.sent) == [1] * 5


def test_a_refusal_says_why_and_parks_what_stands_behind_it(office, sender, channel):
    one = sender.person()
    office.apply(one)
    office.apply(one.again(phone="0987654321"))
    hub = PaperHub(judge=refuse())
    until_settled(channel, hub)
    refused, behind = state_of(channel, one), state_of(channel, one.again())
    assert (refused.state, refused.error_kind, refused.error_code, refused.error_text) == ("rejected", "business", "RULE", "Không được")
    assert (behind.state, behind.error_code) == ("parked", BEHIND)
    # when an operator sends it again, it goes under a new key, and what stood behind it follows
    hub.judge = accept
    assert deliveries_retry(actor=office.approver, channel=channel, error_code="RULE") == 1
    until_settled(channel, hub)
    assert states(channel) == {"received": 2}
    assert hub.sent == [[(one.key, 1)], [(one.key, 1)], [(one.key, 2)]]
    assert [one.outcome for one in refused.receipts.order_by("pk")] == ["rejected", "accepted"]


def test_sending_again_needs_the_right_to_operate(channel):
    with pytest.raises(NotAllowed):
        deliveries_retry(actor=user_make(), channel=channel)


def test_a_refused_unit_parks_the_units_below_it(office, sender, channel):
    above = sender.unit(parent=str(sender.root))
    below = sender.unit(parent=str(above.key))
    office.apply(above)
    office.apply(below)
    until_settled(channel, PaperHub(judge=refuse()))
    assert (state_of(channel, above).state, state_of(channel, below).error_code) == ("rejected", BEHIND)


def test_an_unreachable_hub_opens_the_breaker_and_one_probe_closes_it(office, sender, channel):
    Channel.objects.filter(pk=channel.pk).update(batch_size=1)
    office.apply(*[sender.person() for _ in range(6)])
    hub = PaperHub(script=[Failing(ErrorKind.TRANSIENT)] * 20)
    for _ in range(3):
        once(channel, hub)
        Batch.objects.filter(channel=channel).update(not_before=clock.now())
    # then after five failures nothing is called any more, and everything waits and says so
    assert len(hub.calls) == THRESHOLD
    paused = Channel.objects.get(pk=channel.pk)
    assert paused.paused_until > clock.now()
    assert paused.last_error.startswith("SCRIPTED")
    assert states(channel) == {"sent": 6}
    # when the pause is over, one call goes as a probe
    pass_time(3_600)
    assert len(batches_claim(channel_id=channel.pk, at_most=8)) == 1
    assert batches_claim(channel_id=channel.pk, at_most=8) == []
    # and when the hub answers again, all of it arrives, once
    hub.script.clear()
    pass_time(3_600)
    until_settled(channel, hub)
    assert states(channel) == {"received": 6}
    assert sorted(len(sent) for sent in hub.bodies.values()) == [1] * 6
    assert Channel.objects.get(pk=channel.pk).failures == 0


def test_calls_that_fail_at_one_moment_count_once(office, sender, channel):
    # given six calls that begin together and meet a hub that is being started again
    Channel.objects.filter(pk=channel.pk).update(batch_size=1)
    office.apply(*[sender.person() for _ in range(6)])
    hub = PaperHub(script=[Failing(ErrorKind.TRANSIENT)] * 6)
    hub.lines = 6
    once(channel, hub)
    # then that is one failure in a row and no pause, and the next round goes
    assert len(hub.calls) == 6
    met = Channel.objects.get(pk=channel.pk)
    assert (met.failures, met.paused_until, met.failing_since is not None) == (1, None, True)
    Batch.objects.filter(channel=channel).update(not_before=clock.now())
    once(channel, hub)
    assert states(channel) == {"received": 6}


def test_a_lost_answer_is_asked_for_and_not_sent_again(office, sender, channel):
    office.apply(sender.person())
    hub = PaperHub(script=[Failing(ErrorKind.AMBIGUOUS, arrived=True)])
    once(channel, hub)
    assert Batch.objects.get(channel=channel).unsure
    until_settled(channel, hub)
    assert hub.calls == ["POST /profiles", "ASK"]
    assert states(channel) == {"received": 1}
    made = list(Attempt.objects.filter(batch__channel=channel).order_by("pk").values_list("call", "outcome"))
    assert made == [("send", "ambiguous"), ("ask", "ok"), ("receipts", "ok")]


def test_a_call_that_did_not_arrive_is_sent_again_with_the_same_key_and_body(office, sender, channel):
    office.apply(sender.person())
    hub = PaperHub(script=[Failing(ErrorKind.AMBIGUOUS), None, Failing(ErrorKind.AMBIGUOUS, arrived=True)])
    until_settled(channel, hub)
    assert hub.calls == ["POST /profiles", "ASK", "POST /profiles", "ASK"]
    assert [len(bodies) for bodies in hub.bodies.values()] == [1]
    assert states(channel) == {"received": 1}


def test_a_question_that_fails_leaves_the_doubt(office, sender, channel):
    office.apply(sender.person())
    hub = PaperHub(script=[Failing(ErrorKind.AMBIGUOUS, arrived=True), Failing(ErrorKind.TRANSIENT)])
    until_settled(channel, hub)
    assert hub.calls == ["POST /profiles", "ASK", "ASK"]


def test_a_worker_that_dies_between_claim_and_call(office, sender, channel):
    office.apply(sender.person())
    deliveries_fan_out()
    batches_form(channel_id=channel.pk)
    # given a claim whose worker died
    (claimed,) = batches_claim(channel_id=channel.pk)
    assert claimed.not_before > clock.now() + timedelta(seconds=3)
    hub = PaperHub()
    once(channel, hub)
    assert hub.calls == []
    # then after its lease another worker takes it
    pass_time(60)
    until_settled(channel, hub)
    assert hub.calls == ["POST /profiles"]


def test_a_worker_that_dies_in_the_call_leaves_a_question(office, sender, channel):
    office.apply(sender.person())
    hub = PaperHub()

    class Killed(BaseException):
        pass

    def die(**_):
        hub.calls.append("POST, killed")
        raise Killed

    hub.send = die
    with pytest.raises(Killed):
        once(channel, hub)
    del hub.send
    cut_off = Attempt.objects.get(batch__channel=channel)
    assert (cut_off.call, cut_off.ended_at) == ("send", None)
    pass_time(60)
    until_settled(channel, hub)
    assert hub.calls == ["POST, killed", "ASK", "POST /profiles"]


@pytest.mark.parametrize("kind", [ErrorKind.AUTH, ErrorKind.CONFIG])
def test_refused_credentials_or_a_wrong_address_pause_the_channel_at_once(office, sender, channel, kind):
    office.apply(sender.person())
    hub = PaperHub(script=[Failing(kind)])
    once(channel, hub)
    once(channel, hub)
    assert hub.calls == ["POST /profiles"]
    assert Channel.objects.get(pk=channel.pk).last_error_kind == kind
    assert states(channel) == {"sent": 1}
    until_settled(channel, hub)
    assert states(channel) == {"received": 1}


def test_retry_after_is_honoured(office, sender, channel):
    office.apply(sender.person())
    hub = PaperHub(script=[Failing(ErrorKind.THROTTLED, retry_after=120)])
    once(channel, hub)
    wait = Channel.objects.get(pk=channel.pk).paused_until - clock.now()
    assert timedelta(seconds=110) < wait <= timedelta(seconds=120)
    assert Channel.objects.get(pk=channel.pk).failures == 0
    pass_time(115)
    once(channel, hub)
    assert len(hub.calls) == 1
    pass_time(10)
    once(channel, hub)
    assert len(hub.calls) == 2


def test_a_message_that_is_not_understood_is_parked_whole(office, sender, channel):
    office.apply(sender.person(), sender.person())
    once(channel, PaperHub(script=[Failing(ErrorKind.SCHEMA)]))
    parked = Delivery.objects.filter(channel=channel)
    assert set(parked.values_list("state", "error_kind", "error_code")) == {("parked", "schema", "SCRIPTED")}


def test_doubt_without_end_is_parked(office, sender, channel, monkeypatch):
    monkeypatch.setattr(delivery, "MAX_DOUBTS", 6)
    office.apply(sender.person())
    hub = PaperHub(script=[step for _ in range(40) for step in (Failing(ErrorKind.AMBIGUOUS), None)])
    until_settled(channel, hub, rounds=60)
    assert states(channel) == {"parked": 1}


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda receipts: [], "NO_RECEIPT"),
        (lambda receipts: [_changed(one, version=9) for one in receipts], "OTHER_RECORD"),
        (lambda receipts: [_changed(one, digest="00" * 32) for one in receipts], "OTHER_DIGEST"),
        (lambda receipts: [_changed(one, digest=None) for one in receipts], "OTHER_DIGEST"),
    ],
)
def test_an_answer_that_does_not_name_our_record_and_digest_is_no_success(office, sender, channel, spoil, code):
    office.apply(sender.person())
    once(channel, PaperHub(spoil=spoil))
    (delivery,) = Delivery.objects.filter(channel=channel)
    assert (delivery.state, delivery.error_kind, delivery.error_code) == ("parked", "ambiguous", code)


def _changed(receipt, **changes):
    for name, value in changes.items():
        setattr(receipt, name, value)
    return receipt


def test_a_conflict_at_the_hub_is_tried_again_a_few_times(office, sender, channel):
    office.apply(sender.person())
    hub = PaperHub(judge=refuse("CONFLICT"))
    until_settled(channel, hub)
    (delivery,) = Delivery.objects.filter(channel=channel)
    assert (delivery.state, delivery.error_code, delivery.round) == ("rejected", "CONFLICT", 5)
    assert len(hub.envelopes) == 6  # six keys: a repetition under the old key would get the old answer


def test_a_hub_that_was_restored_is_sent_the_batch_again(office, sender, channel):
    office.apply(sender.person())
    hub = PaperHub(holding=True)
    once(channel, hub)
    hub.forget()
    hub.holding = False
    pass_time(60)
    until_settled(channel, hub)
    assert hub.calls == ["POST /profiles", "POST /profiles"]
    assert states(channel) == {"received": 1}


def test_a_request_that_nobody_signed_is_parked(office, sender, channel):
    office.apply_by_system(sender.person())
    hub = PaperHub()
    once(channel, hub)
    (delivery,) = Delivery.objects.filter(channel=channel)
    assert (delivery.state, delivery.error_kind, delivery.error_code) == ("parked", "config", "UNSIGNED")
    assert hub.calls == []


def test_several_calls_at_a_time_are_recorded_each_for_itself(office, sender, channel):
    # given a far side that takes four calls at a time, and answers each in its own way
    Channel.objects.filter(pk=channel.pk).update(batch_size=1)
    people = [sender.person() for _ in range(4)]
    office.apply(*people)
    hub, begun = PaperHub(), threading.Barrier(4, timeout=20)
    hub.lines = 4
    send, troubles = hub.send, {1: Failing(ErrorKind.SCHEMA), 2: Failing(ErrorKind.AMBIGUOUS, arrived=True), 3: Failing(ErrorKind.TRANSIENT)}

    def all_at_once(**call):
        begun.wait()  # breaks unless four calls are under way
        with lock:
            accepted = send(**call)
        (item,) = decode_envelope(call["body"]).items
        if (trouble := troubles.pop([one.key for one in people].index(item.key), None)) is not None:
            trouble.raise_()
        return accepted

    lock = threading.Lock()
    hub.send = all_at_once
    deliveries_fan_out()
    batches_form(channel_id=channel.pk)
    # when the wave is over
    assert deliver(channel_id=channel.pk, connector=hub, at_most=4) == 4
    outcomes = Attempt.objects.filter(batch__channel=channel).values_list(
        "batch__deliveries__message__key", "outcome", "batch__state", "batch__unsure"
    )
    # then each call's outcome stands at its own batch
    assert {key: said for key, *said in outcomes} == {
        people[0].key: ["ok", "accepted", False],
        people[1].key: ["schema", "parked", True],
        people[2].key: ["ambiguous", "ready", True],
        people[3].key: ["transient", "ready", False],
    }


def test_workers_at_the_same_moment_never_take_one_batch(office, sender, channel):
    Channel.objects.filter(pk=channel.pk).update(batch_size=1)
    office.apply(*[sender.person() for _ in range(8)])
    deliveries_fan_out()
    hub, barrier = PaperHub(), threading.Barrier(4)

    def work():
        barrier.wait()
        try:
            batches_form(channel_id=channel.pk)
            deliver(channel_id=channel.pk, connector=hub)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(hub.calls) == 8
    assert sorted(len(sent) for sent in hub.bodies.values()) == [1] * 8
