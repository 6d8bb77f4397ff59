"""A column of old identity card numbers: it finds whose row it is, is recorded beside the file, and is taken back with the workbook."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile

from registry.choices import Match, RowState
from registry.fields import FORMER_NUMBER
from registry.models import FormerNumber, StaffProfile
from registry.services.former_numbers import former_number_propose
from registry.services.upload_fixing import NEW_PERSON, people_choose
from registry.services.upload_mapping import mapping_choose
from registry.services.upload_undo import undo_preview, upload_undo
from registry.services.uploads import upload_process, upload_receive, upload_submit
from tests.pages import Office
from tests.uploads.workbooks import right, workbook
from workflows.services.applying import request_apply
from workflows.services.approval import request_approve_by_system
from workflows.services.submission import request_submit

CARD = "Số CMND cũ"


@pytest.fixture(scope="module")
def office(committed_db) -> Office:
    return Office.open()


@pytest.fixture(autouse=True)
def _files(settings, tmp_path, monkeypatch):
    """The approver's signature is tested elsewhere: here a submitted request is applied as if it had been signed."""
    from registry.services import upload_submitting

    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}}
    submit = lambda *, actor, request_id: request_submit(actor=actor, request_id=request_id, system_stage="test")  # noqa: E731
    monkeypatch.setattr(upload_submitting, "request_submit", submit)


def sent(office: Office, *rows, numberless: bool = False):
    clerk = office.users["clerk"]
    upload = upload_receive(actor=clerk, unit=office.units["agency"], file=ContentFile(workbook(rows), "cu.xlsx"), name="cu.xlsx")
    upload = upload_process(upload=upload)
    if numberless:
        upload = upload_process(upload=mapping_choose(actor=clerk, upload=upload, choices={}))
    return upload


def applied(upload) -> None:
    request_approve_by_system(request_id=upload.request_id)
    request_apply(request_id=upload.request_id)


def recorded(office: Office, person: StaffProfile, number: str) -> None:
    clerk = office.users["clerk"]
    staged = former_number_propose(actor=clerk, profile=person, number=number, source="CMND")
    request_submit(actor=clerk, request_id=staged.request.pk, system_stage="test")
    request_approve_by_system(request_id=staged.request.pk)
    request_apply(request_id=staged.request.pk)


def row_of(person: StaffProfile, card, **changes):
    return {**right(1), "Họ và tên": person.birth_name.upper(), "Số CCCD": person.citizen_id, CARD: card, **changes}


def test_old_numbers_are_recorded_with_the_rows_and_taken_back_with_them(office):
    # given somebody on file about whom the workbook says nothing else that is new, and somebody new
    known = office.hired(birth_name="Trần Văn Bình")
    rows = [
        row_of(known, "240123456"),
        {**right(7001), "Họ và tên": "LÊ THỊ MƠ", CARD: "240654321"},
        {**right(7002), "Họ và tên": "HỒ A", CARD: "24"},
    ]
    # when
    upload = sent(office, *rows)
    # then
    first, second, third = upload.rows.order_by("sheet_row")
    assert (first.state, first.changed) == (RowState.STAGED, [FORMER_NUMBER]), list(upload.findings.values_list("code", "field", "value"))
    assert list(upload.changes.values_list("field", "kind", "after")) == [(FORMER_NUMBER, "fill", "240123456")]
    assert (second.state, third.state) == (RowState.STAGED, RowState.RETURNED)
    assert list(upload.findings.filter(sheet_row=third.sheet_row, severity="error").values_list("code", "field")) == [
        ("OLD_CARD_FORM", FORMER_NUMBER)
    ]
    # when
    upload = upload_submit(actor=office.users["clerk"], upload=upload)
    assert (upload.counts["submitted"], upload.submissions.get().rows, upload.submissions.get().request.count) == (2, 2, 3)
    applied(upload)
    # then
    new = StaffProfile.objects.get(birth_name="Lê Thị Mơ")
    cards = FormerNumber.objects.filter(staff__in=[known, new])
    assert dict(cards.values_list("staff", "number")) == {known.pk: "240123456", new.pk: "240654321"}
    assert FormerNumber.objects.get(staff=new).source == f"Bảng tính cu.xlsx, dòng {second.sheet_row}"
    # and the same file brings nothing new
    assert sent(office, rows[0]).unchanged == 1
    # when it is taken back
    assert undo_preview(upload=upload).old_cards == 2
    staged = upload_undo(actor=office.users["clerk"], upload=upload, reason="Nạp nhầm tệp")
    request_submit(actor=office.users["clerk"], request_id=staged.request.pk, system_stage="test")
    request_approve_by_system(request_id=staged.request.pk)
    request_apply(request_id=staged.request.pk)
    # then
    assert set(cards.values_list("withdrawn", flat=True)) == {"Nạp nhầm tệp"}
    assert undo_preview(upload=upload).old_cards == 0


def test_a_row_is_found_by_the_old_card_alone(office):
    # given
    person, other = office.hired(birth_name="Ngô Văn Tám"), office.hired(birth_name="Ngô Thị Chín")
    recorded(office, person, "241000001")
    recorded(office, other, "241000002")
    # when: no number of today, another day of birth, and one row whose name is somebody else's
    row = {**row_of(person, "241000001"), "Ngày sinh": "01/01/1986", "Điện thoại": "0987654321"}
    stranger = {**row_of(person, "241000002"), "Họ và tên": "ĐINH VĂN LẠ", "Ngày sinh": "02/02/1970"}
    rows = [{name: cell for name, cell in one.items() if name != "Số CCCD"} for one in (row, stranger)]
    upload = sent(office, *rows, numberless=True)
    # then
    first, second = upload.rows.order_by("sheet_row")
    assert (first.key, first.match) == (person.pk, Match.OLD_CARD)
    assert second.state == RowState.UNDECIDED
    assert [one["why"] for one in second.candidates] == [["unit", "old_card"]]


def test_a_new_number_of_today_beside_a_known_old_card_is_a_persons_choice(office):
    # given
    person = office.hired(birth_name="Ksor H'Nhiên")
    recorded(office, person, "241000003")
    # when
    upload = sent(office, {**row_of(person, "241000003"), "Số CCCD": "066185777777", "Họ và tên": "KSOR H'NHIÊN"})
    # then
    row = upload.rows.get()
    assert (row.state, row.key) == (RowState.UNDECIDED, None)
    assert {"name", "old_card"} <= set(row.candidates[0]["why"])


def test_a_lost_zero_is_shown_with_its_repair(office):
    upload = sent(office, row_of(office.hired(birth_name="Lý Văn Hai"), 12345678))
    found = upload.findings.get(field=FORMER_NUMBER)
    assert (found.code, found.params["suggestion"], found.repair["op"]) == ("LOST_ZERO", "012345678", "pad")


def test_an_old_card_in_the_place_of_the_number_is_asked_about_and_never_stored_as_one(office):
    # given one whose old number is on file, one found by name and birthday alone, and one of whom nothing is known
    known, named = office.hired(birth_name="Đàm Văn Sáu"), office.hired(birth_name="Đàm Thị Bảy")
    recorded(office, known, "241000006")
    other_name = {**row_of(known, None), "Họ và tên": "ĐÀM VĂN SÁO", "Ngày sinh": "02/02/1970", "Số CCCD": "241 000 006"}
    rows = [other_name, row_of(named, None, **{"Số CCCD": 241000007}), {**right(1), "Họ và tên": "LẠ HOẮC", "Số CCCD": "241000008"}]
    # when
    upload = sent(office, *rows)
    # then nobody is decided on by the program
    first, second, third = upload.rows.order_by("sheet_row")
    assert (first.state, second.state, third.state) == (RowState.UNDECIDED, RowState.UNDECIDED, RowState.RETURNED)
    assert ([one["key"] for one in first.candidates], first.candidates[0]["why"]) == ([str(known.pk)], ["unit", "old_card"])
    assert [one["key"] for one in second.candidates] == [str(named.pk)]
    assert list(upload.findings.filter(code="OLD_CARD").values_list("value", flat=True)) == ["241 000 006", "241000007", "241000008"]
    # when a person says whose they are
    clerk = office.users["clerk"]
    upload = people_choose(actor=clerk, upload=upload, choices={first.sheet_row: known.pk, second.sheet_row: named.pk})
    # then the number of today stays, and an old one that was not known goes beside the file
    assert not upload.changes.filter(field="citizen_id").exists()
    assert list(upload.changes.filter(field=FORMER_NUMBER).values_list("key", "after")) == [(named.pk, "241000007")]
    assert set(upload.findings.filter(sheet_row=second.sheet_row, field="citizen_id").values_list("code", flat=True)) == {"OLD_CARD_TAKEN"}
    upload = upload_submit(actor=clerk, upload=upload)
    applied(upload)
    assert FormerNumber.objects.get(staff=named).number == "241000007"
    named.refresh_from_db()
    assert len(named.citizen_id) == 12
    # and whoever is new needs today's number
    upload = people_choose(actor=clerk, upload=upload, choices={third.sheet_row: NEW_PERSON})
    assert upload.findings.filter(sheet_row=third.sheet_row, code="OLD_CARD", severity="error").exists()


def test_a_number_that_excel_shortened_is_confirmed_where_the_person_is_proposed(office):
    # given
    person = office.hired(birth_name="Đàm Thị Tám")
    upload = sent(office, row_of(person, None, **{"Số CCCD": "6,61E+10", "Điện thoại": "0987111222"}))
    row = upload.rows.get()
    assert (row.state, [one["key"] for one in row.candidates]) == (RowState.UNDECIDED, [str(person.pk)])
    # when
    upload = people_choose(actor=office.users["clerk"], upload=upload, choices={row.sheet_row: person.pk})
    # then nothing of it is kept, neither as a number of today nor as an old one
    assert (upload.staged, list(upload.changes.values_list("field", flat=True))) == (1, ["phone"])
    assert upload.findings.get(field="citizen_id").code == "NUMBER_PASSED_OVER"
