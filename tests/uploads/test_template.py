"""The template of a unit: its people, locked keys, drop-downs, and a mapping that survives other headings."""

from __future__ import annotations

import io

import openpyxl
import pytest
from django.urls import reverse

from orgtree.choices import Role
from registry.fields import FIELDS
from registry.mapping import Reason
from registry.reading import open_book, table_of
from registry.template import GUIDE_SHEET, LISTS_SHEET, PEOPLE_SHEET, template_workbook
from tests.factories import grant_make, user_make
from tests.registry.people import TODAY, live_make, person, places, posting
from tests.uploads.workbooks import saved, send
from workflows.errors import NotAllowed
from workflows.models import AuditEvent, ReadEvent

pytestmark = pytest.mark.django_db
COLUMN = {one.name: place for place, one in enumerate(FIELDS, start=1)}


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


@pytest.fixture
def two(units):
    """One person of the clerk's agency, one of another."""
    there = units["elsewhere"]
    place = {"managing_agency": str(there.pk), "using_unit": str(there.pk), "postings": [posting(there)]}
    live_make(person(units, citizen_id="066185000001", staff_number="CB1"), person(units, citizen_id="066185000002", staff_number="CB2", **place))


def opened(units, clerk):
    return openpyxl.load_workbook(io.BytesIO(template_workbook(unit=units["agency"], actor=clerk)))


def test_it_holds_the_people_whose_files_the_clerk_may_change_and_no_others(units, clerk, two):
    sheet = opened(units, clerk)[PEOPLE_SHEET]
    assert [sheet.cell(row, COLUMN["citizen_id"]).value for row in (2, 3)] == ["066185000001", None]
    assert sheet.cell(2, COLUMN["posting.title"]).value == "Chuyên viên"
    # what is masked elsewhere is not in it, but the number that tells whose row it is
    assert {sheet.cell(2, COLUMN[name]).value for name in ("social_insurance_no", "health", "arrest_statement")} == {None}
    # and that it left is on record
    assert ReadEvent.objects.filter(actor=clerk, what="template").count() == 1
    assert AuditEvent.objects.get(action="template.downloaded").detail["people"] == 1


def test_keys_are_locked_and_the_rest_is_open(units, clerk, two):
    sheet = opened(units, clerk)[PEOPLE_SHEET]
    assert sheet.protection.sheet
    locked = {one.name for one in FIELDS if sheet.cell(2, COLUMN[one.name]).protection.locked and sheet.cell(2, COLUMN[one.name]).value}
    assert locked == {"citizen_id", "staff_number", "birth_name", "birth_date"}
    assert sheet.cell(1, 1).protection.locked


def test_lists_are_chosen_from_and_the_guide_says_how(units, clerk):
    book = opened(units, clerk)
    assert book.sheetnames[:3] == [PEOPLE_SHEET, GUIDE_SHEET, LISTS_SHEET]
    assert book[book.sheetnames[3]].sheet_state == "veryHidden"
    listed = {str(one.sqref).split(":")[0].rstrip("0123456789") for one in book[PEOPLE_SHEET].data_validations.dataValidation}
    wanted = {one.name for one in FIELDS if one.code_list} | {"rank_code", "using_unit", "managing_agency"}
    assert listed == {openpyxl.utils.get_column_letter(COLUMN[name]) for name in wanted}
    guide = [row[0].value for row in book[GUIDE_SHEET].iter_rows()]
    assert {one.heading for one in FIELDS} <= set(guide)


def test_untouched_it_changes_nothing(units, clerk, two):
    upload = send(clerk, units["agency"], template_workbook(unit=units["agency"], actor=clerk), "mau.xlsx")
    assert (upload.read, upload.unchanged, upload.staged, upload.returned) == (1, 1, 0, 0)


def test_it_comes_back_without_questions_even_under_other_headings(units, clerk, two, tmp_path):
    # given a heading that somebody wrote anew, and a column dragged to the end
    book = opened(units, clerk)
    sheet = book[PEOPLE_SHEET]
    sheet.cell(1, COLUMN["home_town"]).value = "Gốc gác"
    book.save(path := tmp_path / "mau.xlsx")
    # when
    mapping = table_of(open_book(path, name="mau.xlsx")).mapping
    # then
    assert mapping.problems() == ()
    assert {one.field for one in mapping.columns} == set(COLUMN)
    assert next(one for one in mapping.columns if one.heading == "Gốc gác").reason == Reason.REMEMBERED


def test_a_hidden_sheet_that_somebody_else_made_is_passed_over(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Họ và tên", "Số CCCD"])
    book.active.append(["Hoa", "066185001234"])
    other = book.create_sheet("_hoso")
    other.sheet_state = "hidden"
    for strange in ("[" * 5000, '{"mapping": {"version": 1, "columns": [{"index": 1, "heading": "x", "field": "../etc"}]}}', "{}", None):
        other["A1"] = strange
        book.save(path := tmp_path / "x.xlsx")
        assert set(table_of(open_book(path, name="x.xlsx")).fields) == {"birth_name", "citizen_id"}


def test_who_may_not_edit_gets_none(client, units, clerk, two, tmp_path):
    stranger = user_make("xa")
    grant_make(stranger, Role.CLERK, units["elsewhere"])
    with pytest.raises(NotAllowed):
        template_workbook(unit=units["agency"], actor=stranger)
    client.force_login(stranger)
    address = reverse("admin:registry_staffprofile_template")
    assert client.get(address, {"unit": str(units["agency"].pk)}).status_code == 404
    assert client.get(address, {"unit": "no uuid"}).status_code == 404
    client.force_login(clerk)
    response = client.get(address, {"unit": str(units["agency"].pk)})
    assert response["Content-Disposition"] == 'attachment; filename="mau-H15.70.xlsx"'
    assert len(list(table_of(open_book(saved(tmp_path, response.content), name="x.xlsx")).rows())) == 1
