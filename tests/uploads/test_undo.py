"""Uploads and what others write meanwhile: taking one back keeps what came since, and a template that comes back merges with it."""

from __future__ import annotations

from io import BytesIO

import openpyxl
import pytest
from django.core.files.base import ContentFile

from orgtree.models import OrgUnit
from registry.choices import ChangeKind
from registry.fields import FIELDS
from registry.models import StaffProfile
from registry.services.upload_fixing import reason_give
from registry.services.upload_undo import undo_preview, upload_undo
from registry.services.uploads import upload_process, upload_receive, upload_recheck, upload_submit
from registry.template import PEOPLE_SHEET, template_workbook
from tests.pages import Office
from tests.uploads.workbooks import right, workbook
from workflows.documents import parse
from workflows.errors import NotAllowed, ReasonMissing, WrongState
from workflows.models import Contribution, StoredDocument
from workflows.services.applying import request_apply
from workflows.services.approval import request_approve_by_system
from workflows.services.staging import Proposal, request_stage
from workflows.services.submission import request_submit

ADDRESS = "Thôn 5, xã Ea Kao"


@pytest.fixture(scope="module")
def office(committed_db) -> Office:
    return Office.open()


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}}


def applied(office: Office, key, **patch) -> None:
    """A change of one file through the gate, decided by a check of the program."""
    proposal = Proposal(kind="staff_profile", key=key, patch=patch)
    staged = request_stage(actor=None, system="test", allowed=OrgUnit.objects.all(), unit=None, title="x", proposals=[proposal])
    request_submit(actor=None, request_id=staged.request.pk, system_stage="test")
    request_approve_by_system(request_id=staged.request.pk)
    request_apply(request_id=staged.request.pk)


def document(key) -> dict:
    return parse(bytes(StoredDocument.objects.get(digest=StaffProfile.objects.get(pk=key).digest).body))


def decided_by_hand(monkeypatch) -> None:
    """The approver's signature is tested elsewhere: here a submitted request is applied as if it had been signed."""
    from registry.services import upload_submitting

    def submit(*, actor, request_id):
        return request_submit(actor=actor, request_id=request_id, system_stage="test")

    monkeypatch.setattr(upload_submitting, "request_submit", submit)


def test_an_applied_upload_is_taken_back(office, monkeypatch):
    # given two people on file, and a workbook that changes both and brings a third
    one, two = office.hired(birth_name="Lê An"), office.hired(birth_name="Lê Bình")
    before = document(one.pk)["current_address"]
    rows = [
        right(person_number, **{"Họ và tên": name, "Số CCCD": number, "Nơi ở hiện nay": ADDRESS, "Điện thoại": "0987654321"})
        for person_number, name, number in ((1, "LÊ AN", one.citizen_id), (2, "LÊ BÌNH", two.citizen_id), (900, "LÊ CHI", "066185009999"))
    ]
    decided_by_hand(monkeypatch)
    body = workbook(rows)
    clerk, stranger = office.users["clerk"], office.users["stranger"]
    upload = upload_process(upload=upload_receive(actor=clerk, unit=office.units["agency"], file=ContentFile(body, "a.xlsx"), name="a.xlsx"))
    assert (upload.staged, upload.counts["changed"]) == (3, 2), list(upload.findings.values_list("code", "field", "value"))
    upload = upload_submit(actor=clerk, upload=upload)
    request_approve_by_system(request_id=upload.request_id)
    request_apply(request_id=upload.request_id)
    # and an address that somebody changed since
    applied(office, two.pk, current_address="Thôn 9, xã Ea Kao")
    # when
    undo = undo_preview(upload=upload)
    assert (undo.people, undo.new_files, undo.conflict_count) == (2, 1, 1)
    (conflict,) = undo.conflicts
    assert (conflict.name, list(conflict.change.before), list(conflict.change.after)) == ("Lê Bình", [ADDRESS], ["Thôn 9, xã Ea Kao"])
    with pytest.raises(NotAllowed):
        upload_undo(actor=stranger, upload=upload, reason="x")
    with pytest.raises(ReasonMissing):
        upload_undo(actor=clerk, upload=upload, reason="")
    staged = upload_undo(actor=clerk, upload=upload, reason="Nạp nhầm tệp năm ngoái")
    # then
    assert (staged.staged, dict(staged.returned)) == (2, {})
    assert Contribution.objects.filter(request=staged.request, user=clerk, part="uploader").exists()
    request_submit(actor=clerk, request_id=staged.request.pk, system_stage="test")
    request_approve_by_system(request_id=staged.request.pk)
    request_apply(request_id=staged.request.pk)
    assert document(one.pk)["current_address"] == before
    assert (document(two.pk)["current_address"], document(two.pk)["phone"]) == ("Thôn 9, xã Ea Kao", "0912345678")
    # and a second time there is nothing left
    assert undo_preview(upload=upload).cells == 0
    with pytest.raises(WrongState):
        upload_undo(actor=clerk, upload=upload, reason="x")


def test_what_changed_on_file_since_the_first_check_is_a_conflict(office):
    # given a row that was checked against the first version of a file
    person = office.hired(birth_name="Lê Hạnh")
    clerk = office.users["clerk"]
    row = right(1, **{"Họ và tên": "LÊ HẠNH", "Số CCCD": person.citizen_id, "Điện thoại": "0987000111", "Nơi ở hiện nay": ADDRESS})
    file = ContentFile(workbook([row]), "a.xlsx")
    upload = upload_process(upload=upload_receive(actor=clerk, unit=office.units["agency"], file=file, name="a.xlsx"))
    assert upload.counts["conflict"] == 0
    # when somebody changes one of its values on file
    applied(office, person.pk, phone="0987000222")
    upload = upload_process(upload=upload_recheck(actor=clerk, upload=upload))
    # then that cell alone is a conflict, until somebody says why it goes over the other
    assert [(one.code, one.field) for one in upload.findings.filter(severity="error")] == [("CHANGED_MEANWHILE", "phone")]
    assert dict(upload.changes.filter(field__in=["phone", "current_address"]).values_list("field", "kind")) == {
        "phone": ChangeKind.CONFLICT,
        "current_address": ChangeKind.OVERWRITE,
    }
    upload = reason_give(actor=clerk, upload=upload, field="phone", reason="Số mới theo phiếu kê khai")
    assert (upload.staged, upload.returned) == (1, 0)


def test_a_template_that_comes_back_merges_with_what_changed_meanwhile(office):
    # given the template of an agency, written from the first version of a file
    person = office.hired(birth_name="Lê Hương")
    clerk, unit = office.users["clerk"], office.units["agency"]
    book = openpyxl.load_workbook(BytesIO(template_workbook(unit=unit, actor=clerk)))
    # and somebody who changes phone and address in the program
    applied(office, person.pk, phone="0987000333", current_address="Thôn 7, xã Ea Kao")
    # when it comes back with another address, and its phone as it was written
    sheet = book[PEOPLE_SHEET]
    column = {one.name: place for place, one in enumerate(FIELDS, start=1)}
    (line,) = [row for row in range(2, sheet.max_row + 1) if sheet.cell(row, column["citizen_id"]).value == person.citizen_id]
    sheet.cell(line, column["current_address"]).value = ADDRESS
    book.save(file := BytesIO())
    name = "mau.xlsx"
    upload = upload_process(upload=upload_receive(actor=clerk, unit=unit, file=ContentFile(file.getvalue(), name), name=name))
    # then the phone of the program stays, and the address is a question
    assert list(upload.changes.filter(key=person.pk).values_list("field", "kind")) == [("current_address", ChangeKind.CONFLICT)]
    assert [(one.code, one.field) for one in upload.findings.filter(severity="error")] == [("CHANGED_MEANWHILE", "current_address")]
    # and what nobody touched in the sheet is no change at all
    assert upload.unchanged == upload.read - 1
