"""A version refused for what it says does not bar the way of its correction: it is kept as refused, with its proof."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from exchange.holding_contract import HeldQuestion
from exchange.models import Agency, InboundEvidence, SetAside
from exchange.services.evidence import verify_evidence
from exchange.services.holdings import held_records
from exchange.services.lateness import lateness_grant
from orgtree import clock
from registry.models import StaffProfile
from tests.factories import superuser_make, user_make
from workflows.documents import digest
from workflows.errors import NotAllowed
from workflows.models import AuditEvent, RecordVersion
from workflows.services.ledger import verify_ledger

WRONG = "2031-01-01"  # born in the future


def told(results):
    return [(one.outcome, one.code, one.set_aside) for _index, one in sorted(results.items())]


def test_a_correction_follows_a_version_that_was_refused(hub):
    # given a record at the hub, and a second version that a rule refuses
    sender = hub.senders["H15"]
    first = sender.person()
    wrong = first.again(birth_date=WRONG)
    right = wrong.again(birth_date="1985-02-03", phone="0987654321")
    hub.accept(first)
    assert told(hub.take(sender.sign(wrong))) == [("rejected", "RULE", True)]
    # when its correction comes
    results = hub.take(sender.sign(right))
    # then it is held, in the agency's number on the wire and the next of the ledger
    assert [(r.outcome, r.version, bytes(r.digest)) for r in results.values()] == [("accepted", 3, right.digest)]
    assert StaffProfile.objects.get(pk=first.key).phone == "0987654321"
    assert list(RecordVersion.objects.filter(key=first.key).order_by("version").values_list("version", flat=True)) == [1, 2]
    assert InboundEvidence.objects.get(key=first.key, version=2).agency_version == 3
    kept = SetAside.objects.get(key=first.key)
    assert (kept.version, bytes(kept.digest), kept.code, digest(bytes(kept.document))) == (2, wrong.digest, "RULE", wrong.digest)
    # and the numbers go on from there
    fourth = right.again(phone="0911222333")
    assert told(hub.take(sender.sign(fourth.again(phone="0900000000")))) == [("rejected", "VERSION_GAP", False)]
    hub.accept(fourth)
    # and what is held is held, however often it comes, while the refused one is past
    assert told(hub.take(sender.sign(right))) == told(hub.take(sender.sign(first))) == [("accepted", "", False)]
    assert told(hub.take(sender.sign(wrong))) == [("rejected", "SUPERSEDED", False)]
    other = first.again(phone="0922222222")
    assert told(hub.take(sender.sign(other.again(phone="0933333333")))) == [("rejected", "VERSION_CONFLICT", False)]


def test_a_new_record_whose_first_versions_were_refused(hub):
    sender = hub.senders["H15"]
    first = sender.person(birth_date=WRONG)
    second = first.again(birth_date="2032-01-01")
    third = second.again(birth_date="1985-02-03")
    for wrong in (first, second):
        assert told(hub.take(sender.sign(wrong))) == [("rejected", "RULE", True)]
    hub.accept(third)
    assert RecordVersion.objects.get(key=first.key).version == 1
    assert InboundEvidence.objects.get(key=first.key).agency_version == 3


def test_a_refused_version_may_come_again_and_be_taken(hub):
    # given a person whose citizen number somebody else holds at the hub, until that one is corrected
    sender = hub.senders["H15"]
    holder, late = sender.person(), sender.person()
    late = type(late)(late.kind, late.key, {**late.document, "citizen_id": holder.document["citizen_id"]})
    hub.accept(holder)
    signed = sender.sign(late)
    assert told(hub.take(signed)) == [("rejected", "RULE", True)]
    hub.accept(holder.again(citizen_id="066185099991"))
    # when the same version comes again
    assert told(hub.take(signed)) == [("accepted", "", False)]
    # then it counts as that version, and another document as a conflict
    assert told(hub.take(signed)) == [("accepted", "", False)]
    hub.accept(late.again(phone="0987654321"))
    assert RecordVersion.objects.filter(key=late.key).count() == 2


def test_another_document_cannot_take_a_refused_versions_number(hub):
    sender = hub.senders["H15"]
    first = sender.person(birth_date=WRONG)
    hub.take(sender.sign(first))
    forged = type(first)(first.kind, first.key, {**first.document, "birth_date": "1985-02-03"})
    assert told(hub.take(sender.sign(forged))) == [("rejected", "VERSION_CONFLICT", False)]


def test_a_correction_that_brings_back_what_is_held_counts_without_a_new_version(hub):
    sender = hub.senders["H15"]
    first = sender.person()
    wrong = first.again(birth_date=WRONG)
    back = wrong.again(birth_date=first.document["birth_date"])
    hub.accept(first)
    hub.take(sender.sign(wrong))
    hub.accept(back)
    assert RecordVersion.objects.filter(key=first.key).count() == 1
    assert SetAside.objects.get(key=first.key, version=3).held_as == 1
    hub.accept(back.again(phone="0987654321"))
    assert InboundEvidence.objects.get(key=first.key, version=2).agency_version == 4
    assert told(hub.take(sender.sign(back))) == [("accepted", "", False)]


def test_a_document_that_is_none_is_kept_as_it_was_signed(hub):
    sender = hub.senders["H15"]
    first = sender.person(birth_date="yesterday")
    assert told(hub.take(sender.sign(first))) == [("rejected", "DOCUMENT_INVALID", True)]
    hub.accept(first.again(birth_date="1985-02-03"))


def test_what_is_not_proved_or_not_the_agencys_is_not_kept(hub):
    sender, other = hub.senders["H15"], hub.senders["H16"]
    forged = sender.sign(person := sender.person(birth_date=WRONG))
    items = forged.items()
    items[0]["document"]["phone"] = "0911111111"
    hub.take(forged, items=items)
    foreign = sender.person()
    hub.accept(foreign)
    assert told(hub.take(other.sign(foreign.again(phone="0987654321")), sender="H16")) == [("rejected", "WRONG_OWNER", False)]
    assert not SetAside.objects.filter(key__in=[person.key, foreign.key]).exists()


def test_what_was_set_aside_is_evidence(hub):
    assert SetAside.objects.exists()
    outcome = verify_evidence()
    assert (outcome.ok, outcome.set_aside) == (True, SetAside.objects.count())
    with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update exchange_setaside set code = 'RULE'")
    assert verify_ledger().ok


def test_an_old_signature_passes_while_the_hub_allows_it(hub):
    # given a record signed 200 days ago
    sender, agency = hub.senders["H15"], Agency.objects.get(code="H15")
    signed = sender.sign(sender.person())
    signed.received_at = clock.now() - timedelta(days=200)
    assert told(hub.take(signed)) == [("rejected", "TIME_OUT_OF_BOUNDS", False)]
    # when the hub's operator allows a year, with a reason
    day = clock.today() + timedelta(days=30)
    by = superuser_make("hub-operator")
    hub.agencies["H15"] = lateness_grant(actor=by, agency=agency, days=365, until=day, reason="Gửi lần đầu toàn bộ hồ sơ của tỉnh")
    # then the age is no reason any more: the signature itself is judged, as ever, at its receipt time
    assert [code for _outcome, code, _aside in told(hub.take(signed))] != ["TIME_OUT_OF_BOUNDS"]
    event = AuditEvent.objects.get(action="agency.lateness_granted")
    assert (event.actor, event.detail["days"], event.detail["reason"]) == (by, 365, "Gửi lần đầu toàn bộ hồ sơ của tỉnh")
    # and the limit returns by itself
    Agency.objects.filter(pk=agency.pk).update(late_until=clock.today() - timedelta(days=1))
    assert told(hub.take(signed)) == [("rejected", "TIME_OUT_OF_BOUNDS", False)]


def test_a_longer_limit_needs_a_reason_a_day_and_a_superuser(hub):
    agency, day = Agency.objects.get(code="H15"), clock.today() + timedelta(days=30)
    with pytest.raises(NotAllowed):
        lateness_grant(actor=user_make("nobody-of-hub"), agency=agency, days=365, until=day, reason="Gửi lần đầu")
    for wrong in (
        {"days": 10},
        {"days": 9_999},
        {"until": clock.today() - timedelta(days=1)},
        {"until": clock.today() + timedelta(days=999)},
        {"reason": "x"},
    ):
        with pytest.raises(ValidationError) as refused:
            lateness_grant(**{"actor": None, "agency": agency, "days": 365, "until": day, "reason": "Gửi lần đầu toàn bộ", **wrong})
        assert set(refused.value.message_dict) == set(wrong)


def test_an_agency_that_lost_its_numbers_takes_over_what_is_held_and_old_messages_move_nothing(hub):
    # given: three versions, the second of which was refused
    sender = hub.senders["H15"]
    first = sender.person()
    wrong = first.again(birth_date=WRONG)
    newest = wrong.again(birth_date="1985-02-03")
    hub.accept(first)
    hub.take(sender.sign(wrong))
    hub.accept(newest)
    anew = replace(newest, base_version=0)
    # when: an old message says as version 1 what is held as version 3
    old = sender.sign(anew, signed_at=clock.now() - timedelta(hours=1))
    assert told(hub.take(old)) == [("rejected", "VERSION_CONFLICT", False)]
    # and: the agency says so now
    taken = sender.sign(anew)
    assert told(hub.take(taken)) == told(hub.take(taken)) == [("accepted", "", False)]
    # then: it counts on from there, also over a refused number that was refused before
    assert SetAside.objects.filter(key=first.key, era=1).count() == 1
    assert told(hub.take(sender.sign(anew.again(birth_date=WRONG, phone="0905000001")))) == [("rejected", "RULE", True)]
    third = replace(anew.again(phone="0905000002"), base_version=2)
    hub.accept(third)
    assert told(hub.take(sender.sign(newest))) == [("rejected", "VERSION_CONFLICT", False)]
    assert told(hub.take(taken)) == [("accepted", "", False)]  # said once more
    assert StaffProfile.objects.get(pk=first.key).phone == "0905000002"
    agency = Agency.objects.select_related("root").get(code="H15")
    (entry,) = held_records(agency=agency, question=HeldQuestion(kind="staff_profile", keys=[first.key])).entries
    assert (entry.version, entry.digest) == (3, third.digest.hex())
    # when: it is lost once more, and taken over under a number that had been refused in both eras
    again = replace(third, base_version=1)
    hub.accept(again)
    hub.accept(replace(again.again(phone="0905000003"), base_version=2))
    assert list(RecordVersion.objects.filter(key=first.key).order_by("version").values_list("version", flat=True)) == [1, 2, 3, 4]
    assert verify_evidence().ok
    assert verify_ledger().ok


def test_numbers_are_taken_over_although_the_first_version_said_the_same(hub):
    # given: a person whose third version says what the first one said
    sender = hub.senders["H15"]
    first = sender.person()
    other = first.again(phone="0905000001")
    begun = sender.sign(first, signed_at=clock.now() - timedelta(hours=2))
    assert told(hub.take(begun)) == [("accepted", "", False)]
    hub.accept(other)
    hub.accept(replace(first, base_version=2))
    # when: the first message comes again, nothing moves
    assert told(hub.take(begun)) == [("accepted", "", False)]
    assert not SetAside.objects.filter(key=first.key).exists()
    # when: the agency says it anew, as its first version
    anew = sender.sign(first, signed_at=clock.now() + timedelta(seconds=5))
    assert told(hub.take(anew)) == [("accepted", "", False)]
    # then: its second version follows
    hub.accept(first.again(phone="0905000002"))
    assert StaffProfile.objects.get(pk=first.key).phone == "0905000002"
