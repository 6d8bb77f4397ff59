"""Of which agency a certificate is at the hub: it names the agency, with or without a person's number, or two operators have said so; the
evidence says which. Two workers that meet the same signature at one moment keep it once."""

import threading
import zipfile
from dataclasses import replace
from types import SimpleNamespace
from uuid import uuid4

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, Error, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.demo.pki import Person, certificate_of
from exchange.contract import PROFILE_KIND
from exchange.hub_contract import TransferFile
from exchange.models import AgencyManifest, AgencySigner, TransferCase
from exchange.services.arrivals import file_verified
from exchange.services.evidence import verify_evidence
from exchange.services.held_evidence import version_bundle
from exchange.services.intake import envelope_read
from exchange.services.proving import ProofWrong
from exchange.services.signers import signer_confirm, signer_end, signer_propose, signer_refuse
from exchange.services.signing import signature_of
from exchange.services.transfer_files import transfer_file
from exchange.services.verification import manifest_verify
from orgtree import clock
from tests.factories import superuser_make, user_make
from tests.workflows.certificates import PIN, sign_freely
from tools.verify_evidence import Broken, verify
from workflows.cms import SignatureRefused
from workflows.documents import canonical, digest
from workflows.errors import NotAllowed, ReasonMissing, WrongState
from workflows.models import AuditEvent

replaced = msgspec.structs.replace
# Sessions of this database that wait to write what an agency signed.
WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query ilike '%%agencymanifest%%'"
WORD = "Công văn 12/SNV ngày 01/10/2026"


@pytest.fixture(scope="module")
def two(hub):
    return superuser_make("signers-one"), superuser_make("signers-two")


@pytest.fixture
def sender(hub):
    """H15, whose signer's certificate names neither the agency nor the person."""
    return replace(hub.senders["H15"], p12=hub.authority.issue(Person("bare", "Nguyễn Văn An", "", "Sở Nội vụ", ""), pin=PIN))


@pytest.fixture
def file(sender):
    return pem(sender)


def pem(sender):
    return certificate_of(sender.p12, PIN).public_bytes(Encoding.PEM)


def said(hub, two, file, code="H15"):
    signer = signer_propose(actor=two[0], agency=hub.agencies[code], body=file, source=WORD)
    return signer_confirm(actor=two[1], agency=hub.agencies[code], signer_id=signer.pk)


def file_told(old, new, manifest, change):
    """The file as the hub hands it over to the agency to which it is offered."""
    day = clock.today()
    release = {"document": b"{}", "version": 1, "digest": b"d" * 32, "leaf_index": 0, "proof": b"", "due_on": day, "expires_on": day}
    case = TransferCase.objects.create(pk=uuid4(), key=change.key, manifest=manifest, from_agency=old, to_agency=new, **release)
    return msgspec.json.decode(msgspec.json.encode(transfer_file(agency=new, number=case.pk)), type=TransferFile)


def sent(hub, sender):
    change = hub.senders["H15"].person()
    signed = sender.sign(change)
    return change, signed, hub.take(signed)[0]


def test_what_it_signs_counts_from_the_second_word_to_the_end(hub, two, sender, file, tmp_path):
    h15 = hub.agencies["H15"]
    # given one word, which is not enough
    assert sent(hub, sender)[2].code == "WRONG_AGENCY"
    signer = signer_propose(actor=two[0], agency=h15, body=file, source=WORD)
    assert sent(hub, sender)[2].code == "WRONG_AGENCY"
    # when another operator confirms it
    signer_confirm(actor=two[1], agency=h15, signer_id=signer.pk)
    # then what it signs is the agency's, and nobody else's
    change, signed, result = sent(hub, sender)
    assert result.outcome == "accepted"
    manifest = AgencyManifest.objects.get(signature_digest=digest(signed.signature))
    assert manifest.named_by == signer
    assert hub.take(replace(sender, code="H16").sign(hub.senders["H16"].person()), sender="H16")[0].code == "WRONG_AGENCY"
    content, agency = b"content", {"agency": "H15", "sender": h15}
    freely = sign_freely(sender.p12, content, signed_at=clock.now())
    assert signature_of(content=content, signature=freely, **agency).fingerprint == signer.fingerprint
    # and the evidence says who said so, offline too
    path = tmp_path / "held.zip"
    path.write_bytes(version_bundle(key=change.key, version=1))
    lines, anchor = verify(path, settings.TRUST_DIRECTORY / "root.pem"), settings.TRUST_DIRECTORY / "root.pem"
    assert lines[-1] == "GOOD"
    assert any(all(part in line for part in (two[0].display_name, two[1].display_name, WORD, "H15")) for line in lines)
    with zipfile.ZipFile(path) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    for other in (b'"H16"', None):  # of another agency, or nobody's word at all
        with zipfile.ZipFile(path, "w") as packed:
            for name, body in files.items():
                if not name.endswith("agency.json"):
                    packed.writestr(name, body)
                elif other is not None:
                    packed.writestr(name, body.replace(b'"H15"', other))
        with pytest.raises(Broken):
            verify(path, anchor)
    # and it goes with the file to another agency, which takes it up by that word alone
    body, told = canonical(change.document), file_told(h15, hub.agencies["H16"], manifest, change)
    arrival = SimpleNamespace(person=change.key, from_agency="H15")
    assert file_verified(arrival=arrival, file=told) == body
    for word in (None, replaced(told.proof.named, certificate="0" * 64), replaced(told.proof.named, agency="H16")):
        with pytest.raises(ProofWrong, match="wrong_agency"):
            file_verified(arrival=arrival, file=replaced(told, proof=replaced(told.proof, named=word)))
    # when it is ended, by one
    signer_end(actor=two[0], agency=h15, signer_id=signer.pk, reason="Nghỉ việc")
    # then what it signs counts no longer, what was taken stays, and it may be said again
    assert sent(hub, sender)[2].code == "WRONG_AGENCY"
    assert hub.take(signed)[0].outcome == "accepted"
    with pytest.raises(SignatureRefused):
        signature_of(content=content, signature=freely, **agency)
    assert not [one for one in verify_evidence().damages if bytes(manifest.digest).hex() in one.place]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("set local session_replication_role = replica")
            cursor.execute("update exchange_agencymanifest set named_by_id = null where id = %s", [manifest.pk])
        assert [one for one in verify_evidence().damages if bytes(manifest.digest).hex() in one.place]
        transaction.set_rollback(True)
    said(hub, two, file)
    assert [one.action for one in AuditEvent.objects.filter(action__startswith="agency.signer").order_by("pk")][:3] == [
        "agency.signer_proposed",
        "agency.signer_confirmed",
        "agency.signer_ended",
    ]


def test_who_may_and_what_is_refused(hub, two, file):
    with transaction.atomic():
        h15, stranger = hub.agencies["H15"], user_make("signers-nobody")
        named = pem(hub.senders["H15"])
        wrongs = [({"body": named}, "certificate"), ({"body": b"rubbish"}, "certificate"), ({"source": " "}, "source")]
        for wrong, field in wrongs:
            with pytest.raises(ValidationError) as refused:
                signer_propose(**{"actor": two[0], "agency": h15, "body": file, "source": WORD} | wrong)
            assert list(refused.value.message_dict) == [field]
        with pytest.raises(NotAllowed):
            signer_propose(actor=stranger, agency=h15, body=file, source=WORD)
        signer = signer_propose(actor=two[0], agency=h15, body=file, source=WORD)
        with pytest.raises(ValidationError):  # of one agency alone
            signer_propose(actor=two[1], agency=hub.agencies["H16"], body=file, source=WORD)
        for actor in (two[0], stranger):
            with pytest.raises(NotAllowed):
                signer_confirm(actor=actor, agency=h15, signer_id=signer.pk)
        with pytest.raises(AgencySigner.DoesNotExist):
            signer_confirm(actor=two[1], agency=hub.agencies["H16"], signer_id=signer.pk)
        with pytest.raises(ReasonMissing):
            signer_refuse(actor=two[1], agency=h15, signer_id=signer.pk, reason=" ")
        for altered, error in (({"state": "confirmed", "decider": two[0]}, IntegrityError), ({"fingerprint": "0" * 64}, DatabaseError)):
            with pytest.raises(error), transaction.atomic():
                AgencySigner.objects.filter(pk=signer.pk).update(**altered)
        assert signer_refuse(actor=two[1], agency=h15, signer_id=signer.pk, reason="Không có công văn").state == "refused"
        with pytest.raises(WrongState):
            signer_confirm(actor=two[1], agency=h15, signer_id=signer.pk)
        with pytest.raises(DatabaseError), transaction.atomic():
            AgencySigner.objects.filter(pk=signer.pk).delete()
        again = signer_propose(actor=two[0], agency=h15, body=file, source=WORD)
        assert signer_refuse(actor=two[0], agency=h15, signer_id=again.pk, reason="Nhầm").state == "withdrawn"
        transaction.set_rollback(True)


def test_the_page_of_an_agency_carries_it_through(hub, two, file, settings):
    settings.ROLE = "hub"
    h15, clients = hub.agencies["H15"], [Client(), Client()]
    for client, user in zip(clients, two, strict=True):
        client.force_login(user)
    page, act = (reverse(f"exchange:agency_{name}", args=[h15.pk]) for name in ("detail", "act"))
    with transaction.atomic():
        upload = SimpleUploadedFile("an.pem", file)
        assert clients[0].post(act, {"act": "signer_propose", "source": WORD, "certificate": upload}).status_code == 302
        signer = AgencySigner.objects.get(agency=h15, state="proposed")
        with CaptureQueriesContext(connection) as asked:
            shown = clients[1].get(page).content.decode()
        assert len(asked) <= 12
        assert WORD in shown
        assert clients[1].post(act, {"act": "signer_confirm", "signer": signer.pk}).status_code == 302
        assert clients[1].post(act, {"act": "signer_end", "signer": "x", "reason": "x"}).status_code == 404
        assert clients[1].post(act, {"act": "signer_end", "signer": signer.pk, "reason": "Nghỉ việc"}).status_code == 302
        signer.refresh_from_db()
        assert (signer.state, signer.decider, signer.ended_by) == ("confirmed", two[1], two[1])
        transaction.set_rollback(True)


def held_zip(hub, sender, folder):
    """The zip of a new file that the sender signed."""
    change = hub.senders[sender.code].person()
    assert hub.take(sender.sign(change))[0].outcome == "accepted"
    path = folder / f"{uuid4()}.zip"
    path.write_bytes(version_bundle(key=change.key, version=1))
    return path


def changed(path, name, old, new):
    with zipfile.ZipFile(path) as packed:
        files = {one: packed.read(one) for one in packed.namelist()}
    assert old in files[name]
    with zipfile.ZipFile(path, "w") as packed:
        for one, body in {**files, name: files[name].replace(old, new)}.items():
            packed.writestr(one, body)
    return path


@pytest.mark.parametrize("number", ["066075001234", ""])
def test_a_certificate_is_the_agencys_with_and_without_a_number(hub, tmp_path, number):
    signer = Person(f"held-{number}", "Nguyễn Văn An", number, "H15", "H15")
    path = held_zip(hub, replace(hub.senders["H15"], p12=hub.authority.issue(signer, pin=PIN)), tmp_path)
    anchor = settings.TRUST_DIRECTORY / "root.pem"
    lines = verify(path, anchor)
    assert lines[-1] == "GOOD"
    assert any(line.endswith("for the agency H15") for line in lines)
    # and it is nobody else's
    with pytest.raises(Broken, match="another agency"):
        verify(changed(path, "seal.json", b'"agency":"H15"', b'"agency":"H16"'), anchor)


def another_waits():
    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_clear_snapshot()")  # a transaction sees the sessions as it saw them first
        cursor.execute(WAITING)
        return cursor.fetchone()[0] == 1


def test_two_workers_keep_a_signature_once_without_an_error(hub):
    # given a signature that the hub has not seen, and one worker that has kept it and not committed
    signed = hub.senders["H15"].sign(hub.senders["H15"].person())
    envelope, agency = envelope_read(signed.body(), PROFILE_KIND), hub.agencies["H15"]
    errors, kept = [], []

    def told(execute, sql, params, many, context):
        try:
            return execute(sql, params, many, context)
        except Error as error:
            errors.append(error)
            raise

    def second():
        try:
            with connection.execute_wrapper(told), transaction.atomic():
                kept.append(manifest_verify(agency=agency, envelope=envelope)[0])
        finally:
            connection.close()

    other = threading.Thread(target=second)
    with transaction.atomic():
        first = manifest_verify(agency=agency, envelope=envelope)[0]
        # when another one comes to the same place and waits for it
        other.start()
        while not another_waits():
            if not other.is_alive():
                pytest.fail("the second worker did not wait")
    other.join(timeout=30)
    # then it goes on with what the first one kept, and no statement failed
    assert (kept, errors) == ([first], [])
    assert AgencyManifest.objects.filter(agency=agency, signature_digest=digest(signed.signature)).count() == 1
