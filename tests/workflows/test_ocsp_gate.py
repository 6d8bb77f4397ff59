"""Approving while a responder is asked: its answer is kept, checked again by the ledger and offline, and what it refuses is refused by name."""

import io
import zipfile

import pytest
from cryptography.x509 import ocsp
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from config.demo.ocsp import Responder
from config.demo.pki import DemoAuthority, Person
from tools.verify_evidence import Broken, verify
from workflows.models import AuditEvent, RecordVersion, RevocationAnswer
from workflows.refusals import RefusalCode, SignatureRefused
from workflows.services.evidence import evidence_bundle
from workflows.services.ledger import verify_ledger


@pytest.fixture(scope="module")
def responder(gate):
    authority = DemoAuthority(settings.TRUST_DIRECTORY.parent / "pki")
    with Responder(authority, signatory=authority.delegate()) as server:
        person = Person("approver", "approver", "066080000002", "Đắk Lắk", "H15")
        gate.keys["approver"] = authority.issue(person, pin="123456", responder=server.address)
        yield server


@pytest.fixture(autouse=True)
def asking(responder):
    responder.status, responder.twist = None, lambda body: (200, "application/ocsp-response", body)
    settings.OCSP_RESPONDERS = (responder.address,)
    yield
    settings.OCSP_RESPONDERS = ()


@pytest.fixture
def no_list():
    """The issuing authority's revocation list is away."""
    file = settings.TRUST_DIRECTORY / "issuing.crl"
    body = file.read_bytes()
    file.unlink()
    yield
    file.write_bytes(body)


def offline(version, tmp_path, drop=()):
    path = tmp_path / "evidence.zip"
    with zipfile.ZipFile(io.BytesIO(evidence_bundle(version))) as archive, zipfile.ZipFile(path, "w") as kept:
        for name in archive.namelist():
            if not name.startswith(tuple(drop) or ("\0",)):
                kept.writestr(name, archive.read(name))
    return verify(path, settings.TRUST_DIRECTORY / "root.pem")


def test_the_answer_is_kept_and_proves_offline_that_the_certificate_was_good(gate, no_list, tmp_path):
    # when
    request = gate.applied(gate.proposal())
    # then
    answer = RevocationAnswer.objects.get(signature__manifest__request=request)
    assert AuditEvent.objects.get(request=request, action="request.approved").detail["answers"] == [bytes(answer.digest).hex()]
    version = RecordVersion.objects.get(request=request)
    assert offline(version, tmp_path)[-1] == "GOOD"
    with pytest.raises(Broken, match="no revocation list"):
        offline(version, tmp_path, drop=["stage-1/ocsp-"])


def test_the_ledger_judges_with_the_answer_and_finds_an_edited_or_lost_one(gate):
    gate.applied(gate.proposal())
    assert verify_ledger().ok
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        RevocationAnswer.objects.update(responder="http://elsewhere")
    for deed in (
        "update workflows_revocationanswer set der = der || 'x'::bytea",
        "delete from workflows_revocationanswer",
    ):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("set local session_replication_role = replica")
            cursor.execute(f"{deed} where id = %s", [RevocationAnswer.objects.latest("id").pk])
            assert "answer" in {damage.check for damage in verify_ledger(live=False).damages}
            transaction.set_rollback(True)


def test_a_silent_responder_leaves_the_word_to_the_lists(gate, responder):
    responder.twist = lambda body: (503, "text/plain", b"")
    request = gate.applied(gate.proposal())
    assert request.state == "applied"
    assert not RevocationAnswer.objects.filter(signature__manifest__request=request).exists()


def test_a_silent_responder_and_no_list_refuse_by_name(gate, responder, no_list):
    responder.twist = lambda body: (503, "text/plain", b"")
    assert refused(gate) == RefusalCode.OCSP_UNREACHABLE


def test_what_the_responder_does_not_know_is_refused_and_audited(gate, responder):
    responder.status = ocsp.OCSPCertStatus.UNKNOWN
    assert refused(gate) == RefusalCode.OCSP_UNKNOWN
    assert AuditEvent.objects.filter(action="signature.refused").latest("id").detail["code"] == "ocsp_unknown"


def refused(gate) -> str:
    request = gate.submitted(gate.proposal())
    with pytest.raises(SignatureRefused) as caught:
        gate.approve(request)
    request.refresh_from_db()
    assert request.state == "in_review"
    return caught.value.code
