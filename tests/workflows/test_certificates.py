"""A certificate that carries no number is bound to its person by a proof of its key, and by nothing that somebody else can make."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction

from config.demo.pki import DemoAuthority, Person, certificate_of
from orgtree import clock
from orgtree.models import User
from signing_agent.keys import KeyFile
from signing_agent.sign import OtherCertificate, sign_with
from tests.workflows.certificates import PIN, sign_freely
from tools.verify_evidence import Broken, verify
from workflows.certificates import certificate_read
from workflows.cms import verify_detached
from workflows.errors import NotAllowed, OwnCertificate, ReasonMissing, WrongState
from workflows.models import AuditEvent, Decision, Notice, RecordVersion, RegisteredCertificate, Signature, Stage
from workflows.refusals import RefusalCode, SignatureRefused
from workflows.registration import RegistrationInvalid, read_registration
from workflows.services.applying import request_apply
from workflows.services.approval import manifest_prepare, request_approve
from workflows.services.certificates import (
    certificate_ask,
    certificate_confirm,
    certificate_damages,
    certificate_end,
    certificate_prove,
    certificate_refuse,
)
from workflows.services.evidence import evidence_bundle
from workflows.services.ledger import verify_ledger
from workflows.services.noticing import notices_make
from workflows.services.signing import bind_to_organisation
from workflows.services.submission import request_submit
from workflows.trust import TrustStore

SITE = "https://hoso.example.gov.vn"
C = RefusalCode


class Holder:
    """An account without a number, and keys whose certificates carry none either."""

    def __init__(self, login, authority):
        self.user = User.objects.create(username=login, last_name=login, is_superuser=True)
        self.authority = authority
        self.key = self.new_key()

    def new_key(self, number="", **variant):
        return self.authority.issue(Person(self.user.username, self.user.username, number, "Đắk Lắk", "H15"), pin=PIN, **variant)

    def ask(self, key=None, actor=None):
        return certificate_ask(actor=actor or self.user, user=self.user, body=file_of(key or self.key), origin=SITE)

    def prove(self, row, signature=None, *, key=None, actor=None, origin=SITE):
        made = signature if signature is not None else self.sign(bytes(row.statement), key)
        return certificate_prove(actor=actor or self.user, certificate_id=row.pk, signature=made, origin=origin)

    def registered(self):
        return self.prove(self.ask())

    def sign(self, body, key=None):
        return sign_with(KeyFile(key or self.key), pin=PIN, manifest=body)

    def approve(self, request):
        manifest = manifest_prepare(actor=self.user, request_id=request.pk)
        return request_approve(actor=self.user, manifest_digest=bytes(manifest.digest), signature=self.sign(bytes(manifest.body)))


def freely(key, body):
    """What no agent of ours would sign."""
    return sign_freely(key, body, signed_at=None)


def file_of(key):
    return certificate_of(key, PIN).public_bytes(Encoding.PEM)


@pytest.fixture(scope="module")
def authority(gate):
    return DemoAuthority(settings.TRUST_DIRECTORY.parent / "pki")


@pytest.fixture
def holder(authority):
    """Each test has people of its own: registrations are kept for ever."""
    made = iter(range(1_000))
    first = User.objects.count()
    return lambda: Holder(f"holder-{first}-{next(made)}", authority)


@pytest.fixture
def chi(holder):
    return holder()


def refused(code, deed, *what, **more):
    with pytest.raises(SignatureRefused) as caught:
        deed(*what, **more)
    assert caught.value.code == code
    return caught.value


def offline(version, tmp_path, change=lambda files: files):
    with zipfile.ZipFile(io.BytesIO(evidence_bundle(version))) as archive:
        files = change({name: archive.read(name) for name in archive.namelist()})
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return verify(tmp_path / "e.zip", settings.TRUST_DIRECTORY / "root.pem")


# What it is for


def test_what_a_registered_certificate_signs_counts_and_can_be_shown_to_anybody(gate, chi, tmp_path):
    # given a certificate that counts for nobody
    request = gate.submitted(gate.proposal())
    refused(C.WRONG_PERSON, chi.approve, request)
    # when its holder registers it
    row = chi.registered()
    chi.approve(request)
    applied = request_apply(request_id=request.pk)
    # then it counts, and ledger and evidence say on what it stands
    assert verify_ledger().ok
    version = RecordVersion.objects.get(request=applied)
    lines = offline(version, tmp_path)
    assert f"its certificate registered for {chi.user.username}" in lines[1]
    assert lines[-1] == "GOOD"
    # and its holder heard of it
    notices_make()
    assert Notice.objects.get(user=chi.user, detail__matter="registered")
    # when it is ended, nothing more is signed by it, and what was signed stays
    certificate_end(actor=chi.user, certificate_id=row.pk)
    refused(C.WRONG_PERSON, chi.approve, gate.submitted(gate.proposal()))
    assert verify_ledger().ok
    assert offline(version, tmp_path)[-1] == "GOOD"
    with pytest.raises(WrongState):
        certificate_end(actor=chi.user, certificate_id=row.pk)


def test_the_evidence_breaks_without_its_registration_or_with_another_one(gate, chi, holder, tmp_path):
    chi.registered()
    request = gate.submitted(gate.proposal())
    chi.approve(request)
    version = RecordVersion.objects.get(request=request_apply(request_id=request.pk))
    other = holder().registered()
    foreign = {"stage-1/holder/registration.json": bytes(other.statement), "stage-1/holder/signature.p7s": bytes(other.proof)}
    renamed = lambda files: files["stage-1/holder/registration.json"].replace(chi.user.username.encode(), b"somebody")  # noqa: E731
    for change in (
        lambda files: {name: body for name, body in files.items() if "holder" not in name},
        lambda files: {**files, **foreign},
        lambda files: {**files, "stage-1/holder/signature.p7s": bytes(other.proof)},
        lambda files: {**files, "stage-1/holder/registration.json": renamed(files)},
        lambda files: {**files, "stage-1/holder/receipt.json": json.dumps({"received_at": "2034-01-01T00:00:00Z"}, separators=(",", ":")).encode()},
    ):
        with pytest.raises(Broken):
            offline(version, tmp_path, change)


def test_a_file_that_was_signed_with_it_brings_the_certificate_as_well(chi):
    row = certificate_ask(actor=chi.user, user=chi.user, body=freely(chi.key, b"whatever"), origin=SITE)
    assert row.fingerprint == chi.ask().fingerprint
    assert RegisteredCertificate.objects.filter(user=chi.user).count() == 1  # asked anew, the statement before is thrown away


# Attacks


def test_a_proof_is_for_one_challenge_account_certificate_purpose_time_and_site(gate, chi, holder, monkeypatch):
    dung = holder()
    mine, theirs = chi.ask(), dung.ask()
    # somebody else's challenge, signed by oneself; and one's own, signed with another key
    refused(C.ALTERED, chi.prove, mine, freely(chi.key, bytes(theirs.statement)))
    refused(C.OTHER_CERTIFICATE, chi.prove, mine, freely(dung.key, bytes(mine.statement)))
    # a challenge about another certificate of the same person
    second = chi.new_key()
    refused(C.ALTERED, chi.prove, mine, freely(chi.key, bytes(chi.ask(second).statement)))
    # a signature given for something else, and rubbish
    manifest = manifest_prepare(actor=chi.user, request_id=gate.submitted(gate.proposal()).pk)
    refused(C.WRONG_PURPOSE, chi.prove, mine, chi.sign(bytes(manifest.body)))
    refused(C.NOT_CMS, chi.prove, mine, b"rubbish")
    # at another site, or by somebody else
    refused(C.OTHER_SITE, chi.prove, mine, origin="https://hoso.example.com")
    with pytest.raises(NotAllowed):
        chi.prove(mine, actor=dung.user)
    # too late
    late = clock.now() + timedelta(minutes=61)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: late)
        refused(C.CHALLENGE_OVER, chi.prove, mine)
    # under a login that the account has no more
    User.objects.filter(pk=chi.user.pk).update(username="another")
    refused(C.CHALLENGE_OVER, chi.prove, mine)
    User.objects.filter(pk=chi.user.pk).update(username=chi.user.username)
    # all of it is written down, and the right proof still counts: once
    assert AuditEvent.objects.filter(action="certificate.proof_refused", detail__registration=str(mine.pk)).count() == 8
    proof = chi.sign(bytes(mine.statement))
    chi.prove(mine, proof)
    refused(C.CHALLENGE_USED, chi.prove, mine, proof)


def test_what_was_signed_to_register_approves_nothing(gate, chi):
    row = chi.registered()
    request = gate.submitted(gate.proposal())
    manifest = manifest_prepare(actor=chi.user, request_id=request.pk)
    refused(C.WRONG_PURPOSE, request_approve, actor=chi.user, manifest_digest=bytes(manifest.digest), signature=bytes(row.proof))


def test_one_certificate_is_one_persons(chi, holder):
    # given two who ask for the same one
    dung = holder()
    first, second = chi.ask(), dung.ask(chi.key)
    # when one has proved it
    chi.prove(first)
    # then the other one is refused, before and after signing
    refused(C.CERTIFICATE_TAKEN, dung.prove, second, freely(chi.key, bytes(second.statement)))
    refused(C.CERTIFICATE_TAKEN, dung.ask, chi.key)
    refused(C.CERTIFICATE_KNOWN, chi.ask)
    # and by the database
    with pytest.raises(IntegrityError), transaction.atomic():
        RegisteredCertificate.objects.filter(pk=second.pk).update(state="in_force", proof=b"x", proved_at=clock.now(), in_force_at=clock.now())


@pytest.mark.parametrize(
    ("code", "variant"),
    [
        (C.EXPIRED, {"valid_until": datetime(2025, 6, 1, tzinfo=UTC)}),
        (C.NOT_YET_VALID, {"valid_from": datetime(2034, 6, 1, tzinfo=UTC)}),
        (C.WRONG_USAGE, {"usages": ("key_agreement",)}),
        (C.WEAK_ALGORITHM, {"key": "rsa-1024"}),
        (C.WRONG_PERSON, {"number": "066080000002"}),
        (C.CERTIFICATE_NUMBERED, {"number": "066077000009"}),
    ],
)
def test_what_may_not_sign_is_not_registered(chi, code, variant):
    if code == C.CERTIFICATE_NUMBERED:
        User.objects.filter(personal_number="066077000009").update(personal_number=None)
        chi.user.personal_number = "066077000009"
        chi.user.save()
    if variant.get("key") == "rsa-1024":
        variant = {"key": rsa.generate_private_key(65537, 1024)}
    refused(code, chi.ask, chi.new_key(**variant))


def test_a_revoked_certificate_and_a_strangers_are_not_registered(chi, authority, tmp_path):
    authority.revoke(certificate_of(chi.key, PIN), moment=clock.now() - timedelta(days=1))
    authority.publish(settings.TRUST_DIRECTORY)
    refused(C.REVOKED, certificate_ask, actor=chi.user, user=chi.user, body=freely(chi.key, b"x"), origin=SITE)
    refused(C.REVOKED, chi.prove, chi.ask())  # its file alone does not bring its issuer's along
    stranger = DemoAuthority(tmp_path / "pki").issue(Person("x", "x", "", "x", "H15"), pin=PIN)
    refused(C.UNTRUSTED, certificate_ask, actor=chi.user, user=chi.user, body=freely(stranger, b"x"), origin=SITE)
    refused(C.UNTRUSTED, chi.prove, chi.ask(stranger), key=stranger)
    for body in (b"", b"rubbish", chi.key, b"-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n", b"x" * 70_000):
        refused(C.NOT_A_CERTIFICATE, certificate_ask, actor=chi.user, user=chi.user, body=body, origin=SITE)


def test_the_agent_signs_a_registration_only_with_the_key_it_is_about(chi, holder):
    row = chi.ask()
    with pytest.raises(OtherCertificate):
        chi.sign(bytes(row.statement), holder().key)
    for change in (b"registration/2", b"approve_requests"):
        with pytest.raises(RegistrationInvalid):
            read_registration(bytes(row.statement).replace(b"registration/1", change) if b"/" in change else b'{"purpose":"approve_requests"}')


# Two accounts of one person, and the organisation


def test_one_person_with_two_accounts_is_still_one_person(gate, chi, holder):
    # given a certificate that an account of hers had once, and another account has now
    request = gate.submitted(gate.proposal())
    first = chi.registered()
    certificate_end(actor=chi.user, certificate_id=first.pk)
    again = holder()
    again.key = chi.key
    again.registered()
    staged = gate.stage(gate.proposal(), actor=chi.user)
    own = request_submit(actor=chi.user, request_id=staged.request.pk)
    # then what the one wrote the other cannot sign
    refused(C.SAME_PERSON, again.approve, own)
    assert again.approve(request).state == "approved"


def test_a_persons_certificate_is_not_the_organisations_and_the_other_way_round(gate, chi, holder):
    body = bytes(manifest_prepare(actor=chi.user, request_id=gate.submitted(gate.proposal()).pk).body)
    verified = verify_detached(content=body, signature=chi.sign(body), moment=clock.now(), trust=TrustStore.load(settings.TRUST_DIRECTORY))
    bind_to_organisation(verified)  # it names the organisation and no person
    chi.registered()
    refused(C.WRONG_SEAL, bind_to_organisation, verified)
    # and what has sealed a request is nobody's own
    seal = holder()
    stage = Stage.objects.filter(decisions__signature__isnull=False).first()
    decision = Decision.objects.select_related("signature").filter(stage=stage, signature__isnull=False).first()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("set local session_replication_role = replica")
            cursor.execute("update workflows_stage set seal = true where id = %s", [stage.pk])
            cursor.execute("update workflows_signature set fingerprint = %s where digest = %s", [seal_print(seal), decision.signature.digest])
        assert Signature.objects.filter(fingerprint=seal_print(seal)).exists()
        refused(C.SEAL_CERTIFICATE, seal.ask)
        transaction.set_rollback(True)


def seal_print(one):
    return certificate_read(file_of(one.key)).fingerprint


# By administrators


def test_what_an_administrator_begins_another_one_confirms(gate, chi, holder):
    an, binh, nobody = holder().user, holder().user, User.objects.create(username="nobody", is_active=True)
    # given
    with pytest.raises(NotAllowed):
        chi.ask(actor=nobody)
    row = chi.prove(chi.ask(actor=an), actor=an)
    assert row.state == "proved"
    refused(C.WRONG_PERSON, chi.approve, gate.submitted(gate.proposal()))
    # when, then
    for who, error in ((an, OwnCertificate), (chi.user, OwnCertificate), (nobody, NotAllowed)):
        with pytest.raises(error):
            certificate_confirm(actor=who, certificate_id=row.pk)
    for decider in (an, chi.user, None):
        with pytest.raises(IntegrityError), transaction.atomic():
            RegisteredCertificate.objects.filter(pk=row.pk).update(state="in_force", in_force_at=clock.now(), decider=decider)
    notices_make()
    assert Notice.objects.filter(kind="certificate_waiting", user=binh).exists()
    certificate_confirm(actor=binh, certificate_id=row.pk)
    assert chi.approve(gate.submitted(gate.proposal())).state == "approved"
    # and ended with a reason, by an administrator
    with pytest.raises(ReasonMissing):
        certificate_end(actor=an, certificate_id=row.pk, reason=" ")
    with pytest.raises(NotAllowed):
        certificate_end(actor=nobody, certificate_id=row.pk, reason="x")
    assert certificate_end(actor=an, certificate_id=row.pk, reason="Nghỉ việc").ended_by == an
    # or refused
    again = holder()
    other = again.prove(again.ask(actor=an), actor=an)
    assert certificate_refuse(actor=binh, certificate_id=other.pk, reason="Không phải người này").state == "refused"
    with pytest.raises(WrongState):
        certificate_confirm(actor=binh, certificate_id=other.pk)


# What is kept


def test_what_was_registered_is_never_altered_or_removed(chi):
    row = chi.registered()
    for sql in (
        "update workflows_registeredcertificate set fingerprint = repeat('a', 64) where id = %s",
        "update workflows_registeredcertificate set user_id = (select min(id) from orgtree_user) where id = %s",
        "update workflows_registeredcertificate set in_force_at = in_force_at - interval '1 year', state = 'ended' where id = %s",
        "update workflows_registeredcertificate set proof = '', state = 'ended' where id = %s",
        "update workflows_registeredcertificate set state = 'asked' where id = %s",
        "delete from workflows_registeredcertificate where id = %s",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, [row.pk])
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("truncate workflows_registeredcertificate cascade")


def test_the_ledger_finds_whatever_a_superuser_does_to_a_registration(gate, chi, holder):
    row = chi.registered()
    request = gate.submitted(gate.proposal())
    chi.approve(request)
    request_apply(request_id=request.pk)
    other = holder().registered()
    trust = TrustStore.load(settings.TRUST_DIRECTORY)
    assert verify_ledger().ok
    for sql in (
        "update workflows_registeredcertificate set user_id = %(other)s, asked_by_id = %(other)s where id = %(row)s",
        "update workflows_registeredcertificate set in_force_at = in_force_at - interval '1 year' where id = %(row)s",
        "update workflows_registeredcertificate set proof = (select proof from workflows_registeredcertificate where id = %(foreign)s) "
        "where id = %(row)s",
        "update workflows_registeredcertificate set statement = (select statement from workflows_registeredcertificate where id = %(foreign)s) "
        "where id = %(row)s",
        "update workflows_registeredcertificate set ended_at = now(), state = 'ended' where id = %(row)s",
        "update workflows_registeredcertificate set way = 'former' where id = %(row)s",
        "delete from workflows_registeredcertificate where id = %(row)s",
    ):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("set local session_replication_role = replica")
                cursor.execute(sql, {"row": row.pk, "other": other.user_id, "foreign": other.pk})
            assert f"certificate {row.pk}" in [place for place, _what in certificate_damages(trust)], sql
            transaction.set_rollback(True)
    # and a signature whose registration is gone has nobody behind it
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("set local session_replication_role = replica")
            cursor.execute("delete from workflows_registeredcertificate where id = %s", [row.pk])
        assert {one.check for one in verify_ledger(live=False).damages} == {"certificate", "signature"}
        transaction.set_rollback(True)
