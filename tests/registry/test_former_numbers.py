"""Numbers of old identity cards: recorded and withdrawn through the gate, masked, found, and never a reason to take one person for another."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from exchange.contract import ROUTES
from registry.models import FormerNumber, StaffProfile
from registry.services.former_numbers import former_number_propose, former_number_withdraw
from tests.pages import Office
from tests.registry.people import TODAY
from workflows.errors import ReasonMissing
from workflows.models import ReadEvent, RecordVersion
from workflows.services.applying import request_apply
from workflows.services.approval import request_approve_by_system
from workflows.services.ledger import verify_ledger
from workflows.services.submission import request_submit
from workflows.targets import target

pytestmark = pytest.mark.django_db
CARD = {"issued_on": date(2009, 3, 2), "issued_by": "Công an tỉnh Đắk Lắk", "source": "CMND bản sao"}


@pytest.fixture(autouse=True)
def _day(settings):
    settings.PINNED_TODAY = TODAY


@pytest.fixture
def office(db) -> Office:
    return Office.open()


def apply(staged) -> None:
    assert staged.request is not None, staged.returned
    request_submit(actor=staged.request.author, request_id=staged.request.pk, system_stage="test")
    request_approve_by_system(request_id=staged.request.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    request_apply(request_id=staged.request.pk)


def recorded(office: Office, profile: StaffProfile, number: str = "240123456") -> FormerNumber:
    apply(former_number_propose(actor=office.users["clerk"], profile=profile, number=number, **CARD))
    return FormerNumber.objects.get(staff=profile, number=number)


def codes(staged) -> set[str]:
    return {one.code for many in staged.returned.values() for one in many}


def test_a_number_takes_the_gate_and_is_withdrawn_by_it(office):
    # given
    profile = office.hired()
    entry = recorded(office, profile)
    # when
    apply(former_number_withdraw(actor=office.users["clerk"], profile=profile, entry=entry, reason="số của người em"))
    # then
    entry.refresh_from_db()
    assert (entry.version, entry.withdrawn, entry.issued_on) == (2, "số của người em", date(2009, 3, 2))
    assert RecordVersion.objects.filter(kind="former_number", key=entry.pk).count() == 2
    assert [one for one in verify_ledger(signatures=False).damages if "former_number" in one.place] == []
    # and the file itself has not changed: what is signed as a file knows nothing of it, and nothing of it is sent
    assert StaffProfile.objects.get(pk=profile.pk).version == 1
    assert "former_number" not in ROUTES
    # and it may hold again
    recorded(office, profile)
    assert FormerNumber.objects.get(staff=profile).withdrawn is None


def test_nobody_writes_one_past_the_gate(office):
    recorded(office, office.hired())
    with connection.cursor() as cursor:
        cursor.execute("select set_config('hoso.request', '', true)")
    for statement in ("update registry_formernumber set withdrawn = 'x'", "delete from registry_formernumber"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"number": "24012345"}, "FORMER_NUMBER_FORM"),
        ({"number": "24012345x"}, "FORMER_NUMBER_FORM"),
        ({"number": ""}, "REQUIRED"),
        ({"source": ""}, "REQUIRED"),
        ({"issued_on": date(2026, 12, 1)}, "FORMER_NUMBER_DATE"),
    ],
)
def test_what_is_wrong_comes_back(office, given, code):
    staged = former_number_propose(actor=office.users["clerk"], profile=office.hired(), **{"number": "240123456", **CARD, **given})
    assert staged.request is None
    assert code in codes(staged)


def test_a_number_of_two_people_is_a_warning_and_of_a_withdrawn_entry_none(office):
    # given
    first = recorded(office, profile := office.hired())
    # when, then
    staged = former_number_propose(actor=office.users["clerk"], profile=office.hired(), number="240123456", **CARD)
    assert [one.code for one in staged.remarks] == ["FORMER_NUMBER_SHARED"]
    # when
    apply(former_number_withdraw(actor=office.users["clerk"], profile=profile, entry=first, reason="nhầm"))
    # then
    staged = former_number_propose(actor=office.users["clerk"], profile=office.hired(), number="240123456", **CARD)
    assert staged.remarks == []


def test_rights_are_those_on_the_persons_unit_of_today(office):
    # given
    profile = office.hired()
    # when, then: without the right on the unit
    assert codes(former_number_propose(actor=office.users["stranger"], profile=profile, number="240123456", **CARD)) == {"OUT_OF_SCOPE"}
    # and a unit of one's own does not help: the entry names the unit in which the person is
    profile.using_unit = office.units["elsewhere"]
    assert codes(former_number_propose(actor=office.users["stranger"], profile=profile, number="240123456", **CARD)) == {"FORMER_NUMBER_ELSEWHERE"}


def test_withdrawing_wants_a_reason(office):
    profile = office.hired()
    with pytest.raises(ReasonMissing):
        former_number_withdraw(actor=office.users["clerk"], profile=profile, entry=recorded(office, profile), reason=" ")


def test_the_page_records_shows_it_masked_and_sends_to_the_request(office):
    # given
    profile = office.hired()
    address = reverse("registry:staff_former_numbers", args=[profile.pk])
    client = office.client("clerk")
    # when
    wrong = client.post(address, {"number": "2401", "source": "CMND"})
    sent = client.post(address, {"number": "240 123 456", "issued_on": "2009-03-02", "issued_by": "CA Đắk Lắk", "source": "CMND"})
    # then
    assert (wrong.status_code, sent.status_code) == (422, 302)
    assert "2401" in wrong.content.decode()
    assert sent["Location"].startswith("/requests/")
    # when
    recorded(office, profile, "240999888")
    shown = client.get(address).content.decode()
    # then
    assert "888" in shown
    assert "240999888" not in shown
    # and the file's own page has it masked
    detail = client.get(reverse("registry:staff_detail", args=[profile.pk])).content.decode()
    assert "888" in detail
    assert "240999888" not in detail
    # and it is shown for a reason, which is kept
    asked = {"reason": "verify", "note": "đối chiếu danh sách cũ"}
    revealed = client.post(reverse("registry:value_show", args=[profile.pk, "former.number"]), asked)
    assert "240999888" in revealed.content.decode(), revealed.content.decode()[:2000]
    assert ReadEvent.objects.filter(what="former.number").count() == 1


def test_the_approver_reads_it_and_a_reader_sees_it_masked(office):
    kind = target("former_number")
    assert kind.hidden("number", "240123456") == "••••••456"
    assert "240123456" not in kind.title({"number": "240123456"})


def test_the_box_finds_who_had_the_card(office):
    # given
    profile, other = office.hired(birth_name="Trần Văn Bình"), office.hired(birth_name="Lê Thị Mơ")
    recorded(office, profile)
    find = reverse("registry:staff_find")
    own = reverse("registry:staff_detail", args=[profile.pk])
    # when, then
    assert office.client("clerk").post(find, {"q": "240.123.456"})["Location"] == own
    assert office.client("supervisor").post(find, {"q": "240123456"})["Location"] == own
    # and who may not see such numbers learns nothing, not even that it is on file
    for name in ("auditor", "stranger"):
        assert office.client(name).post(find, {"q": "240123456"})["Location"] == reverse("registry:staff_list")
    # when two had it
    recorded(office, other)
    # then
    page = office.client("clerk").post(find, {"q": "240123456"}).content.decode()
    assert all(name in page for name in ("Trần Văn Bình", "Lê Thị Mơ"))
    assert "240123456" not in page


def test_nine_digits_that_are_somebodys_staff_number_are_looked_for_as_such(office):
    office.hired(staff_number="240123456")
    assert office.client("clerk").post(reverse("registry:staff_find"), {"q": "240123456"})["Location"].endswith("?q=240123456")
