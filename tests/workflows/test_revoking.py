"""A signature on an applied request is revoked: by others, with a signature, without anything being lost."""

import io
import zipfile

import pytest
from django.conf import settings
from django.db import DatabaseError, connection

from orgtree.models import User
from tools.verify_evidence import Broken, verify
from workflows.choices import Act, Ground, ItemState, RequestState
from workflows.errors import NothingToRevoke, OwnRequest, ReasonMissing
from workflows.manifest import read_manifest
from workflows.models import AuditEvent, ChangeRequest, Manifest, OutboxMessage, RecordVersion, Seal
from workflows.selectors.requests import requests_after
from workflows.selectors.revoking import may_revoke, revocation_outlook, with_revocation
from workflows.services.applying import request_apply
from workflows.services.approval import manifest_prepare, request_approve
from workflows.services.evidence import evidence_bundle
from workflows.services.ledger import verify_ledger
from workflows.services.revoking import revocation_stage
from workflows.services.submission import request_submit

pytestmark = pytest.mark.xdist_group("gate")
REASON = "Kết luận kiểm tra số 7/KL-SNV ngày 12/10/2026"


@pytest.fixture(scope="module")
def other(gate):
    return User.objects.get(username="other")


def propose(actor, request, ground=Ground.CONTENT, reason=REASON):
    return revocation_stage(actor=actor, request_id=request.pk, ground=ground, reason=reason)


def in_force(gate, request, actor):
    """Proposed by `actor`, signed by the approver, applied."""
    staged = propose(actor, request)
    assert staged.request is not None, staged.returned
    request_submit(actor=actor, request_id=staged.request.pk)
    gate.approve(staged.request)
    return request_apply(request_id=staged.request.pk)


def test_what_was_signed_goes_back_and_what_came_later_stays(gate, other):
    # given three notes: one changed, one changed and then changed again elsewhere and in the same field, one founded by the request
    changed, moved, founded = gate.key(), gate.key(), gate.key()
    gate.applied(gate.proposal(changed, amount="1.00", count=1), gate.proposal(moved, ref=1, amount="1.00", count=1))
    wrong = gate.applied(
        gate.proposal(changed, amount="9.00", count=9), gate.proposal(moved, ref=1, amount="9.00", count=9), gate.proposal(founded, ref=2, count=9)
    )
    gate.applied(gate.proposal(moved, amount="9.00", count=10))
    # when the outlook is asked for and the revocation goes its way
    outlook = revocation_outlook(wrong, user=other)
    revocation = in_force(gate, wrong, other)
    # then the outlook said what became of it: later edits are conflicts that stay
    assert (outlook.total, outlook.founded, outlook.changed) == (3, 1, 1)
    assert [(one.title, [(side.was, side.mine, side.now) for side in one.later]) for one in outlook.kept] == [
        (f"Ghi chú {moved.int % 10**6}", [(["9"], ["1"], ["10"])])
    ]
    live = {note.pk: note for note in gate.notes.live.objects.filter(pk__in=[changed, moved, founded])}
    assert (str(live[changed].amount), live[changed].count) == ("1.00", 1)
    assert (str(live[moved].amount), live[moved].count) == ("1.00", 10)
    assert live[founded].count == 9
    # and every record has a version of its own that goes out, also the founded one, of which nothing is put back
    versions = RecordVersion.objects.filter(request=revocation)
    assert {one.key for one in versions} == {changed, moved, founded}
    assert set(OutboxMessage.objects.filter(request=revocation).values_list("key", "version")) == {(one.key, one.version) for one in versions}
    assert revocation.act == Act.REVOKE
    assert requests_after(user=revocation.author, request=wrong) == ([], [revocation])
    marked = with_revocation(RecordVersion.objects.filter(key=founded)).order_by("version").values_list("version", "revoked_by")
    assert list(marked) == [(1, revocation.number), (2, None)]
    assert verify_ledger().damages == []


def test_the_manifest_says_what_is_revoked_and_why(gate, other):
    wrong = gate.applied(gate.proposal(count=1))
    revocation = in_force(gate, wrong, other)
    statement = read_manifest(bytes(Manifest.objects.get(request=revocation).body))
    assert statement.purpose == "revoke"
    assert (statement.revokes.request, statement.revokes.root) == (wrong.pk, bytes(wrong.root).hex())
    assert statement.revokes.manifests == [bytes(one).hex() for one in wrong.manifests.values_list("digest", flat=True)]
    assert (statement.revokes.ground, statement.revokes.reason) == ("content", REASON)
    assert bytes(Manifest.objects.get(request=revocation).digest).hex() in bytes(Seal.objects.get(request=revocation).body).decode()
    assert AuditEvent.objects.filter(request=wrong, action="request.revoked", detail__by=revocation.number).exists()


def test_it_has_four_eyes_of_its_own(gate, other):
    # given a request written by the author and signed by the approver
    wrong = gate.applied(gate.proposal(count=1))
    # when the approver themself proposes to revoke it, then neither they nor the author of what is revoked may sign the revocation
    staged = propose(gate.approver, wrong)
    request_submit(actor=gate.approver, request_id=staged.request.pk)
    for barred in (gate.approver, gate.author):
        with pytest.raises(OwnRequest):
            manifest_prepare(actor=barred, request_id=staged.request.pk)
    manifest = manifest_prepare(actor=other, request_id=staged.request.pk)
    request_approve(actor=other, manifest_digest=bytes(manifest.digest), signature=gate.sign(manifest, "other"))
    assert request_apply(request_id=staged.request.pk).state == RequestState.APPLIED


def test_it_needs_a_reason_and_something_to_revoke(gate, other):
    wrong = gate.applied(gate.proposal(count=1))
    open_ = gate.submitted(gate.proposal(count=1))
    with pytest.raises(ReasonMissing):
        propose(other, wrong, reason=" ")
    with pytest.raises(NothingToRevoke):
        propose(other, open_)
    in_force(gate, wrong, other)
    assert not may_revoke(user=other, request=wrong)
    with pytest.raises(NothingToRevoke):
        propose(other, wrong)


def test_a_value_that_no_rule_lets_back_stays_and_is_marked(gate, other):
    # given a code that the request gave up, and that another note bears since
    first, second = gate.key(), gate.key()
    gate.applied(gate.proposal(first, code="K1"))
    wrong = gate.applied(gate.proposal(first, code="K2"))
    gate.applied(gate.proposal(second, code="K1"))
    revocation = in_force(gate, wrong, other)
    assert gate.notes.live.objects.get(pk=first).code == "K2"
    assert list(revocation.items.values_list("key", "state", "changed")) == [(first, ItemState.APPLIED, [])]


def test_a_record_under_change_comes_back_and_is_revoked_later(gate, other):
    free, busy = gate.key(), gate.key()
    wrong = gate.applied(gate.proposal(free, count=1), gate.proposal(busy, ref=1, count=1))
    blocking = gate.submitted(gate.proposal(busy, count=2))
    staged = propose(other, wrong)
    assert (staged.staged, list(staged.returned)) == (1, [1])
    request_submit(actor=other, request_id=staged.request.pk)
    gate.approve(staged.request)
    request_apply(request_id=staged.request.pk)
    gate.approve(blocking)
    request_apply(request_id=blocking.pk)
    again = in_force(gate, wrong, other)
    assert list(again.items.values_list("key", flat=True)) == [busy]


def test_nobody_writes_or_bends_a_revocation_past_the_gate(gate, other):
    applied, open_ = gate.applied(gate.proposal(count=1)), gate.submitted(gate.proposal(count=1))
    stated = {"author": other, "unit": gate.unit, "title": "x", "act": Act.REVOKE, "ground": Ground.KEY, "reason": "x"}
    with pytest.raises(DatabaseError, match="only what was applied"):
        ChangeRequest.objects.create(revokes=open_, **stated)
    with pytest.raises(DatabaseError, match="request_revocation_says_why"):
        ChangeRequest.objects.create(revokes=applied, **{**stated, "ground": ""})
    revocation = in_force(gate, applied, other)
    with connection.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        try:
            cursor.execute("update workflows_changerequest set revokes_id = %s where id = %s", [open_.pk, revocation.pk])
            assert any(one.place == f"request {revocation.pk}" and "revokes" in one.what for one in verify_ledger().damages)
            cursor.execute("update workflows_changerequest set revokes_id = %s where id = %s", [applied.pk, revocation.pk])
        finally:
            cursor.execute("set session_replication_role = default")


def test_the_evidence_says_that_it_was_revoked_until_that_is_revoked_too(gate, other, tmp_path):
    key = gate.key()
    wrong = gate.applied(gate.proposal(key, count=1))
    assert checked(wrong, tmp_path)[-1] == "GOOD"
    revocation = in_force(gate, wrong, other)
    lines = checked(wrong, tmp_path)
    assert lines[-1].startswith("REVOKED")
    assert any(REASON in line for line in lines)
    # a revocation is a signed request like any other: somebody who had no part in it proposes to take it back, and others sign that
    fourth = User.objects.create(username="fourth", is_superuser=True)
    fifth = User.objects.get(username="author")
    again = propose(fourth, revocation)
    request_submit(actor=fourth, request_id=again.request.pk)
    with pytest.raises(OwnRequest):
        manifest_prepare(actor=fifth, request_id=again.request.pk)
    gate.approve(again.request)
    request_apply(request_id=again.request.pk)
    assert checked(wrong, tmp_path)[-1] == "GOOD"
    assert checked(revocation, tmp_path)[-1].startswith("REVOKED")


@pytest.mark.parametrize("name", ["revocation/stage-1/signature.p7s", "revocation/leaf.json", "revocation/seal.json"])
def test_a_revocation_is_not_taken_out_or_bent_unnoticed(gate, other, tmp_path, name):
    wrong = gate.applied(gate.proposal(count=1))
    in_force(gate, wrong, other)
    path = tmp_path / "bent.zip"
    with zipfile.ZipFile(io.BytesIO(evidence_bundle(RecordVersion.objects.get(request=wrong)))) as whole, zipfile.ZipFile(path, "w") as bent:
        for one in whole.namelist():
            body = whole.read(one)
            bent.writestr(one, body[:-3] + b"xyz" if one == name else body)
    with pytest.raises(Broken):
        verify(path, settings.TRUST_DIRECTORY / "root.pem")


def checked(request, folder):
    path = folder / "evidence.zip"
    path.write_bytes(evidence_bundle(RecordVersion.objects.get(request=request)))
    return verify(path, settings.TRUST_DIRECTORY / "root.pem")
