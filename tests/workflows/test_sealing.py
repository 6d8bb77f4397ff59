"""The organisation signs before anything leaves: a second signature over the same items, put on those of its people."""

import zipfile

import pytest
from django.conf import settings
from django.db import connection

from config.demo.pki import DemoAuthority, Person
from orgtree.models import User
from signing_agent.sign import sign_manifest
from tools.verify_evidence import Broken, verify
from workflows.cms import RefusalCode, SignatureRefused
from workflows.documents import digest
from workflows.errors import AlreadyDecided, EvidenceBroken, RouteInvalid
from workflows.manifest import read_manifest
from workflows.models import AuditEvent, Decision, RecordVersion, Route, Seal, Signature
from workflows.services.applying import request_apply
from workflows.services.approval import manifest_prepare, request_approve
from workflows.services.evidence import evidence_bundle
from workflows.services.ledger import verify_ledger
from workflows.services.routing import route_put_in_force, steps_read

pytestmark = pytest.mark.xdist_group("gate")
SEAL = {"name": "Văn thư ký số của cơ quan", "action": "operate", "signature": True, "seal": True}
LEADER = {"name": "Lãnh đạo ký", "action": "approve", "signature": True}


@pytest.fixture(scope="module")
def sealed(gate):
    """A route that ends with the seal is in force; the keeper of the seal, and the organisation's key."""
    route_put_in_force(actor=gate.author, route=Route(name="Ký rồi đóng dấu", kind="toy_note", steps=[LEADER, SEAL]))
    authority = DemoAuthority(settings.TRUST_DIRECTORY.parent / "pki")
    gate.keys["seal"] = authority.issue(Person("seal", "UBND tỉnh Đắk Lắk", "", "UBND tỉnh Đắk Lắk", settings.AUTHORITY), pin="123456")
    gate.keys["stranger"] = authority.issue(Person("stranger", "UBND tỉnh khác", "", "UBND tỉnh khác", "H99"), pin="123456")
    yield User.objects.get(username="other")
    Route.objects.filter(kind="toy_note").update(active=False)


def seal(gate, keeper, request, key="seal"):
    manifest = manifest_prepare(actor=keeper, request_id=request.pk)
    return request_approve(actor=keeper, manifest_digest=bytes(manifest.digest), signature=gate.sign(manifest, key))


def signed_by_leader(gate):
    request = gate.submitted(gate.proposal(count=1))
    gate.approve(request)
    return request


def test_it_waits_for_the_seal_and_carries_both_signatures(gate, sealed, tmp_path):
    request = signed_by_leader(gate)
    request.refresh_from_db()
    assert request.state == "in_review"  # nothing is true and nothing leaves yet
    seal(gate, sealed, request)
    request_apply(request_id=request.pk)
    person, organisation = Decision.objects.filter(stage__request=request).select_related("manifest").order_by("stage__number")
    statement = read_manifest(bytes(organisation.manifest.body))
    assert (statement.purpose, list(statement.over)) == ("seal", [bytes(person.signature_id).hex()])
    assert bytes(organisation.signature_id).hex() in bytes(Seal.objects.get(request=request).body).decode()
    assert AuditEvent.objects.filter(request=request, action="request.sealed", actor=sealed).exists()
    assert verify_ledger().damages == []
    path = tmp_path / "evidence.zip"
    path.write_bytes(evidence_bundle(RecordVersion.objects.get(request=request)))
    lines = verify(path, settings.TRUST_DIRECTORY / "root.pem")
    assert ["signed by" in lines[1], "sealed by" in lines[2], lines[-1]] == [True, True, "GOOD"]


@pytest.mark.parametrize(("key", "code"), [("other", RefusalCode.WRONG_SEAL), ("stranger", RefusalCode.WRONG_SEAL)])
def test_only_the_organisations_own_certificate_seals(gate, sealed, key, code):
    request = signed_by_leader(gate)
    with pytest.raises(SignatureRefused) as refused:
        seal(gate, sealed, request, key)
    assert refused.value.code == code


def test_the_seal_signs_for_nobody(gate, sealed):
    request = gate.submitted(gate.proposal(count=1))
    manifest = manifest_prepare(actor=gate.approver, request_id=request.pk)
    with pytest.raises(SignatureRefused) as refused:
        request_approve(actor=gate.approver, manifest_digest=bytes(manifest.digest), signature=gate.sign(manifest, "seal"))
    assert refused.value.code == RefusalCode.WRONG_PERSON


def test_who_signed_does_not_put_the_seal_on_it(gate, sealed):
    with pytest.raises(AlreadyDecided):
        seal(gate, gate.approver, signed_by_leader(gate))


def test_a_signature_put_in_beneath_a_seal_is_found(gate, sealed):
    # given a sealed request that is not applied yet, and a superuser who puts another signature of the same person in the place of the first
    request = signed_by_leader(gate)
    first = Decision.objects.get(stage__request=request)
    again = sign_manifest(p12=gate.keys["approver"], pin="123456", manifest=bytes(first.manifest.body))
    seal(gate, sealed, request)
    with connection.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        cursor.execute(
            "insert into workflows_signature(digest, manifest_id, der, user_id, received_at, signed_at, fingerprint, subject) "
            "select %s, manifest_id, %s, user_id, received_at, signed_at, fingerprint, subject from workflows_signature where digest = %s",
            [digest(again), again, first.signature_id],
        )
        cursor.execute("update workflows_decision set signature_id = %s where id = %s", [digest(again), first.pk])
        cursor.execute("set session_replication_role = default")
    with pytest.raises(EvidenceBroken):
        request_apply(request_id=request.pk)
    with connection.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        cursor.execute("update workflows_decision set signature_id = %s where id = %s", [first.signature_id, first.pk])
        cursor.execute("set session_replication_role = default")
    request_apply(request_id=request.pk)
    assert Signature.objects.filter(manifest=first.manifest).count() == 2
    assert verify_ledger().damages == []


def test_evidence_without_the_leaders_signature_is_broken(gate, sealed, tmp_path):
    request = signed_by_leader(gate)
    seal(gate, sealed, request)
    request_apply(request_id=request.pk)
    whole, less = tmp_path / "whole.zip", tmp_path / "less.zip"
    whole.write_bytes(evidence_bundle(RecordVersion.objects.get(request=request)))
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(less, "w") as bent:
        for name in archive.namelist():
            if name != "stage-1/signature.p7s":
                bent.writestr(name, archive.read(name))
    with pytest.raises(Broken, match="other signatures"):
        verify(less, settings.TRUST_DIRECTORY / "root.pem")


@pytest.mark.parametrize(
    "steps",
    [
        [SEAL],
        [SEAL, LEADER],
        [LEADER, SEAL, SEAL],
        [LEADER, {**SEAL, "quorum": 2}],
        [LEADER, {**SEAL, "signature": False}],
        [{**LEADER, "seal": True}],
    ],
    ids=["alone", "first", "twice", "by two", "unsigned", "by approval"],
)
def test_a_seal_is_put_once_and_last_on_what_people_signed(steps):
    with pytest.raises(RouteInvalid):
        steps_read(steps)


def test_the_preset_ends_with_the_seal(gate, sealed):
    preset = Route.objects.get(name="Thẩm định, lãnh đạo ký, rồi cơ quan ký số")
    assert [(one.action, one.signature, one.seal) for one in steps_read(preset.steps)] == [
        ("edit", False, False),
        ("approve", True, False),
        ("operate", True, True),
    ]
