"""Looking before signing: the sample that must be opened, rows given back with a reason, and what stands out."""

import pytest

from orgtree.models import User
from tests.workflows.test_routing import SIGN, decide, in_force
from tests.workflows.toy import Note
from workflows.choices import ItemState, ReturnReason
from workflows.errors import OwnRequest, ReasonMissing, SampleNotOpened
from workflows.models import ChangeItem
from workflows.selectors.deciding import current_stage
from workflows.selectors.review import request_review
from workflows.services.applying import request_apply
from workflows.services.approval import manifest_prepare, request_approve
from workflows.services.reviewing import record_open, row_keep, row_return, rows_returned, sample_left, sample_of
from workflows.services.submission import request_submit


def batch(gate, count, **more):
    return gate.submitted(*(gate.proposal(ref=n, **more) for n in range(count)))


def overview(gate, request, sample=()):
    """What the approver's page says of a staged request."""
    request = request_submit(actor=gate.author, request_id=request.pk)
    return request_review(request, stage=current_stage(request), user=gate.approver, sample=sample)


def test_the_sample_must_be_opened_before_approving(gate):
    with in_force({"steps": [{**SIGN, "sample": 3}]}):
        request = batch(gate, 12)
    stage = current_stage(request)
    sample = sample_of(request=request, stage=stage, user=gate.approver)
    assert len(sample) == 3
    assert sample == sample_of(request=request, stage=stage, user=gate.approver)
    with pytest.raises(SampleNotOpened):
        manifest_prepare(actor=gate.approver, request_id=request.pk)
    outside = next(leaf for leaf in range(12) if leaf not in sample)
    for leaf in (outside, *sample[:2]):
        record_open(actor=gate.approver, request=request, stage=stage, leaf_index=leaf)
    # one is left, and what another person opened does not count
    record_open(actor=User.objects.get(username="other"), request=request, stage=stage, leaf_index=sample[2])
    assert sample_left(request=request, stage=stage, user=gate.approver) == [sample[2]]
    with pytest.raises(SampleNotOpened):
        manifest_prepare(actor=gate.approver, request_id=request.pk)
    record_open(actor=gate.approver, request=request, stage=stage, leaf_index=sample[2])
    decide(gate, "approver", request)
    assert request_apply(request_id=request.pk).state == "applied"


def test_the_page_and_the_service_agree_on_what_is_left_and_given_back(gate):
    # given a sample of which one record is opened, one given back and one not looked at
    with in_force({"steps": [{**SIGN, "sample": 3}]}):
        request = batch(gate, 5)
    stage = current_stage(request)
    sample = sample_of(request=request, stage=stage, user=gate.approver)
    record_open(actor=gate.approver, request=request, stage=stage, leaf_index=sample[0])
    row_return(actor=gate.approver, request_id=request.pk, leaf_index=sample[1], reason=ReturnReason.VALUE, text="Sai ngày")
    # when
    review = request_review(request, stage=stage, user=gate.approver, sample=sample)
    # then
    assert review.left == sample_left(request=request, stage=stage, user=gate.approver) == [sample[2]]
    assert review.returned == rows_returned(stage=stage, user=gate.approver)
    assert review.returned.keys() == {sample[1]}
    assert review.counts == {}


def test_a_statement_prepared_otherwise_does_not_escape_the_sample(gate):
    from workflows.services import approval

    with in_force({"steps": [{**SIGN, "sample": 1}]}):
        request = batch(gate, 2)
    stage = current_stage(request)
    mandate = approval.mandate_of(actor=gate.approver, request=request)
    manifest = approval._manifest_make(request, stage, mandate, ())
    with pytest.raises(SampleNotOpened):
        request_approve(actor=gate.approver, manifest_digest=bytes(manifest.digest), signature=gate.sign(manifest))


def test_a_small_request_is_its_own_sample(gate):
    with in_force({"steps": [{**SIGN, "sample": 9}]}):
        request = batch(gate, 2)
    assert sample_of(request=request, stage=current_stage(request), user=gate.approver) == [0, 1]


def test_rows_go_back_each_with_its_reason_and_the_rest_goes_on(gate):
    keys = [gate.key() for _ in range(4)]
    request = gate.submitted(*(gate.proposal(key, ref=n) for n, key in enumerate(keys)))
    for leaf in (1, 2):
        row_return(actor=gate.approver, request_id=request.pk, leaf_index=leaf, reason=ReturnReason.VALUE, text="Hệ số 3,33")
    row_return(actor=gate.approver, request_id=request.pk, leaf_index=3, reason=ReturnReason.EVIDENCE)
    row_keep(actor=gate.approver, request_id=request.pk, leaf_index=2)
    gate.approve(request)
    request_apply(request_id=request.pk)
    items = list(ChangeItem.objects.filter(request=request).order_by("leaf_index"))
    assert [one.state for one in items] == [ItemState.APPLIED, ItemState.EXCLUDED, ItemState.APPLIED, ItemState.EXCLUDED]
    assert "Hệ số 3,33" in items[1].reason
    assert items[3].reason
    assert set(Note.objects.filter(pk__in=keys).values_list("pk", flat=True)) == {keys[0], keys[2]}


def test_a_record_goes_back_for_the_fields_that_are_wrong(gate):
    key = gate.key()
    gate.applied(gate.proposal(key, code="A-1"))
    request = gate.submitted(gate.proposal(key, name="Tên khác", code="A-2", base_version=1), gate.proposal(ref=1))
    said = {"actor": gate.approver, "request_id": request.pk, "leaf_index": 0, "reason": ReturnReason.VALUE}
    with pytest.raises(ChangeItem.DoesNotExist):
        row_return(**said, fields=["unit"])  # which does not change
    row_return(**said, fields=["code"], text="Mã là A-3")
    gate.approve(request)
    item = ChangeItem.objects.get(request=request, leaf_index=0)
    label = toy_label("code")
    assert item.reason.endswith(f"{label}: Mã là A-3")
    assert item.state == ItemState.EXCLUDED


def toy_label(name):
    from workflows.targets import target

    return str(target("toy_note").label_of(name))


def test_marking_asks_for_the_right_and_for_a_reason(gate):
    request = batch(gate, 2)
    with pytest.raises(OwnRequest):
        row_return(actor=gate.author, request_id=request.pk, leaf_index=0, reason=ReturnReason.VALUE)
    for reason, text in (("", "x"), (ReturnReason.OTHER, " ")):
        with pytest.raises(ReasonMissing):
            row_return(actor=gate.approver, request_id=request.pk, leaf_index=0, reason=reason, text=text)
    with pytest.raises(ChangeItem.DoesNotExist):
        row_return(actor=gate.approver, request_id=request.pk, leaf_index=7, reason=ReturnReason.VALUE)


def test_a_third_change_in_a_month_stands_out(gate):
    key = gate.key()
    for amount in ("1.00", "2.00", "3.00"):
        gate.applied(gate.proposal(key, amount=amount))
    staged = gate.stage(gate.proposal(key, ref=5, amount="4.00"), gate.proposal(ref=6))
    assert [(one.ref, one.code, one.value) for one in staged.remarks] == [(5, "CHANGED_OFTEN", "3")]
    assert overview(gate, staged.request).striking == [0]


def test_what_few_others_change_stands_out_in_a_batch(gate):
    keys = [gate.key() for _ in range(60)]
    gate.applied(*(gate.proposal(key, ref=n) for n, key in enumerate(keys)))
    changes = [gate.proposal(key, ref=n, count=n + 1, **({"amount": "9.00"} if n == 7 else {})) for n, key in enumerate(keys)]
    staged = gate.stage(*changes)
    assert [(one.ref, one.code, one.field) for one in staged.remarks] == [(7, "RARE_IN_BATCH", "amount")]
    said = overview(gate, staged.request).statistics
    assert (said.created, said.updated, said.excluded) == (0, 60, 0)
    assert [(one.label, one.count, one.share) for one in said.fields] == [("count", 60, 100), ("amount", 1, 2)]
