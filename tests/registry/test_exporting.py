"""Lists of people as files: what is in them, what is not, who may fetch them and for how long."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import openpyxl
import pytest
from django.urls import reverse

from orgtree import clock
from orgtree.choices import Role
from registry import exporting
from registry.choices import ListFormat
from registry.errors import ExportRefused
from registry.exporting import export_write
from registry.fields import FIELDS, LISTS
from registry.masking import CLASS_A
from registry.models import ListExport, StaffProfile
from registry.services.exports import export_ask, export_file, export_job, exports_send_again, exports_sweep, folder, path_of
from registry.tasks import exports, write_export
from registry.views import exports as pages
from tests.factories import grant_make, user_make
from tests.registry.people import TODAY, live_make, person, places, posting
from tests.uploads.workbooks import send
from workflows.choices import JobState
from workflows.errors import PurposeMissing
from workflows.models import AuditEvent, JobRun, ReadEvent
from workflows.services.marks import mark_propose

pytestmark = pytest.mark.django_db
ALL = [one.name for one in FIELDS]


@pytest.fixture(autouse=True)
def _world(settings, tmp_path):
    settings.PINNED_TODAY, settings.VAR_DIRECTORY = TODAY, tmp_path
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}}


@pytest.fixture
def units():
    return places()


@pytest.fixture
def clerk(units):
    return with_role(Role.CLERK, units["agency"])


def with_role(role, unit):
    user = user_make()
    grant_make(user, role, unit)
    return user


def asked(user, *, columns=ALL, format_=ListFormat.XLSX, **more) -> ListExport:
    return export_ask(actor=user, format_=format_, columns=columns, query=more.pop("query", {}), title="Danh sách", **more)[0]


def written(user, **more) -> ListExport:
    return export_write(asked(user, **more))


def whole(user, **more) -> ListExport:
    return written(user, whole=True, reason="decision", note="nâng lương", **more)


def sheets(export) -> dict[str, list[list[str]]]:
    book = openpyxl.load_workbook(path_of(export))
    return {sheet.title: [[cell.value or "" for cell in row] for row in sheet.rows] for sheet in book}


def lines(export) -> list[dict[str, str]]:
    with path_of(export).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_filled_field_and_row_is_in_the_workbook(clerk, units):
    # given somebody with rows in several lists
    live_make(
        person(
            units,
            health="Tốt",
            family=[{"relation": "03", "full_name": "Nguyễn Văn Cha", "birth_year": 1950, "description": "Nghỉ hưu"}],
            foreign_trips=[{"valid_from": "2019-03-01", "valid_to": None, "country": "Lào", "purpose": "Học tập", "decision_number": "7/QĐ"}],
        )
    )
    # when
    found = sheets(whole(clerk, lists=[one.name for one in LISTS]))
    # then
    line = dict(zip(*found["Hồ sơ"], strict=True))
    assert [one.heading for one in FIELDS] == list(line)
    assert (line["Số CCCD"], line["Ngày, tháng, năm sinh"], line["Hệ số lương"], line["Nơi ở hiện nay"]) == (
        *("066185001234", "15/08/1985", "3,99", "12 Lê Duẩn, phường Buôn Ma Thuột, tỉnh Đắk Lắk"),
    )
    cells = {text for rows in found.values() for row in rows[1:] for text in row}
    assert {"Nguyễn Văn Cha", "Nghỉ hưu", "1950", "Lào", "Học tập", "7/QĐ", "01/03/2019", "Chuyên viên"} <= cells
    assert len(found) == 1 + len(LISTS)


def test_columns_are_those_chosen_in_the_order_of_the_form(clerk, units):
    live_make(person(units))
    export = written(clerk, columns=["phone", "birth_name"], format_=ListFormat.CSV)
    assert [list(line.items()) for line in lines(export)] == [[("Họ và tên khai sinh", "Nguyễn Thị Hoa"), ("SĐT liên hệ", "0912345678")]]


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"columns": []}, ExportRefused),
        ({"columns": ["password"]}, ExportRefused),
        ({"lists": ["nothing"]}, ExportRefused),
        ({"lists": ["degrees"], "format_": ListFormat.CSV}, ExportRefused),
        ({"whole": True}, PurposeMissing),
        ({"whole": True, "reason": "other"}, PurposeMissing),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(clerk, more, error):
    with pytest.raises(error):
        asked(clerk, **more)
    assert (ListExport.objects.count(), JobRun.objects.count(), AuditEvent.objects.filter(action="profiles.exported").count()) == (0, 0, 0)


def test_masked_values_are_in_the_clear_only_with_right_and_reason(clerk, units):
    # given a file with a class-A list
    live_make(person(units, family=[{"relation": "03", "full_name": "Nguyễn Văn Cha", "birth_year": None, "description": None}]))
    auditor = with_role(Role.AUDITOR, units["agency"])
    # when
    exports_ = {
        "no reason": written(clerk, lists=["family"]),
        "reason": whole(clerk, lists=["family"]),
        "no right": whole(auditor, lists=["family"]),
    }
    # then
    found = {name: sheets(one) for name, one in exports_.items()}
    numbers = {name: dict(zip(*one["Hồ sơ"], strict=True))["Số CCCD"] for name, one in found.items()}
    kin = {name: len(list(one.values())[1]) - 1 for name, one in found.items()}
    assert numbers == {"no reason": "•••••••••234", "reason": "066185001234", "no right": "•••••••••234"}
    assert kin == {"no reason": 0, "reason": 1, "no right": 0}


def test_who_is_in_the_list_is_in_the_read_log_and_the_asking_in_the_audit_trail(clerk, units):
    # given somebody of the agency, and somebody elsewhere
    (key,) = live_make(person(units))
    far = units["elsewhere"]
    live_make(person(units, citizen_id="066185000002", managing_agency=str(far.pk), using_unit=str(far.pk), postings=[posting(far)]))
    # when
    export = whole(clerk, address="10.0.0.7")
    # then
    assert (export.rows, len(sheets(export)["Hồ sơ"])) == (1, 2)
    assert list(ReadEvent.objects.filter(action="export").values_list("key", "what", "address")) == [(key, f"export:{export.pk}", "10.0.0.7")]
    said = AuditEvent.objects.get(action="profiles.exported").detail
    assert (said["reason"], set(said["class_a"])) == ("decision", {one.name for one in FIELDS} & CLASS_A)


def test_text_that_looks_like_a_formula_is_no_formula(clerk, units):
    live_make(person(units, recruiting_agency='=HYPERLINK("http://x","y")', current_address="+84 đường"))
    sheet = openpyxl.load_workbook(path_of(written(clerk))).active
    cells = dict(zip((cell.value for cell in sheet[1]), sheet[2], strict=True))
    assert (cells["Cơ quan tuyển dụng"].data_type, cells["Cơ quan tuyển dụng"].value) == ("s", '\'=HYPERLINK("http://x","y")')
    assert lines(written(clerk, format_=ListFormat.CSV))[0]["Nơi ở hiện nay"] == "'+84 đường"


def test_an_exported_workbook_sent_back_changes_nothing(clerk, units):
    # given two people on file
    live_make(
        person(units, staff_number=None),
        person(units, citizen_id="066085000002", gender="1", birth_name="Y Ngông Niê", ethnicity="11", percent="85.00"),
    )
    # when
    upload = send(clerk, units["agency"], path_of(whole(clerk)).read_bytes(), "xuat.xlsx")
    # then
    assert list(upload.findings.values_list("code", "field", "value")) == []
    assert (upload.read, upload.unchanged, upload.returned, upload.staged) == (2, 2, 0, 0)


def test_what_is_marked_does_not_leave(clerk, units):
    # given a whole file that is marked, and another with a marked field and a marked list
    secret, open_ = live_make(
        person(units, birth_name="Trần Văn Kín"),
        person(units, citizen_id="066185000002", staff_number=None),
    )
    unit = StaffProfile.objects.get(pk=secret).using_unit
    for key, field in ((secret, ""), (open_, "phone"), (open_, "postings")):
        mark_propose(actor=clerk, kind="staff_profile", key=key, unit=unit, field=field, reason="Bí mật nhà nước")
    # when
    export = whole(clerk, lists=["postings"])
    # then
    found = sheets(export)
    line = dict(zip(*found["Hồ sơ"], strict=True))
    assert (export.rows, export.left_out) == (1, 1)
    assert (line["Họ và tên khai sinh"], line["SĐT liên hệ"]) == ("Nguyễn Thị Hoa", "")
    assert [len(rows) for rows in found.values()] == [2, 1]
    assert list(ReadEvent.objects.filter(action="export").values_list("key", flat=True)) == [open_]


def test_a_list_longer_than_a_sheet_goes_on_in_the_next(clerk, units, monkeypatch):
    monkeypatch.setattr(exporting, "SHEET_ROWS", 2)
    live_make(*(person(units, citizen_id=f"0661850000{number:02}", staff_number=None) for number in range(5)))
    found = sheets(written(clerk, columns=["birth_name"]))
    assert {name: len(rows) - 1 for name, rows in found.items()} == {"Hồ sơ": 2, "Hồ sơ 2": 2, "Hồ sơ 3": 1}


def test_queries_do_not_grow_with_the_list(clerk, units, django_assert_max_num_queries):
    live_make(*(person(units, citizen_id=f"0661850000{number:02}", staff_number=None) for number in range(30)))
    export = asked(clerk, lists=["postings"])
    with django_assert_max_num_queries(40):
        assert export_write(export).rows == 30


def test_a_killed_run_starts_afresh_and_an_ended_one_does_not_run_again(clerk, units):
    # given a run that a killed worker left half done
    live_make(person(units))
    export = asked(clerk)
    JobRun.objects.filter(pk=export_job(export).pk).update(state=JobState.RUNNING)
    part = path_of(export).with_name(path_of(export).name + ".part")
    part.write_bytes(b"half")
    # when the message comes again, twice
    write_export(str(export.pk))
    first = ListExport.objects.get(pk=export.pk)
    write_export(str(export.pk))
    # then
    assert (first.rows, part.exists(), export_job(export).state) == (1, False, JobState.DONE)
    assert ListExport.objects.get(pk=export.pk).expires_at == first.expires_at


def test_a_run_that_fails_says_so_and_leaves_no_file(clerk, units, monkeypatch):
    live_make(person(units))
    export = asked(clerk)
    monkeypatch.setattr(exporting.StaffProfileResource, "lines", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_write(export)
    assert (export_job(export).state, list(folder().iterdir())) == (JobState.FAILED, [])


def test_the_link_ends_and_the_file_goes(client, clerk, units):
    # given
    live_make(person(units))
    export = written(clerk)
    client.force_login(clerk)
    address = reverse("registry:export_download", args=[export.pk])
    answer = client.get(address)
    assert (answer.status_code, b"".join(answer.streaming_content)[:2], answer["X-Content-Type-Options"]) == (200, b"PK", "nosniff")
    # when a day has passed
    ListExport.objects.filter(pk=export.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    # then
    export.refresh_from_db()
    assert export_file(export) is None
    assert client.get(address).status_code == 404
    assert client.get(reverse("registry:export_detail", args=[export.pk])).status_code == 200
    assert (exports_sweep(), list(folder().iterdir())) == (1, [])


def test_nobody_else_fetches_it(client, clerk, units):
    live_make(person(units))
    export = written(clerk)
    client.force_login(with_role(Role.CLERK, units["agency"]))
    for name in ("export_detail", "export_download"):
        assert client.get(reverse(f"registry:{name}", args=[export.pk])).status_code == 404


def test_what_a_lost_message_left_waiting_is_sent_again(clerk, monkeypatch):
    sent = []
    monkeypatch.setattr("registry.services.exports.send_on_commit", lambda *args: sent.append(args))
    export = asked(clerk)
    assert exports_send_again() == 0  # it was asked for a moment ago
    JobRun.objects.update(created_at=clock.now() - timedelta(minutes=2))
    exports()
    assert sent == [("registry.list_export", str(export.pk))]


def test_the_page_writes_a_short_list_at_once_and_hands_a_long_one_to_a_worker(client, clerk, units, monkeypatch):
    # given
    live_make(person(units), person(units, citizen_id="066185000002", staff_number=None, birth_name="Lê Thị Đào"))
    client.force_login(clerk)
    address = reverse("registry:staff_export")
    sent = {"column": ["birth_name"], "format": "csv"}
    sent_tasks = []
    monkeypatch.setattr("registry.services.exports.send_on_commit", lambda *args: sent_tasks.append(args))
    # when
    short = client.post(f"{address}?q=dao", sent, follow=True)
    monkeypatch.setattr(pages, "AT_ONCE", 1)
    long = client.post(address, sent, follow=True)
    # then
    first, second = ListExport.objects.order_by("created_at")
    assert [line["Họ và tên khai sinh"] for line in lines(first)] == ["Lê Thị Đào"]
    assert reverse("registry:export_download", args=[first.pk]) in short.content.decode()
    assert (second.rows, sent_tasks) == (None, [("registry.list_export", str(second.pk))])
    assert "data-watch" in long.content.decode()


def test_the_page_says_what_is_missing_and_keeps_what_was_ticked(client, clerk, units):
    live_make(person(units))
    client.force_login(clerk)
    answer = client.post(reverse("registry:staff_export"), {"column": ["phone"], "format": "csv", "whole": "1"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="phone" checked' in page
    assert 'value="birth_name" checked' not in page
    assert 'role="alert"' in page


def test_the_export_of_the_admin_leads_here(client, clerk):
    client.force_login(clerk)
    answer = client.get(reverse("admin:registry_staffprofile_export"))
    assert (answer.status_code, answer.url) == (302, reverse("registry:staff_export"))


def test_csv_bytes_begin_with_the_mark_that_excel_needs(clerk, units):
    live_make(person(units))
    body = path_of(written(clerk, format_=ListFormat.CSV)).read_bytes()
    assert body.startswith(b"\xef\xbb\xbf")
    assert io.BytesIO(body).read().decode("utf-8-sig").startswith(FIELDS[0].heading)
