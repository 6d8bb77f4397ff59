"""What people type into the cells of rows: months, last days, money with its thousands; and the last day is shown as it was typed."""

from __future__ import annotations

from datetime import date

import pytest

from registry.cleaning import clean_line
from registry.lookups import Lookups
from registry.services.codes import codes_load
from registry.targets import show
from tests.registry.people import places

pytestmark = pytest.mark.django_db


@pytest.fixture
def lookups() -> Lookups:
    codes_load()
    return Lookups(unit=places()["agency"], actor=None, day=date(2026, 10, 15))


@pytest.mark.parametrize(
    ("rows", "column", "typed", "kept"),
    [
        ("degrees", "valid_from", "9/2004", "2004-09-01"),
        ("degrees", "valid_to", "06/2008", "2008-07-01"),
        ("degrees", "valid_to", "12/2008", "2009-01-01"),
        ("degrees", "valid_from", "15/09/2004", "2004-09-01"),
        ("salary_history", "valid_from", "01/10/2026", "2026-10-01"),
        ("salary_history", "valid_to", "30/09/2026", "2026-10-01"),
        ("salary_history", "coefficient", "2,67", "2.67"),
        ("incomes", "salary_amount", "125.500.000", "125500000"),
        ("degrees", "mode", "Tại chức", "TC"),
        ("salary_history", "rank_code", "01.003 - Chuyên viên", "01.003"),
    ],
)
def test_a_cell_is_kept_as_documents_have_it(lookups, rows, column, typed, kept):
    # when
    cleaned = clean_line(rows, {column: typed}, lookups)
    # then
    assert cleaned.problems == ()
    assert cleaned.values == {column: kept}


@pytest.mark.parametrize(
    ("rows", "column", "typed", "code"),
    [
        ("degrees", "valid_from", "13/2004", "MONTH_FORM"),
        ("degrees", "valid_from", "2004", "MONTH_FORM"),
        ("salary_history", "valid_to", "31/09/2026", "DATE_CALENDAR"),
        ("salary_history", "coefficient", "2.675", "VALUE_FORM"),
        ("incomes", "salary_amount", "125.5", "VALUE_FORM"),
        ("degrees", "mode", "không rõ", "CODE_NAME_UNKNOWN"),
        ("degrees", "school", "x" * 251, "TOO_LONG"),
    ],
)
def test_what_is_not_certain_is_refused_by_name(lookups, rows, column, typed, code):
    # when
    cleaned = clean_line(rows, {column: typed}, lookups)
    # then
    assert cleaned.values == {}
    assert [(one.field, one.code) for one in cleaned.problems] == [(column, code)]


@pytest.mark.parametrize(
    ("field", "typed"), [("postings.valid_to", "30/09/2026"), ("degrees.valid_to", "06/2008"), ("postings.valid_from", "01/10/2026")]
)
def test_the_end_of_a_period_is_shown_as_it_is_typed(lookups, field, typed):
    # given
    rows, _, column = field.partition(".")
    kept = clean_line(rows, {column: typed}, lookups).values[column]
    # when, then
    assert show(field, [kept])[kept] == typed


def test_a_telephone_number_is_not_taken_for_a_day():
    assert show("phone", ["0905111009"])["0905111009"] == "0905111009"
    assert show("birth_date", ["1985-08-15"])["1985-08-15"] == "15/08/1985"
