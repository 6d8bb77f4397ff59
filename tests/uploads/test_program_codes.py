"""Workbooks of an older program: its codes are translated by pairs before a cell is recognised, and one without a pair is asked about once."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from exchange.choices import ChannelKind
from exchange.models import CodePair
from exchange.services.mapping import Wanted, pairs_set, rest_kept
from orgtree.choices import Role
from registry.choices import RowState, UploadState
from registry.mapping import Part
from registry.models import SourceProgram, Upload
from registry.program_codes import PairsRefused
from registry.selectors.upload_pairs import pairs_in_use, unpaired_codes
from registry.services.programs import ProgramNameWrong, program_add, program_offer
from registry.services.upload_fixing import CellEdit, cells_edit
from registry.services.upload_mapping import mapping_choose
from registry.services.upload_pairing import codes_pair
from registry.services.uploads import upload_process, upload_receive, upload_submit
from tests.exchange.registers import register_make
from tests.factories import grant_make, superuser_make, user_make
from tests.registry.people import TODAY, places
from tests.uploads.workbooks import FIRST_ROW, right, send, workbook
from workflows.documents import parse
from workflows.errors import NotAllowed
from workflows.models import ChangeItem

pytestmark = pytest.mark.django_db
CODED = {"Giới tính": "F", "Loại cán bộ": "CC1", "Mã đơn vị": "PNV", "Mã ngạch": "CV"}


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
def operator():
    return superuser_make("line-operator")


@pytest.fixture
def program(operator):
    return program_add(actor=operator, name="QLCB 2015")


def sent(clerk, unit, rows, program=None):
    upload = upload_receive(actor=clerk, unit=unit, file=ContentFile(workbook(rows)), name="qlcb.xlsx", program=program)
    return upload_process(upload=upload)


def paired(operator, program, *wanted):
    return pairs_set(actor=operator, side=program.side, wanted=[Wanted(name, code, theirs) for name, theirs, code in wanted])


def coded(number, **changes):
    return right(number, **{**CODED, **changes})


ALL = (
    ("gender", "F", "2"),
    ("gender", "1", "1"),
    ("personnel_type", "CC1", "CC"),
    ("unit", "PNV", "H15.70.01"),
    ("rank", "CV", "01.003"),
    ("title", "01", "Trưởng phòng"),
)


def test_codes_of_the_program_are_translated_and_the_document_holds_national_codes(clerk, units, operator, program):
    # given
    paired(operator, program, *ALL)
    # when
    upload = sent(
        clerk,
        units["agency"],
        [coded(1), coded(2, **{"Họ và tên": "Lê Mơ", "Giới tính": "F", "Chức vụ": "01"})],
        program,
    )
    # then
    assert (upload.state, upload.staged, upload.returned) == (UploadState.STAGED, 2, 0)
    first = upload.rows.get(sheet_row=FIRST_ROW)
    assert (first.values["gender"], first.values["personnel_type"], first.values["rank_code"]) == ("2", "CC", "01.003")
    assert "PNV" in str(first.raw), "what was sent stays as it was"
    assert {(one.theirs, one.code, one.cells) for one in pairs_in_use(upload=upload)} >= {
        ("F", "2", 2),
        ("01", "Trưởng phòng", 1),
        ("CV", "01.003", 2),
    }
    # and what goes to be signed
    upload = upload_submit(actor=clerk, upload=upload)
    document = parse(bytes(ChangeItem.objects.filter(request=upload.request).order_by("ref").first().document.body))
    assert (document["gender"], document["using_unit"]) == ("2", str(units["office"].pk))


def test_the_same_workbook_without_a_program_is_read_as_ever(clerk, units, operator, program):
    paired(operator, program, ("gender", "Nữ", "1"))  # as it would be read by the program
    upload = sent(clerk, units["agency"], [right(1)])
    assert (upload.staged, upload.rows.get().values["gender"], upload.paired) == (1, "2", [])


def test_a_code_is_never_taken_for_ours_though_it_looks_like_it(clerk, units, operator, program):
    """ "1" of the program may be what "2" is here; only the meaning in words is beyond doubt."""
    # given
    paired(operator, program, *(one for one in ALL if one[0] != "gender"))
    # when
    upload = sent(clerk, units["agency"], [coded(1, **{"Giới tính": 1}), coded(2, **{"Giới tính": "Nữ"})], program)
    # then
    assert upload.returned == 1
    assert upload.rows.get(sheet_row=FIRST_ROW + 1).values["gender"] == "2"
    (line,) = unpaired_codes(upload=upload)
    assert (line.list, line.theirs, line.cells, line.proposed) == ("gender", "1", 1, "")


def test_what_has_no_pair_is_named_with_its_count_and_one_pair_repairs_all_rows(clerk, units, operator, program):
    # given
    paired(operator, program, *(one for one in ALL if one[0] not in ("gender", "personnel_type")))
    rows = [coded(number, **{"Họ và tên": f"Lê Thị {name}"}) for number, name in enumerate(("Mơ", "Mận", "Đào"), 1)]
    upload = sent(clerk, units["agency"], rows, program)
    assert upload.returned == 3
    assert {(one.theirs, one.cells) for one in unpaired_codes(upload=upload)} == {("F", 3), ("CC1", 3)}
    # when
    with pytest.raises(NotAllowed):  # a clerk asks whoever keeps the pairs
        codes_pair(actor=clerk, upload=upload, chosen={("gender", "F"): "2"})
    with pytest.raises(PairsRefused):
        codes_pair(actor=operator, upload=upload, chosen={("gender", "F"): "77"})
    assert not CodePair.objects.filter(list="gender").exists()
    assert codes_pair(actor=operator, upload=upload, chosen={("gender", "F"): "2", ("personnel_type", "CC1"): "CC"}) == 3
    # then
    upload.refresh_from_db()
    assert (upload.staged, upload.returned) == (3, 0)
    assert {(one["theirs"], one["cells"]) for one in upload.paired} >= {("F", 3), ("CC1", 3)}
    assert unpaired_codes(upload=upload) == []
    # and the next workbook is read so without a question
    again = sent(clerk, units["agency"], [coded(9, **{"Họ và tên": "Lê Thị Hồng"})])
    assert (again.program, again.staged) == (program, 1)


@pytest.mark.long
def test_what_somebody_types_is_ours(clerk, units, operator, program):
    paired(operator, program, *(one for one in ALL if one[0] != "gender"))
    upload = sent(clerk, units["agency"], [coded(1)], program)
    (column,) = (one["column"] for one in upload.mapping if one["field"] == "gender")
    upload = cells_edit(actor=clerk, upload=upload, edits=[CellEdit(FIRST_ROW, column, "F", "2")]).upload
    assert (upload.rows.get().state, upload.rows.get().values["gender"]) == (RowState.STAGED, "2")


@pytest.mark.long
def test_the_program_is_chosen_and_forgotten_with_the_columns(clerk, units, operator, program):
    # given
    paired(operator, program, *ALL)
    upload = sent(clerk, units["agency"], [coded(1)])
    assert upload.staged == 0
    same = {one["column"]: (one["field"], Part(one["part"])) for one in upload.mapping}
    # when
    upload = upload_process(upload=mapping_choose(actor=clerk, upload=upload, choices=same, program=program))
    assert (upload.program, upload.staged) == (program, 1)
    # then national codes again, for this workbook and the next
    upload = upload_process(upload=mapping_choose(actor=clerk, upload=upload, choices=same))
    assert (upload.program, upload.staged, upload.paired) == (None, 0, [])
    assert send(clerk, units["agency"], workbook([coded(2)])).program is None


def test_several_codes_of_the_program_may_mean_one_of_ours(operator, program):
    assert paired(operator, program, ("gender", "F", "2"), ("gender", "NU", "2")) == 2
    assert paired(operator, program, ("gender", "N", "2")) == 1
    assert set(CodePair.objects.filter(ended_at=None).values_list("theirs", "way")) == {("F", "in"), ("NU", "in"), ("N", "in")}
    assert rest_kept(actor=operator, side=program.side, code_list="gender") >= 1


def test_programs_are_named_by_whoever_keeps_the_pairs(clerk, operator, program):
    with pytest.raises(NotAllowed):
        program_add(actor=clerk, name="Khác")
    for wrong in ("", "…", "x" * 101, "QLCB 2015"):
        with pytest.raises(ProgramNameWrong):
            program_add(actor=operator, name=wrong)
    program_offer(actor=operator, program=program, active=False)
    assert program_add(actor=operator, name="QLCB 2015") == program
    assert SourceProgram.objects.get().active


def test_the_pages_ask_show_and_repair(clerk, units, operator, program):
    # given
    paired(operator, program, *(one for one in ALL if one[0] != "gender"))
    register_make(ChannelKind.PARTY)
    clerks, operators = Client(), Client()
    clerks.force_login(clerk)
    operators.force_login(operator)
    file = ContentFile(workbook([coded(1)]), name="qlcb.xlsx")
    # when
    clerks.post(reverse("registry:upload_new"), {"unit": str(units["agency"].pk), "file": file, "program": program.code})
    upload = upload_process(upload=Upload.objects.get())
    causes, pair = reverse("registry:upload_causes", args=[upload.pk]), reverse("registry:upload_pair", args=[upload.pk])
    # then
    seen = clerks.get(causes)
    assert [one.theirs for one in seen.context["unpaired"]] == ["F"]
    assert seen.context["may_pair"] is False
    assert b'name="code"' not in seen.content
    clerks.post(pair, {"pair": ["gender.F"], "code": ["2"]})
    assert not CodePair.objects.filter(list="gender").exists()
    assert b'name="code"' in operators.get(causes).content
    operators.post(pair, {"pair": ["gender.F"], "code": ["2"]})
    upload.refresh_from_db()
    assert (upload.staged, upload.returned) == (1, 0)
    shown = clerks.get(reverse("registry:upload_detail", args=[upload.pk]))
    assert {one.theirs for one in shown.context["pairs"]} == {"F", "CC1", "PNV", "CV"}
    assert program.name in clerks.get(reverse("registry:upload_columns", args=[upload.pk])).content.decode()
    # and the page of pairs names programs and takes them back
    operators.post(reverse("exchange:mapping_program"), {"name": "Phần mềm cũ"})
    assert SourceProgram.objects.get(code="phan-mem-cu").active
    operators.post(reverse("exchange:mapping_program"), {"side": "upload.phan-mem-cu"})
    assert not SourceProgram.objects.get(code="phan-mem-cu").active
    assert operators.get(reverse("exchange:mapping_list"), {"side": program.side, "list": "unit"}).status_code == 200


@pytest.mark.long
def test_the_command_names_the_program(clerk, units, operator, program, tmp_path, capsys):
    paired(operator, program, *ALL)
    path = tmp_path / "qlcb.xlsx"
    path.write_bytes(workbook([coded(1)]))
    call_command("upload", str(path), "--unit", "H15.70", "--as", "lan", "--program", program.code, "--json")
    assert Upload.objects.get().staged == 1
    with pytest.raises(CommandError, match="qlcb-2015"):
        call_command("upload", str(path), "--unit", "H15.70", "--as", "lan", "--program", "other")
