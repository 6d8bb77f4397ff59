"""The spreadsheet columns of people: export, template, and the promise that import-export never writes."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest
from django.urls import reverse

from orgtree.choices import Role
from registry.fields import FIELDS, field_of_heading
from registry.models import StaffProfile
from registry.reading import WorkbookRefused, read_table
from registry.resources import StaffProfileResource, WritesThroughTheGate, neutral, template_workbook
from tests.factories import grant_make, user_make
from tests.registry.people import TODAY, live_make, person, places, posting
from tests.uploads.workbooks import saved, send
from workflows.models import AuditEvent

pytestmark = pytest.mark.django_db
XLSX, CSV = "0", "1"


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


def there(units, **changes):
    """Somebody of the other agency."""
    unit = units["elsewhere"]
    return person(units, managing_agency=str(unit.pk), using_unit=str(unit.pk), postings=[posting(unit)], **changes)


def export(client, user, kind, **query):
    client.force_login(user)
    response = client.post(reverse("admin:registry_staffprofile_export"), {"format": kind, "resource": "0"}, query_params=query)
    assert response.status_code == 200, response
    assert "attachment" in response["Content-Disposition"]
    return response.content


def test_an_exported_workbook_sent_back_changes_nothing(client, clerk, units):
    # given two people on file
    live_make(
        person(units, staff_number=None),
        person(units, citizen_id="066085000002", gender="1", birth_name="Y Ngông Niê", ethnicity="11", percent="85.00"),
    )
    # when their export is uploaded
    upload = send(clerk, units["agency"], export(client, clerk, XLSX), "xuat.xlsx")
    # then
    assert list(upload.findings.values_list("code", "field", "value")) == []
    assert (upload.read, upload.unchanged, upload.returned, upload.staged) == (2, 2, 0, 0)


def test_the_export_holds_what_is_in_scope_and_nothing_else(client, clerk, units):
    live_make(person(units, birth_name="Nguyễn Thị Hoa"), there(units, citizen_id="066185000002", birth_name="Trần Thị Mai"))
    rows = list(csv.reader(io.StringIO(export(client, clerk, CSV).decode("utf-8-sig"))))
    assert rows[0] == [one.heading for one in FIELDS]
    assert [row[3] for row in rows[1:]] == ["Nguyễn Thị Hoa"]
    # and it is on record who took it
    event = AuditEvent.objects.get(action="profiles.exported")
    assert (event.actor, event.detail["rows"]) == (clerk, 1)


def test_the_export_follows_the_search(client, clerk, units):
    live_make(person(units, birth_name="Nguyễn Thị Hoa"), person(units, citizen_id="066185000002", staff_number=None, birth_name="Lê Thị Đào"))
    rows = list(csv.reader(io.StringIO(export(client, clerk, CSV, q="dao").decode("utf-8-sig"))))
    assert [row[3] for row in rows[1:]] == ["Lê Thị Đào"]


def test_who_may_only_look_gets_the_number_masked(client, units):
    auditor = user_make()
    grant_make(auditor, Role.AUDITOR, units["agency"])
    live_make(person(units))
    rows = list(csv.reader(io.StringIO(export(client, auditor, CSV).decode("utf-8-sig"))))
    assert dict(zip(rows[0], rows[1], strict=True))["Số CCCD"] == "•••••••••234"


def test_text_that_looks_like_a_formula_is_no_formula(client, clerk, units):
    live_make(person(units, recruiting_agency='=HYPERLINK("http://x","y")', current_address="+84 đường"))
    sheet = openpyxl.load_workbook(io.BytesIO(export(client, clerk, XLSX))).active
    cells = dict(zip((cell.value for cell in sheet[1]), sheet[2], strict=True))
    assert (cells["Cơ quan tuyển dụng"].data_type, cells["Cơ quan tuyển dụng"].value) == ("s", '\'=HYPERLINK("http://x","y")')
    assert cells["Nơi ở hiện nay"].value == "'+84 đường"
    assert [neutral(text) for text in ("@a", "-1", "\tx", "a=b", "")] == ["'@a", "'-1", "'\tx", "a=b", ""]


def test_export_asks_a_fixed_number_of_questions(clerk, units, django_assert_max_num_queries):
    live_make(*(person(units, citizen_id=f"0661850000{number:02}", staff_number=None) for number in range(20)))
    resource = StaffProfileResource(user=clerk)
    with django_assert_max_num_queries(10):
        assert len(resource.export(StaffProfile.objects.all())) == 20


@pytest.mark.parametrize(
    "name", ["import_data", "import_row", "save_instance", "do_instance_save", "delete_instance", "bulk_create", "bulk_update", "bulk_delete"]
)
def test_a_resource_never_writes(name):
    with pytest.raises(WritesThroughTheGate):
        getattr(StaffProfileResource(), name)(None)


def test_import_in_the_admin_is_the_upload(client, clerk):
    client.force_login(clerk)
    for url in ("admin:registry_staffprofile_import", "admin:registry_staffprofile_process_import"):
        for send_ in (client.get, client.post):
            response = send_(reverse(url))
            assert (response.status_code, response.url) == (302, reverse("registry:upload_new"))


def test_people_are_read_only_in_the_admin(client, clerk, units):
    (key,) = live_make(person(units))
    client.force_login(clerk)
    listed = client.get(reverse("admin:registry_staffprofile_changelist"))
    assert "Nguyễn Thị Hoa" in listed.content.decode()
    assert "066185001234" not in listed.content.decode()
    assert client.get(reverse("admin:registry_staffprofile_change", args=[key])).url == reverse("registry:staff_detail", args=[key])
    assert client.get(reverse("admin:registry_staffprofile_add")).status_code == 403
    assert client.post(reverse("admin:registry_staffprofile_delete", args=[key]), {"post": "yes"}).status_code == 403


def test_the_template_is_understood_whole(tmp_path):
    # given the template with one row typed in
    book = openpyxl.load_workbook(io.BytesIO(template_workbook()))
    book["Hồ sơ"].cell(2, 13, "066185001234")
    book.save(path := tmp_path / "mau.xlsx")
    # when
    table = read_table(path, name="mau.xlsx", max_bytes=10**7)
    list(table.rows())
    # then: every field has its column, the second sheet is not taken for a table
    assert (table.sheet, table.heading_row, set(table.fields), table.remarks) == ("Hồ sơ", 1, {one.name for one in FIELDS}, [])
    assert all(field_of_heading(one.heading) is one for one in FIELDS)


def test_the_template_is_there_to_download(client, clerk, tmp_path):
    client.force_login(clerk)
    response = client.get(reverse("admin:registry_staffprofile_template"))
    with pytest.raises(WorkbookRefused) as error:
        read_table(saved(tmp_path, response.content), name="mau.xlsx", max_bytes=10**7)
    assert error.value.code == "NO_ROWS"
