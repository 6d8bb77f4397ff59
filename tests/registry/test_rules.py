"""Each rule finds exactly its own fault, at the right field; a right person finds nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from config.demo.people import TODAY as DEMO_TODAY
from orgtree.models import OrgUnit
from registry.models import RankCode, SalaryStep
from registry.rules import RULES
from registry.schema import STAFF_PROFILE
from tests.factories import gate_lifted, unit_make
from tests.registry.people import area_make, judge, judge_changes, live_make, person, places, posting
from workflows import opening
from workflows.choices import Severity
from workflows.documents import canonical
from workflows.targets import target

pytestmark = pytest.mark.django_db
ERROR, WARNING, SUGGESTION = Severity.ERROR, Severity.WARNING, Severity.SUGGESTION


@dataclass(frozen=True)
class Wrong:
    """One violation: what is changed on the right person, and the one finding that must come of it."""

    code: str
    field: str
    changes: dict[str, Any] = field(default_factory=dict)
    severity: Severity = ERROR
    value: str | None = None
    name: str = ""


def wrong(code: str, field_: str, *, severity: Severity = ERROR, value: str | None = None, name: str = "", **changes: Any) -> Any:
    case = Wrong(code, field_, changes, severity, value)
    return pytest.param(case, id=name or f"{code}-{field_}")


MISSING = [
    wrong("REQUIRED", column, **{column: None})
    for column in (
        "birth_name",
        "gender",
        "birth_date",
        "birth_place",
        "home_town",
        "ethnicity",
        "religion",
        "citizen_id",
        "citizen_id_date",
        "current_address",
        "first_recruit_date",
        "recruiting_agency",
        "current_agency_date",
        "personnel_type",
        "general_education",
        "managing_agency",
        "using_unit",
    )
]
UNLISTED = [
    wrong("CODE_UNKNOWN", column, value="ZZ", **{column: "ZZ"})
    for column in ("gender", "ethnicity", "religion", "personnel_type", "general_education")
]
IDENTITY = [
    wrong("NAME_CHARACTERS", "birth_name", value="Nguyễn Thị H0a", birth_name="Nguyễn Thị H0a"),
    wrong("CITIZEN_ID_FORM", "citizen_id", value="66185001234", citizen_id="66185001234"),
    wrong("CITIZEN_ID_FORM", "citizen_id", citizen_id="06618500123X", name="CITIZEN_ID_FORM-letter"),
    wrong("CITIZEN_ID_PREFIX", "citizen_id", severity=WARNING, citizen_id="999185001234"),
    wrong("CITIZEN_ID_GENDER", "gender", severity=WARNING, gender="1"),
    wrong("CITIZEN_ID_BIRTH_YEAR", "birth_date", value="1986 / 1985", birth_date="1986-08-15"),
    wrong("CITIZEN_ID_BIRTH_YEAR", "birth_date", citizen_id="066385001234", name="CITIZEN_ID_BIRTH_YEAR-century"),
    wrong("PHONE_FORM", "phone", value="091234567", phone="091234567"),
]
DATES = [
    wrong("AGE_RANGE", "birth_date", birth_date="1950-08-15", citizen_id="066150001234"),
    wrong("DATE_FUTURE", "citizen_id_date", value="2026-10-16", citizen_id_date="2026-10-16"),
    wrong("DATE_FUTURE", "current_agency_date", current_agency_date="2026-10-16"),
    wrong("DATE_FUTURE", "party_join_date", party_join_date="2027-01-01"),
    wrong("DATE_FUTURE", "rank_date", rank_date="2027-01-01"),
    wrong("DATE_FUTURE", "step_date", step_date="2027-01-01"),
    wrong("CITIZEN_ID_DATE_EARLY", "citizen_id_date", citizen_id_date="1999-08-14"),
    wrong("RECRUITED_TOO_YOUNG", "first_recruit_date", first_recruit_date="2003-08-14"),
    wrong("RECRUITED_TOO_YOUNG", "first_recruit_date", first_recruit_date="2000-08-14", personnel_type="HDLD", name="RECRUITED_TOO_YOUNG-contract"),
    wrong("AGENCY_BEFORE_RECRUITMENT", "current_agency_date", current_agency_date="2008-08-31"),
    wrong("PARTY_TOO_YOUNG", "party_join_date", party_join_date="2003-08-14"),
]
SALARY = [
    *(
        wrong("RANK_INCOMPLETE", column, job_position_amount="9500000", **{column: None})
        for column in ("rank_code", "rank_date", "step", "coefficient", "step_date", "percent")
    ),
    wrong("RANK_UNKNOWN", "rank_code", value="01.999", rank_code="01.999"),
    wrong("RANK_CLASS_UNKNOWN", "rank_code", severity=SUGGESTION, rank_code="V.02.02.01"),
    wrong("RANK_CLASS_UNKNOWN", "rank_code", severity=SUGGESTION, rank_code="01.008", name="RANK_CLASS_UNKNOWN-group C"),
    wrong("STEP_RANGE", "step", value="10", step=10),
    wrong("COEFFICIENT_SCALE", "coefficient", value="2.34 → 3.99", coefficient="2.34"),
    wrong("STEP_RANGE", "step", step=0, name="STEP_RANGE-zero"),
    wrong("COEFFICIENT_RANGE", "coefficient", coefficient="0.00"),
    wrong("PERCENT_RANGE", "percent", percent="0.50"),
    wrong("PERCENT_RANGE", "percent", percent="100.01", name="PERCENT_RANGE-above"),
]
AREAS = [
    wrong("AREA_UNKNOWN", "birth_place_area", birth_place_area="2004-00000"),
    wrong("AREA_UNKNOWN", "home_town_area", home_town_area="2004-00000"),
    wrong("AREA_UNKNOWN", "current_address_area", current_address_area="2025-00000"),
]


@pytest.fixture
def units():
    return places()


def test_a_right_person_finds_nothing(units):
    assert judge(person(units)) == []


def test_a_person_without_what_is_optional_finds_nothing(units):
    # given nobody outside the Party, paid by position, without number, telephone or area keys
    rank = dict.fromkeys(("rank_code", "rank_date", "step", "coefficient", "step_date", "percent"))
    assert judge(person(units, staff_number=None, phone=None, party_join_date=None, job_position_amount="9500000", **rank)) == []


@pytest.mark.parametrize("case", [*MISSING, *UNLISTED, *IDENTITY, *DATES, *SALARY, *AREAS])
def test_each_fault_is_found_once_at_its_field(units, case):
    # given one person with one fault, beside a right one
    right = person(units, citizen_id="066185009999", staff_number="CB0002")
    # when
    found = judge(right, person(units, **case.changes))
    # then
    assert [(one.ref, one.code, one.field, one.severity) for one in found] == [(1, case.code, case.field, case.severity)]
    if case.value is not None:
        assert found[0].value == case.value


def test_rules_read_together_find_what_each_finds_for_itself(units, monkeypatch):
    # given a person for every fault there is, each with a number of their own, and a right one among them
    changes = [case.values[0].changes for case in (*MISSING, *UNLISTED, *IDENTITY, *DATES, *SALARY, *AREAS)]
    people = [person(units, **{"staff_number": f"X{number}", **one}) for number, one in enumerate([{}, *changes])]
    # when
    together = judge(*people)
    monkeypatch.setattr(opening, "MANY", 7)  # fetched a few at a time
    in_pieces = judge(*people)
    monkeypatch.setattr(opening, "_condition", lambda *_: ("", ()))
    opening._rule_parts.cache_clear()
    try:
        alone = judge(*people)
    finally:
        opening._rule_parts.cache_clear()
    # then
    assert _sorted(together) == _sorted(in_pieces) == _sorted(alone)
    assert {(one.code, one.field) for one in together} >= {(case.values[0].code, case.values[0].field) for case in (*MISSING, *DATES, *SALARY)}


def test_most_rules_ask_nothing_but_the_record(units):
    parts = opening._rule_parts(target("staff_profile"), DEMO_TODAY)
    assert sum(bool(part.condition) for part in parts if not part.rows) > len([part for part in parts if not part.rows]) / 2


def _sorted(found):
    return sorted((one.ref, one.code, one.severity, one.field, one.value) for one in found)


POSTINGS = [
    pytest.param([], ("POSTING_NONE_OPEN", "postings"), id="none"),
    pytest.param([{"valid_to": "2026-01-01"}], ("POSTING_NONE_OPEN", "postings"), id="all ended"),
    pytest.param([{"title": None}], ("REQUIRED", "postings.title"), id="no title"),
    pytest.param([{"valid_from": None}], ("REQUIRED", "postings.valid_from"), id="no beginning"),
    pytest.param([{"unit": None}], ("POSTING_PLACE", "postings.unit"), id="no place"),
    pytest.param([{"unit": "00000000-0000-4000-8000-000000000000"}], ("POSTING_UNIT_UNKNOWN", "postings.unit"), id="unknown unit"),
    pytest.param([{}, {"valid_from": "2020-01-01", "valid_to": "2020-01-01"}], ("POSTING_PERIOD", "postings.valid_to"), id="empty period"),
    pytest.param([{}, {"valid_from": "2020-01-01", "valid_to": "2025-07-02"}], ("POSTING_OVERLAP", "postings.valid_from"), id="overlap"),
    pytest.param([{}, {"valid_from": "2020-01-01"}], ("POSTING_SECOND_OPEN", "postings.valid_to"), id="two open"),
]


@pytest.mark.parametrize(("rows", "expected"), POSTINGS)
def test_each_fault_of_postings_is_found_once(units, rows, expected):
    found = judge(person(units, postings=[{**posting(units["office"]), **row} for row in rows]))
    assert [(one.code, one.field) for one in found] == [expected]


def test_postings_that_touch_do_not_overlap(units):
    earlier = posting(None, unit_name="Trường THCS Lạc Long Quân", valid_from="2008-09-01", valid_to="2025-07-01")
    assert judge(person(units, postings=[earlier, posting(units["office"])])) == []


def test_a_post_outside_the_using_unit_is_only_a_warning(units):
    found = judge(person(units, postings=[posting(units["elsewhere"])]))
    assert [(one.code, one.severity, one.value) for one in found] == [("POSTING_UNIT_DIFFERS", WARNING, units["elsewhere"].name)]


def test_contract_staff_may_be_younger(units):
    # given somebody of 17 years, recruited at 16
    young = {"birth_date": "2009-05-01", "citizen_id": "066309001234", "first_recruit_date": "2025-06-01", "citizen_id_date": "2024-07-02"}
    postings = [posting(units["office"])]
    # when, then
    assert judge(person(units, **young, party_join_date=None, rank_date="2025-07-01", postings=postings, personnel_type="HD111")) == []
    codes = {one.code for one in judge(person(units, **young, party_join_date=None, rank_date="2025-07-01", postings=postings, personnel_type="CC"))}
    assert codes == {"AGE_RANGE", "RECRUITED_TOO_YOUNG"}


def test_an_unknown_unit_is_found_and_nothing_else(units):
    unknown = "00000000-0000-4000-8000-000000000000"
    assert [(one.code, one.field) for one in judge(person(units, managing_agency=unknown))] == [("UNIT_UNKNOWN", "managing_agency")]
    assert [(one.code, one.field) for one in judge(person(units, using_unit=unknown))] == [("UNIT_UNKNOWN", "using_unit")]


def test_a_unit_that_has_ended_is_found(units):
    with gate_lifted("orgtree_orgunit"):
        OrgUnit.objects.filter(pk=units["office"].pk).update(valid_to=date(2026, 1, 1))
    assert [(one.code, one.field, one.value) for one in judge(person(units))] == [("UNIT_ENDED", "using_unit", "Văn phòng")]


def test_the_using_unit_belongs_to_the_managing_agency(units):
    found = judge(person(units, managing_agency=str(units["elsewhere"].pk)))
    assert [(one.code, one.field) for one in found] == [("UNIT_NOT_UNDER_AGENCY", "using_unit")]
    # the agency itself may be the using unit, and a unit two levels down too
    desk = unit_make("Tổ một cửa", code="H15.70.01.01", parent=units["office"])
    assert judge(person(units, using_unit=str(units["agency"].pk))) == []
    assert judge(person(units, using_unit=str(desk.pk), postings=[posting(desk)])) == []
    # and the superior is not below its own division
    above = person(units, managing_agency=str(units["office"].pk), using_unit=str(units["agency"].pk))
    assert "UNIT_NOT_UNDER_AGENCY" in {one.code for one in judge(above)}


def test_old_places_may_be_former_areas_but_the_address_is_of_today(units):
    area_make("2004-24175", "Ea Kao", former=True)
    area_make("2025-24133", "Buôn Ma Thuột")
    assert judge(person(units, birth_place_area="2004-24175", home_town_area="2004-24175", current_address_area="2025-24133")) == []
    found = judge(person(units, current_address_area="2004-24175"))
    assert [(one.code, one.field) for one in found] == [("AREA_FORMER", "current_address_area")]


def test_a_citizen_number_twice_in_one_request(units):
    found = judge(person(units), person(units, staff_number="CB0002"))
    assert [(one.ref, one.code) for one in found] == [(0, "CITIZEN_ID_DUPLICATE"), (1, "CITIZEN_ID_DUPLICATE")]


def test_a_citizen_number_of_somebody_on_file(units):
    live_make(person(units))
    found = judge(person(units, staff_number="CB0002"))
    assert [(one.code, one.field, one.value) for one in found] == [("CITIZEN_ID_DUPLICATE", "citizen_id", "066185001234")]


def test_somebody_on_file_is_not_a_duplicate_of_themselves(units):
    (key,) = live_make(person(units))
    assert judge_changes((key, 1, person(units, phone="0987654321"))) == []


def test_a_number_passed_on_within_one_request_is_no_duplicate(units):
    # given two people on file, whose numbers were exchanged by mistake
    first, second = person(units), person(units, citizen_id="066185005678", staff_number="CB0002")
    one, two = live_make(first, second)
    # when both are corrected at once
    found = judge_changes((one, 1, {**first, "citizen_id": "066185005678"}), (two, 1, {**second, "citizen_id": "066185001234"}))
    # then
    assert found == []


def test_staff_numbers_are_unique_within_the_managing_agency_only(units):
    live_make(person(units))
    same = person(units, citizen_id="066185005678")
    assert [(one.code, one.field) for one in judge(same)] == [("STAFF_NUMBER_DUPLICATE", "staff_number")]
    other = {"managing_agency": str(units["elsewhere"].pk), "using_unit": str(units["elsewhere"].pk), "postings": [posting(units["elsewhere"])]}
    assert judge(person(units, citizen_id="066185005678", **other)) == []


def test_malformed_numbers_do_not_end_the_check(units):
    # given a number that no cast could read, beside a fault of another kind
    found = judge(person(units, citizen_id="ABC"), person(units, gender="1", citizen_id="066185009999", staff_number="CB0002"))
    assert [(one.ref, one.code) for one in found] == [(0, "CITIZEN_ID_FORM"), (1, "CITIZEN_ID_GENDER")]


@pytest.mark.parametrize("class_", ["A3.1", "A3.2", "A2.1", "A2.2", "A1", "A0", "B"])
def test_every_step_of_a_class_gives_its_coefficient(units, class_):
    rank = RankCode.objects.filter(salary_class=class_).first()
    steps = SalaryStep.objects.filter(salary_class=class_)
    people = [
        person(
            units,
            citizen_id=f"0661850{step.step:05}",
            staff_number=f"N{step.step}",
            rank_code=rank.code,
            step=step.step,
            coefficient=str(step.coefficient),
        )
        for step in steps
    ]
    assert judge(*people) == []
    assert len(people) == steps[0].max_step


BROKEN = {
    **dict.fromkeys(("staff_number", "phone", "party_join_date", "birth_place_area"), (None,)),
    "citizen_id": ("", "1", "066185009999", "999185001234"),
    "phone": (None, "12", "0912345678"),
    "gender": ("1", "2"),
    "birth_date": ("1900-02-28", "1985-08-15", "2008-02-29", "2026-10-15"),
    "citizen_id_date": ("1985-08-15", "1985-08-14", "1999-08-15"),
    "first_recruit_date": ("1985-08-15", "2003-08-15", "2025-07-01", "2025-07-02"),
    "current_agency_date": ("1985-08-15", "2008-09-01", "2025-07-01"),
    "personnel_type": ("CC", "HDLD"),
    "rank_code": (None, "01.003", "01.008", "V.02.02.01"),
    "rank_date": (None, "2010-01-01"),
    "step": (None, 0, 1, 6, 99, -1),
    "coefficient": (None, "0.00", "-1.00", "3.99", "99.99"),
    "step_date": (None, "2025-01-01"),
    "percent": (None, "0.00", "0.50", "1.00", "100.00", "100.01"),
}
ROWS = {
    "title": (None, "Chuyên viên"),
    "unit_name": (None, "Trường THCS"),
    "valid_from": (None, "2020-01-01", "2025-07-01"),
    "valid_to": (None, "2020-01-01", "2025-07-01", "2025-07-02"),
}


def test_a_rule_speaks_before_every_constraint(units):
    """Whatever is wrong with a person: when no rule finds an error, the tables take the document as it is."""

    @settings(max_examples=40)
    @given(
        st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in BROKEN.items()}),
        st.lists(st.fixed_dictionaries({"unit": st.booleans(), **{name: st.sampled_from(values) for name, values in ROWS.items()}}), max_size=3),
    )
    def check(changes, rows):
        postings = [{**row, "unit": str(units["office"].pk) if row["unit"] else None} for row in rows]
        distinct = list({canonical(row): row for row in postings}.values())
        document = person(units, **changes, **({"postings": distinct} if distinct else {}))
        if STAFF_PROFILE.problems(document):
            return
        errors = [one for one in judge(document) if one.severity == ERROR]
        try:
            with transaction.atomic():
                live_make(document)
                transaction.set_rollback(True)
        except IntegrityError:
            assert errors, document

    check()


def test_everyone_of_the_demo_is_right(db):
    from config.demo.people import people
    from config.demo.province import units as province_units

    # given the province's units, and its first 300 people
    province_make(province_units())
    documents = [one.document for one in people(300)]
    # when, then
    assert [(documents[one.ref]["birth_name"], one) for one in judge(*documents, today=DEMO_TODAY) if one.severity == ERROR] == []


def test_every_rule_names_its_source_and_a_repair():
    assert all(rule.source and rule.message and rule.repair for rule in RULES)
    # one code is one sentence: a stored finding holds the code alone
    sentences: dict[str, set[str]] = {}
    for rule in RULES:
        sentences.setdefault(rule.code, set()).add(str(rule.message))
    assert {code: texts for code, texts in sentences.items() if len(texts) > 1} == {}


def province_make(units):
    from tests.factories import unit_row, units_make

    rows = []
    for unit in units:
        columns = {name: unit.document[name] for name in ("code", "name", "short_name", "kind", "order_no", "valid_from", "valid_to")}
        rows.append(unit_row(**{**columns, "id": unit.key, "area_id": unit.document["area"], "parent": unit.document["parent"]}))
    units_make(rows)
