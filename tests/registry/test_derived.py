"""Derived values against the tables that the decrees publish."""

from __future__ import annotations

from datetime import date

import pytest

from registry.schema import STAFF_PROFILE
from registry.selectors.derived import (
    add_months,
    current_post,
    discipline_end,
    disciplined,
    highest_degree,
    next_overframe,
    next_step,
    retirement,
    retirement_age,
    seniority_months,
    term_end,
)

# Decree 135/2020/NĐ-CP, appendix I: month of birth, gender, month in which the pension begins.
APPENDIX = [
    ("1961-01-31", "1", "2021-05-01"),
    ("1961-09-15", "1", "2022-01-01"),
    ("1961-10-15", "1", "2022-05-01"),
    ("1962-06-30", "1", "2023-01-01"),
    ("1962-07-01", "1", "2023-05-01"),
    ("1966-01-10", "2", "2021-06-01"),
    ("1966-08-31", "2", "2022-01-01"),
    ("1966-09-01", "2", "2022-06-01"),
    ("1967-04-30", "2", "2023-01-01"),
    ("1967-05-01", "2", "2023-06-01"),
]
AGES = [
    (2021, 60 * 12 + 3, 55 * 12 + 4),
    (2026, 61 * 12 + 6, 57 * 12),
    (2028, 62 * 12, 57 * 12 + 8),
    (2035, 62 * 12, 60 * 12),
    (2050, 62 * 12, 60 * 12),
]


@pytest.mark.parametrize(("born", "gender", "leaves"), APPENDIX)
def test_retirement_begins_in_the_month_of_the_appendix(born, gender, leaves):
    assert retirement(date.fromisoformat(born), gender).leaves == date.fromisoformat(leaves)


@pytest.mark.parametrize(("year", "men", "women"), AGES)
def test_the_age_grows_to_its_end(year, men, women):
    assert (retirement_age("1", year), retirement_age("2", year)) == (men, women)


def test_notice_and_decision_come_six_and_three_months_before():
    found = retirement(date(1961, 1, 31), "1")
    assert (found.notice, found.decision) == (date(2020, 11, 1), date(2021, 2, 1))


def test_no_month_of_birth_retires_before_an_earlier_one():
    for gender in ("1", "2"):
        days = [retirement(date(year, month, 15), gender).leaves for year in range(1961, 1990) for month in range(1, 13)]
        assert days == sorted(days)


@pytest.mark.parametrize(
    ("form", "due"), [(None, "2027-01-01"), ("01", "2027-04-01"), ("02", "2027-07-01"), ("03", "2028-01-01"), ("06", "2028-01-01")]
)
def test_a_discipline_puts_the_next_step_off(form, due):
    rows = [{"side": "CQ", "form": form, "valid_from": "2025-03-01"}] if form else []
    assert next_step(step=3, max_step=9, months=36, since=date(2024, 1, 1), disciplines=rows) == date.fromisoformat(due)


def test_a_discipline_of_an_earlier_step_does_not_count():
    row = {"side": "CQ", "form": "02", "valid_from": "2023-03-01"}
    assert next_step(step=3, max_step=9, months=36, since=date(2024, 1, 1), disciplines=[row]) == date(2027, 1, 1)


def test_a_discipline_of_the_party_alone_puts_nothing_off():
    row = {"side": "DANG", "form": "02", "valid_from": "2025-03-01"}
    assert next_step(step=3, max_step=9, months=36, since=date(2024, 1, 1), disciplines=[row]) == date(2027, 1, 1)


def test_over_frame_begins_with_five_and_grows_by_one():
    last = {"step": 9, "max_step": 9, "months": 36, "since": date(2020, 7, 1)}
    assert next_step(**last) is None
    assert next_overframe(**last, percent=None, percent_since=None) == (5, date(2023, 7, 1))
    assert next_overframe(**last, percent=6, percent_since=date(2024, 7, 1)) == (7, date(2025, 7, 1))
    assert next_overframe(**{**last, "step": 8}, percent=None, percent_since=None) is None


def test_what_puts_a_step_off_puts_the_over_frame_share_off():
    last = {"step": 9, "max_step": 9, "months": 36, "since": date(2020, 7, 1)}
    warning = {"side": "CQ", "form": "02", "valid_from": "2022-03-01"}
    assert next_overframe(**last, percent=None, percent_since=None, disciplines=[warning]) == (5, date(2024, 1, 1))
    assert next_overframe(**last, percent=5, percent_since=date(2023, 7, 1), disciplines=[warning]) == (6, date(2024, 7, 1))
    assert next_overframe(**last, percent=5, percent_since=date(2023, 7, 1), failed_years=1) == (6, date(2025, 1, 1))


def test_the_highest_degree_is_the_highest_and_then_the_latest():
    def row(degree, until):
        return {"degree": degree, "valid_to": until, "major": until}

    document = {"degrees": [row("04", "2008-07-01"), row("03", "2014-07-01"), row("03", "2019-07-01"), row("07", "2020-07-01")]}
    assert highest_degree(document)["major"] == "2019-07-01"
    assert highest_degree({"degrees": []}) is None


def test_the_post_of_a_day_is_half_open():
    rows = [
        {"title": "A", "valid_from": "2010-01-01", "valid_to": "2025-07-01"},
        {"title": "B", "valid_from": "2025-07-01", "valid_to": None},
    ]
    posts = [current_post({"postings": rows}, on=day) for day in (date(2009, 12, 31), date(2025, 6, 30), date(2025, 7, 1))]
    assert [post and post["title"] for post in posts] == [None, "A", "B"]


def test_terms_and_disciplines_end():
    reprimand = {"side": "CQ", "form": "01", "valid_from": "2025-10-15"}
    patch = {"appoint_date": "2020-02-29", "disciplines": [reprimand], "first_recruit_date": "2008-09-15"}
    document = STAFF_PROFILE.merge(None, patch)
    assert term_end(document) == date(2025, 2, 28)
    assert term_end({**document, "reappoint_date": "2025-03-01"}) == date(2030, 3, 1)
    assert discipline_end(document["disciplines"][0]) == date(2026, 10, 15)
    assert [disciplined(document, on=day) for day in (date(2025, 10, 14), date(2025, 10, 15), date(2026, 10, 14), date(2026, 10, 15))] == [
        False,
        True,
        True,
        False,
    ]
    assert seniority_months(document, on=date(2026, 9, 14)) == 18 * 12 - 1
    assert seniority_months(document, on=date(2026, 9, 15)) == 18 * 12


def test_months_end_with_the_month():
    assert add_months(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert add_months(date(2024, 3, 31), -1) == date(2024, 2, 29)
