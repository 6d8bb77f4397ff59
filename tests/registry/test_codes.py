"""Code lists: what may be used on a day, by what other names, and that a change takes the gate."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from orgtree.choices import Role
from orgtree.models import OrgUnit, User
from registry.lookups import Lookups
from registry.models import CodeItem, RankCode, SalaryStep
from registry.models.codes import CodeEntry
from registry.schema import STAFF_PROFILE
from registry.selectors.code_lists import list_sources
from registry.selectors.picking import pick_ranks
from registry.services.codes import code_propose, codes_load, rank_propose, step_propose
from registry.targets.codes import list_label
from tests.factories import grant_make, unit_make, user_make
from tests.pages import Office
from tests.registry.people import TODAY, judge, person, places
from workflows.models import RecordVersion
from workflows.services.applying import request_apply
from workflows.services.approval import request_approve_by_system
from workflows.services.submission import request_submit

pytestmark = pytest.mark.django_db
VALUES = {"name_vi": "Chứng chỉ VSTEP", "aliases": "VSTEP|Vstep.3-5", "source": "Quyết định 729/QĐ-BGDĐT", "valid_from": date(2015, 3, 11)}


@pytest.fixture(autouse=True)
def _day(settings):
    settings.PINNED_TODAY = TODAY


@pytest.fixture
def authority() -> tuple[OrgUnit, User]:
    unit = OrgUnit.objects.get(pk=unit_make("Ủy ban nhân dân tỉnh Đắk Lắk", code="H15", kind="province").pk)
    clerk = user_make("lan")
    grant_make(clerk, Role.CLERK, unit)
    return unit, clerk


def applied(authority, **values) -> None:
    unit, clerk = authority
    staged = code_propose(actor=clerk, unit=unit, code_list="language_level", code="VSTEP", values={**VALUES, **values})
    apply(authority, staged)


def test_a_code_takes_the_gate_and_then_stands_in_its_list(authority):
    # when
    applied(authority)
    applied(authority, valid_to=date(2030, 1, 1))
    # then
    item, entry = CodeItem.objects.get(list="language_level", code="VSTEP"), CodeEntry.objects.get()
    assert (item.name_vi, item.aliases, item.valid_to) == ("Chứng chỉ VSTEP", ["VSTEP", "Vstep.3-5"], date(2030, 1, 1))
    assert (entry.version, RecordVersion.objects.filter(kind="code_entry", key=entry.pk).count()) == (2, 2)


def test_nobody_changes_such_a_code_past_the_gate(authority):
    applied(authority)
    with connection.cursor() as cursor:
        cursor.execute("select set_config('hoso.request', '', true)")
    for statement in (
        "update registry_codeitem set name_vi = 'x' where code = 'VSTEP'",
        "delete from registry_codeitem where code = 'VSTEP'",
        "update registry_codeentry set name_vi = 'x'",
    ):
        with pytest.raises(DatabaseError, match="approved change request"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_loader_leaves_what_was_decided(authority):
    # given a code of the release whose end was decided here
    unit, clerk = authority
    values = {"name_vi": "Nam giới", "source": "Quyết định của tỉnh"}
    staged = code_propose(actor=clerk, unit=unit, code_list="gender", code="1", values=values)
    apply(authority, staged)
    # when
    codes_load()
    # then
    assert CodeItem.objects.get(list="gender", code="1").name_vi == "Nam giới"


@pytest.mark.parametrize(
    ("code", "values", "found"),
    [
        ("V STEP", {}, "CODE_FORM"),
        ("VSTEP", {"source": ""}, "REQUIRED"),
        ("VSTEP", {"valid_to": date(2010, 1, 1)}, "CODE_PERIOD"),
        ("VSTEP", {"valid_from": "hôm nay"}, "VALUE_FORM"),
    ],
)
def test_what_is_wrong_comes_back(authority, code, values, found):
    unit, clerk = authority
    staged = code_propose(actor=clerk, unit=unit, code_list="language_level", code=code, values={**VALUES, **values})
    assert staged.request is None
    assert found in {one.code for each in staged.returned.values() for one in each}


def test_a_clerk_of_one_unit_changes_no_code_of_all():
    # given
    office = Office.open()
    staged = code_propose(actor=office.users["clerk"], unit=office.units["agency"], code_list="language_level", code="VSTEP", values=VALUES)
    assert staged.request is None
    assert {one.code for each in staged.returned.values() for one in each} == {"OUT_OF_SCOPE"}
    assert office.client("clerk").get(reverse("registry:code_edit", args=["language_level"])).status_code == 404


def certificate(level: str, day: str) -> dict:
    row = {"valid_to": None, "school": None, "language": "01", "certificate": None, "score": None}
    return {**row, "level": level, "valid_from": day}


def test_a_code_is_read_on_the_day_of_its_row():
    # given an old certificate of 2015, and one that claims to be of 2024
    units = places()
    documents = [person(units, language_certs=[certificate("A", day)]) for day in ("2015-01-01", "2024-01-01")]
    # when
    found = {(one.ref, one.code) for one in judge(*documents)}
    # then
    assert (0, "CODE_NOT_THEN") not in found
    assert (1, "CODE_NOT_THEN") in found
    assert not {code for _ref, code in found} & {"CODE_UNKNOWN"}


def test_a_rank_is_read_on_the_day_of_its_row():
    # given a rank that came in 2015 and ended in 2024
    RankCode.objects.filter(code="01.003").update(valid_from=date(2015, 1, 1), valid_to=date(2024, 1, 1))
    units, paid = places(), {"rank_code": "01.003", "step": 6, "coefficient": "3.99", "percent": "100.00"}
    blank = next(one for one in STAFF_PROFILE.rows if one.name == "salary_history").blank()
    rows = [{**blank, **paid, "valid_from": day} for day in ("2014-12-31", "2015-01-01", "2023-12-31", "2024-01-01")]
    documents = [person(units, rank_date="2016-01-01", salary_history=[row]) for row in rows] + [person(units, rank_date="2010-01-01")]
    # when
    found = {(one.ref, one.field) for one in judge(*documents) if one.code == "RANK_NOT_THEN"}
    # then
    assert found == {(0, "salary_history.rank_code"), (3, "salary_history.rank_code"), (4, "rank_code")}


def test_other_names_are_understood(authority):
    unit, clerk = authority
    codes = Lookups(unit=unit, actor=clerk, day=TODAY).codes
    assert codes["political_theory"].find("Cao cấp LLCT") == "09"
    assert codes["degree"].find("thac sy") == "03"
    assert codes["language_level"].find("Trình độ A") == "A"  # ended, but nothing of today is called so


def test_grades_end_and_levels_have_begun():
    on = {day: set(CodeItem.objects.on(day).filter(list__in=["professional_grade", "career_level"]).values_list("list", flat=True)) for day in
          (date(2026, 6, 30), date(2026, 7, 1), date(2027, 7, 1))}  # fmt: skip
    assert list(on.values()) == [{"professional_grade"}, {"professional_grade", "career_level"}, {"career_level"}]


def test_every_list_that_comes_with_the_program_has_a_name_for_people():
    codes_load()
    names = set(CodeItem.objects.order_by().values_list("list", flat=True).distinct())
    assert {"career_level", "professional_grade"} <= names
    assert [name for name in names if list_label(name) == name] == []
    assert list_label("career_level") == "Bậc nghề nghiệp của viên chức"
    assert list_label("of-an-administrator") == "of-an-administrator"


def test_the_page_shows_days_names_and_source(authority):
    # given
    client = Client()
    client.force_login(authority[1])
    # when
    text = client.get(reverse("registry:code_list"), {"list": "language_level"}).content.decode()
    # then
    assert ["Trình độ A" in text, "15/01/2020" in text, "Thông tư 20/2019/TT-BGDĐT" in text] == [True] * 3
    assert client.get(reverse("registry:code_list"), {"list": "nothing"}).status_code == 404


def test_the_form_proposes_and_says_what_is_wrong(authority):
    # given
    client = Client()
    client.force_login(authority[1])
    address = reverse("registry:code_edit", args=["language_level"])
    # when
    wrong = client.post(address, {"code": "V STEP", "name_vi": "x", "source": "x"})
    right = client.post(address, {"code": "VSTEP", "name_vi": "Chứng chỉ VSTEP", "source": "QĐ 729", "aliases": "VSTEP\nVstep"})
    # then
    assert wrong.status_code == 422
    assert "V STEP" in wrong.content.decode()
    assert right.status_code == 302
    assert CodeItem.objects.filter(code="VSTEP").count() == 0
    # and what is said before it is submitted is true of a code: it goes nowhere
    page = client.get(right["Location"])
    assert page.context["ahead"]
    assert "không gửi lên nền tảng quốc gia" in page.content.decode()


def propose_step(authority, **values):
    unit, clerk = authority
    known = {"coefficient": "2.40", "months": 36, "max_step": 9, "source": "Nghị định thử nghiệm"}
    return step_propose(actor=clerk, unit=unit, salary_class="A1", step=1, values={**known, **values})


def apply(authority, staged) -> None:
    assert staged.request is not None, staged.returned
    request_submit(actor=authority[1], request_id=staged.request.pk, system_stage="test")
    request_approve_by_system(request_id=staged.request.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    request_apply(request_id=staged.request.pk)


def test_a_rank_and_a_step_take_the_gate_and_the_loader_leaves_them(authority):
    # given
    codes_load()
    unit, clerk = authority
    values = {"title": "Chuyên viên số", "category": "công chức", "salary_class": "A1", "source": "Thông tư 1", "valid_from": date(2026, 1, 1)}
    # when
    apply(authority, rank_propose(actor=clerk, unit=unit, code="01.777", values=values))
    apply(authority, rank_propose(actor=clerk, unit=unit, code="01.003", values={**values, "title": "Chuyên viên", "valid_to": date(2026, 7, 1)}))
    apply(authority, propose_step(authority))
    codes_load()
    # then
    assert [(one.title, one.salary_class) for one in RankCode.objects.filter(code="01.777")] == [("Chuyên viên số", "A1")]
    assert [one.value for one in pick_ranks(text="01.777")] == ["01.777"]
    assert pick_ranks(text="01.003") == []  # ended in July
    assert SalaryStep.objects.get(salary_class="A1", step=1).coefficient == Decimal("2.40")
    versions = RecordVersion.objects.filter(kind__in=["rank_entry", "step_entry"])
    assert set(versions.values_list("kind", "version")) == {("rank_entry", 1), ("step_entry", 1)}


def test_nobody_changes_such_a_rank_or_step_past_the_gate(authority):
    # given
    codes_load()
    apply(authority, propose_step(authority))
    applied(authority)
    with connection.cursor() as cursor:
        cursor.execute("select set_config('hoso.request', '', true)")
    # when, then
    for statement in (
        "update registry_salarystep set coefficient = 9 where salary_class = 'A1' and step = 1",
        "update registry_salarystep set salary_class = 'ZZ' where salary_class = 'A1' and step = 1",
        "delete from registry_salarystep where salary_class = 'A1' and step = 1",
        "update registry_stepentry set coefficient = 9",
        "delete from registry_rankentry",
        "update registry_codeitem set code = 'OTHER' where code = 'VSTEP'",
    ):
        with pytest.raises(DatabaseError, match="approved change request"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"source": ""}, "REQUIRED"),
        ({"coefficient": "0.00"}, "COEFFICIENT_BOUNDS"),
        ({"coefficient": "hai"}, "VALUE_FORM"),
        ({"months": 0}, "MONTHS_BOUNDS"),
        ({"max_step": 0}, "STEP_BOUNDS"),
    ],
)
def test_what_is_wrong_with_a_step_comes_back(authority, values, found):
    codes_load()
    staged = propose_step(authority, **values)
    assert staged.request is None
    assert found in {one.code for each in staged.returned.values() for one in each}


def test_a_coefficient_out_of_order_is_remarked_and_a_class_that_is_none_refused(authority):
    # given
    codes_load()
    unit, clerk = authority
    # when
    staged = propose_step(authority, coefficient="4.00")
    values = {"title": "x", "category": "công chức", "salary_class": "ZZ", "source": "x"}
    refused = rank_propose(actor=clerk, unit=unit, code="01.777", values=values)
    # then
    assert {one.code for one in staged.request.findings.all()} == {"SCALE_ORDER"}
    assert {one.code for each in refused.returned.values() for one in each} == {"CLASS_UNKNOWN"}


def test_the_pages_of_ranks_and_steps_propose_and_say_what_is_wrong(authority):
    # given
    codes_load()
    client = Client()
    client.force_login(authority[1])
    address = reverse("registry:scale_edit", args=["steps"])
    # when
    shown = client.get(address, {"key": "A1:1"}).content.decode()
    wrong = client.post(f"{address}?key=A1:1", {"coefficient": "hai", "months": "36", "max_step": "9", "source": "NĐ"})
    right = client.post(f"{address}?key=A1:1", {"coefficient": "2,4", "months": "36", "max_step": "9", "source": "NĐ"})
    # then
    assert 'value="2,34"' in shown
    assert wrong.status_code == 422
    assert right.status_code == 302
    assert "01.003" in client.get(reverse("registry:scale_list", args=["ranks"]), {"q": "chuyen vien"}).content.decode()
    assert client.get(address, {"key": "A1:99"}).status_code == 404
    assert client.get(reverse("registry:scale_list", args=["others"])).status_code == 404


def test_levels_of_languages_are_found_by_their_names_in_the_european_framework(authority):
    unit, clerk = authority
    codes_load()
    levels = Lookups(unit=unit, actor=clerk, day=TODAY).codes["language_level"]
    assert [levels.find(name) for name in ("Bậc 3 (B1)", "CEFR B1", "A2", "c1", "B3")] == ["B3", "B3", "B2", "B5", "B3"]


def test_every_list_of_the_release_names_its_source():
    codes_load()
    assert {name for name in CodeItem.objects.values_list("list", flat=True) if not list_sources().get(name)} == set()
