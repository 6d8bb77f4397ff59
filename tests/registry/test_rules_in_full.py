"""The rules of rows and of the file as a whole: each finds exactly its own fault."""

from __future__ import annotations

from typing import Any

import pytest

from registry.fields import LISTS
from registry.rules import life, pay, service
from registry.rules.lists import CARE, DATED, YEARS
from registry.rules.lists import RULES as ROW_RULES
from registry.schema import STAFF_PROFILE
from tests.registry.people import judge, person, places, posting

pytestmark = pytest.mark.django_db
# One right row of each list.
RIGHT: dict[str, dict[str, Any]] = {
    "planned_posts": {"title": "Trưởng phòng", "valid_from": "2025-01-01"},
    "secondments": {"host": "Ủy ban nhân dân xã Ea Kao", "reason": "TH", "valid_from": "2025-08-01", "valid_to": "2026-02-01"},
    "salary_history": {"valid_from": "2025-01-01", "rank_code": "01.003", "step": 6, "coefficient": "3.99", "percent": "100.00"},
    "allowances": {"kind": "06", "valid_from": "2025-07-01", "coefficient": "0.30"},
    "annual_results": {"year": 2025, "grade": "02", "emulation": "LDTT", "commendation": "06"},
    "disciplines": {"side": "CQ", "form": "01", "valid_from": "2020-01-01", "valid_to": "2021-01-01"},
    "organisations": {"organisation": "Công đoàn", "valid_from": "2008-10-01"},
    "degrees": {"valid_from": "2003-09-01", "valid_to": "2007-07-01", "major": "Luật", "mode": "00", "degree": "04"},
    "political_training": {"valid_from": "2015-03-01", "valid_to": "2015-09-01", "level": "07", "mode": "TT"},
    "state_mgmt_training": {"valid_from": "2016-03-01", "valid_to": "2016-06-01", "level": "CV", "certificate": "Chuyên viên"},
    "defence_training": {"valid_from": "2017-03-01", "valid_to": "2017-04-01", "level": "4", "certificate": "Đối tượng 4"},
    "it_certs": {"valid_from": "2010-03-01", "valid_to": "2010-06-01", "level": "CB"},
    "language_certs": {"valid_from": "2011-03-01", "valid_to": "2011-06-01", "language": "01", "level": "B3"},
    "family": {"relation": "05", "full_name": "Trần Văn Nam", "birth_year": 1983},
    "in_laws": {"relation": "03", "full_name": "Trần Văn Bình", "birth_year": 1955},
    "old_regime": {"valid_from": "1970-01-01", "valid_to": "1975-05-01", "title": "Thư ký"},
    "foreign_orgs": {"valid_from": "2010-01-01", "valid_to": "2011-01-01", "organisation": "UNICEF"},
    "foreign_trips": {"valid_from": "2019-05-05", "valid_to": "2019-05-12", "country": "Lào"},
    "incomes": {"year": 2025, "salary_amount": "180000000"},
    "properties": {"category": "NHA", "kind": "5", "area_m2": "90.00"},
}


@pytest.fixture
def units():
    return places()


def found(units, **changes) -> set[tuple[str, str]]:
    return {(one.code, one.field) for one in judge(person(units, **changes))}


def with_row(units, rows: str, **changes) -> set[tuple[str, str]]:
    return found(units, **{rows: [{**RIGHT[rows], **changes}]})


def test_a_person_with_every_list_filled_finds_nothing(units):
    document = person(units, marital_status="2", **{rows: [row] for rows, row in RIGHT.items()})
    assert STAFF_PROFILE.problems(document) == []
    assert judge(document) == []


@pytest.mark.parametrize("rows", [one.name for one in DATED])
def test_a_period_ends_after_it_begins(units, rows):
    start = RIGHT[rows]["valid_from"]
    assert ("ROW_PERIOD", f"{rows}.valid_to") in with_row(units, rows, valid_to=start)


@pytest.mark.parametrize("rows", [one.name for one in DATED if any(column.kind == "month" for column in one.columns)])
def test_months_are_whole(units, rows):
    assert with_row(units, rows, valid_from=RIGHT[rows]["valid_from"][:8] + "02") == {("ROW_MONTH", f"{rows}.valid_from")}


REQUIRED = [(one.name, column.name) for one in LISTS if one.name not in CARE for column in one.columns if column.required]


@pytest.mark.parametrize(("rows", "column"), REQUIRED)
def test_what_must_stand_in_a_row(units, rows, column):
    assert ("REQUIRED", f"{rows}.{column}") in with_row(units, rows, **{column: None})


LISTED = [(one.name, column.name) for one in LISTS if one.name not in CARE for column in one.columns if column.code_list]


@pytest.mark.parametrize(("rows", "column"), LISTED)
def test_codes_of_rows_are_those_of_their_list(units, rows, column):
    assert ("CODE_UNKNOWN", f"{rows}.{column}") in with_row(units, rows, **{column: "ZZ"})


@pytest.mark.parametrize(("rows", "column"), YEARS.items())
def test_a_year_has_begun(units, rows, column):
    assert ("ROW_YEAR", f"{rows}.{column}") in with_row(units, rows, **{column: 2027})


CASES = {
    ("YEAR_TWICE", "annual_results.year"): {"annual_results": [RIGHT["annual_results"], {**RIGHT["annual_results"], "grade": "01"}]},
    ("YEAR_TWICE", "incomes.year"): {"incomes": [RIGHT["incomes"], {"year": 2025, "other_amount": "1"}]},
    ("ROW_OVERLAP", "salary_history.valid_from"): {
        "salary_history": [RIGHT["salary_history"], {**RIGHT["salary_history"], "valid_from": "2024-01-01", "valid_to": "2025-02-01"}]
    },
    ("ROW_OVERLAP", "allowances.valid_from"): {"allowances": [RIGHT["allowances"], {**RIGHT["allowances"], "valid_from": "2026-01-01"}]},
    ("ROW_OVERLAP", "secondments.valid_from"): {
        "secondments": [RIGHT["secondments"], {**RIGHT["secondments"], "valid_from": "2026-01-01", "valid_to": None}]
    },
    ("PARTY_OFFICIAL_EARLY", "party_official_date"): {"party_official_date": "2012-02-02"},
    ("PARTY_OFFICIAL_SOON", "party_official_date"): {"party_official_date": "2013-02-02"},
    ("PARTY_DATE_MISSING", "party_join_date"): {"party_join_date": None, "party_post": "BT"},
    ("MILITARY_ORDER", "discharge_date"): {"enlist_date": "2004-02-15", "discharge_date": "2004-02-15"},
    ("MILITARY_RANK_ALONE", "military_rank"): {"military_rank": "TS"},
    ("SOCIAL_INSURANCE_FORM", "social_insurance_no"): {"social_insurance_no": "661234567"},
    ("HEALTH_INSURANCE_FORM", "health_insurance_no"): {"health_insurance_no": "4661234567890"},
    ("PHOTO_DIGEST", "photo"): {"photo": "anh.jpg"},
    ("BODY_MEASURE", "height_cm"): {"height_cm": 16},
    ("BODY_MEASURE", "weight_kg"): {"weight_kg": 550},
    ("POSITION_PAY", "job_position_step"): {"job_position_step": 0},
    ("POSITION_PAY", "job_position_amount"): {"job_position_amount": "0"},
    ("OVERFRAME_INCOMPLETE", "overframe_date"): {"step": 9, "coefficient": "4.98", "overframe_percent": 5},
    ("OVERFRAME_INCOMPLETE", "overframe_percent"): {"step": 9, "coefficient": "4.98", "overframe_date": "2025-01-01"},
    ("OVERFRAME_RANGE", "overframe_percent"): {"step": 9, "coefficient": "4.98", "overframe_percent": 4, "overframe_date": "2025-01-01"},
    ("OVERFRAME_NOT_LAST", "overframe_percent"): {"overframe_percent": 5, "overframe_date": "2025-01-01"},
    ("STEP_OVERDUE", "step_date"): {"step_date": "2023-08-01"},
    ("REAPPOINT_EARLY", "reappoint_date"): {"reappoint_date": "2025-01-01"},
    ("SPOUSE_MISSING", "family"): {"marital_status": "2"},
    ("IN_LAWS_OF_SINGLE", "in_laws"): {"marital_status": "1", "in_laws": [RIGHT["in_laws"]]},
    ("PARENT_YOUNG", "family.birth_year"): {"family": [{"relation": "03", "full_name": "Nguyễn Văn An", "birth_year": 1975}]},
    ("SALARY_WHOLE", "salary_history.rank_code"): {"salary_history": [{**RIGHT["salary_history"], "valid_to": "2026-01-01", "coefficient": None}]},
    ("SALARY_PERCENT", "salary_history.percent"): {"salary_history": [{**RIGHT["salary_history"], "percent": "0.00"}]},
    ("SALARY_COEFFICIENT", "salary_history.coefficient"): {
        "salary_history": [{**RIGHT["salary_history"], "valid_to": "2026-01-01", "coefficient": "3.00"}]
    },
    ("SALARY_GAP", "salary_history.valid_from"): {
        "salary_history": [
            RIGHT["salary_history"],
            {**RIGHT["salary_history"], "valid_from": "2021-01-01", "valid_to": "2024-01-01", "step": 5, "coefficient": "3.66"},
        ]
    },
    ("SALARY_CURRENT_DIFFERS", "salary_history.step"): {"salary_history": [{**RIGHT["salary_history"], "step": 5, "coefficient": "3.66"}]},
    ("ALLOWANCE_VALUE", "allowances.kind"): {"allowances": [{**RIGHT["allowances"], "coefficient": None}]},
    ("RESULT_EMPTY", "annual_results.grade"): {"annual_results": [{"year": 2025}]},
    ("INCOME_AMOUNT", "incomes.salary_amount"): {"incomes": [{"year": 2025}]},
    ("PROPERTY_AREA", "properties.area_m2"): {"properties": [{**RIGHT["properties"], "area_m2": "0.00"}]},
    ("SECONDMENT_LONG", "secondments.valid_to"): {"secondments": [{**RIGHT["secondments"], "valid_to": "2028-08-02"}]},
    ("DISCIPLINE_FUTURE", "disciplines.valid_from"): {"disciplines": [{**RIGHT["disciplines"], "valid_from": "2026-10-16", "valid_to": None}]},
    ("DISCIPLINE_ABOLISHED", "disciplines.form"): {
        "disciplines": [{**RIGHT["disciplines"], "form": "06", "valid_from": "2025-07-01", "valid_to": None}]
    },
    ("TRIP_BEFORE_BIRTH", "foreign_trips.valid_from"): {"foreign_trips": [{**RIGHT["foreign_trips"], "valid_from": "1985-08-14"}]},
    ("DEGREE_BEFORE_SIXTEEN", "degrees.valid_to"): {"degrees": [{**RIGHT["degrees"], "valid_from": "1999-09-01", "valid_to": "2000-06-01"}]},
}


@pytest.mark.parametrize("expected", CASES, ids="-".join)
def test_each_rule_finds_its_own_fault(units, expected):
    assert found(units, **CASES[expected]) == {expected}


def test_a_leader_has_a_day_of_appointment(units):
    rows = [posting(units["office"], title="Trưởng phòng", position_group="LDQL")]
    assert found(units, postings=rows) == {("LEADER_NOT_APPOINTED", "appoint_date")}
    assert found(units, postings=rows, appoint_date="2025-07-01") == set()


def test_a_step_put_off_by_a_discipline_is_not_overdue_yet(units):
    # given: three years were over on 01/08/2026; a warning puts the step off to 01/02/2027, one of the Party alone does not
    warning = {**RIGHT["disciplines"], "side": "CQ", "form": "02", "valid_from": "2024-05-01", "valid_to": None}
    # when, then
    assert found(units, step_date="2023-08-01", disciplines=[warning]) == set()
    assert found(units, step_date="2023-08-01", disciplines=[{**warning, "side": "DANG"}]) == {("STEP_OVERDUE", "step_date")}
    assert found(units, step_date="2023-01-01", disciplines=[warning]) == {("STEP_OVERDUE", "step_date")}


def test_an_over_frame_allowance_needs_a_rank(units):
    nothing = dict.fromkeys(("rank_code", "rank_date", "step", "coefficient", "step_date", "percent"))
    assert ("OVERFRAME_INCOMPLETE", "rank_code") in found(units, **nothing, overframe_percent=5, overframe_date="2025-01-01")


def test_no_rule_is_without_its_case():
    elsewhere = {"LEADER_NOT_APPOINTED", "OVERFRAME_INCOMPLETE", "RANK_NOT_THEN"}
    assert {rule.code for rule in (*service.RULES, *pay.RULES, *life.RULES)} - elsewhere == {code for code, _field in CASES} - {
        "YEAR_TWICE",
        "ROW_OVERLAP",
    } - elsewhere
    assert {rule.code for rule in ROW_RULES} == {
        "ROW_PERIOD",
        "ROW_MONTH",
        "REQUIRED",
        "CODE_UNKNOWN",
        "ROW_YEAR",
        "YEAR_TWICE",
        "ROW_OVERLAP",
        "CODE_NOT_THEN",
    }
