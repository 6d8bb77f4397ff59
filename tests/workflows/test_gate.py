"""The promises of design.md section 5, each with a test that tries to break it. Everything commits for real."""

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from tests.racing import in_threads
from tests.workflows.toy import Note, NoteLine
from workflows import merkle
from workflows.choices import ItemState, RequestState
from workflows.cms import SignatureRefused
from workflows.documents import canonical, digest, parse
from workflows.errors import EvidenceBroken, NotAllowed, OwnRequest, RecordBusy, WrongState
from workflows.models import AuditEvent, ChangeItem, ChangeRequest, Decision, OutboxMessage, RecordVersion, Seal
from workflows.services.applying import request_apply
from workflows.services.approval import manifest_prepare, request_approve, request_return
from workflows.services.ledger import leaf_proof, verify_ledger
from workflows.services.staging import request_stage
from workflows.services.submission import request_submit, request_withdraw


@pytest.fixture(autouse=True)
def ledger_stays_sound(gate):
    yield
    assert verify_ledger().damages == []


def test_one_record_all_the_way(gate):
    # given a proposal with a list of rows
    key = gate.key()
    # when it goes through the gate
    request = gate.applied(gate.proposal(key, code="W-1", amount="12.30", lines=[{"text": "một", "day": "2020-01-01"}, {"text": "hai"}]))
    # then the live tables, ledger, outbox, audit and seal all say so
    note = Note.objects.get(pk=key)
    assert request.state == RequestState.APPLIED
    assert (note.version, str(note.amount), note.code) == (1, "12.30", "W-1")
    assert set(note.lines.values_list("text", flat=True)) == {"một", "hai"}
    version = RecordVersion.objects.get(kind="toy_note", key=key)
    assert bytes(note.digest) == bytes(version.document_id)
    assert OutboxMessage.objects.get(kind="toy_note", key=key).version == 1
    assert Seal.objects.filter(request=request).exists()
    assert list(AuditEvent.objects.filter(request=request).order_by("pk").values_list("action", flat=True)) == [
        "request.staged",
        "request.submitted",
        "request.approved",
        "request.applied",
    ]


def test_update_merges_over_the_document_and_touches_only_changed_rows(gate):
    key = gate.key()
    gate.applied(gate.proposal(key, amount="1.00", lines=[{"text": "một"}, {"text": "hai"}]))
    kept = NoteLine.objects.get(note_id=key, text="một").pk
    # when only the rows change
    request = gate.applied(gate.proposal(key, lines=[{"text": "một"}, {"text": "ba"}]))
    # then the untouched column and row stand, and the item names what changed
    assert str(Note.objects.get(pk=key).amount) == "1.00"
    assert NoteLine.objects.get(note_id=key, text="một").pk == kept
    assert set(NoteLine.objects.filter(note_id=key).values_list("text", flat=True)) == {"một", "ba"}
    assert request.items.get().changed == ["lines"]


def test_errors_never_become_items_and_all_are_told(gate):
    staged = gate.stage(
        gate.proposal(ref=2, name="bad", code="E-1"),
        gate.proposal(ref=3, code="E-2"),
        gate.proposal(ref=4, day="2026-02-30"),
        gate.proposal(ref=5, amount="1.5"),
        gate.proposal(ref=6, lines=[{"text": "mai", "day": "2030-01-01"}]),
        gate.proposal(ref=7, name="bad", code="E-2x", count="ba"),
    )
    assert staged.staged == 2
    assert sorted(staged.returned) == [2, 4, 5, 7]
    assert [one.code for one in staged.returned[2]] == ["NAME_BAD"]
    assert [(one.code, one.field) for one in staged.returned[4]] == [("VALUE_FORM", "day")]
    assert [(one.ref, one.code) for one in staged.remarks] == [(6, "LINE_LATE")]


def test_duplicates_within_a_request_and_against_live_are_found(gate):
    gate.applied(gate.proposal(code="D-1"))
    staged = gate.stage(
        gate.proposal(ref=1, code="D-1"), gate.proposal(ref=2, code="D-2"), gate.proposal(ref=3, code="D-2"), gate.proposal(ref=4, code="D-3")
    )
    assert {ref: [one.code for one in found] for ref, found in staged.returned.items()} == {
        1: ["CODE_SHARED"],
        2: ["CODE_SHARED"],
        3: ["CODE_SHARED"],
    }


def test_unchanged_is_counted_and_not_staged(gate):
    key = gate.key()
    gate.applied(gate.proposal(key, code="U-1"))
    staged = gate.stage(gate.proposal(key, ref=9, code="U-1"))
    assert (staged.request, staged.staged, list(staged.unchanged)) == (None, 0, [9])


def test_stale_base_version_is_returned(gate):
    key = gate.key()
    gate.applied(gate.proposal(key))
    gate.applied(gate.proposal(key, amount="2.00", base_version=1))
    staged = gate.stage(gate.proposal(key, ref=1, amount="3.00", base_version=1))
    assert [one.code for one in staged.returned[1]] == ["STALE_BASE"]


# Promise 1: author, uploader and repairer can never approve


def test_author_cannot_decide_and_neither_in_sql(gate):
    request = gate.submitted(gate.proposal())
    with pytest.raises(OwnRequest):
        manifest_prepare(actor=gate.author, request_id=request.pk)
    with pytest.raises(DatabaseError, match="contributed"), transaction.atomic():
        Decision.objects.create(stage=request.stages.get(), user=gate.author, verdict="return", reason="x")


def test_uploader_and_repairer_cannot_decide(gate):
    staged = request_stage(actor=gate.author, unit=gate.unit, title="Nạp", proposals=[gate.proposal()], contributors={"repairer": [gate.approver]})
    request = request_submit(actor=gate.author, request_id=staged.request.pk)
    with pytest.raises(OwnRequest):
        manifest_prepare(actor=gate.approver, request_id=request.pk)
    with pytest.raises(DatabaseError, match="contributed"), transaction.atomic():
        Decision.objects.create(stage=request.stages.get(), user=gate.approver, verdict="return", reason="x")


def test_nobody_without_right_decides(gate):
    from orgtree.models import User

    request = gate.submitted(gate.proposal())
    with pytest.raises(NotAllowed):
        manifest_prepare(actor=User.objects.create(username="stranger"), request_id=request.pk)


# Promise 2: a decision is bound to the digests it covered


def test_excluded_item_returns_and_the_rest_goes_on(gate):
    keys = [gate.key(), gate.key(), gate.key()]
    request = gate.submitted(*(gate.proposal(key, ref=n) for n, key in enumerate(keys)))
    gate.approve(request, excluded=[1])
    request_apply(request_id=request.pk)
    assert set(Note.objects.filter(pk__in=keys).values_list("pk", flat=True)) == {keys[0], keys[2]}
    assert request.items.get(leaf_index=1).state == ItemState.EXCLUDED
    # and the record is free for another request
    assert gate.stage(gate.proposal(keys[1])).staged == 1


def test_edited_byte_after_approval_is_refused_even_from_a_superuser(gate):
    request = gate.submitted(gate.proposal(code="T-1"))
    gate.approve(request)
    item = request.items.get()
    forged = {**parse(bytes(item.document.body)), "amount": "9999.00"}
    original = bytes(item.document_id)
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("set local session_replication_role = replica")
        cursor.execute("insert into workflows_storeddocument(digest, body) values (%s, %s)", [digest(canonical(forged)), canonical(forged)])
        cursor.execute("update workflows_changeitem set document_id = %s where id = %s", [digest(canonical(forged)), item.pk])
    with pytest.raises(EvidenceBroken):
        request_apply(request_id=request.pk)
    assert not Note.objects.filter(code="T-1").exists()
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("set local session_replication_role = replica")
        cursor.execute("update workflows_changeitem set document_id = %s where id = %s", [original, item.pk])
    assert request_apply(request_id=request.pk).state == RequestState.APPLIED


def test_items_of_a_submitted_request_are_frozen(gate):
    request = gate.submitted(gate.proposal())
    for statement in (
        "update workflows_changeitem set base_version = 7, op = 'update' where request_id = %s",
        "update workflows_changeitem set document_id = sha256('x') where request_id = %s",
        "delete from workflows_changeitem where request_id = %s",
        "update workflows_changerequest set root = sha256('x') where id = %s",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [request.pk])


def test_signature_of_another_person_or_another_manifest_is_refused_and_audited(gate):
    request, other = gate.submitted(gate.proposal()), gate.submitted(gate.proposal())
    manifest = manifest_prepare(actor=gate.approver, request_id=request.pk)
    foreign = manifest_prepare(actor=gate.approver, request_id=other.pk)
    for signature, code in ((gate.sign(manifest, "other"), "wrong_person"), (gate.sign(foreign), "other_manifest"), (b"rubbish", "not_cms")):
        with pytest.raises(SignatureRefused) as refused:
            request_approve(actor=gate.approver, manifest_digest=bytes(manifest.digest), signature=signature)
        assert str(refused.value.code) == code
    assert [event.detail["code"] for event in AuditEvent.objects.filter(request=request, action="signature.refused").order_by("pk")] == [
        "wrong_person",
        "other_manifest",
        "not_cms",
    ]
    request.refresh_from_db()
    assert request.state == RequestState.IN_REVIEW


def test_stage_that_needs_a_signature_cannot_be_approved_without_in_sql(gate):
    request = gate.submitted(gate.proposal())
    manifest = manifest_prepare(actor=gate.approver, request_id=request.pk)
    with pytest.raises(DatabaseError, match="needs a signature"), transaction.atomic():
        Decision.objects.create(stage=request.stages.get(), user=gate.approver, verdict="approve", manifest=manifest)
    with pytest.raises(DatabaseError, match="not approved"), transaction.atomic():
        ChangeRequest.objects.filter(pk=request.pk).update(state=RequestState.APPROVED)


# Promise 3: the route is frozen at submit


def test_changing_the_route_leaves_open_requests_alone(gate):
    from workflows.models import Route

    request = gate.submitted(gate.proposal())
    route = Route.objects.get(kind="", active=True)
    before = route.steps
    Route.objects.filter(pk=route.pk).update(steps=[*before, {"name": "Đóng dấu", "action": "approve", "signature": True}])
    try:
        gate.approve(request)
        later = gate.submitted(gate.proposal())
        assert later.stages.count() == 2
        gate.approve(later)
        later.refresh_from_db()
        assert later.state == RequestState.IN_REVIEW
    finally:
        Route.objects.filter(pk=route.pk).update(steps=before)
    assert request_apply(request_id=request.pk).state == RequestState.APPLIED


# Promise 4: one open item per record, and per natural key


def test_second_request_on_a_record_waits(gate):
    key = gate.key()
    gate.submitted(gate.proposal(key))
    staged = gate.stage(gate.proposal(key, ref=3, amount="1.00"))
    assert [one.code for one in staged.returned[3]] == ["RECORD_BUSY"]


def test_two_drafts_race_to_submit(gate):
    key = gate.key()
    first, second = (gate.stage(gate.proposal(key, amount=f"{n}.00")).request for n in (1, 2))
    results = in_threads(*(lambda r=r: request_submit(actor=gate.author, request_id=r.pk) for r in (first, second)))
    assert sorted(type(one).__name__ for one in results) == ["ChangeRequest", "RecordBusy"]
    assert ChangeItem.objects.filter(key=key, state=ItemState.OPEN).count() == 1


def test_two_new_records_with_one_natural_key_cannot_both_be_open(gate):
    first, second = (gate.stage(gate.proposal(code="N-1")).request for _ in range(2))
    request_submit(actor=gate.author, request_id=first.pk)
    with pytest.raises(RecordBusy):
        request_submit(actor=gate.author, request_id=second.pk)
    second.refresh_from_db()
    assert second.state == RequestState.READY


# Promise 5: stale is a conflict, twice changes nothing


def test_conflict_goes_back_and_the_rest_applies(gate):
    moved, free = gate.key(), gate.key()
    gate.applied(gate.proposal(moved, amount="1.00"))
    request = gate.submitted(gate.proposal(moved, ref=1, amount="2.00"), gate.proposal(free, ref=2))
    gate.approve(request)
    with connection.cursor() as cursor, transaction.atomic():  # somebody with the walls off moves the record on
        cursor.execute("set local session_replication_role = replica")
        cursor.execute("update toy_note set version = 2 where id = %s", [moved])
    request = request_apply(request_id=request.pk)
    assert request.state == RequestState.APPLIED
    assert {i.key: i.state for i in request.items.all()} == {moved: ItemState.CONFLICT, free: ItemState.APPLIED}
    assert request.findings.get().code == "STALE_BASE"
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("set local session_replication_role = replica")
        cursor.execute("update toy_note set version = 1 where id = %s", [moved])


def test_rule_broken_since_approval_is_a_conflict(gate):
    first, second = gate.key(), gate.key()
    request = gate.submitted(gate.proposal(first, code="R-1"))
    gate.approve(request)
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("set local session_replication_role = replica")
        cursor.execute("update workflows_changeitem set state = 'draft' where request_id = %s", [request.pk])
    gate.applied(gate.proposal(second, code="R-1"))
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("set local session_replication_role = replica")
        cursor.execute("update workflows_changeitem set state = 'open' where request_id = %s", [request.pk])
    assert request_apply(request_id=request.pk).state == RequestState.CONFLICT
    assert Note.objects.get(code="R-1").pk == second


def test_applying_twice_at_once_changes_nothing_twice(gate):
    request = gate.submitted(*(gate.proposal(ref=n) for n in range(20)))
    gate.approve(request)
    results = in_threads(*(lambda: request_apply(request_id=request.pk) for _ in range(4)))
    assert all(one.state == RequestState.APPLIED for one in results), results
    assert RecordVersion.objects.filter(request=request).count() == OutboxMessage.objects.filter(request=request).count() == 20
    assert Seal.objects.filter(request=request).count() == 1


# Promise 6: one transaction


def test_failure_while_applying_leaves_nothing_behind(gate, monkeypatch):
    request = gate.submitted(gate.proposal(code="F-1"))
    gate.approve(request)

    def project_half(self):
        with connection.cursor() as cursor:
            cursor.execute("insert into toy_note(id, version, digest, name) select id, 1, digest, name from opened_toy_note")
        raise RuntimeError("power cut")

    monkeypatch.setattr(type(gate.notes), "project", project_half)
    with pytest.raises(RuntimeError):
        request_apply(request_id=request.pk)
    monkeypatch.undo()
    request.refresh_from_db()
    assert request.state == RequestState.APPROVED
    assert not Note.objects.filter(code="F-1").exists()
    assert request_apply(request_id=request.pk).state == RequestState.APPLIED


# Promise 7: two deciders


def test_two_deciders_at_once_make_one_decision(gate):
    from orgtree.models import User

    request = gate.submitted(gate.proposal())
    second = User.objects.get(username="other")
    mine, theirs = (manifest_prepare(actor=who, request_id=request.pk) for who in (gate.approver, second))
    results = in_threads(
        lambda: request_approve(actor=gate.approver, manifest_digest=bytes(mine.digest), signature=gate.sign(mine)),
        lambda: request_approve(actor=second, manifest_digest=bytes(theirs.digest), signature=gate.sign(theirs, "other")),
    )
    assert sorted(type(one).__name__ for one in results) == ["ChangeRequest", "WrongState"]
    assert Decision.objects.filter(stage__request=request).count() == 1


def test_approve_and_withdraw_at_once(gate):
    request = gate.submitted(gate.proposal())
    manifest = manifest_prepare(actor=gate.approver, request_id=request.pk)
    signature = gate.sign(manifest)
    results = in_threads(
        lambda: request_approve(actor=gate.approver, manifest_digest=bytes(manifest.digest), signature=signature),
        lambda: request_withdraw(actor=gate.author, request_id=request.pk),
    )
    assert sorted(type(one).__name__ for one in results) == ["ChangeRequest", "WrongState"]
    request.refresh_from_db()
    assert request.state in (RequestState.APPROVED, RequestState.WITHDRAWN)


def test_approve_and_return_at_once(gate):
    from orgtree.models import User

    request = gate.submitted(gate.proposal())
    manifest = manifest_prepare(actor=gate.approver, request_id=request.pk)
    signature = gate.sign(manifest)
    results = in_threads(
        lambda: request_approve(actor=gate.approver, manifest_digest=bytes(manifest.digest), signature=signature),
        lambda: request_return(actor=User.objects.get(username="other"), request_id=request.pk, reason="Thiếu quyết định"),
    )
    assert sorted(type(one).__name__ for one in results) == ["ChangeRequest", "WrongState"]


def test_approve_and_edit_at_once(gate):
    """A change that was drafted beside one that is being decided either waits, or meets what has become true; it never undoes it."""
    for _ in range(6):
        key = gate.key()
        gate.applied(gate.proposal(key, name="Cũ", amount="1.00"))
        decided, edit = (gate.stage(gate.proposal(key, **{"name": "Cũ", **patch})).request for patch in ({"amount": "2.00"}, {"name": "Mới"}))
        request_submit(actor=gate.author, request_id=decided.pk)
        gate.approve(decided)
        applied, submitted = in_threads(
            lambda decided=decided: request_apply(request_id=decided.pk), lambda edit=edit: request_submit(actor=gate.author, request_id=edit.pk)
        )
        assert applied.state == RequestState.APPLIED
        assert isinstance(submitted, (ChangeRequest, RecordBusy)), submitted
        if isinstance(submitted, ChangeRequest):
            gate.approve(submitted)
            assert request_apply(request_id=submitted.pk).state in (RequestState.APPLIED, RequestState.CONFLICT)
        note = Note.objects.get(pk=key)
        assert note.amount == 2
        assert list(RecordVersion.objects.filter(key=key).order_by("version").values_list("version", flat=True)) == list(range(1, note.version + 1))


# The walls


@pytest.mark.parametrize(
    "statement",
    [
        "update toy_note set name = 'x'",
        "delete from toy_line",
        "truncate toy_note cascade",
        "update workflows_recordversion set version = 9",
        "delete from workflows_storeddocument",
        "truncate workflows_auditevent",
        "update workflows_seal set sequence = 9",
        "delete from workflows_decision",
        "update workflows_stage set needs_signature = false",
        "insert into workflows_outboxmessage(kind, key, version, document_id, request_id, leaf_index) "
        "select kind, key, 9, document_id, request_id, 99 from workflows_recordversion limit 1",
        "update workflows_changerequest set state = 'applying' where state = 'in_review'",
        "delete from workflows_changerequest",
    ],
)
def test_plain_sql_meets_the_wall(gate, committed_db, statement):
    from django.conf import settings

    gate.applied(gate.proposal())
    gate.submitted(gate.proposal())
    url = settings.DATABASES["default"] | {"NAME": committed_db}
    with psycopg.connect(
        host=url["HOST"], port=url["PORT"] or None, user=url["USER"], password=url["PASSWORD"] or None, dbname=url["NAME"]
    ) as outside:
        with pytest.raises(psycopg.Error) as refused:
            outside.execute(statement)
        assert refused.value.sqlstate == "42501", refused.value


def test_naming_a_request_is_not_enough(gate):
    request = gate.submitted(gate.proposal())
    gate.approve(request)
    with pytest.raises(DatabaseError, match="approved change request"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select set_config('hoso.request', %s, true)", [str(request.pk)])
        cursor.execute("update toy_note set name = 'x'")
    # and a request cannot be left applying
    with pytest.raises(IntegrityError, match="left applying"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "update workflows_changerequest set state = 'applying', applying_xid = pg_current_xact_id()::text::bigint where id = %s", [request.pk]
        )


def test_temporary_table_cannot_shadow_the_guard(gate):
    with pytest.raises(DatabaseError, match="approved change request"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "create temp table workflows_changerequest as "
            "select gen_random_uuid() as id, 'applying' as state, pg_current_xact_id()::text::bigint as applying_xid"
        )
        cursor.execute("select set_config('hoso.request', id::text, true) from pg_temp.workflows_changerequest")
        cursor.execute("update toy_note set name = 'x'")


# The ledger


def test_proofs_of_a_batch_lead_to_the_signed_root(gate):
    request = gate.applied(*(gate.proposal(ref=n) for n in range(600)))
    assert len(bytes(request.subtrees)) == 32 * 3
    for index in (0, 255, 256, 511, 512, 599):
        item = request.items.get(leaf_index=index)
        leaf = merkle.leaf_hash(kind=item.kind, key=item.key, op=item.op, base_version=item.base_version, document_digest=bytes(item.document_id))
        assert merkle.verify(leaf=leaf, index=index, count=600, path=leaf_proof(request, index), expected_root=bytes(request.root))


@pytest.mark.parametrize(
    ("statement", "undo", "check"),
    [
        ("update toy_note set amount = 77 where id = %(key)s", "update toy_note set amount = 5 where id = %(key)s", "live"),
        ("update toy_line set text = 'sửa' where note_id = %(key)s", "update toy_line set text = 'gốc' where note_id = %(key)s", "live"),
        (
            "update workflows_recordversion set leaf_index = 9 where key = %(key)s",
            "update workflows_recordversion set leaf_index = 0 where key = %(key)s",
            "version",
        ),
        (
            "update workflows_changeitem set units = '{}', key = gen_random_uuid() where key = %(key)s",
            "update workflows_changeitem set key = %(key)s, units = array[%(unit)s::uuid] where request_id = %(request)s",
            "items",
        ),
        (
            "update workflows_seal set digest = sha256('x') where request_id = %(request)s",
            "update workflows_seal set digest = sha256(body) where request_id = %(request)s",
            "seal",
        ),
        (
            "update workflows_signature set received_at = received_at + interval '1 year' where manifest_id = %(manifest)s",
            "update workflows_signature set received_at = received_at - interval '1 year' where manifest_id = %(manifest)s",
            "signature",
        ),
    ],
)
def test_superuser_tampering_is_found(gate, statement, undo, check):
    key = gate.key()
    request = gate.applied(gate.proposal(key, amount="5.00", lines=[{"text": "gốc"}]))
    names = {"key": key, "unit": gate.unit.pk, "request": request.pk, "manifest": request.manifests.get().pk}
    for text in (statement, undo):
        with connection.cursor() as cursor, transaction.atomic():
            cursor.execute("set local session_replication_role = replica")
            cursor.execute(text, names)
        damages = verify_ledger().damages
        assert (check in {one.check for one in damages}) == (text is statement), damages


def test_wrong_moves_are_refused(gate):
    request = gate.submitted(gate.proposal())
    with pytest.raises(WrongState):
        request_submit(actor=gate.author, request_id=request.pk)
    with pytest.raises(WrongState):
        request_apply(request_id=request.pk)
    with pytest.raises(NotAllowed):
        request_withdraw(actor=gate.approver, request_id=request.pk)
    request_withdraw(actor=gate.author, request_id=request.pk)
    with pytest.raises(WrongState):
        manifest_prepare(actor=gate.approver, request_id=request.pk)


# The audit trail


def test_audit_seals_cover_everything_and_hold_the_chain(gate):
    from workflows.services.audit_seals import audit_seal

    gate.applied(gate.proposal())
    first = audit_seal()
    assert first is not None
    assert audit_seal() is None
    gate.applied(gate.proposal())
    second = audit_seal()
    assert second.after_id == first.to_id
    assert parse(bytes(Seal.objects.order_by("-sequence").first().body))["audit"] == bytes(first.digest).hex()


def test_audit_seal_gives_way_to_a_busy_writer(gate):
    from workflows.services.audit import audit
    from workflows.services.audit_seals import audit_seal

    with transaction.atomic():
        audit(actor=None, action="test.busy")
        (sealed,) = in_threads(audit_seal)
    assert sealed is None
    assert audit_seal() is not None


@pytest.mark.parametrize(
    ("statement", "undo", "what"),
    [
        (
            "update workflows_auditevent set action = 'x' where id = %(id)s",
            "update workflows_auditevent set action = 'request.staged' where id = %(id)s",
            "edited",
        ),
        (
            "create table kept as select * from workflows_auditevent where id = %(id)s; delete from workflows_auditevent where id = %(id)s",
            "insert into workflows_auditevent select * from kept; drop table kept",
            "missing",
        ),
    ],
)
def test_tampered_audit_event_is_named(gate, statement, undo, what):
    from workflows.services.audit_seals import audit_seal

    request = gate.submitted(gate.proposal())
    event = AuditEvent.objects.get(request=request, action="request.staged")
    assert audit_seal() is not None
    for text in (statement, undo):
        with connection.cursor() as cursor, transaction.atomic():
            cursor.execute("set local session_replication_role = replica")
            for part in text.split("; "):
                cursor.execute(part, {"id": event.pk} if "%(id)s" in part else None)
        damages = [one for one in verify_ledger().damages if one.place == f"audit event {event.pk}"]
        assert [what in one.what for one in damages] == ([True] if text is statement else [])
