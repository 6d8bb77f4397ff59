"""Derived values in words, each with its source; the SQL of the filters against the Python of the page."""

from __future__ import annotations

from datetime import date

import pytest

from registry.models import StaffProfile
from registry.selectors.derived import failed_years, next_overframe, next_step, retirement
from registry.selectors.due import retires, step_due, with_next_step
from registry.selectors.standing import profile_standing
from tests.registry.people import TODAY, live_make, person, places

pytestmark = pytest.mark.django_db


@pytest.fixture
def units(settings):
    settings.PINNED_TODAY = TODAY
    return places()


def texts(document) -> dict[str, tuple[str, str]]:
    return {str(one.label): (one.text, one.tone) for one in profile_standing(document, on=TODAY)}


def test_what_follows_from_a_file(units, settings):
    # given
    settings.LANGUAGE_CODE = "en"
    document = person(units, degrees=[degree("06", "Kế toán"), degree("03", "Quản lý công")])
    # when
    shown = texts(document)
    # then: specialist (A1) on step 6 since 01/2025, three years a step; a woman of 08/1985 at 60
    assert shown["Current post"][0] == "Chuyên viên, since 01/07/2025"
    assert shown["Highest degree"][0].endswith("Quản lý công")
    assert shown["Rank, step, coefficient"][0] == "01.003, step 6, 3,99"
    assert shown["Next salary step"] == ("01/01/2028", "")
    assert shown["Service"][0] == "18 years 1 month"
    assert shown["Retires on"][0] == "01/09/2045"
    assert all(one.source for one in profile_standing(document, on=TODAY))


def test_a_step_that_is_due_says_so(units, settings):
    settings.LANGUAGE_CODE = "en"
    assert texts(person(units, step_date="2023-09-01"))["Next salary step"] == ("01/09/2026", "bad")
    assert texts(person(units, step_date="2023-12-01"))["Next salary step"] == ("01/12/2026", "warn")


def test_a_discipline_in_effect_is_told_only_in_the_clear(units, settings):
    # given: in effect for twelve months from its day
    settings.LANGUAGE_CODE = "en"
    document = person(units, disciplines=[discipline("01", "2026-01-15"), discipline("02", "2024-05-01")])
    # when
    masked, clear = (profile_standing(document, on=TODAY, in_the_clear=one) for one in (False, True))
    # then: only what still counts, and only to who sees disciplines
    assert [(str(one.label), one.text) for one in clear if one not in masked] == [("Discipline without effect from", "15/01/2027")]
    assert len(clear) == len(masked) + 1


def degree(code: str, major: str) -> dict:
    return {"valid_from": None, "valid_to": None, "school": None, "major": major, "major_code": None, "mode": None, "degree": code}


def discipline(form: str, day: str) -> dict:
    return {"side": "CQ", "form": form, "valid_from": day, "valid_to": None, "act": None, "authority": None, "decision_number": None}


def result(year: int, grade: str) -> dict:
    return {"year": year, "grade": grade, "emulation": None, "commendation": None, "decision_number": None}


CASES = [
    {},
    {"step_date": "2024-01-31", "disciplines": [discipline("02", "2024-05-01")]},
    {"step_date": "2024-01-31", "disciplines": [discipline("01", "2023-05-01"), discipline("03", "2024-01-31")]},
    {"step_date": "2023-10-15", "annual_results": [result(2024, "04"), result(2022, "04"), result(2025, "02")]},
    {"step": 9, "coefficient": "4.98", "step_date": "2022-02-28"},
    {"step": 9, "coefficient": "4.98", "step_date": "2018-02-28", "overframe_percent": 6, "overframe_date": "2025-12-31"},
    {"step": 9, "coefficient": "4.98", "step_date": "2022-02-28", "disciplines": [discipline("06", "2023-05-01")]},
    {
        "step": 9,
        "coefficient": "4.98",
        "step_date": "2018-02-28",
        "overframe_percent": 6,
        "overframe_date": "2025-12-31",
        "disciplines": [discipline("02", "2024-05-01"), discipline("01", "2026-02-01")],
        "annual_results": [result(2025, "04")],
    },
    {"rank_code": "01.004", "coefficient": "3.65", "step": 6, "step_date": "2024-08-31"},
    {"step_date": "2024-01-31", "disciplines": [{**discipline("02", "2024-05-01"), "side": "DANG"}]},
]


def test_the_filter_agrees_with_the_page(units):
    # given
    documents = [person(units, citizen_id=f"066185{number:06}", staff_number=f"N{number}", **case) for number, case in enumerate(CASES)]
    keys = live_make(*documents)
    # when
    found = dict(with_next_step(StaffProfile.objects.all()).values_list("pk", "next_step_on"))
    # then
    assert [found[key] for key in keys] == [_due(document) for document in documents]


def _due(document) -> date:
    since = date.fromisoformat(document["step_date"])
    scale = {"step": document["step"], "max_step": 9 if document["rank_code"] == "01.003" else 10, "months": 36, "since": since}
    due = next_step(**scale, disciplines=document["disciplines"], failed_years=failed_years(document, since=since))
    percent_since = document["overframe_date"] and date.fromisoformat(document["overframe_date"])
    more = {"disciplines": document["disciplines"], "failed_years": failed_years(document, since=percent_since or since)}
    over = next_overframe(**scale, percent=document["overframe_percent"], percent_since=percent_since, **more)
    return due or over[1]


def test_who_is_due_is_found_and_who_is_not_is_left_out(units):
    # given: due on 01/09/2026 and on 01/12/2026
    live_make(person(units, step_date="2023-09-01"), person(units, step_date="2023-12-01", citizen_id="066185000002", staff_number="N2"))
    # when, then
    assert [step_due(StaffProfile.objects.all(), by=day).count() for day in (date(2026, 8, 31), TODAY, date(2026, 12, 1))] == [0, 1, 2]


@pytest.mark.parametrize("gender", ["1", "2"])
def test_who_retires_is_found_by_the_day_of_birth(units, gender):
    # given people born around the day that decides
    by = date(2027, 1, 1)
    born = [date(year, month, day) for year in (1964, 1965, 1969, 1970) for month in range(1, 13) for day in (1, 28)]
    live_make(
        *(
            person(units, gender=gender, birth_date=one.isoformat(), citizen_id=f"06618{number:07}", staff_number=f"N{number}")
            for number, one in enumerate(born)
        )
    )
    # when
    found = set(StaffProfile.objects.filter(retires(by=by)).values_list("birth_date", flat=True))
    # then
    assert found == {one for one in born if retirement(one, gender).leaves <= by}
    assert found
