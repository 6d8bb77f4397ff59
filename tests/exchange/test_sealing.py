"""Two signatures over one request on their way: the envelope carries both, and the hub takes it only with both."""

from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import override_settings

from exchange.choices import DeliveryState
from exchange.contract import encode
from exchange.models import AgencyManifest, Channel, Delivery, SetAside
from exchange.selectors.causes import remedy_of
from exchange.selectors.revocations import revoked_versions
from exchange.services.envelopes import envelope_make
from exchange.services.evidence import verify_evidence
from exchange.services.intake import batch_process, batch_receive
from signing_agent.sign import sign_manifest
from tests.exchange.office import until_settled
from tests.factories import superuser_make
from tests.workflows.certificates import PIN
from workflows.choices import Act, Ground
from workflows.manifest import read_manifest
from workflows.models import RecordVersion, Route
from workflows.services.applying import request_apply
from workflows.services.approval import manifest_prepare, request_approve
from workflows.services.revoking import revocation_stage
from workflows.services.routing import route_put_in_force
from workflows.services.staging import Proposal, request_stage
from workflows.services.submission import request_submit

STEPS = [
    {"name": "Lãnh đạo ký", "action": "approve", "signature": True},
    {"name": "Văn thư ký số của cơ quan", "action": "operate", "signature": True, "seal": True},
]


@pytest.fixture(scope="module")
def keeper(office, sender, bridge):
    """Who keeps the seal; people's files need it from here on."""
    from django.conf import settings

    from config.demo.pki import DemoAuthority, Person

    route_put_in_force(actor=office.author, route=Route(name="Ký rồi đóng dấu", kind="staff_profile", steps=STEPS))
    authority = DemoAuthority(settings.TRUST_DIRECTORY.parent / "pki")
    person = superuser_make("keeper", personal_number="066075001299")
    person.seal = authority.issue(Person("seal", "UBND tỉnh Đắk Lắk", "", "UBND tỉnh Đắk Lắk", settings.AUTHORITY), pin=PIN)
    yield person
    Route.objects.filter(kind="staff_profile").update(active=False)


@pytest.fixture(scope="module")
def line(keeper, bridge):
    Channel.objects.update(active=False)
    channel = Channel.objects.create(code="sealed", name="sealed", base_url="http://hub.invalid", client_id="x", timeout_seconds=1)
    until_settled(channel, bridge)
    yield channel
    Channel.objects.filter(pk=channel.pk).update(active=False)


def decide(actor, request, p12):
    manifest = manifest_prepare(actor=actor, request_id=request.pk)
    request_approve(actor=actor, manifest_digest=bytes(manifest.digest), signature=sign_manifest(p12=p12, pin=PIN, manifest=bytes(manifest.body)))


def sealed(office, keeper, request):
    """Signed by the leader, sealed, applied."""
    decide(office.approver, request, office.p12)
    decide(keeper, request, keeper.seal)
    return request_apply(request_id=request.pk)


def applied(office, keeper, *changes):
    proposals = [Proposal(kind=one.kind, key=one.key, patch=one.document, base_version=one.base_version, ref=ref) for ref, one in enumerate(changes)]
    staged = request_stage(actor=office.author, unit=None, title="Cập nhật hồ sơ", proposals=proposals)
    return sealed(office, keeper, request_submit(actor=office.author, request_id=staged.request.pk))


def test_the_hub_takes_what_bears_both_and_keeps_both(office, keeper, sender, line, bridge):
    person = sender.person()
    request = applied(office, keeper, person)
    until_settled(line, bridge)
    assert Delivery.objects.get(channel=line, message__request=request).state == DeliveryState.RECEIVED
    signatures = {bytes(one.signature_id) for stage in request.stages.all() for one in stage.decisions.all()}
    with bridge.over():
        kept = {bytes(one) for one in AgencyManifest.objects.values_list("signature_digest", flat=True)}
        assert len(signatures) == 2
        assert signatures <= kept
        assert verify_evidence().damages == []
        # and what the seal was put on cannot be lost unnoticed
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("set local session_replication_role = replica")
            leader = next(one for one in signatures if b'"purpose":"approve"' in bytes(AgencyManifest.objects.get(signature_digest=one).body))
            cursor.execute("delete from exchange_agencymanifest where signature_digest = %s", [leader])
            assert any("seal was put on" in one.what for one in verify_evidence().damages)
            transaction.set_rollback(True)


@pytest.mark.parametrize("bend", ["left out", "another's", "twice"])
def test_the_hub_refuses_a_seal_without_what_it_was_put_on(office, keeper, sender, line, bridge, bend):
    request, other = applied(office, keeper, sender.person()), applied(office, keeper, sender.person())
    envelope, strange = envelope_make(request.pk, [0]), envelope_make(other.pk, [0])
    before = envelope["signed_before"]
    envelope["signed_before"] = {"left out": [], "another's": strange["signed_before"], "twice": before * 2}[bend]
    with bridge.over() as agency:
        batch = batch_receive(agency=agency, kind="staff_profile", idempotency_key=uuid4().hex, body=encode(envelope))
        batch = batch_process(batch_id=batch.pk)
        assert [(one.outcome, one.code) for one in batch.results.all()] == [("rejected", "MANIFEST_INVALID")]
    until_settled(line, bridge)


def test_a_revocation_reaches_the_hub_as_a_new_version_with_its_reason(office, keeper, sender, line, bridge):
    # given one person changed and one entered by the same request, both at the hub
    changed, founded = sender.person(), sender.person()
    applied(office, keeper, changed)
    wrong = applied(office, keeper, changed.again(phone="0900000009"), founded)
    until_settled(line, bridge)
    # when its signatures are revoked
    proposer = superuser_make("proposer", personal_number="066075001277")
    staged = revocation_stage(actor=proposer, request_id=wrong.pk, ground=Ground.DECISION, reason="Quyết định 31/QĐ-UBND")
    revocation = sealed(office, keeper, request_submit(actor=proposer, request_id=staged.request.pk))
    until_settled(line, bridge)
    # then the hub holds what stood before, under a request that says why, and the other record once more, proved by the revocation
    assert set(Delivery.objects.filter(channel=line, message__request=revocation).values_list("state", flat=True)) == {DeliveryState.RECEIVED}
    with bridge.over():
        newest = RecordVersion.objects.filter(key=changed.key).order_by("-version").select_related("request").first()
        assert (newest.version, bytes(newest.document_id)) == (3, changed.digest)
        assert (newest.request.act, newest.request.reason) == (Act.REVOKE, "Quyết định 31/QĐ-UBND")
        again = SetAside.objects.get(key=founded.key, version=2)
        assert (again.held_as, read_manifest(bytes(again.manifest.body)).revokes.request) == (1, wrong.pk)
        # and the person's page marks what rests on the signatures that were taken back, there and not here
        assert revoked_versions(kind="staff_profile", key=changed.key) == {}
        with override_settings(ROLE="hub"):
            found = revoked_versions(kind="staff_profile", key=changed.key)
            assert {number: one.reason for number, one in found.items()} == {2: "Quyết định 31/QĐ-UBND"}
            assert set(revoked_versions(kind="staff_profile", key=founded.key)) == {1}
        assert verify_evidence().damages == []


def test_a_hub_that_asks_for_the_seal_takes_nothing_without_it_and_the_sealed_version_after_it(office, keeper, sender, line, bridge):
    from django.core.management import call_command

    # given an agency whose seal the hub wants, and a record that only its leader signed
    with bridge.over():
        call_command("hub_seal", "--code", "H15", "--from", "2020-01-01")
    person = sender.person()
    route = Route.objects.get(name="Ký rồi đóng dấu", active=True)
    Route.objects.filter(pk=route.pk).update(active=False)
    staged = request_stage(
        actor=office.author, unit=None, title="Không đóng dấu", proposals=[Proposal(kind=person.kind, key=person.key, patch=person.document)]
    )
    request = request_submit(actor=office.author, request_id=staged.request.pk)
    decide(office.approver, request, office.p12)
    request_apply(request_id=request.pk)
    Route.objects.filter(pk=route.pk).update(active=True)
    # when
    until_settled(line, bridge)
    # then it is refused by name, with its remedy
    refused = Delivery.objects.get(channel=line, message__request=request)
    assert refused.error_code == "SEAL_MISSING"
    assert not remedy_of(refused.error_code).resend
    # and a later version that bears the seal is taken
    sealed_one = applied(office, keeper, person.again(phone="0900000010"))
    until_settled(line, bridge)
    assert Delivery.objects.get(channel=line, message__request=sealed_one).state == DeliveryState.RECEIVED
    with bridge.over():
        assert verify_evidence().damages == []
        call_command("hub_seal", "--code", "H15", "--off")
