"""The hub takes what holds and refuses everything else with its own reason. Everything commits for real."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections, transaction

from exchange.contract import RECEIVED_AT_FUTURE, RECEIVED_AT_PAST
from exchange.models import Agency, AgencyManifest, InboundBatch, InboundEvidence, InboundResult
from exchange.services.intake import BodyInvalid, KeyReused, batch_fail, batch_process, batch_receive, batch_resume
from orgtree import clock
from orgtree.models import OrgUnit
from registry.models import StaffProfile
from tests.factories import superuser_make, user_make
from tests.workflows.certificates import PIN
from workflows import merkle
from workflows.documents import parse
from workflows.errors import NotAllowed, WrongState
from workflows.models import ChangeRequest, RecordVersion, Seal
from workflows.services.ledger import verify_ledger


def codes(results):
    return {index: one.code for index, one in results.items()}


def test_first_units_found_the_agencys_tree(hub):
    sender, agency = hub.senders["H15"], Agency.objects.select_related("root").get(code="H15")
    assert agency.root.code == "H15"
    assert set(OrgUnit.objects.filter(tree_id=agency.root.tree_id).values_list("pk", flat=True)) == {sender.root, sender.office}


def test_a_signed_person_becomes_true_with_evidence_and_seal(hub):
    # given two people under one manifest
    sender = hub.senders["H15"]
    one, two = sender.person(), sender.person(birth_name="Trần Văn Bình")
    signed = sender.sign(one, two)
    # when only the second is sent
    results = hub.take(signed, indexes=[1])
    # then it is live at the hub in the agency's version, with the agency's digest
    assert [(r.outcome, r.version, bytes(r.digest)) for r in results.values()] == [("accepted", 1, two.digest)]
    assert StaffProfile.objects.get(pk=two.key).birth_name == "Trần Văn Bình"
    assert not StaffProfile.objects.filter(pk=one.key).exists()
    # and the evidence leads from the leaf to the root that was signed
    evidence = InboundEvidence.objects.select_related("manifest").get(key=two.key, version=1)
    manifest = parse(bytes(evidence.manifest.body))
    path = [bytes(evidence.proof)[start : start + 32] for start in range(0, len(evidence.proof), 32)]
    assert merkle.verify(leaf=two.leaf, index=1, count=2, path=path, expected_root=bytes.fromhex(manifest["root"]))
    # and the hub's seal names the agency's manifest and signature
    version = RecordVersion.objects.get(kind="staff_profile", key=two.key)
    sealed = parse(bytes(Seal.objects.get(request=version.request).body))
    assert sealed["evidence"]["manifest"] == bytes(evidence.manifest.digest).hex()
    assert sealed["evidence"]["signature"] == bytes(evidence.manifest.signature_digest).hex()
    assert version.request.author is None
    assert [stage.system for stage in version.request.stages.all()] == ["verified agency signature"]


def test_versions_follow_one_another(hub):
    sender = hub.senders["H15"]
    first = sender.person()
    second = first.again(phone="0987654321")
    third = second.again(phone="0911222333")
    # given that the first was never sent, the second is a gap
    assert codes(hub.take(sender.sign(second))) == {0: "VERSION_GAP"}
    hub.accept(first)
    # then the third is one, and names what is missing
    gap = hub.take(sender.sign(third))[0]
    assert (gap.code, "2" in gap.message) == ("VERSION_GAP", True)
    hub.accept(second)
    hub.accept(third)
    assert StaffProfile.objects.get(pk=first.key).phone == "0911222333"
    assert list(RecordVersion.objects.filter(key=first.key).order_by("version").values_list("version", flat=True)) == [1, 2, 3]


def test_the_same_version_is_accepted_again_and_another_one_is_a_conflict(hub):
    sender = hub.senders["H15"]
    first = sender.person()
    hub.accept(first)
    before = RecordVersion.objects.count()
    # when the same version comes in another batch, under another manifest
    again = hub.take(sender.sign(first))[0]
    assert (again.outcome, bytes(again.digest)) == ("accepted", first.digest)
    # then nothing was written, and the first evidence stays
    assert RecordVersion.objects.count() == before
    assert InboundEvidence.objects.filter(key=first.key).count() == 1
    # but another document under that version is refused
    other = type(first)(first.kind, first.key, {**first.document, "phone": "0900000000"})
    assert codes(hub.take(sender.sign(other))) == {0: "VERSION_CONFLICT"}


def test_a_forged_proof_or_an_altered_document_is_refused_alone(hub):
    sender = hub.senders["H15"]
    signed = sender.sign(*[sender.person() for _ in range(5)])
    items = signed.items()
    items[1]["proof"][0] = "00" * 32
    items[2]["document"] = {**items[2]["document"], "birth_name": "Lê Thị Khác"}
    items[3]["leaf_index"] = 4
    items[4]["proof"] = items[4]["proof"][:-1]
    results = hub.take(signed, items=items)
    assert codes(results) == {0: "", 1: "PROOF_INVALID", 2: "PROOF_INVALID", 3: "PROOF_INVALID", 4: "PROOF_INVALID"}
    assert StaffProfile.objects.filter(pk__in=[one.key for one in signed.changes]).count() == 1


def test_an_old_proof_cannot_carry_another_base_version(hub):
    sender = hub.senders["H15"]
    first = sender.person()
    hub.accept(first)
    items = sender.sign(first).items()
    items[0] |= {"base_version": 1, "op": "update"}
    assert codes(hub.take(sender.sign(first), items=items)) == {0: "PROOF_INVALID"}


def test_an_excluded_leaf_is_refused(hub):
    sender = hub.senders["H15"]
    results = hub.take(sender.sign(sender.person(), sender.person(), excluded=[0]))
    assert codes(results) == {0: "LEAF_EXCLUDED", 1: ""}


def test_an_op_that_does_not_fit_its_base_version_is_refused(hub):
    sender = hub.senders["H15"]
    signed = sender.sign(sender.person())
    items = signed.items()
    items[0]["op"] = "update"
    assert codes(hub.take(signed, items=items)) == {0: "OP_INVALID"}


def test_one_record_twice_in_a_batch(hub):
    sender = hub.senders["H15"]
    first = sender.person()
    assert codes(hub.take(sender.sign(first, first.again(phone="0987654321")))) == {0: "", 1: "TWICE_IN_BATCH"}


def test_a_document_that_is_not_one_names_every_place(hub):
    sender = hub.senders["H15"]
    good = sender.person()
    bad = type(good)(good.kind, good.key, {**good.document, "birth_date": "15/08/1985", "shoe_size": "\x0041", "phone": ""})
    result = hub.take(sender.sign(bad))[0]
    assert result.code == "DOCUMENT_INVALID"
    assert {one["field"] for one in result.findings} == {"birth_date", "shoe_size", "phone"}


def test_the_hubs_rules_refuse_what_is_wrong_and_take_the_rest(hub):
    sender = hub.senders["H15"]
    right = sender.person()
    wrong = sender.person(citizen_id=right.document["citizen_id"])
    strange = sender.person(gender="7")
    hub.accept(right)
    results = hub.take(sender.sign(wrong, strange, sender.person()))
    assert codes(results) == {0: "RULE", 1: "RULE", 2: ""}
    assert [one["field"] for one in results[0].findings] == ["citizen_id"]
    assert "gender" in {one["field"] for one in results[1].findings}
    assert all(one["message"] for result in results.values() for one in result.findings)


def test_another_agencys_people_and_units_are_refused(hub):
    ours, theirs = hub.senders["H15"], hub.senders["H16"]
    mine = ours.person()
    hub.accept(mine)
    # when H16 sends a change of H15's person, a person in H15's office, a unit in H15's tree, and H15's very own version again
    there = theirs.person(using_unit=str(theirs.office), managing_agency=str(theirs.root))
    stolen = type(mine)(mine.kind, mine.key, there.document, 1)
    intruder = theirs.person(using_unit=str(ours.office))
    assert codes(hub.take(theirs.sign(stolen, intruder), sender="H16")) == {0: "WRONG_OWNER", 1: "WRONG_OWNER"}
    assert codes(hub.take(theirs.sign(mine), sender="H16")) == {0: "WRONG_OWNER"}
    below = theirs.unit(parent=str(ours.root))
    moved = theirs.unit(ours.office, parent=str(theirs.root)).again()
    assert codes(hub.take(theirs.sign(below, moved), sender="H16")) == {0: "WRONG_OWNER", 1: "WRONG_OWNER"}
    assert StaffProfile.objects.get(pk=mine.key).version == 1


def test_a_second_top_unit_is_refused(hub):
    sender = hub.senders["H15"]
    assert codes(hub.take(sender.sign(sender.unit(code="H15.99")))) == {0: "WRONG_OWNER"}


def test_a_tree_may_come_in_one_batch_and_its_branch_falls_with_its_root(hub):
    sender = hub.senders["H15"]
    above = sender.unit(parent=str(sender.root), kind="no such kind")
    below = sender.unit(parent=str(above.key))
    fine = sender.unit(parent=str(sender.root))
    leaf = sender.unit(parent=str(fine.key))
    results = hub.take(sender.sign(leaf, fine, below, above))
    assert codes(results) == {0: "", 1: "", 2: "RULE", 3: "RULE"}
    assert OrgUnit.objects.get(pk=leaf.key).parent_id == fine.key


@pytest.mark.parametrize("part", ["authority", "signer"])
def test_a_manifest_or_certificate_of_another_agency(hub, part):
    sender = hub.senders["H15"]
    signed = sender.sign(sender.person(), authority="H16") if part == "authority" else sender.sign(sender.person(), p12=hub.senders["H16"].p12)
    assert codes(hub.take(signed)) == {0: "WRONG_AGENCY"}


def test_a_signature_over_other_bytes_or_by_a_stranger(hub, tmp_path):
    from config.demo.pki import DemoAuthority, Person

    sender = hub.senders["H15"]
    signed, other = sender.sign(sender.person()), sender.sign(sender.person())
    signed.signature = other.signature
    altered = hub.take(signed)[0]
    assert (altered.code, altered.message.startswith("altered:")) == ("SIGNATURE_REFUSED", True)
    person = Person(login="an", name="An", personal_number="066075001234", organization="H15", organization_identifier="H15")
    stranger = DemoAuthority(tmp_path).issue(person, pin=PIN)
    untrusted = hub.take(sender.sign(sender.person(), p12=stranger))[0]
    assert (untrusted.code, untrusted.message.startswith("untrusted:")) == ("SIGNATURE_REFUSED", True)


def test_an_expired_certificate_is_judged_at_the_receipt_time_in_the_envelope(hub):
    from config.demo.pki import Person

    sender, now = hub.senders["H15"], clock.now()
    person = Person(login="cu", name="Cũ", personal_number="066075001299", organization="H15", organization_identifier="H15")
    expired = hub.authority.issue(person, pin=PIN, valid_until=now - timedelta(days=2))
    then = now - timedelta(days=5)
    # signed while it was valid: taken; signed after its end: refused
    assert codes(hub.take(sender.sign(sender.person(), p12=expired, signed_at=then))) == {0: ""}
    late = hub.take(sender.sign(sender.person(), p12=expired, signed_at=now, freely=True))[0]
    assert (late.code, late.message.startswith("expired:")) == ("SIGNATURE_REFUSED", True)
    # and a receipt time that was moved back to save it does not fit the signing time
    moved = sender.sign(sender.person(), p12=expired, signed_at=now, freely=True)
    moved.received_at = then
    assert hub.take(moved)[0].message.startswith("clock_skew:")


@pytest.mark.parametrize("shift", [RECEIVED_AT_FUTURE + timedelta(minutes=1), -RECEIVED_AT_PAST - timedelta(minutes=1)])
def test_a_receipt_time_out_of_bounds(hub, shift):
    sender = hub.senders["H15"]
    assert codes(hub.take(sender.sign(sender.person(), signed_at=clock.now() + shift))) == {0: "TIME_OUT_OF_BOUNDS"}


def test_a_manifest_that_is_none(hub):
    sender = hub.senders["H15"]
    signed = sender.sign(sender.person())
    signed.manifest += b" "
    assert codes(hub.take(signed)) == {0: "MANIFEST_INVALID"}


def test_one_manifest_is_verified_and_kept_once_for_all_its_batches(hub):
    sender = hub.senders["H15"]
    signed = sender.sign(*[sender.person() for _ in range(4)])
    before = AgencyManifest.objects.count()
    for index in range(4):
        assert codes(hub.take(signed, indexes=[index])) == {0: ""}
    assert AgencyManifest.objects.count() == before + 1


def test_the_same_key_gives_the_same_batch_and_with_another_body_an_error(hub):
    sender, agency, key = hub.senders["H15"], hub.agencies["H15"], uuid4().hex
    body = sender.sign(sender.person()).body()
    first = batch_receive(agency=agency, kind="staff_profile", idempotency_key=key, body=body)
    assert batch_receive(agency=agency, kind="staff_profile", idempotency_key=key, body=body).pk == first.pk
    with pytest.raises(KeyReused):
        batch_receive(agency=agency, kind="staff_profile", idempotency_key=key, body=sender.sign(sender.person()).body())
    # another agency's keys are its own
    theirs = hub.senders["H16"]
    other = batch_receive(agency=hub.agencies["H16"], kind="staff_profile", idempotency_key=key, body=theirs.sign(theirs.person()).body())
    assert other.pk != first.pk


def test_processing_twice_changes_nothing(hub):
    sender = hub.senders["H15"]
    signed = sender.sign(sender.person())
    batch = batch_receive(agency=hub.agencies["H15"], kind="staff_profile", idempotency_key=uuid4().hex, body=signed.body())
    batch_process(batch_id=batch.pk)
    before = (InboundResult.objects.count(), RecordVersion.objects.count(), Seal.objects.count())
    batch_process(batch_id=batch.pk)
    assert (InboundResult.objects.count(), RecordVersion.objects.count(), Seal.objects.count()) == before


def test_a_break_in_the_middle_leaves_nothing_and_is_taken_up_again(hub, monkeypatch):
    from exchange.services import taking

    sender = hub.senders["H15"]
    change = sender.person()
    batch = batch_receive(agency=hub.agencies["H15"], kind="staff_profile", idempotency_key=uuid4().hex, body=sender.sign(change).body())
    before = (ChangeRequest.objects.count(), RecordVersion.objects.count(), AgencyManifest.objects.count())
    # given that the worker breaks off after the gate has applied
    monkeypatch.setattr(taking, "_evidence_keep", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError) as broken:
        batch_process(batch_id=batch.pk)
    assert (ChangeRequest.objects.count(), RecordVersion.objects.count(), AgencyManifest.objects.count()) == before
    assert batch_fail(batch_id=batch.pk, error=broken.value).state == "received"
    # when it runs again
    monkeypatch.undo()
    assert batch_process(batch_id=batch.pk).accepted == 1
    assert StaffProfile.objects.filter(pk=change.key).exists()


def test_a_batch_that_always_breaks_waits_for_the_operator(hub):
    sender = hub.senders["H15"]
    batch = batch_receive(agency=hub.agencies["H15"], kind="staff_profile", idempotency_key=uuid4().hex, body=sender.sign(sender.person()).body())
    states = [batch_fail(batch_id=batch.pk, error=ValueError("no\x00")).state for _ in range(10)]
    assert states == ["received"] * 9 + ["failed"]
    assert InboundBatch.objects.get(pk=batch.pk).error.startswith("ValueError: no")
    assert batch_process(batch_id=batch.pk).state == "failed"
    # when its cause is mended, a superuser has it processed again, and nobody else
    with pytest.raises(NotAllowed):
        batch_resume(actor=user_make(), batch=batch)
    batch_resume(actor=superuser_make(), batch=batch)
    assert batch_process(batch_id=batch.pk).accepted == 1
    with pytest.raises(WrongState):
        batch_resume(actor=superuser_make(), batch=batch)


def test_a_batch_that_another_worker_processes_is_left_to_it(hub):
    sender = hub.senders["H15"]
    batch = batch_receive(agency=hub.agencies["H15"], kind="staff_profile", idempotency_key=uuid4().hex, body=sender.sign(sender.person()).body())
    done = []

    def other():
        done.append(batch_process(batch_id=batch.pk).state)
        connections.close_all()

    # given a worker that has the batch and has not committed
    with transaction.atomic():
        batch_process(batch_id=batch.pk)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(timeout=10)
        assert done == ["received"]
    assert InboundBatch.objects.get(pk=batch.pk).state == "processed"


def test_receipts_count_up_without_gaps_in_each_agency(hub):
    for code in ("H15", "H16"):
        sequences = list(InboundResult.objects.filter(agency__code=code).order_by("sequence").values_list("sequence", flat=True))
        assert sequences == list(range(1, Agency.objects.get(code=code).issued + 1))


@pytest.mark.parametrize(
    ("spoil", "malformed", "place"),
    [
        (lambda body: body[:-5], True, ""),
        (lambda body: b"", True, ""),
        (lambda body: b"[" * 100_000, False, ""),
        (lambda body: body.replace(b'"phone":"', b'"phone":' + b"[" * 100_000 + b'"'), True, ""),
        (lambda body: body.replace(b'"phone":"', b'"phone":"\xff'), True, ""),
        (lambda body: body.replace(b'"phone":"', b'"phone":"\\ud800'), True, ""),
        (lambda body: body.replace(b'"op":"create"', b'"op":"delete"'), False, "$.items[0].op"),
        (lambda body: body.replace(b'"leaf_index":0', b'"leaf_index":-1'), False, "$.items[0].leaf_index"),
        (lambda body: body.replace(b'"kind":"staff_profile"', b'"kind":"org_unit"'), False, "$.items[0].kind"),
        (lambda body: body.replace(b'{"items"', b'{"extra":1,"items"'), False, "extra"),
        (lambda body: body.replace(b"+00:00", b""), False, "$.received_at"),
    ],
)
def test_a_body_that_is_no_envelope_names_the_place(hub, spoil, malformed, place):
    sender = hub.senders["H15"]
    body = spoil(sender.sign(sender.person()).body())
    with pytest.raises(BodyInvalid) as refused:
        batch_receive(agency=hub.agencies["H15"], kind="staff_profile", idempotency_key=uuid4().hex, body=body)
    assert refused.value.malformed is malformed
    assert place in str(refused.value)


def test_the_hubs_ledger_is_sound_after_all_this(hub):
    assert verify_ledger().damages == []
    # every version but the founding of the agencies' trees has its evidence, and every evidence its version
    versions = set(RecordVersion.objects.values_list("kind", "key", "version"))
    assert set(InboundEvidence.objects.values_list("kind", "key", "version")) == versions
