"""The hub's trial: the answer is that of the real intake, and nothing is written but the report."""

import base64

import pytest
from django.db import connection, transaction

from exchange.contract import encode
from exchange.models import InboundBatch, InboundTrial
from exchange.services.inbound_trials import trial_run
from exchange.services.intake import BodyInvalid
from orgtree.models import OrgUnit
from registry.models import StaffProfile
from tests.exchange.sender import Sender
from workflows.documents import parse
from workflows.models import ChangeRequest, RecordVersion, Seal


def body(*signed):
    return encode({"envelopes": [one.envelope() for one in signed]})


def told(trial):
    return [(one["outcome"], one["code"]) for one in parse(bytes(trial.report))["items"]]


def counts():
    return [model.objects.count() for model in (ChangeRequest, RecordVersion, Seal, StaffProfile, OrgUnit, InboundBatch)]


def test_a_trial_of_a_new_unit_and_its_people_passes_and_leaves_nothing(hub):
    # given a unit that the hub does not have, and two people in it
    sender = hub.senders["H15"]
    unit = sender.unit(parent=str(sender.root))
    there = Sender("H15", sender.p12, root=sender.root, office=unit.key, people_made=500)
    people = [there.person(), there.person()]
    before = counts()
    # when they are tried together
    trial = trial_run(agency=hub.agencies["H15"], body=body(sender.sign(unit), sender.sign(*people)))
    # then all would be accepted, with the digests of what was received, and nothing stands at the hub
    assert told(trial) == [("accepted", "")] * 3
    report = parse(bytes(trial.report))
    assert [one["digest"] for one in report["items"]] == [one.digest.hex() for one in (unit, *people)]
    assert (trial.passed, trial.people, report["agency"]) == (True, 2, "H15")
    assert counts() == before
    # and in earnest it is the same
    hub.accept(unit)
    hub.accept(*people)


def test_what_the_real_intake_refuses_the_trial_refuses_with_the_same_words(hub):
    sender = hub.senders["H15"]
    wrong, right = sender.person(birth_date="2031-01-01"), sender.person()
    signed = sender.sign(wrong, right)
    trial = trial_run(agency=hub.agencies["H15"], body=body(signed))
    in_earnest = hub.take(signed)
    items = parse(bytes(trial.report))["items"]
    assert [(one["outcome"], one["code"]) for one in items] == [(r.outcome, r.code) for _i, r in sorted(in_earnest.items())]
    assert items[0]["findings"] == in_earnest[0].findings
    assert not trial.passed


def test_a_signature_that_does_not_hold_fails_the_trial(hub):
    sender = hub.senders["H15"]
    signed = sender.sign(sender.person())
    envelope = signed.envelope(signature=base64.b64encode(hub.senders["H15"].sign(sender.person()).signature).decode())
    trial = trial_run(agency=hub.agencies["H15"], body=encode({"envelopes": [envelope]}))
    assert told(trial) == [("rejected", "SIGNATURE_REFUSED")]


@pytest.mark.parametrize("people", [0, 11])
def test_a_trial_is_of_one_to_ten_people(hub, people):
    sender = hub.senders["H15"]
    signed = sender.sign(*[sender.person() for _ in range(people)]) if people else sender.sign(sender.unit(parent=str(sender.root)))
    with pytest.raises(BodyInvalid, match="1 to 10 people"):
        trial_run(agency=hub.agencies["H15"], body=body(signed))


def test_a_report_is_never_changed(hub):
    assert InboundTrial.objects.exists()
    with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update exchange_inboundtrial set passed = true")


def test_two_kinds_in_one_envelope(hub):
    sender = hub.senders["H15"]
    signed = sender.sign(sender.unit(parent=str(sender.root)), sender.person())
    with pytest.raises(BodyInvalid, match="one kind") as refused:
        trial_run(agency=hub.agencies["H15"], body=body(signed))
    assert "$.envelopes[0].items[1].kind" in str(refused.value)
