"""Whose row it is: by number, by score with its reasons, by a person's choice; who is missing is listed and nothing else."""

from __future__ import annotations

import pytest

from orgtree.choices import Role
from registry.choices import Match, RowState, UploadState
from registry.models import StaffProfile
from registry.selectors.upload_people import match_totals, missing_page, undecided_page
from registry.services.upload_fixing import NEW_PERSON, people_choose
from registry.services.upload_mapping import mapping_choose
from registry.services.uploads import upload_process
from tests.factories import grant_make, user_make
from tests.registry.people import TODAY, live_make, person, places, posting
from tests.uploads.workbooks import FIRST_ROW, send, workbook
from tests.uploads.workbooks import right as right_row
from workflows.errors import NotAllowed

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


def right(number, **changes):
    """A right row that says of the recruiting agency what is on file."""
    return right_row(number, **{"Cơ quan tuyển dụng": "Ủy ban nhân dân thành phố Buôn Ma Thuột", **changes})


def without_number(row, **changes):
    """The row as an office sends it that keeps no citizen numbers: the cell is empty."""
    return {**row, "Số CCCD": None, **changes}


def test_a_row_without_a_number_is_found_by_name_and_birth_date(clerk, units):
    (key,) = live_make(person(units, citizen_id="066185000001", staff_number=None))
    upload = send(clerk, units["agency"], workbook([without_number(right(1), **{"Điện thoại": "0987654321"}), right(2, **{"Họ và tên": "LÊ MƠ"})]))
    row = upload.rows.get(sheet_row=FIRST_ROW)
    assert (row.key, row.match, row.state, row.changed) == (key, Match.SCORE, RowState.STAGED, ["phone"])
    assert row.candidates[0]["why"] == ["name", "birth_date", "unit"]
    assert match_totals(upload=upload) == [(str(Match.SCORE.label), 1)]


def test_a_row_is_found_by_its_staff_number_in_the_unit(clerk, units):
    (key, _other) = live_make(
        person(units, citizen_id="066185000001", staff_number="CB7"),
        person(units, citizen_id="066185000002", staff_number="CB8", birth_date="1985-03-03"),
    )
    row = {**without_number(right(1)), "Số hiệu": "CB7", "Điện thoại": "0987654321"}
    upload = send(clerk, units["agency"], workbook([row]))
    found = upload.rows.get()
    assert (found.key, found.match) == (key, Match.STAFF_NUMBER)


def test_two_of_one_name_and_birthday_are_a_persons_choice(clerk, units):
    first, second = live_make(
        person(units, citizen_id="066185000001", staff_number=None), person(units, citizen_id="066185000002", staff_number=None)
    )
    upload = send(clerk, units["agency"], workbook([without_number(right(1), **{"Điện thoại": "0987654321"})]))
    # then: nothing is decided, and the row says why
    assert (upload.state, upload.returned, upload.counts["undecided"]) == (UploadState.EMPTY, 1, 1)
    ((line,), after) = undecided_page(upload=upload)
    assert {one.key for one in line.candidates} == {first, second}
    assert after is None
    # when somebody decides
    upload = people_choose(actor=clerk, upload=upload, choices={FIRST_ROW: second})
    row = upload.rows.get()
    assert (upload.state, row.key, row.match, row.changed) == (UploadState.STAGED, second, Match.CHOSEN, ["phone"])


def test_a_new_card_is_never_decided_by_the_program(clerk, units):
    # given somebody of this name and birthday on file, and a row with another number
    (key,) = live_make(person(units, citizen_id="066185000001", staff_number=None))
    upload = send(clerk, units["agency"], workbook([right(9)]))
    assert upload.rows.get().state == RowState.UNDECIDED
    # when it is another person
    upload = people_choose(actor=clerk, upload=upload, choices={FIRST_ROW: NEW_PERSON})
    row = upload.rows.get()
    assert (row.op, row.state) == ("create", RowState.STAGED)
    assert row.key != key
    # and when it is the same one after all, the number on file changes
    upload = people_choose(actor=clerk, upload=upload, choices={FIRST_ROW: key})
    row = upload.rows.get()
    assert (row.key, row.op, row.changed) == (key, "update", ["citizen_id"])


def test_a_file_of_a_unit_out_of_scope_cannot_be_chosen(clerk, units):
    there = units["elsewhere"]
    place = {"managing_agency": str(there.pk), "using_unit": str(there.pk), "postings": [posting(there)]}
    (key,) = live_make(person(units, citizen_id="066185000001", **place))
    upload = send(clerk, units["agency"], workbook([right(2)]))
    with pytest.raises(NotAllowed):
        people_choose(actor=clerk, upload=upload, choices={FIRST_ROW: key})


def test_who_is_missing_from_the_file_is_listed_and_stays(clerk, units):
    # given three on file, one of whom the workbook names
    live_make(
        person(units, citizen_id="066185000001", staff_number=None),
        person(units, citizen_id="066185000002", staff_number=None, birth_name="Bùi Văn An", birth_date="1970-01-01"),
        person(units, citizen_id="066185000003", staff_number=None, birth_name="Đỗ Thị Yến", birth_date="1971-01-01"),
    )
    upload = send(clerk, units["agency"], workbook([right(1, **{"Điện thoại": "0987654321"})]))
    assert upload.counts["missing"] == 2
    people, last = missing_page(upload=upload, limit=1)
    assert [one.birth_name for one in people] == ["Bùi Văn An"]
    rest, _end = missing_page(upload=upload, after=(last.name_sort, str(last.pk)), limit=1)
    assert [one.birth_name for one in rest] == ["Đỗ Thị Yến"]
    assert StaffProfile.objects.count() == 3


def test_a_list_without_any_numbers_is_asked_about_and_then_matched_by_name(clerk, units):
    (key,) = live_make(person(units, citizen_id="066185000001", staff_number=None))
    row = {name: cell for name, cell in right(1, **{"Điện thoại": "0987654321"}).items() if name != "Số CCCD"}
    upload = send(clerk, units["agency"], workbook([row]))
    assert upload.state == UploadState.MAPPING
    upload = upload_process(upload=mapping_choose(actor=clerk, upload=upload, choices={}))
    assert (upload.state, upload.staged) == (UploadState.STAGED, 1)
    assert (upload.rows.get().key, upload.rows.get().changed) == (key, ["phone"])
