"""What stands in a cell becomes a value of the document, or a named problem; nothing is repaired in silence."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgtree.models import OrgUnit
from registry.cleaning import clean_row
from registry.fields import BY_NAME, FIELDS, field_of_heading, heading_key
from registry.lookups import Lookups
from registry.models import CodeItem
from tests.factories import superuser_make
from tests.registry.people import TODAY, area_make, places


@pytest.fixture
def lookups(db):
    units = places()
    return Lookups(unit=OrgUnit.objects.get(pk=units["agency"].pk), actor=superuser_make(), day=TODAY)


def clean(name, raw, lookups, **others):
    """The value, or (code, value or suggestion) of the problem."""
    result = clean_row({name: raw, **others}, lookups)
    mine = [one for one in result.problems if one.field == name]
    if mine:
        assert name not in result.values
        return (mine[0].code, mine[0].params.get("suggestion", mine[0].value))
    return result.values.get(name)


SAME_THING = [
    ("birth_date", date(1985, 8, 15), "1985-08-15"),
    ("birth_date", datetime(1985, 8, 15, 0, 0), "1985-08-15"),  # noqa: DTZ001 as calamine gives it
    ("birth_date", 31274, "1985-08-15"),
    ("birth_date", 31274.0, "1985-08-15"),
    ("birth_date", "15/08/1985", "1985-08-15"),
    ("birth_date", " 5/8/1985 ", "1985-08-05"),
    ("birth_date", "15-08-1985", "1985-08-15"),
    ("birth_date", "15.8.1985", "1985-08-15"),
    ("birth_date", "1985-08-15", "1985-08-15"),
    ("birth_name", "  Nguyễn   Thị Hoa ", "Nguyễn Thị Hoa"),
    ("birth_name", "NGUYỄN THỊ HOA", "Nguyễn Thị Hoa"),
    ("birth_name", "H'THU NIÊ", "H'Thu Niê"),
    ("birth_name", "Nguye\u0302\u0303n Hoa", "Nguyễn Hoa"),
    ("gender", "Nữ", "2"),
    ("gender", "NỮ", "2"),
    ("gender", 1.0, "1"),
    ("ethnicity", "Ê đê", "11"),
    ("ethnicity", "Ê-đê", "11"),
    ("ethnicity", "M'Nông", "20"),
    ("ethnicity", 1, "01"),
    ("religion", "Không", "99"),
    ("religion", "Phật giáo", "01"),
    ("general_education", "12/12", "22"),
    ("general_education", "12/12 bổ túc", "44"),
    ("personnel_type", "Công chức", "CC"),
    ("personnel_type", "cc", "CC"),
    ("personnel_type", "Hợp đồng 111", "HD111"),
    ("citizen_id", "066185001234", "066185001234"),
    ("citizen_id", "066 185 001 234", "066185001234"),
    ("citizen_id", "'066185001234", "066185001234"),
    ("phone", "0912.345.678", "0912345678"),
    ("phone", "+84 912 345 678", "0912345678"),
    ("rank_code", "01.003", "01.003"),
    ("rank_code", "01.003 - Chuyên viên", "01.003"),
    ("rank_code", "Chuyên viên", "01.003"),
    ("rank_code", "v.07.03.29", "V.07.03.29"),
    ("rank_code", "01a.003", "01a.003"),
    ("step", 6.0, 6),
    ("step", "6", 6),
    ("step", "6/9", 6),
    ("step", "Bậc 6", 6),
    ("coefficient", 3.99, "3.99"),
    ("coefficient", "3,99", "3.99"),
    ("coefficient", 3, "3.00"),
    ("percent", 100, "100.00"),
    ("percent", 1.0, "100.00"),
    ("percent", 0.85, "85.00"),
    ("percent", "85%", "85.00"),
    ("staff_number", 12.0, "12"),
    ("home_town", "   ", None),
]


@pytest.mark.parametrize(("name", "raw", "value"), SAME_THING)
def test_another_way_of_writing_the_same_thing_is_understood(lookups, name, raw, value):
    assert clean(name, raw, lookups) == value


PROBLEMS = [
    ("birth_date", "31/02/1985", ("DATE_CALENDAR", "31/02/1985")),
    ("birth_date", "08/15/1985", ("DATE_CALENDAR", "15/08/1985")),
    ("birth_date", "15/08/85", ("DATE_SHAPE", "15/08/1985")),
    ("birth_date", "tháng 8 năm 1985", ("DATE_DAY_MISSING", "tháng 8 năm 1985")),
    ("birth_date", 1985, ("BIRTH_YEAR_ONLY", "01/01/1985")),
    ("birth_date", "1985", ("BIRTH_YEAR_ONLY", "01/01/1985")),
    ("birth_date", True, ("DATE_FORM", "True")),
    ("birth_date", time(8, 15), ("DATE_FORM", "08:15:00")),
    ("birth_date", 31274.5, ("DATE_FORM", "31274.5")),
    ("citizen_id", 66185001234.0, ("LOST_ZERO", "066185001234")),
    ("phone", 912345678, ("LOST_ZERO", "0912345678")),
    ("rank_code", 1.003, ("LOST_ZERO", "01.003")),
    ("general_education", date(2026, 12, 12), ("BECAME_DATE", "12/12")),
    ("step", date(2026, 9, 3), ("BECAME_DATE", "3")),
    ("coefficient", "ba phẩy chín", ("VALUE_FORM", "ba phẩy chín")),
    ("coefficient", 3.995, ("VALUE_FORM", "3.995")),
    ("coefficient", "1e3", ("VALUE_FORM", "1e3")),
    ("coefficient", 1e40, ("VALUE_FORM", str(int(1e40)))),
    ("coefficient", "NaN", ("VALUE_FORM", "NaN")),
    ("step", 6.5, ("VALUE_FORM", "6.5")),
    ("birth_place", "x" * 301, ("TOO_LONG", "x" * 80)),
    ("home_town", True, ("VALUE_FORM", "True")),
    ("home_town", "Ea\x00Kao", ("VALUE_FORM", "Ea\x00Kao")),
    ("using_unit", "Phòng không ai biết", ("UNIT_NAME_UNKNOWN", "Phòng không ai biết")),
    ("using_unit", "H15.71", ("UNIT_ELSEWHERE", "H15.71")),
    ("current_address_area", "00000", ("AREA_CODE_UNKNOWN", "00000")),
]


@pytest.mark.parametrize(("name", "raw", "problem"), PROBLEMS)
def test_what_lost_something_on_the_way_is_a_problem_with_a_suggestion(lookups, name, raw, problem):
    assert clean(name, raw, lookups) == problem


def test_an_ambiguous_name_is_not_guessed(lookups):
    code, suggestion = clean("personnel_type", "HĐ", lookups)
    assert code == "CODE_NAME_UNKNOWN"
    assert "Công chức" in suggestion


def test_units_by_either_code_or_by_name(lookups):
    office = str(OrgUnit.objects.get(code="H15.70.01").pk)
    assert {clean("using_unit", text, lookups) for text in ("H15.70.01", "000.01.70.H15", "Văn phòng", "VĂN PHÒNG", "H15.70.01 Văn phòng")} == {
        office
    }


def test_the_managing_agency_may_stand_above_the_unit_of_the_workbook(db):
    units = places()
    lookups = Lookups(unit=units["office"], actor=superuser_make(), day=TODAY)
    assert clean("managing_agency", "H15.70", lookups) == str(units["agency"].pk)
    assert clean("using_unit", "H15.70", lookups)[0] == "UNIT_ELSEWHERE"


def test_a_five_digit_code_is_looked_up_with_its_time(lookups):
    # given a code that means one place before and another after 1 July 2025, and one that never changed
    area_make("2004-99991", "Hòa An", former=True)
    area_make("2025-99991", "Tân Lập")
    area_make("2004-99992", "Ea Tu", former=True)
    # when, then
    assert clean("current_address_area", "99991", lookups) == "2025-99991"
    assert clean("birth_place_area", "99991", lookups)[0] == "AREA_CODE_AMBIGUOUS"
    assert clean("birth_place_area", "99991", lookups, birth_place="xã Hòa An, tỉnh Đắk Lắk") == "2004-99991"
    assert clean("birth_place_area", "2025-99991", lookups) == "2025-99991"
    assert clean("birth_place_area", "99992", lookups) == "2004-99992"
    assert clean("current_address_area", "99992", lookups)[0] == "AREA_SUCCEEDED"  # nobody lives in a former one today


def test_every_problem_of_a_row_is_collected(lookups):
    result = clean_row({"birth_date": "1985", "citizen_id": 66185001234, "step": "x", "birth_name": "Hoa"}, lookups)
    assert [one.code for one in result.problems] == ["BIRTH_YEAR_ONLY", "LOST_ZERO", "VALUE_FORM"]
    assert result.values == {"birth_name": "Hoa"}


CELLS = st.one_of(
    st.text(max_size=40),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
    st.from_regex(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2,4}", fullmatch=True),
)


def test_no_cell_whatever_breaks_the_cleaning_and_every_value_fits_the_document(lookups):
    from registry.cleaning import SCHEMA_FIELDS

    @given(st.fixed_dictionaries({}, optional={field.name: CELLS for field in FIELDS}))
    def check(cells):
        result = clean_row(cells, lookups)
        for name, value in result.values.items():
            assert SCHEMA_FIELDS[name].problem(value) is None
        assert {one.field for one in result.problems}.isdisjoint(result.values)

    check()


@given(st.dates(date(1900, 3, 1), date(2099, 12, 31)))
def test_a_date_is_read_back_however_it_was_written(day):
    from registry.cleaning import EXCEL_EPOCH

    ways = [day, f"{day:%d/%m/%Y}", f"{day.day}-{day.month}-{day.year}", day.isoformat()]
    serial = (day - EXCEL_EPOCH).days
    if not 1900 <= serial < 2100:
        ways.append(serial)
    assert {clean_row({"birth_date": way}, None).values.get("birth_date") for way in ways} == {day.isoformat()}


def test_every_heading_of_the_catalogue_names_its_field():
    for field in FIELDS:
        for heading in (*field.headings, field.headings[0].upper(), f"{field.headings[0]} (*)", field.name):
            assert field_of_heading(heading) is field
    assert field_of_heading("Ghi chú") is None
    assert heading_key("  8. Số CCCD: ") == "so cccd"


def test_examples_of_the_catalogue_can_be_read(lookups):
    area_make("2025-24133", "Buôn Ma Thuột")
    for field in FIELDS:
        if field.kind not in ("unit", "area"):
            assert field.example, field.name
            assert clean(field.name, field.example, lookups) is not None, field.name


def test_every_list_that_a_field_refers_to_is_loaded(db):
    lists = set(CodeItem.objects.values_list("list", flat=True))
    assert {field.code_list for field in BY_NAME.values() if field.code_list} <= lists
