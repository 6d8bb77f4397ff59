"""The agency's trial: whom it picks, that it sends what would be sent, and what the result says. The other side is made of paper."""

from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from exchange.connectors import CallFailed
from exchange.contract import ErrorKind, TrialItem, TrialReport, decode_trial
from exchange.models import Batch, Delivery
from exchange.selectors.trial_picks import people_named, trial_picks
from exchange.services.envelopes import BatchUnsendable, envelope_bytes
from exchange.services.forming import batches_form, deliveries_fan_out
from exchange.services.trials import payload_texts, trial_prepare, trial_send, trial_sign
from orgtree import clock
from signing_agent.sign import sign_manifest
from tests.exchange.office import OneLine, PaperHub, once
from tests.factories import user_make
from tests.workflows.certificates import PIN, sign_freely
from workflows.cms import SignatureRefused
from workflows.documents import canonical, digest, parse
from workflows.errors import NotAllowed, WrongState
from workflows.models import RecordVersion


class PaperTrial(OneLine):
    """Answers a trial as a hub would that accepts everything; `spoil` changes the report that is read back."""

    def __init__(self, spoil=lambda item: {}, failure=None):
        self.spoil, self.failure, self.bodies = spoil, failure, []

    def __call__(self, channel):
        return self

    def trial(self, *, body):
        if self.failure:
            raise self.failure
        self.bodies.append(body)
        items = [
            TrialItem(
                **{
                    "envelope": number,
                    "index": index,
                    "kind": one.kind,
                    "key": one.key,
                    "version": one.version,
                    "outcome": "accepted",
                    "code": "",
                    "message": "",
                    "digest": digest(canonical(one.document)).hex(),
                    "findings": [],
                    **self.spoil(one),
                }
            )
            for number, envelope in enumerate(decode_trial(body).envelopes)
            for index, one in enumerate(envelope.items)
        ]
        passed = all(one.outcome == "accepted" for one in items)
        told = {"hub": "G09", "agency": "H15", "received_at": clock.now(), "body_digest": digest(body).hex()}
        self.report = TrialReport(trial=uuid4(), passed=passed, items=items, **told)
        return self.report

    def trial_report(self, *, trial):
        assert trial == self.report.trial
        return self.report


def test_a_trial_brings_people_after_the_units_they_lack_and_compares_digests(office, sender, channel):
    # given a channel that has got nothing yet, and two people
    channel.fanned_below = 0
    channel.save()
    people = [sender.person(), sender.person()]
    office.apply(*people)
    line = PaperTrial()
    # when they are tried
    trial = trial_send(actor=office.approver, channel=channel, keys=[one.key for one in people], connector=line)
    # then their units went before them, under what was signed, and the result says that both sides agree
    statement = parse(bytes(trial.statement))
    assert [one["kind"] for one in statement["records"]] == ["org_unit", "org_unit", "staff_profile", "staff_profile"]
    assert [one["sent"] for one in statement["records"][2:]] == [one.digest.hex() for one in people]
    assert (trial.passed, trial.people, trial.error) == (True, 2, "")
    # and the line owes as much as before
    assert not Delivery.objects.filter(channel=channel).exists()
    assert not Batch.objects.filter(channel=channel).exists()


def test_the_envelope_of_a_trial_is_that_of_the_real_call(office, sender, channel):
    change = sender.person()
    office.apply(change)
    prepared = trial_prepare(actor=office.approver, channel=channel, keys=[change.key])
    deliveries_fan_out()
    (batch,) = batches_form(channel_id=channel.pk)
    assert parse(prepared.body)["envelopes"][-1] == parse(envelope_bytes(batch))


def test_the_version_that_is_tried_is_the_next_one_to_go(office, sender, channel):
    change = sender.person()
    office.apply(change)
    office.apply(change.again(phone="0987654321"))
    versions = []
    for _ in range(3):
        versions += [one.version for one in trial_prepare(actor=office.approver, channel=channel, keys=[change.key]).people]
        once(channel, PaperHub())
    assert versions == [1, 2, 2]


@pytest.mark.parametrize(
    "spoil", [lambda one: {"digest": "0" * 64}, lambda one: {"outcome": "rejected", "code": "RULE", "message": "Sai"}, lambda one: {"version": 9}]
)
def test_anything_but_our_record_accepted_with_our_digest_is_not_passed(office, sender, channel, spoil):
    change = sender.person()
    office.apply(change)
    trial = trial_send(actor=office.approver, channel=channel, keys=[change.key], connector=PaperTrial(spoil=spoil))
    assert (trial.passed, parse(bytes(trial.statement))["passed"]) == (False, False)


def test_no_answer_is_kept_with_its_reason(office, sender, channel):
    change = sender.person()
    office.apply(change)
    failure = CallFailed(ErrorKind.TRANSIENT, "UNREACHABLE", "connection refused")
    trial = trial_send(actor=office.approver, channel=channel, keys=[change.key], connector=PaperTrial(failure=failure))
    assert (trial.passed, bytes(trial.statement), trial.error) == (False, b"", "UNREACHABLE: connection refused")


def test_who_may_try_and_how_many(office, sender, channel):
    change = sender.person()
    office.apply(change)
    with pytest.raises(NotAllowed):
        trial_prepare(actor=user_make(f"u{uuid4().hex[:6]}"), channel=channel, keys=[change.key])
    for keys in ([], [uuid4() for _ in range(11)], [uuid4()]):
        with pytest.raises(ValidationError):
            trial_prepare(actor=office.approver, channel=channel, keys=keys)
    unsigned = sender.person()
    office.apply_by_system(unsigned)
    with pytest.raises(BatchUnsendable):
        trial_prepare(actor=office.approver, channel=channel, keys=[unsigned.key])


def test_the_result_is_signed_by_its_operator_once(office, sender, channel):
    # given a result
    change = sender.person()
    office.apply(change)
    trial = trial_send(actor=office.approver, channel=channel, keys=[change.key], connector=PaperTrial())
    # a signature over something else is refused, the operator's own is kept, a second one is not needed
    manifest = RecordVersion.objects.get(key=change.key).request.manifests.first()
    with pytest.raises(SignatureRefused):
        trial_sign(actor=office.approver, trial=trial, signature=sign_manifest(p12=office.p12, pin=PIN, manifest=bytes(manifest.body)))
    signature = sign_freely(office.p12, bytes(trial.statement), signed_at=clock.now())
    trial = trial_sign(actor=office.approver, trial=trial, signature=signature)
    assert (bytes(trial.signature), "Nguyễn Văn An" in trial.signer) == (signature, True)
    with pytest.raises(WrongState):
        trial_sign(actor=office.approver, trial=trial, signature=signature)


def test_picks_are_few_different_and_masked_in_the_payload(office, sender, channel):
    people = [sender.person(personnel_type=kind) for kind in ("CC", "VC")]
    office.apply(*people)
    picks = trial_picks(limit=5)
    assert 2 <= len(picks) <= 5
    assert len({one.key for one in picks}) == len(picks)
    assert picks == trial_picks(limit=5)
    prepared = trial_prepare(actor=office.approver, channel=channel, keys=[people[0].key])
    ((_message, text),) = payload_texts(prepared)
    assert people[0].document["citizen_id"] not in text
    assert people[0].document["birth_name"] in text
    keys, unknown = people_named(people=["nonsense", str(people[1].key)], numbers=f"{people[0].document['staff_number']} CB-NONE")
    assert (keys, unknown) == ([people[1].key, people[0].key], ["CB-NONE"])
