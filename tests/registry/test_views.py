"""The pages of people and workbooks: who sees whom, what is masked, and how a change is proposed."""

from __future__ import annotations

from io import BytesIO

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.html import escape

from orgtree.models import UnitPermission
from registry.choices import UploadState
from registry.models import Upload
from registry.selectors.staff import PAGE
from registry.services.uploads import upload_process
from tests.factories import grants_lifted
from tests.pages import Office
from tests.uploads.workbooks import right, workbook
from workflows.choices import RequestState
from workflows.models import JobRun

pytestmark = pytest.mark.django_db
LIST = "registry:staff_list"


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}}


@pytest.fixture
def office() -> Office:
    return Office.open()


def page(office: Office, who: str, name: str, *arguments, **query) -> str:
    answer = office.client(who).get(reverse(name, args=arguments), query)
    assert answer.status_code == 200
    return answer.content.decode()


# The staff list and one person


def test_the_list_shows_my_units_and_hides_the_others(office):
    # given
    office.hired(birth_name="Nguyễn Thị Hoa")
    # when, then
    assert {who: "Nguyễn Thị Hoa" in page(office, who, LIST) for who in ("clerk", "supervisor", "stranger", "nobody", "root")} == {
        "clerk": True,
        "supervisor": True,
        "stranger": False,
        "nobody": False,
        "root": True,
    }


def test_a_name_is_found_without_accents_and_the_number_is_masked(office):
    # given
    hoa = office.hired(birth_name="Nguyễn Thị Hoa")
    office.hired(birth_name="Trần Văn Bình")
    # when
    text = page(office, "clerk", LIST, q="nguyen thi hoa")
    # then
    assert "Nguyễn Thị Hoa" in text
    assert "Trần Văn Bình" not in text
    assert hoa.citizen_id not in text
    assert f"{'•' * 9}{hoa.citizen_id[-3:]}" in text


def test_a_unit_outside_the_scope_is_no_filter(office):
    assert office.client("clerk").get(reverse(LIST), {"unit": office.units["elsewhere"].pk}).status_code == 404
    assert office.client("clerk").get(reverse(LIST), {"unit": "x"}).status_code == 404
    assert office.client("clerk").get(reverse(LIST), {"unit": office.units["office"].pk}).status_code == 200


@pytest.mark.parametrize("cursor", ["x", "AAAA", "e30", "W10", "WyIiLCJ4Il0"])
def test_a_cursor_that_nobody_issued_leads_to_the_beginning(office, cursor):
    # given
    office.hired(birth_name="Nguyễn Thị Hoa")
    # when, then
    assert "Nguyễn Thị Hoa" in page(office, "clerk", LIST, after=cursor)


def test_the_person_page_tells_values_postings_and_how_each_version_came(office):
    # given
    hoa = office.hired(birth_name="Nguyễn Thị Hoa")
    # when
    text = page(office, "auditor", "registry:staff_detail", hoa.pk)
    # then
    assert "Ủy ban nhân dân phường Buôn Ma Thuột" in text
    assert "15/08/1985" in text
    assert "Chuyên viên" in text
    assert "Phiên bản 1" in text
    assert "Nạp ban đầu" in text
    assert hoa.citizen_id not in text


def test_people_of_one_name_are_told_apart_in_a_request(office):
    # given
    request = office.submitted(*(office.document(birth_name="Nguyễn Thị Hoa", birth_date=day) for day in ("1985-03-12", "1985-07-01")))
    # when
    text = page(office, "supervisor", "workflows:request_detail", request.pk)
    # then
    assert ("12/03/1985 · CB00001" in text, "01/07/1985 · CB00002" in text) == (True, True)


def test_a_section_of_which_nothing_is_recorded_is_one_line(office):
    text = page(office, "clerk", "registry:staff_detail", office.hired().pk)
    section = text.partition('id="property"')[2].partition("</section>")[0]
    assert "chưa ghi nhận nội dung nào" in section
    assert "hs-card" not in section


def test_only_who_may_edit_is_offered_to_propose_a_change(office):
    # given
    hoa = office.hired(birth_name="Nguyễn Thị Hoa")
    there = reverse("registry:staff_edit", args=[hoa.pk])
    # when, then
    assert {who: there in page(office, who, "registry:staff_detail", hoa.pk) for who in ("clerk", "supervisor")} == {
        "clerk": True,
        "supervisor": False,
    }


# Workbooks


def sent(office: Office, body: bytes, *, name: str = "tháng 10.xlsx", unit: str = "agency", who: str = "clerk"):
    form = {"unit": office.units[unit].pk, "file": SimpleUploadedFile(name, body)}
    return office.client(who).post(reverse("registry:upload_new"), form)


def test_a_workbook_is_received_and_watched_until_it_is_read(office):
    # when
    answer = sent(office, workbook([right(), right(5678, **{"Số CCCD": "123"})]))
    upload = Upload.objects.get()
    waiting = office.client("clerk").get(answer.url).content.decode()
    upload_process(upload=upload)
    result = office.client("clerk").get(answer.url).content.decode()
    # then
    assert f'data-watch="{reverse("workflows:job_progress", args=[JobRun.objects.get().pk])}"' in waiting
    assert "data-watch" not in result
    assert escape(upload.name) in result
    assert reverse("registry:upload_grid", args=[upload.pk]) in result
    assert reverse("registry:upload_hand_in", args=[upload.pk]) in result


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"", "trống"), (None, "Hãy chọn bảng tính")],
    ids=["empty", "no file"],
)
def test_what_is_refused_at_the_door_says_why(office, body, said):
    # when
    form = {"unit": office.units["agency"].pk} | ({} if body is None else {"file": SimpleUploadedFile("a.xlsx", body)})
    answer = office.client("clerk").post(reverse("registry:upload_new"), form)
    # then
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Upload.objects.exists()


def test_a_unit_that_is_not_mine_is_refused(office):
    # when
    answer = sent(office, workbook([right()]), unit="elsewhere")
    # then
    assert answer.status_code == 422
    assert not Upload.objects.exists()


def test_what_is_right_is_submitted_and_what_is_wrong_comes_back_as_a_workbook(office):
    # given
    sent(office, workbook([right(), right(5678, **{"Số CCCD": "=1+1", "Họ và tên": "NGUYỄN VĂN SAI 2"})]))
    upload = upload_process(upload=Upload.objects.get())
    client = office.client("clerk")
    # when
    answer = client.post(reverse("registry:upload_hand_in", args=[upload.pk]))
    returned = client.get(reverse("registry:upload_returned", args=[upload.pk]))
    # then
    upload.refresh_from_db()
    assert (upload.state, upload.request.state) == (UploadState.SUBMITTED, RequestState.IN_REVIEW)
    assert answer.url == reverse("workflows:request_detail", args=[upload.request_id])
    headings, row = openpyxl.load_workbook(BytesIO(returned.content)).active.iter_rows(values_only=True)
    assert headings[:2] == ("Dòng trong tệp", "Cần sửa gì")
    assert "NGUYỄN VĂN SAI 2" in row
    assert row[1]


# The organisation tree


def test_the_tree_begins_at_my_own_units_and_counts_their_people(office):
    # given
    office.hired()
    # when
    mine, all_of_it = page(office, "clerk", "registry:unit_tree"), page(office, "root", "registry:unit_tree")
    # then
    assert "Ủy ban nhân dân tỉnh Đắk Lắk" not in mine
    assert "Văn phòng" in mine
    assert "1 người" in mine
    assert "Ủy ban nhân dân xã Ea Kao" not in mine
    assert "Ủy ban nhân dân xã Ea Kao" in all_of_it


def test_a_branch_of_others_is_not_opened(office):
    statuses = {
        unit: office.client("clerk").get(reverse("registry:unit_children", args=[office.units[unit].pk])).status_code
        for unit in ("agency", "elsewhere")
    }
    assert statuses == {"agency": 200, "elsewhere": 404}


def test_a_unit_is_found_without_accents(office):
    assert "H15.70.01" in page(office, "clerk", "registry:unit_tree", q="van phong")
    assert "H15.71" not in page(office, "clerk", "registry:unit_tree", q="ea kao").replace('value="ea kao"', "")


def test_the_list_turns_its_pages(office, monkeypatch):
    # given
    monkeypatch.setattr("registry.selectors.staff.PAGE", 2)
    names = [f"Nguyễn Văn {given}" for given in ("An", "Bình", "Chi")]
    for name in names:
        office.hired(birth_name=name)
    client = office.client("clerk")
    # when
    first = client.get(reverse(LIST))
    second = client.get(reverse(LIST), {"after": first.context["found"].next})
    back = client.get(reverse(LIST), {"before": second.context["found"].previous})
    # then
    assert [[row.birth_name for row in answer.context["found"].rows] for answer in (first, second, back)] == [names[:2], names[2:], names[:2]]
    assert PAGE == 100


def test_a_request_leads_to_the_files_it_changes_for_who_may_view_them(office):
    # given a change of somebody on file
    person = office.hired(birth_name="Nguyễn Thị Hoa")
    fresh = office.submitted(office.document(birth_name="Lê Mới"))
    changed = office.submitted({"phone": "0987654321"}, keys=[person.pk])
    link = f'href="{reverse("registry:staff_detail", args=[person.pk])}"'
    address = reverse("workflows:request_detail", args=[changed.pk])
    # when, then
    assert "Xem hồ sơ" not in office.client("clerk").get(reverse("workflows:request_detail", args=[fresh.pk])).content.decode()  # not there yet
    assert link in office.client("clerk").get(address).content.decode()
    assert link in office.client("auditor").get(address).content.decode()
    # when the author has lost every right since
    with grants_lifted():
        UnitPermission.objects.filter(user=office.users["clerk"]).delete()
    # then neither the request nor the file is there
    assert office.client("clerk").get(address).status_code == 404
