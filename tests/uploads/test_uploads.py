"""From a workbook to a change request: counts that add up, findings at their cells, and nobody's file but one's own."""

from __future__ import annotations

import json
from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import override_settings
from django.utils import translation

from orgtree.choices import Role
from registry.choices import RowState, UploadState
from registry.models import StaffProfile, Upload
from registry.reading import WorkbookRefused
from registry.selectors.upload_causes import other_lines
from registry.selectors.uploads import upload_findings, upload_get, upload_list
from registry.services.uploads import upload_process, upload_receive, upload_submit
from tests.factories import grant_make, user_make
from tests.registry.people import TODAY, live_make, person, places, posting
from tests.uploads.workbooks import FIRST_ROW, RIGHT, found, grid, replaced, right, saved, send, workbook
from workflows.choices import JobState, RequestState
from workflows.documents import parse
from workflows.errors import NotAllowed, WrongState
from workflows.models import AuditEvent, ChangeRequest, Contribution, JobRun

pytestmark = pytest.mark.django_db
SHEET = "xl/worksheets/sheet1.xml"


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


def documents(upload: Upload) -> list[dict]:
    """What the upload proposes, as its request holds it."""
    upload = upload_submit(actor=upload.uploader, upload=upload)
    items = upload.request.items.select_related("document").order_by("leaf_index")
    return [parse(bytes(item.document.body)) for item in items]


def test_a_right_row_becomes_a_document_without_a_finding(clerk, units):
    # when
    upload = send(clerk, units["agency"], workbook([right()]))
    # then
    assert (upload.state, upload.read, upload.staged, upload.returned, upload.unchanged) == (UploadState.STAGED, 1, 1, 0, 0)
    assert found(upload) == [(0, "A", "COLUMN_IGNORED")]
    assert upload.request is None
    (document,) = documents(upload)
    expected = person(units, staff_number=None, party_join_date=None)
    assert document == expected
    assert (upload.sheet, upload.heading_row) == ("Danh sách", 3)
    second = upload.mapping[1]
    assert (second["column"], second["heading"], second["field"], second["samples"]) == ("B", "Họ và tên", "birth_name", ["Nguyễn Thị Hoa"])


def test_rows_read_are_staged_returned_or_unchanged(clerk, units):
    # given one on file who stays as she is, one who changes, one new, and one who is wrong
    same = person(units, citizen_id="066185000001", staff_number=None)
    moved = person(units, citizen_id="066185000002", staff_number=None)
    live_make(same, moved)
    rows = [right(1), right(2, **{"Điện thoại": "0987654321"}), right(3, **{"Họ và tên": "LÊ THỊ MƠ"}), right(4, **{"Ngày sinh": "31/02/1985"})]
    # when
    upload = send(clerk, units["agency"], workbook([{**row, "Cơ quan tuyển dụng": same["recruiting_agency"]} for row in rows]))
    # then
    assert (upload.read, upload.staged, upload.returned, upload.unchanged) == (4, 2, 1, 1)
    states = dict(upload.rows.values_list("sheet_row", "state"))
    assert states == {FIRST_ROW: RowState.UNCHANGED, FIRST_ROW + 1: RowState.STAGED, FIRST_ROW + 2: RowState.STAGED, FIRST_ROW + 3: RowState.RETURNED}
    # the change is on the person's own file, and an empty cell took nothing away
    change = upload.rows.get(op="update")
    assert (change.key, change.changed) == (StaffProfile.objects.get(citizen_id="066185000002").pk, ["phone"])
    assert upload.rows.get(op="create").sheet_row == FIRST_ROW + 2
    assert (upload.counts["new"], upload.counts["changed"], upload.counts["missing"]) == (1, 1, 0)


def test_a_row_with_an_error_never_becomes_an_item(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1, **{"Hệ số": 2.34})]))
    assert (upload.state, upload.request, upload.returned) == (UploadState.EMPTY, None, 1)
    assert ChangeRequest.objects.count() == 0
    (finding,) = upload.findings.filter(severity="error")
    assert (finding.sheet_row, finding.column, finding.heading, finding.code, finding.value) == (4, "X", "Hệ số", "COEFFICIENT_SCALE", "2.34 → 3.99")


def test_all_errors_of_a_row_are_told_at_once_and_each_once(clerk, units):
    # given a row wrong in its cells and wrong by the rules
    wrong = right(1, **{"Ngày cấp": "31/02/2021", "Số CCCD": 66185001234, "Hệ số": 2.34, "Cơ quan tuyển dụng": None, "Điện thoại": "123"})
    # when
    upload = send(clerk, units["agency"], workbook([wrong]))
    # then: a date that cannot be read is not also reported missing
    errors = set(upload.findings.filter(severity="error").values_list("field", "code"))
    assert errors == {
        ("citizen_id_date", "DATE_CALENDAR"),
        ("citizen_id", "LOST_ZERO"),
        ("coefficient", "COEFFICIENT_SCALE"),
        ("recruiting_agency", "REQUIRED"),
        ("phone", "PHONE_FORM"),
    }


def test_a_formula_is_told_with_its_cell(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1, Bậc="=1+5"), right(2)]))
    assert (upload.staged, upload.returned) == (1, 1)
    (line,) = [one for one in upload_findings(upload=upload) if one.severity == "error"]
    assert (line.sheet_row, line.column, line.code) == (4, "W", "CELL_FORMULA")
    with translation.override("en"):
        (line,) = [one for one in upload_findings(upload=upload) if one.severity == "error"]
    assert line.message == "Cell W4 holds a formula; only values are read."


def test_merged_cells_and_error_cells_are_told(clerk, units):
    body = workbook([right(1), right(2)])
    body = replaced(body, SHEET, b"</sheetData>", b'</sheetData><mergeCells count="1"><mergeCell ref="M4:M5"/></mergeCells>')
    body = replaced(body, SHEET, b'<c r="W5"><v>6</v>', b'<c r="W5" t="e"><v>#REF!</v>')
    upload = send(clerk, units["agency"], body)
    assert [one for one in found(upload) if one[0]] == [(4, "M", "CELL_MERGED"), (5, "M", "CELL_MERGED"), (5, "W", "CELL_ERROR")]


def test_one_person_in_two_rows(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1), right(2), right(1, **{"Họ và tên": "Trần Thị Mai"})]))
    assert (upload.staged, upload.returned) == (1, 2)
    assert [(one.sheet_row, one.code, one.value) for one in upload.findings.filter(severity="error")] == [
        (4, "ROW_TWICE", "4, 6"),
        (6, "ROW_TWICE", "4, 6"),
    ]


def test_one_person_on_file_in_two_rows(clerk, units):
    live_make(person(units, citizen_id="066185000001", staff_number=None))
    upload = send(clerk, units["agency"], workbook([right(1), right(1, **{"Điện thoại": "0987654321"})]))
    assert (upload.read, upload.returned) == (2, 2)
    assert [(one.sheet_row, one.code) for one in upload.findings.filter(severity="error")] == [(4, "ROW_TWICE"), (5, "ROW_TWICE")]


def test_a_unit_elsewhere_and_a_unit_out_of_scope_are_two_things(clerk, units):
    # given a clerk of two agencies, and a third
    grant_make(clerk, Role.CLERK, units["elsewhere"])
    third = places()["agency"]
    with transaction.atomic():
        upload = send(clerk, units["agency"], workbook([right(1, **{"Mã đơn vị": "H15.71"}), right(2, **{"Mã đơn vị": "H99.1"})]))
    assert [(one.column, one.code) for one in upload.findings.filter(severity="error")] == [("M", "UNIT_ELSEWHERE"), ("M", "UNIT_NAME_UNKNOWN")]
    assert third.code == "H15.70"


def test_a_unit_out_of_scope(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1, **{"Mã đơn vị": "H15.71"})]))
    assert [(one.column, one.code) for one in upload.findings.filter(severity="error")] == [("M", "UNIT_OUT_OF_SCOPE")]


def test_somebody_elses_file_is_neither_changed_nor_described(clerk, units):
    # given a person of another agency, whose file would break a rule with this row
    there = units["elsewhere"]
    place = {"managing_agency": str(there.pk), "using_unit": str(there.pk), "postings": [posting(there)]}
    live_make(person(units, citizen_id="066185000001", **place))
    # when
    upload = send(clerk, units["agency"], workbook([right(1, **{"Hệ số": 2.34})]))
    # then
    assert (upload.returned, upload.request) == (1, None)
    assert [(one.code, one.value) for one in upload.findings.filter(severity="error")] == [("PERSON_ELSEWHERE", "066185000001")]


def test_a_sheet_without_unit_columns_speaks_of_its_unit(clerk, units):
    row = {name: value for name, value in right(1).items() if name != "Mã đơn vị"}
    upload = send(clerk, units["office"], workbook([row]))
    (document,) = documents(upload)
    assert document["managing_agency"] == document["using_unit"] == document["postings"][0]["unit"] == str(units["office"].pk)


def test_a_new_post_ends_the_one_on_file_on_the_day_it_begins(clerk, units):
    live_make(person(units, citizen_id="066185000001", staff_number=None))
    upload = send(clerk, units["agency"], workbook([right(1, **{"Chức vụ": "Phó Chánh Văn phòng", "Ngày bổ nhiệm": "01/09/2026"})]))
    (document,) = documents(upload)
    periods = sorted((row["valid_from"], row["valid_to"], row["title"]) for row in document["postings"])
    assert periods == [("2025-07-01", "2026-09-01", "Chuyên viên"), ("2026-09-01", None, "Phó Chánh Văn phòng")]


@pytest.mark.parametrize(("since", "code"), [(None, "POST_DATE_MISSING"), ("01/06/2025", "POST_DATE_EARLY")])
def test_a_new_post_needs_its_day(clerk, units, since, code):
    live_make(person(units, citizen_id="066185000001", staff_number=None))
    upload = send(clerk, units["agency"], workbook([right(1, **{"Chức vụ": "Phó Chánh Văn phòng", "Ngày bổ nhiệm": since})]))
    assert [(one.column, one.code) for one in upload.findings.filter(severity="error")] == [("T", code)]


def test_the_same_post_with_another_beginning_is_a_correction(clerk, units):
    live_make(person(units, citizen_id="066185000001", staff_number=None))
    upload = send(clerk, units["agency"], workbook([right(1, **{"Ngày bổ nhiệm": "15/06/2025"})]))
    (document,) = documents(upload)
    assert [(row["valid_from"], row["valid_to"]) for row in document["postings"]] == [("2025-06-15", None)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"TT;Ho ten", "NO_HEADING_ROW"),
        (grid([]), "SHEET_EMPTY"),
        (grid([[1, 2, 3]]), "NO_HEADING_ROW"),
        (workbook([], headings=list(RIGHT)), "NO_ROWS"),
    ],
)
def test_a_refused_workbook_stages_nothing_and_says_why(clerk, units, body, code):
    upload = send(clerk, units["agency"], body)
    assert (upload.state, upload.request, upload.read) == (UploadState.REFUSED, None, 0)
    assert found(upload) == [(0, "", code)]
    assert ChangeRequest.objects.count() == 0
    assert AuditEvent.objects.filter(action="upload.refused").exists()
    assert JobRun.objects.get(subject=f"upload:{upload.pk}").state == JobState.DONE


def test_empty_and_too_large_files_are_not_even_kept(clerk, units):
    from django.core.files.base import ContentFile

    for body, limit, code in [(b"", 10, "FILE_EMPTY"), (b"x" * 11, 10, "FILE_TOO_LARGE")]:
        with override_settings(UPLOAD_MAX_BYTES=limit), pytest.raises(WorkbookRefused) as error:
            upload_receive(actor=clerk, unit=units["agency"], file=ContentFile(body, "a.xlsx"), name="a.xlsx")
        assert error.value.code == code
    assert Upload.objects.count() == 0


def test_the_same_file_twice_says_so(clerk, units):
    body = workbook([right(1)])
    first = send(clerk, units["agency"], body)
    second = send(clerk, units["agency"], body, "lan-hai.xlsx")
    assert second.same_as == first
    assert (0, "", "SAME_FILE") in found(second)
    assert first.file.name != second.file.name


def test_the_file_is_kept_under_a_name_of_our_own(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1)]), "../../../etc/passwd.xlsx")
    assert upload.file.name == f"uploads/{upload.pk}.xlsx"
    assert upload.name == "passwd.xlsx"


def test_only_who_may_edit_there_may_send(units):
    stranger, supervisor = user_make(), user_make()
    grant_make(stranger, Role.CLERK, units["elsewhere"])
    grant_make(supervisor, Role.SUPERVISOR, units["agency"])
    for user in (stranger, supervisor):
        with pytest.raises(NotAllowed):
            send(user, units["agency"], workbook([right(1)]))
    assert Upload.objects.count() == 0


def test_uploads_are_seen_in_their_scope_only(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1)]))
    stranger = user_make()
    grant_make(stranger, Role.CLERK, units["elsewhere"])
    assert list(upload_list(user=clerk)) == [upload]
    assert list(upload_list(user=stranger)) == []
    with pytest.raises(Upload.DoesNotExist):
        upload_get(user=stranger, upload_id=upload.pk)


def test_submitting(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1)]))
    other = user_make()
    grant_make(other, Role.CLERK, units["agency"])
    with pytest.raises(NotAllowed):
        upload_submit(actor=other, upload=upload)
    upload = upload_submit(actor=clerk, upload=upload)
    assert (upload.state, upload.request.state) == (UploadState.SUBMITTED, RequestState.IN_REVIEW)
    with pytest.raises(WrongState):
        upload_submit(actor=clerk, upload=upload)
    # the uploader has written part of it, and so can never decide on it
    assert Contribution.objects.filter(request=upload.request, user=clerk, part="uploader").exists()


def test_processing_again_changes_nothing(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1)]))
    again = upload_process(upload=upload)
    assert (again.state, again.findings.count(), ChangeRequest.objects.count()) == (upload.state, 1, 0)


def test_a_crash_stages_nothing_and_can_be_repeated(clerk, units, monkeypatch):
    from registry.services import upload_checking

    with monkeypatch.context() as patch:
        patch.setattr(upload_checking, "proposals_checked", lambda **_: (_ for _ in ()).throw(RuntimeError("the lights went out")))
        with pytest.raises(RuntimeError):
            send(clerk, units["agency"], workbook([right(1)]))
    upload = Upload.objects.get()
    assert (upload.state, upload.staged, upload.findings.filter(severity="error").count()) == (UploadState.FAILED, 0, 0)
    assert JobRun.objects.get().state == JobState.FAILED
    assert upload_process(upload=upload).state == UploadState.STAGED


def test_the_counts_add_up_by_constraint(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1)]))
    with pytest.raises(IntegrityError), transaction.atomic():
        Upload.objects.filter(pk=upload.pk).update(read=2)


def command(*arguments):
    out = StringIO()
    call_command("upload", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_what_the_issue_asks_for(clerk, units, tmp_path):
    path = saved(tmp_path, workbook([right(1), right(2, **{"Ngày sinh": "31/02/1985"})]))
    report = json.loads(command(str(path), "--unit", "000.70.H15", "--as", "lan", "--submit", "--json"))
    assert {name: report[name] for name in ("state", "read", "staged", "returned", "unchanged")} == {
        "state": "submitted", "read": 2, "staged": 1, "returned": 1, "unchanged": 0,
    }  # fmt: skip
    assert ChangeRequest.objects.get(pk=report["request"]).state == RequestState.IN_REVIEW
    (error,) = [one for one in report["findings"] if one["severity"] == "error"]
    assert (error["sheet_row"], error["column"], error["code"], error["value"]) == (5, "D", "DATE_CALENDAR", "31/02/1985")
    assert error["message"]


def test_the_table_says_of_every_returned_row_what_is_wrong_and_what_helps(clerk, units, tmp_path):
    # given a list that lacks most of what a file needs, and a date that one repair would help
    rows = [right(1), right(2), right(3, **{"Ngày sinh": "15.08.1985"})]
    few = ["Họ và tên", "Số CCCD", "Ngày sinh"]
    body = workbook([{name: row[name] for name in few} if number < 2 else row for number, row in enumerate(rows)], headings=list(RIGHT))
    # when
    with translation.override("vi"):
        table = command(str(saved(tmp_path, body)), "--unit", "000.70.H15", "--as", "lan").splitlines()
        upload = Upload.objects.get()
        alone = list(upload_findings(upload=upload, alone=True))
        others = other_lines(upload=upload)
    # then nothing that was found is left unsaid: by itself, or in the group that its repair would end
    assert (upload.returned, upload.findings.exclude(cause="").count()) == (3, 1)
    assert len(alone) == upload.findings.count() - 1
    assert len([line for line in table if " REQUIRED " in line]) == upload.findings.filter(code="REQUIRED").count() > 10
    assert any(line.split()[:3] == ["4", "J", "error"] and "Tôn giáo: " in line for line in table), table
    assert any("×" in line and "Ngày sinh" in line for line in table)
    assert {(one.code, one.cells) for one in others} >= {("POSTING_NONE_OPEN", 2)}
    assert all(one.message for one in others)


@pytest.mark.parametrize(
    ("unit", "user"),
    [("H15.99", "lan"), ("???", "lan"), ("H15.70", "nobody"), ("H15.71", "lan")],
    ids=["no such unit", "no code", "no such user", "not allowed"],
)
def test_the_command_names_what_is_wrong(clerk, units, tmp_path, unit, user):
    with pytest.raises(CommandError):
        command(str(saved(tmp_path, workbook([right(1)]))), "--unit", unit, "--as", user)
    assert Upload.objects.count() == 0


def test_the_command_fails_for_a_refused_workbook(clerk, units, tmp_path):
    with pytest.raises(CommandError):
        command(str(saved(tmp_path, b"no workbook")), "--unit", "H15.70", "--as", "lan")
    assert Upload.objects.get().state == UploadState.REFUSED


def test_the_demo_workbook_comes_out_as_it_is_documented(tmp_path, settings):
    from config.demo import people, province
    from config.demo import workbook as demo
    from tests.registry.test_rules import province_make

    # given the demo's province, the people of the commune on file, and their clerk
    settings.PINNED_TODAY = people.TODAY
    province_make(province.units())
    live_make(*(one.document for one in demo.known_here()))
    clerk = user_make("lan")
    expected = demo.expected_counts()
    from orgtree.models import OrgUnit

    unit = OrgUnit.objects.get(code=expected["unit"])
    grant_make(clerk, Role.CLERK, unit)
    demo.workbook_write(path := tmp_path / demo.NAME)
    # when
    upload = send(clerk, unit, path.read_bytes(), demo.NAME)
    # then
    errors = [(one.sheet_row, one.column, one.field, one.code) for one in upload.findings.filter(severity="error").order_by("sheet_row")]
    assert errors == [(one["sheet_row"], one["column"], one["field"], one["code"]) for one in expected["findings"]]
    assert (upload.read, upload.staged, upload.returned, upload.unchanged) == (expected["read"], expected["staged"], expected["returned"], 0)


def test_today_is_the_day_of_the_rules(clerk, units, settings):
    settings.PINNED_TODAY = date(2026, 10, 15)
    body = workbook([right(1, **{"Ngày hưởng": "16/10/2026"})])
    assert [code for _row, _column, code in found(send(clerk, units["agency"], body))] == ["COLUMN_IGNORED", "DATE_FUTURE"]
    settings.PINNED_TODAY = date(2026, 10, 16)
    assert [code for _row, _column, code in found(send(clerk, units["agency"], body))] == ["SAME_FILE", "COLUMN_IGNORED"]
