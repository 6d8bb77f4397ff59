"""From a messy list to a clean request: columns matched and remembered, repairs by cause, cells corrected in both places, undo."""

from __future__ import annotations

import io
import json
from io import StringIO

import openpyxl
import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from tablib import Dataset

from orgtree.choices import Role
from registry.choices import ChangeKind, RowState, UploadState
from registry.importing import PeopleImport
from registry.mapping import MappingInvalid, Part
from registry.models import SenderRecipe, Upload, UploadRepair
from registry.returned import returned_workbook
from registry.selectors.acts import field_is_open
from registry.selectors.upload_causes import cause_effects, cause_lines, repair_lines
from registry.selectors.upload_changes import change_page, field_totals, new_file_page
from registry.selectors.upload_grid import grid_columns, grid_rows
from registry.selectors.uploads import upload_job
from registry.services.upload_fixing import CellEdit, cells_edit, reason_give, repair_agree, repair_take_back, rows_leave_out
from registry.services.upload_mapping import MappingUnusable, mapping_choose, mapping_import, mapping_now
from registry.services.uploads import upload_process, upload_receive, upload_submit, uploads_resume
from tests.factories import grant_make, user_make
from tests.registry.people import TODAY, live_make, person, places
from tests.uploads.workbooks import FIRST_ROW, grid, right, send, workbook
from workflows.choices import Act, JobState
from workflows.errors import NotAllowed, WrongState
from workflows.models import Contribution

pytestmark = pytest.mark.django_db
UNSURE = "Nơi ở hiện nai"  # nearly a heading of the template


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


def renamed(row):
    return {UNSURE if name == "Nơi ở hiện nay" else name: cell for name, cell in row.items()}


def dotted(number, **changes):
    """A row with its dates as dd.mm.yyyy and its number without the zero."""
    row = right(number, **changes)
    dates = {name: cell.replace("/", ".") for name, cell in row.items() if isinstance(cell, str) and cell[2:3] == "/" and len(cell) == 10}
    return {**row, **dates, "Số CCCD": int(row["Số CCCD"])}


def settled(upload):
    return upload_process(upload=Upload.objects.get(pk=upload.pk))


def choices(upload, **changed):
    chosen = {one["column"]: (one["field"], Part(one["part"])) for one in upload.mapping}
    return chosen | {column: (field, Part.WHOLE) for column, field in changed.items()}


# --- columns -----------------------------------------------------------------------------------------------------------


def test_an_unsure_column_is_asked_about_once_and_then_remembered(clerk, units):
    upload = send(clerk, units["agency"], workbook([renamed(right(1))]))
    assert (upload.state, upload.read, upload.rows.count()) == (UploadState.MAPPING, 0, 0)
    # when
    upload = settled(mapping_choose(actor=clerk, upload=upload, choices=choices(upload)))
    assert (upload.state, upload.staged) == (UploadState.STAGED, 1)
    # then the next file with these headings is not asked about
    again = send(clerk, units["agency"], workbook([renamed(right(2, **{"Họ và tên": "LÊ MƠ"}))]))
    assert (again.state, again.staged) == (UploadState.STAGED, 1)
    assert next(one for one in again.mapping if one["heading"] == UNSURE)["field"] == "current_address"


def test_one_can_come_back_to_the_columns_and_what_people_gave_stays(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1, **{"Điện thoại": "12"})]))
    (phone,) = (one["column"] for one in upload.mapping if one["field"] == "phone")
    upload = cells_edit(actor=clerk, upload=upload, edits=[CellEdit(FIRST_ROW, phone, "12", "0912345678")]).upload
    upload = settled(mapping_choose(actor=clerk, upload=upload, choices=choices(upload, B=None)))
    assert [one["field"] for one in upload.mapping if one["column"] == "B"] == [None]
    assert upload.rows.get().edits == {phone: "0912345678"}


def test_columns_that_cannot_be_read_with_are_refused_in_words(clerk, units):
    upload = send(clerk, units["agency"], workbook([renamed(right(1))]))
    with pytest.raises(MappingUnusable, match="B, L"):
        mapping_choose(actor=clerk, upload=upload, choices=choices(upload, B="current_address"))
    stranger = user_make()
    with pytest.raises(NotAllowed):
        mapping_choose(actor=stranger, upload=upload, choices=choices(upload))


def test_a_mapping_is_taken_along_as_a_file(clerk, units):
    upload = send(clerk, units["agency"], workbook([renamed(right(1))]))
    saved = json.loads(json.dumps(mapping_now(upload).chosen(2, None).to_json()))
    assert mapping_import(actor=clerk, upload=upload, exported=saved).columns[1].field is None
    with pytest.raises(MappingInvalid):
        mapping_import(actor=clerk, upload=upload, exported={"columns": "x"})


# --- repairs -------------------------------------------------------------------------------------------------------------


def test_a_repair_is_shown_made_undone_and_replayed(clerk, units):
    rows = [dotted(number, **{"Họ và tên": f"Lê Văn {'ABCD'[number]}"}) for number in range(4)]
    upload = send(clerk, units["agency"], workbook(rows))
    assert (upload.staged, upload.returned) == (0, 4)
    dates, numbers = cause_lines(upload=upload)
    assert (dates.field, dates.cause, dates.certain, dates.cells) == ("", "date_dots", True, 28)
    assert (numbers.field, numbers.cause, numbers.certain, numbers.cells) == ("citizen_id", "number_zeros", False, 4)
    assert ("15.08.1985", "15/08/1985", 4) in cause_effects(upload=upload, field="", cause="date_dots", op=dates.op)
    # when
    for one in (dates, numbers):
        assert repair_agree(actor=clerk, upload=upload, field=one.field, cause=one.cause, op=one.op) == 4
    upload.refresh_from_db()
    assert (upload.state, upload.staged, upload.returned) == (UploadState.STAGED, 4, 0)
    assert upload.rows.get(sheet_row=FIRST_ROW).raw["E"] == 66185000000  # what was sent stays as it was sent
    # then the next file of the unit is repaired so, but for who somebody is, which is shown first
    again = send(clerk, units["agency"], workbook([dotted(7, **{"Họ và tên": "Lê Hai"})]))
    assert [one.cause for one in cause_lines(upload=again)] == ["number_zeros"]
    assert {one.replayed for one in repair_lines(upload=again)} == {True}
    # and undone
    one = UploadRepair.objects.get(upload=upload, recipe__field="birth_date")
    upload = repair_take_back(actor=clerk, upload=upload, repair_id=one.pk)
    assert (upload.staged, upload.returned) == (0, 4)
    assert not SenderRecipe.objects.filter(recipe__field="birth_date").exists()
    with pytest.raises(UploadRepair.DoesNotExist):
        repair_take_back(actor=clerk, upload=upload, repair_id=one.pk)


# --- cells ---------------------------------------------------------------------------------------------------------------


def test_a_corrected_cell_is_checked_at_once_and_an_older_look_is_refused(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1, **{"Điện thoại": "12"}), right(2, **{"Họ và tên": "LÊ MƠ"})]))
    (phone,) = (one["column"] for one in upload.mapping if one["field"] == "phone")
    done = cells_edit(actor=clerk, upload=upload, edits=[CellEdit(FIRST_ROW, phone, "12", "0912345678")])
    assert (done.upload.staged, done.upload.returned, done.refused) == (2, 0, [])
    # when somebody else still looks at what was there before
    late = cells_edit(actor=clerk, upload=upload, edits=[CellEdit(FIRST_ROW, phone, "12", "0999999999")])
    assert [(edit.after, here) for edit, here in late.refused] == [("0999999999", "0912345678")]
    assert upload.rows.get(sheet_row=FIRST_ROW).edits == {phone: "0912345678"}


def test_a_helper_who_corrects_can_never_decide(clerk, units):
    helper = user_make()
    grant_make(helper, Role.CLERK, units["agency"])
    upload = send(clerk, units["agency"], workbook([right(1, **{"Điện thoại": "12"})]))
    (phone,) = (one["column"] for one in upload.mapping if one["field"] == "phone")
    upload = cells_edit(actor=helper, upload=upload, edits=[CellEdit(FIRST_ROW, phone, "12", "0912345678")]).upload
    upload = upload_submit(actor=clerk, upload=upload)
    assert Contribution.objects.filter(request=upload.request, user=helper, part="repairer").exists()


def test_a_row_twice_is_found_when_a_cell_makes_it_so(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1), right(2, **{"Họ và tên": "LÊ MƠ"})]))
    upload = cells_edit(actor=clerk, upload=upload, edits=[CellEdit(FIRST_ROW + 1, "E", "066185000002", "066185000001")]).upload
    assert [(one.sheet_row, one.code, one.value) for one in upload.findings.filter(code="ROW_TWICE")] == [(5, "ROW_TWICE", "4, 5")]


def test_the_returned_workbook_comes_back_to_its_rows_both_ways(clerk, units):
    # given two wrong rows in a workbook that goes out to be corrected
    upload = send(
        clerk, units["agency"], workbook([right(1, **{"Điện thoại": "12"}), right(2, **{"Họ và tên": "LÊ MƠ", "Điện thoại": "34", "Hệ số": 9})])
    )
    (phone,) = (one["column"] for one in upload.mapping if one["field"] == "phone")
    book = openpyxl.load_workbook(io.BytesIO(returned_workbook(upload)))
    sheet = book.worksheets[0]
    assert book["_hoso_rows"].sheet_state == "veryHidden"
    place = next(column for column in range(1, sheet.max_column + 1) if sheet.cell(1, column).value == "Điện thoại")
    cell = sheet.cell(2, place)
    assert (cell.value, cell.fill.fgColor.rgb, "12" in cell.comment.text) == ("12", "FFFDE2DC", True)
    # when one cell is corrected there, another one here, and one on both sides
    sheet.cell(2, place).value = "0911111111"
    sheet.cell(3, place).value = "0922222222"
    cells_edit(actor=clerk, upload=upload, edits=[CellEdit(FIRST_ROW + 1, phone, "34", "0933333333"), CellEdit(FIRST_ROW + 1, "X", "9", "3.99")])
    out = io.BytesIO()
    book.save(out)
    back = send(clerk, units["agency"], out.getvalue(), "sua.xlsx")
    # then
    assert (back.state, back.corrects_id, back.read) == (UploadState.MERGED, upload.pk, 0)
    assert upload_job(upload=upload).state == JobState.QUEUED  # the first one goes on at once, to be watched on its page
    upload = settled(upload)
    assert upload.rows.get(sheet_row=FIRST_ROW).edits == {phone: "0911111111"}
    assert upload.rows.get(sheet_row=FIRST_ROW + 1).edits == {phone: "0933333333", "X": "3.99"}
    assert [(one.sheet_row, one.value, one.params["here"]) for one in upload.findings.filter(code="CORRECTED_TWICE")] == [
        (FIRST_ROW + 1, "0922222222", "0933333333")
    ]
    assert (upload.staged, upload.returned) == (2, 0)


def test_a_mark_of_somebody_elses_upload_means_nothing(clerk, units):
    stranger = user_make()
    grant_make(stranger, Role.CLERK, units["elsewhere"])
    upload = send(clerk, units["agency"], workbook([right(1, **{"Điện thoại": "12"})]))
    back = send(stranger, units["elsewhere"], returned_workbook(upload), "sua.xlsx")
    assert back.state != UploadState.MERGED
    assert upload.rows.get().edits == {}


def test_a_row_is_left_out_and_taken_in_again(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1), right(2, **{"Họ và tên": "LÊ MƠ", "Điện thoại": "12"})]))
    upload = rows_leave_out(actor=clerk, upload=upload, rows=[FIRST_ROW + 1])
    assert (upload.staged, upload.returned, upload.left_out, upload.findings.filter(severity="error").count()) == (1, 0, 1, 0)
    upload = rows_leave_out(actor=clerk, upload=upload, rows=[FIRST_ROW + 1], out=False)
    assert (upload.staged, upload.returned, upload.left_out) == (1, 1, 0)


# --- what changes, and submitting ----------------------------------------------------------------------------------------


def test_cells_before_and_after_by_kind(clerk, units):
    live_make(person(units, citizen_id="066185000001", staff_number=None, phone=None))
    row = right(1, **{"Nơi ở hiện nay": "Thôn 3, xã Ea Kao"})
    upload = send(clerk, units["agency"], workbook([row, right(2, **{"Họ và tên": "LÊ MƠ"})]))
    assert {name: upload.counts[name] for name in ("new", "changed", "fill", "overwrite", "conflict")} == {
        "new": 1, "changed": 1, "fill": 1, "overwrite": 1, "conflict": 0,
    }  # fmt: skip
    cells, after = change_page(upload=upload, kind=ChangeKind.OVERWRITE, field="current_address")
    (cell,) = cells
    assert (list(cell.change.before), list(cell.change.after), after) == (
        ["12 Lê Duẩn, phường Buôn Ma Thuột, tỉnh Đắk Lắk"],
        ["Thôn 3, xã Ea Kao"],
        None,
    )
    assert [(one.field, one.cells) for one in field_totals(upload=upload, kind=ChangeKind.FILL)] == [("phone", 1)]
    first, place = change_page(upload=upload, limit=1)
    rest, _end = change_page(upload=upload, limit=5, after=place)
    assert len(first) + len(rest) == 2
    assert [one.name for one in new_file_page(upload=upload)[0]] == ["Lê Mơ"]


def test_the_clean_rows_go_now_and_the_rest_later(clerk, units):
    upload = send(clerk, units["agency"], workbook([right(1), right(2, **{"Họ và tên": "LÊ MƠ", "Điện thoại": "12"})]))
    first = upload_submit(actor=clerk, upload=upload)
    assert (first.state, first.staged, first.returned, first.counts["submitted"]) == (UploadState.SUBMITTED, 1, 1, 1)
    (phone,) = (one["column"] for one in upload.mapping if one["field"] == "phone")
    upload = cells_edit(actor=clerk, upload=first, edits=[CellEdit(FIRST_ROW + 1, phone, "12", "0912345678")]).upload
    assert upload.state == UploadState.PARTLY
    second = upload_submit(actor=clerk, upload=upload)
    assert (second.state, second.returned, second.counts["submitted"]) == (UploadState.SUBMITTED, 0, 2)
    assert [one.rows for one in second.submissions.all()] == [1, 1]
    assert second.request_id != first.request_id
    with pytest.raises(WrongState):
        upload_submit(actor=clerk, upload=second)


def test_more_rows_than_a_request_holds_become_several(clerk, units, monkeypatch):
    from registry.services import upload_checking, upload_loading, upload_submitting

    for module in (upload_checking, upload_submitting):
        monkeypatch.setattr(module, "MAXIMUM", 2)
    monkeypatch.setattr(upload_loading, "COPIED_AT_ONCE", 2)
    names = ["LÊ AN", "LÊ BÌNH", "LÊ CHI", "LÊ DU", "LÊ EM"]
    upload = send(clerk, units["agency"], workbook([right(number, **{"Họ và tên": name}) for number, name in enumerate(names)]))
    assert (upload.read, upload.staged) == (5, 5)
    assert list(upload.rows.order_by("sheet_row").values_list("sheet_row", "values__birth_name")) == list(
        enumerate(["Lê An", "Lê Bình", "Lê Chi", "Lê Du", "Lê Em"], start=FIRST_ROW)
    )
    upload = upload_submit(actor=clerk, upload=upload)
    assert ([one.rows for one in upload.submissions.all()], upload.counts["submitted"]) == ([2, 2, 1], 5)


def test_a_quicker_request_sends_the_rows_back_to_be_checked(clerk, units, monkeypatch):
    from registry.services import upload_submitting
    from workflows.errors import RecordBusy

    upload = send(clerk, units["agency"], workbook([right(1)]))
    monkeypatch.setattr(upload_submitting, "request_submit", lambda **_: (_ for _ in ()).throw(RecordBusy()))
    upload = upload_submit(actor=clerk, upload=upload)
    assert (upload.state, upload.staged, upload.submissions.count(), upload.request) == (UploadState.STAGED, 1, 0, None)


def test_a_withdrawn_request_gives_its_rows_back(clerk, units):
    from workflows.services.submission import request_withdraw

    upload = upload_submit(actor=clerk, upload=send(clerk, units["agency"], workbook([right(1)])))
    request_withdraw(actor=clerk, request_id=upload.request_id)
    from registry.services.uploads import upload_recheck

    upload = settled(upload_recheck(actor=clerk, upload=upload))
    assert (upload.state, upload.staged, upload.rows.get().state) == (UploadState.STAGED, 1, RowState.STAGED)


def test_what_lies_about_is_taken_up_again(clerk, units, monkeypatch):
    from registry.services import uploads

    sent = []
    monkeypatch.setattr(uploads, "send_on_commit", lambda task, *ids: sent.append((task, *ids)))
    body = workbook([right(1)])
    upload = upload_receive(actor=clerk, unit=units["agency"], file=ContentFile(body, "a.xlsx"), name="a.xlsx")
    assert uploads_resume() == 1
    assert sent == [(uploads.PROCESS_TASK, str(upload.pk))]
    upload_process(upload=upload)
    assert uploads_resume() == 0


# --- pages -----------------------------------------------------------------------------------------------------------------


def test_the_grid_answers_the_row_as_it_now_stands(clerk, units, client):
    upload = send(clerk, units["agency"], workbook([right(1, **{"Điện thoại": "12"})]))
    (phone,) = (one["column"] for one in upload.mapping if one["field"] == "phone")
    client.force_login(clerk)
    address = reverse("registry:upload_cells", args=[upload.pk])
    edit = {"row": FIRST_ROW, "column": phone, "before": "12", "after": "0912345678"}
    answer = client.post(address, json.dumps({"edits": [edit]}), content_type="application/json")
    row = answer.json()["rows"][str(FIRST_ROW)]
    assert (row["state"], row["cells"][phone]["grade"], answer.json()["left"]) == ("staged", "", 0)
    for wrong in ("", "[]", '{"edits": [{"row": "x"}]}', '{"edits": []}', '{"edits": 5}'):
        assert client.post(address, wrong, content_type="application/json").status_code == 422
    refused = client.post(address, json.dumps({"edits": [edit]}), content_type="application/json").json()
    assert refused["refused"] == []  # the same correction once more changes nothing


def test_two_tables_of_the_same_bytes_say_what_came_of_the_first(clerk, units, client):
    body = workbook([right(1)])
    send(clerk, units["agency"], body)
    again = send(clerk, units["agency"], body)
    client.force_login(clerk)
    page = client.get(reverse("registry:upload_detail", args=[again.pk]))
    assert "Bạn đã nạp đúng tệp này" in page.content.decode()


def test_nobody_is_asked_about_a_sheet_without_any_heading(clerk, units):
    assert send(clerk, units["agency"], grid([[1, 2], [3, 4]])).state == UploadState.REFUSED


def test_a_reason_is_asked_for_what_was_verified(clerk, units, monkeypatch):
    # given somebody whose name came through a signed approval: here the question alone is answered so
    from registry.services import upload_checking

    monkeypatch.setattr(
        upload_checking, "_VERIFY", "update registry_uploadchange set verified = true where upload_id = %(upload)s and field = any(%(harmful)s)"
    )
    live_make(person(units, citizen_id="066185000001", staff_number=None, birth_name="Nguyễn Thị Hoa Mai"))
    upload = send(clerk, units["agency"], workbook([right(1)]))
    assert [(one.code, one.field) for one in upload.findings.filter(severity="error")] == [("REASON_MISSING", "birth_name")]
    upload = reason_give(actor=clerk, upload=upload, field="birth_name", reason="Giấy khai sinh số 12/2019")
    assert (upload.staged, upload.returned) == (1, 0)
    upload = upload_submit(actor=clerk, upload=upload)
    assert upload.request.findings.get(code="OVERWRITE_REASON").value == "Giấy khai sinh số 12/2019"


def test_a_workbook_overwrites_without_a_reason_what_a_new_fact_may_write_by_hand(clerk, units):
    # given one person for each field, on file with a value, and a workbook in which that field alone is another
    others = {
        "Giới tính": "Nam", "Nơi sinh": "Xã Ea Kao", "Quê quán": "Xã Hòa Xuân", "Dân tộc": "Ê đê", "Ngày tuyển dụng": "01/09/2009",
        "Cơ quan tuyển dụng": "Tỉnh ủy", "Tôn giáo": "Phật giáo", "Điện thoại": "0987654321", "Nơi ở hiện nay": "Thôn 3, xã Ea Kao",
        "Ngày vào cơ quan hiện nay": "02/07/2025", "Loại cán bộ": "Viên chức",
    }  # fmt: skip
    names = [f"Lê Thị {letter}a" for letter in "BCDGHKLMNST"]
    number = {place: f"0661850{place:05}" if place else "066085000000" for place in range(len(others))}  # a man's number where the sex becomes his
    live_make(*(person(units, citizen_id=number[place], staff_number=None, birth_name=name) for place, name in enumerate(names)))
    rows = [right(**{"Số CCCD": number[place], "Họ và tên": names[place], heading: text}) for place, (heading, text) in enumerate(others.items())]
    # when it is sent by the clerk who may change them all by hand
    upload = send(clerk, units["agency"], workbook(rows))
    # then exactly those corrections wait for a reason that by hand want one, too
    changes = set(upload.changes.filter(kind=ChangeKind.OVERWRITE).values_list("field", flat=True))
    assert len(changes) == len(others)
    asked = {field for field in changes if not field_is_open(field, act=Act.RECORD, base=person(units))}
    assert set(upload.findings.filter(code="REASON_MISSING").values_list("field", flat=True)) == asked
    assert 0 < len(asked) < len(others)
    # and with the reason the gate gets every one of them
    for field in asked:
        upload = reason_give(actor=clerk, upload=upload, field=field, reason="Theo lý lịch gốc")
    assert not upload.findings.filter(code="REASON_MISSING").exists()


# --- shells ----------------------------------------------------------------------------------------------------------------


def test_the_command_matches_repairs_and_submits(clerk, units, tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook([renamed({**dotted(1), "Số CCCD": "066185000001"})]))
    arguments = [str(path), "--unit", "H15.70", "--as", "lan"]
    with pytest.raises(CommandError, match="--columns"):
        call_command("upload", *arguments, stdout=StringIO())
    out = StringIO()
    call_command("upload", *arguments, "--columns", "-", "--repair", "--submit", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told["state"], told["staged"], told["new"], told["requests"][0]["rows"]) == ("submitted", 1, 1, 1)


def test_import_exports_command_goes_the_same_way(clerk, units, tmp_path):
    rows = [right(1), right(2, **{"Họ và tên": "LÊ MƠ", "Điện thoại": "12"})]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(",".join(f'"{one}"' for one in line) for line in [rows[0].keys(), *(row.values() for row in rows)]), encoding="utf-8")
    resource = "registry.resources.StaffProfileResource"
    with pytest.raises(CommandError, match="--unit"):
        call_command("import", resource, str(path), "--noinput")
    out, said = StringIO(), StringIO()
    with pytest.raises(SystemExit):  # a row was refused
        call_command("import", resource, str(path), "--noinput", "--unit", "H15.70", "--as", "lan", stdout=out, stderr=said)
    assert (out.getvalue().strip(), "Điện thoại" in said.getvalue() or "điện thoại" in said.getvalue()) == ("new: 1, error: 1", True)
    upload = Upload.objects.get()
    assert (upload.state, upload.counts["submitted"]) == (UploadState.SUBMITTED, 1)


def test_a_masked_value_of_an_exported_list_changes_nothing(clerk, units):
    live_make(person(units, citizen_id="066185000001", staff_number=None, health="Tốt", blood_group="O"))
    masked = {"Tình trạng sức khỏe": "••••", "Nhóm máu": "••••", "Số BHXH": "•••••••321"}
    upload = send(clerk, units["agency"], workbook([right(1, **masked)]))
    assert (upload.unchanged, upload.staged, upload.returned) == (1, 0, 0), list(upload.findings.values_list("code", "field", "value"))


def test_a_dry_run_submits_nothing(clerk, units):
    row = right(1)
    resource = PeopleImport(user=clerk, unit=units["agency"])
    result = resource.import_data(Dataset(list(row.values()), headers=list(row)), dry_run=True)
    assert (result.totals["new"], result.has_errors(), resource.upload.state, resource.upload.request) == (1, False, UploadState.STAGED, None)


def test_the_grid_and_the_returned_workbook_show_what_the_repairs_have_made_of_a_cell(clerk, units):
    # given a list in .VnTime of which one phone number is wrong, and the repair of its letters
    row = {**right(1), "Họ và tên": "NguyÔn Anh Hïng", "Giới tính": "Nam", "Số CCCD": "066085000001", "Điện thoại": "xem sổ"}
    upload = send(clerk, units["agency"], workbook([row]))
    repair_agree(actor=clerk, upload=upload, field="", cause="old_encoding", op="decode")
    upload = Upload.objects.get(pk=upload.pk)
    letters = {one["field"]: one["column"] for one in upload.mapping}
    # then
    (line,) = grid_rows(upload=upload, rows=list(upload.rows.all()), columns=grid_columns(upload=upload, letters=[letters["birth_name"]]))
    assert [one.text for one in line.cells] == ["Nguyễn Anh Hùng"]
    sheet = openpyxl.load_workbook(io.BytesIO(returned_workbook(upload))).worksheets[0]
    assert "Nguyễn Anh Hùng" in [cell.value for cell in sheet[2]]
    # and it is corrected from what is shown
    edit = CellEdit(FIRST_ROW, letters["birth_name"], "Nguyễn Anh Hùng", "Nguyễn Anh Hưng")
    done = cells_edit(actor=clerk, upload=upload, edits=[edit])
    assert (len(done.taken), upload.rows.get().values["birth_name"]) == (1, "Nguyễn Anh Hưng")


def test_leaving_out_or_correcting_one_of_two_rows_of_a_person_frees_the_other(clerk, units):
    rows = [right(1), {**right(1), "Điện thoại": "0987111222"}, right(3), {**right(3), "Họ và tên": "Lê Thị Mơ"}]
    upload = send(clerk, units["agency"], workbook(rows))
    assert (upload.staged, upload.returned) == (0, 4)
    # when one of the first two is left out, and the number of the fourth is put right
    upload = rows_leave_out(actor=clerk, upload=upload, rows=[FIRST_ROW + 1])
    letter = next(one["column"] for one in upload.mapping if one["field"] == "citizen_id")
    upload = cells_edit(actor=clerk, upload=upload, edits=[CellEdit(FIRST_ROW + 3, letter, "066185000003", "066185000004")]).upload
    # then
    assert (upload.staged, upload.returned, upload.left_out) == (3, 0, 1)
