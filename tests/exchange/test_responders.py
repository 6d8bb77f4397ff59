"""At the hub a certificate is judged by the same answers of its authority as at the agency: what came along, or what the hub was told."""

import base64
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from cryptography.x509 import ocsp
from django.db import connection, transaction

from config.demo.ocsp import Responder
from config.demo.pki import Person, certificate_of
from exchange.hub_contract import RELEASE_KIND, Offer
from exchange.models import AgencyManifest
from exchange.schema import TRANSFER_RELEASE
from exchange.services.evidence import verify_evidence
from exchange.services.transfers import OfferInvalid, transfer_offer
from orgtree import clock
from tests.exchange.sender import Change
from tests.workflows.certificates import PIN
from workflows.documents import digest
from workflows.services.revocation import responders_ask


@pytest.fixture(scope="module")
def responder(hub):
    with Responder(hub.authority, signatory=hub.authority.delegate()) as server:
        yield server


@pytest.fixture
def asking(responder, settings):
    responder.status, responder.twist, responder.asked = None, lambda body: (200, "application/ocsp-response", body), 0
    settings.OCSP_RESPONDERS = (responder.address,)
    return responder


@pytest.fixture
def no_list(hub, settings):
    """The issuing authority's revocation list is away, so that an answer alone can tell."""
    file = settings.TRUST_DIRECTORY / "issuing.crl"
    body = file.read_bytes()
    file.unlink()
    yield
    file.write_bytes(body)


@pytest.fixture
def sender(hub, responder):
    """The agency, whose people's certificates name the responder."""
    signer = Person("an-ocsp", "Nguyễn Văn An", "066075001234", "H15", "H15")
    return replace(hub.senders["H15"], p12=hub.authority.issue(signer, pin=PIN, responder=responder.address))


def along(signed, settings, responder):
    """What the agency was told when the signature came in, as it stands in the envelope; the hub itself may ask nobody."""
    settings.OCSP_RESPONDERS = (responder.address,)
    answers = responders_ask(signature=signed.signature).responses
    settings.OCSP_RESPONDERS = ()
    return [base64.b64encode(one).decode() for one in answers]


def test_answers_that_came_along_are_judged_and_kept(hub, sender, asking, no_list, settings):
    # given
    signed = sender.sign(hub.senders["H15"].person())
    answers = along(signed, settings, asking)
    # when nothing comes along, nobody can tell
    refused = hub.take(signed)[0]
    assert (refused.code, refused.message.partition(":")[0]) == ("SIGNATURE_REFUSED", "revocation_unknown")
    # and with the answers it is taken, and its evidence holds later without asking anybody
    assert hub.take(signed, answers=answers)[0].outcome == "accepted"
    kept = kept_of(signed)
    assert ([bytes(one) for one in kept.answers], kept.asked_at) == ([base64.b64decode(one) for one in answers], None)
    assert not damaged(kept)
    # while without them, or with others, it does not
    for sql in ("'{}'", "array['rubbish'::bytea]"):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("set local session_replication_role = replica")
                cursor.execute(f"update exchange_agencymanifest set answers = {sql} where id = %s", [kept.pk])
            assert damaged(kept)
            transaction.set_rollback(True)


def test_the_hub_asks_where_nothing_came_along(hub, sender, asking, no_list):
    signed = sender.sign(hub.senders["H15"].person())
    assert hub.take(signed)[0].outcome == "accepted"
    kept = kept_of(signed)
    assert (len(kept.answers), asking.asked) == (1, 1)
    assert kept.asked_at > kept.received_at
    assert not damaged(kept)
    # said once more it is known, and nobody is asked again
    assert hub.take(signed)[0].outcome == "accepted"
    assert asking.asked == 1
    # what was received long ago is judged by the lists: responders say nothing of certificates that ended since
    old = sender.sign(hub.senders["H15"].person(), signed_at=clock.now() - timedelta(days=8))
    assert hub.take(old)[0].message.startswith("revocation_unknown")
    assert asking.asked == 1


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("ocsp_unknown", {"status": ocsp.OCSPCertStatus.UNKNOWN}),
        ("ocsp_unreachable", {"twist": lambda body: (503, "text/plain", b"")}),
        ("ocsp_stale", {"moment": lambda: clock.now() - timedelta(days=2)}),
        ("ocsp_replayed", {"nonce": lambda given: b"x" * 32}),
    ],
)
def test_what_an_answer_lacks_has_the_agencys_own_code(hub, sender, asking, no_list, monkeypatch, code, wrong):
    for name, value in wrong.items():
        monkeypatch.setattr(asking, name, value)
    refused = hub.take(sender.sign(hub.senders["H15"].person()))[0]
    assert (refused.code, refused.message.partition(":")[0]) == ("SIGNATURE_REFUSED", code)


def test_a_revoked_certificate_counts_for_what_it_signed_before(hub, sender, asking, no_list, settings):
    # given a signature, and a revocation after it
    signed = sender.sign(hub.senders["H15"].person(), signed_at=clock.now() - timedelta(minutes=5))
    answers = along(signed, settings, asking)
    certificate = certificate_of(sender.p12, PIN)
    hub.authority.revoke(certificate, moment=clock.now() - timedelta(minutes=1))
    # then what was signed before counts by the answer of then; that it is revoked now tells nothing of then, where no list does
    settings.OCSP_RESPONDERS = (asking.address,)
    assert hub.take(signed)[0].message.startswith("revocation_unknown")
    assert hub.take(signed, answers=answers)[0].outcome == "accepted"
    # and what is signed after does not, whatever an older answer says
    late = sender.sign(hub.senders["H15"].person())
    assert hub.take(late)[0].message.startswith("revoked")
    assert hub.take(late, answers=along(late, settings, asking))[0].message.startswith("revoked")
    assert hub.take(late, answers=answers)[0].outcome == "accepted"  # one of five minutes ago still holds, as it did at the agency


def test_an_answer_about_another_certificate_says_nothing(hub, sender, asking, no_list, settings):
    other = replace(sender, p12=hub.authority.issue(Person("x", "x", "066075001234", "H15", "H15"), pin=PIN, responder=asking.address))
    foreign = along(other.sign(hub.senders["H15"].person()), settings, asking)
    assert hub.take(sender.sign(hub.senders["H15"].person()), answers=foreign)[0].message.startswith("revocation_unknown")


def kept_of(signed):
    return AgencyManifest.objects.get(signature_digest=digest(signed.signature))


def damaged(kept):
    """Whether the later check, which asks nobody, finds anything wrong with it; of the others no list tells now."""
    return f"manifest {bytes(kept.digest).hex()}" in [one.place for one in verify_evidence().damages]


def test_an_offer_of_a_transfer_is_asked_about_as_a_delivery_is(hub, sender, asking, no_list):
    # given a file at the hub, and a release that came without answers
    person = hub.senders["H15"].person()
    assert hub.take(sender.sign(person))[0].outcome == "accepted"
    offer = offered(sender, person)
    # when the authority does not answer, the offer is refused, and nothing of it is kept
    asking.twist = lambda body: (503, "text/plain", b"")
    with pytest.raises(OfferInvalid, match="ocsp_unreachable"):
        transfer_offer(agency=hub.agencies["H15"], number=offer.number, offer=offer.body)
    # and when it does, it is taken, with the answer
    asking.twist, asking.asked = lambda body: (200, "application/ocsp-response", body), 0
    case = transfer_offer(agency=hub.agencies["H15"], number=offer.number, offer=offer.body)
    assert (asking.asked, len(case.manifest.answers), case.manifest.asked_at > case.manifest.received_at) == (1, 1, True)
    assert not damaged(case.manifest)
    # said once more it is the same case, and nobody is asked
    assert transfer_offer(agency=hub.agencies["H15"], number=offer.number, offer=offer.body) == case
    assert asking.asked == 1


def offered(sender, person):
    """The release of a person to H16 as H15's program offers it, without answers."""
    number = uuid4()
    said = {
        "person": str(person.key),
        "person_name": "Nguyễn Thị Bình",
        "person_version": 1,
        "person_digest": person.digest.hex(),
        "unit": str(sender.office),
        "from_agency": "H15",
        "to_agency": "H16",
        "to_agency_name": "Tỉnh H16",
        "effective_on": clock.today().isoformat(),
        "decision_number": "12/QĐ",
        "decision_date": clock.today().isoformat(),
    }
    signed = sender.sign(Change(RELEASE_KIND, number, TRANSFER_RELEASE.merge(None, said)))
    item = signed.items()[0]
    parts = {name: item[name] for name in ("document", "leaf_index", "proof")}
    body = Offer(manifest=signed.manifest, signature=signed.signature, received_at=signed.received_at, **parts)
    return SimpleNamespace(number=number, body=body)
