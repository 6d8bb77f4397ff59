"""The spreadsheet columns of people: export, template, and the promise that import-export never writes."""

from __future__ import annotations

import io

import openpyxl
import pytest
from django.urls import reverse

from orgtree.choices import Role
from registry.fields import FIELDS, field_of_heading
from registry.models import StaffProfile
from registry.reading import WorkbookRefused, read_table
from registry.resources import StaffProfileResource, WritesThroughTheGate, neutral
from registry.template import template_workbook
from tests.factories import grant_make, user_make
from tests.registry.people import TODAY, live_make, person, places
from tests.uploads.workbooks import saved

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


def test_what_a_spreadsheet_takes_for_a_formula_is_neutralised():
    assert [neutral(text) for text in ("@a", "-1", "\tx", "a=b", "")] == ["'@a", "'-1", "'\tx", "a=b", ""]


def test_export_asks_a_fixed_number_of_questions(clerk, units, django_assert_max_num_queries):
    live_make(*(person(units, citizen_id=f"0661850000{number:02}", staff_number=None) for number in range(20)))
    resource = StaffProfileResource(user=clerk)
    with django_assert_max_num_queries(12):
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
