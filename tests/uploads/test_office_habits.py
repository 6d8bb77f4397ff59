"""What offices write without a thought, and what a clerk then should not have to read about."""

from __future__ import annotations

import pytest

from orgtree.choices import Role
from registry.choices import RowState
from registry.messages import message_of
from registry.models import Upload
from registry.selectors.upload_causes import cause_lines
from registry.services.upload_fixing import reason_give, repair_agree
from registry.services.uploads import upload_process, upload_recheck
from tests.factories import grant_make, user_make
from tests.registry.people import TODAY, judge, live_make, person, places
from tests.uploads.workbooks import FIRST_ROW, right, send, workbook

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _world(settings, tmp_path):
    settings.PINNED_TODAY = TODAY
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}}


@pytest.fixture
def units():
    return places()


@pytest.fixture
def clerk(units):
    user = user_make("lan")
    grant_make(user, Role.CLERK, units["agency"])
    return user


def found(upload) -> set[tuple[int, str, str]]:
    return set(upload.findings.filter(severity="error").values_list("sheet_row", "code", "field"))


def test_a_year_alone_says_nothing_new_of_somebody_born_in_it(clerk, units):
    # given somebody on file, in a list that has the year only; and the same with another year
    live_make(person(units, citizen_id="066185000001", staff_number=None), person(units, citizen_id="066185000002", staff_number=None))
    rows = [{**right(number), "Ngày sinh": year, "Điện thoại": "0987654321"} for number, year in ((1, 1985), (2, 1986))]
    # when
    upload = send(clerk, units["agency"], workbook(rows))
    # then
    assert found(upload) == {(FIRST_ROW + 1, "BIRTH_YEAR_ONLY", "birth_date")}
    assert upload.rows.get(sheet_row=FIRST_ROW).state == RowState.STAGED
    assert "birth_date" not in upload.rows.get(sheet_row=FIRST_ROW).changed


def test_1_january_stands_for_a_year_once_agreed_and_never_over_a_day_that_is_known(clerk, units):
    # given somebody on file who is found by the name, and a newcomer; of both the list has the year only
    live_make(person(units, citizen_id="066185000001", staff_number="NV1", birth_date="1985-08-15"))
    known = {**right(1), "Ngày sinh": 1985, "Điện thoại": "0987654321"}
    upload = send(clerk, units["agency"], workbook([known, {**right(2), "Họ và tên": "Lê Thị Mơ", "Ngày sinh": "1985"}]))
    assert found(upload) == {(FIRST_ROW + 1, "BIRTH_YEAR_ONLY", "birth_date")}
    (line,) = cause_lines(upload=upload)
    assert (line.certain, line.examples) == (False, [("1985", "01/01/1985")])
    # when
    repair_agree(actor=clerk, upload=upload, field=line.field, cause=line.cause, op=line.op)
    upload = upload_recheck(actor=clerk, upload=Upload.objects.get(pk=upload.pk))
    upload = upload_process(upload=upload)
    # then
    rows = {row.sheet_row: row for row in upload.rows.all()}
    assert {row.state for row in rows.values()} == {RowState.STAGED}
    assert rows[FIRST_ROW + 1].values["birth_date"] == "1985-01-01"
    assert "birth_date" not in rows[FIRST_ROW].changed
    # and the next file of the sender is asked about again: who somebody is, is not repaired unseen
    again = send(clerk, units["agency"], workbook([{**right(3), "Họ và tên": "Lê Thị Mận", "Ngày sinh": "1986"}]))
    assert found(again) == {(FIRST_ROW, "BIRTH_YEAR_ONLY", "birth_date")}


def test_where_and_when_a_list_was_signed_is_nobody(clerk, units):
    below = {"Họ và tên": "Ea Knốp, ngày 01 tháng 10 năm 2026"}
    upload = send(clerk, units["agency"], workbook([right(1), below], headings=list(right(1))))
    assert upload.read == 1


def test_nothing_is_missing_of_somebody_whose_number_cannot_be_read_yet(clerk, units):
    # given somebody on file, whose row has lost its zero and says little else
    live_make(person(units, citizen_id="066185000001", staff_number=None))
    row = {"Họ và tên": "Nguyễn Thị Hoa", "Số CCCD": 66185000001, "Điện thoại": "0987654321"}
    # when
    upload = send(clerk, units["agency"], workbook([row]))
    # then the one thing that is wrong is said, and not that a new file would lack a dozen others
    assert found(upload) == {(FIRST_ROW, "LOST_ZERO", "citizen_id")}


@pytest.mark.parametrize("name", ["H'Nga ªban", "Nguyễn Thị §ào", "TrÞnh Văn Bình"])
def test_letters_of_an_old_font_do_not_stay_in_a_name(units, name):
    assert "NAME_CHARACTERS" in {one.code for one in judge(person(units, birth_name=name))}


@pytest.mark.parametrize("name", ["Y Thŏng Mlô", "H'Đŭm Ayŭn", "Ksor Ñut", "Đặng Quỳnh Ơn", "K'Brêơ", "Lò Thị Čăm"])
def test_names_of_the_peoples_of_the_country_stand(units, name):
    assert "NAME_CHARACTERS" not in {one.code for one in judge(person(units, birth_name=name))}


def test_a_day_that_a_rule_found_is_said_as_people_write_it():
    assert "15/09/2020" in message_of("SALARY_GAP", value="2020-09-15")


def test_pay_of_the_day_on_file_is_corrected_with_a_reason_and_pay_of_a_later_day_is_news(clerk, units):
    # given two people in step 6 since 1 January 2025
    live_make(person(units, citizen_id="066185000001", staff_number=None), person(units, citizen_id="066185000002", staff_number=None))
    same_day = {**right(1), "Bậc": 7, "Hệ số": 4.32}
    later = {**right(2), "Bậc": 7, "Hệ số": 4.32, "Ngày hưởng": "01/01/2026"}
    # when
    upload = send(clerk, units["agency"], workbook([same_day, later]))
    # then: by hand the first would be a correction, the second a new fact
    assert found(upload) == {(FIRST_ROW, "REASON_MISSING", "step")}  # asked once for all that is paid
    assert upload.rows.get(sheet_row=FIRST_ROW + 1).state == RowState.STAGED
    # when
    upload = reason_give(actor=clerk, upload=upload, field="step", reason="Quyết định 12/QĐ-UBND ghi nhầm bậc")
    # then
    assert (upload.staged, upload.returned) == (2, 0)
