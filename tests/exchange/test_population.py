"""What an answer of the population database means: by examples, and by names and days that Hypothesis makes."""

from __future__ import annotations

import unicodedata
from datetime import date
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.choices import MatchOutcome
from exchange.population import (
    CODE_UNKNOWN,
    DEFAULT_CODES,
    OTHER_PERSON,
    Answer,
    answers_by_ref,
    held_value,
    judge,
    same_birth_date,
    same_name,
)
from registry.encodings import same_tone_style

ASKED = {"citizen_id": "066185000001", "birth_name": "Nguyễn Thị Hoà", "birth_date": "1985-08-15", "gender": "2"}
SYLLABLES = ("Nguyễn", "Thị", "Hoà", "Thuý", "Đắk", "Quỳnh", "Y", "H'Wing", "Niê", "Kđăm", "Lương", "Phượng", "Oanh", "Khoẻ", "Tuệ", "Ưng")
NAMES = st.lists(st.sampled_from(SYLLABLES), min_size=2, max_size=6).map(" ".join)
DAYS = st.dates(min_value=date(1940, 1, 1), max_value=date(2010, 12, 31))


def judged(**answer):
    return judge(asked=ASKED, answer=Answer(ref=uuid4(), **answer), codes=DEFAULT_CODES)


@pytest.mark.parametrize(
    ("answer", "outcome", "differs"),
    [
        ({"code": "MATCHED"}, MatchOutcome.MATCHED, ()),
        # Values outrank the code: spelling is no difference, and a "matched" beside another day is none.
        ({"code": "NAME_DIFF", "birth_name": "NGUYỄN THỊ HÒA"}, MatchOutcome.MATCHED, ()),
        ({"code": "MATCHED", "birth_date": "1985-08-16"}, MatchOutcome.DOB_DIFF, ("birth_date",)),
        ({"code": "MATCHED", "birth_name": "Nguyễn Thị Hoa", "birth_date": "16/08/1985"}, MatchOutcome.NAME_DIFF, ("birth_name", "birth_date")),
        ({"code": "GENDER_DIFF"}, MatchOutcome.GENDER_DIFF, ("gender",)),
        ({"code": "GENDER_DIFF", "gender": "Nữ"}, MatchOutcome.MATCHED, ()),
        ({"code": "MATCHED", "gender": "nam"}, MatchOutcome.GENDER_DIFF, ("gender",)),
        ({"code": "DOB_DIFF", "birth_date": "không rõ"}, MatchOutcome.DOB_DIFF, ("birth_date",)),
        # A year alone agrees with any day of it.
        ({"code": "DOB_DIFF", "birth_date": "1985"}, MatchOutcome.MATCHED, ()),
        ({"code": "DOB_DIFF", "birth_date": "00/00/1985"}, MatchOutcome.MATCHED, ()),
        ({"code": "MATCHED", "birth_date": "08/1986"}, MatchOutcome.DOB_DIFF, ("birth_date",)),
        ({"code": "ID_CANCELLED", "birth_name": "Ai Khác"}, MatchOutcome.ID_CANCELLED, ()),
        ({"code": "DUPLICATE_ID"}, MatchOutcome.DUPLICATE_ID, ()),
        ({"code": "ID_NOT_FOUND"}, MatchOutcome.ID_NOT_FOUND, ()),
    ],
)
def test_the_table_of_outcomes(answer, outcome, differs):
    found = judged(**answer)
    assert (found.outcome, found.differs) == (outcome, differs)


def test_an_answer_about_another_number_or_with_an_unknown_code_is_no_answer():
    assert judged(code="MATCHED", citizen_id="066185000002").code == OTHER_PERSON
    assert judged(code="00").code == CODE_UNKNOWN


def test_a_code_means_what_the_administrator_says():
    codes = {**DEFAULT_CODES, "00": MatchOutcome.MATCHED}
    assert judge(asked=ASKED, answer=Answer(ref=uuid4(), code="00"), codes=codes).outcome == MatchOutcome.MATCHED


@given(NAMES, st.sampled_from(["NFC", "NFD", "NFKC"]), st.booleans(), st.integers(min_value=1, max_value=3))
def test_a_name_is_the_same_however_it_is_composed_capitalised_and_spaced(name, form, upper, spaces):
    written = unicodedata.normalize(form, name.upper() if upper else name).replace(" ", " " * spaces)
    assert same_name(name, f" {written} ")
    assert same_name(name, same_tone_style(name))


@given(NAMES, NAMES)
def test_names_that_differ_in_more_than_spelling_differ(one, other):
    same = [unicodedata.normalize("NFC", same_tone_style(name)).casefold() for name in (one, other)]
    assert same_name(one, other) == (same[0] == same[1])


@given(NAMES)
def test_the_same_letters_with_another_tone_are_another_name(name):
    other = unicodedata.normalize("NFC", unicodedata.normalize("NFD", name) + "\u0301")
    assert same_name(name, other) is False


@given(DAYS, DAYS)
def test_of_a_day_only_what_is_known_counts(ours, held):
    same = (ours.year == held.year, ours.month == held.month, ours.day == held.day)
    for text in (f"{held.isoformat()}", f"{held:%d/%m/%Y}", f"{held.day}/{held.month}/{held.year}"):
        assert same_birth_date(ours.isoformat(), text) == all(same)
    for text in (f"{held:%m/%Y}", f"{held:%Y-%m}", f"00/{held:%m/%Y}"):
        assert same_birth_date(ours.isoformat(), text) == all(same[:2])
    for text in (f"{held.year}", f"00/00/{held.year}", f"{held.year}-00-00"):
        assert same_birth_date(ours.isoformat(), text) == same[0]


@given(st.text(max_size=30))
def test_a_day_that_cannot_be_read_agrees_with_nothing_and_breaks_nothing(text):
    same_birth_date("1985-08-15", text)
    assert held_value("birth_date", text) is None or len(held_value("birth_date", text)) == 10


@given(DAYS)
def test_a_held_day_can_be_taken_over_when_it_is_a_whole_one(day):
    assert held_value("birth_date", f"{day:%d/%m/%Y}") == day.isoformat()
    assert held_value("birth_date", f"{day.year}") is None


@given(st.lists(st.dictionaries(st.sampled_from(["ref", "code"]), st.text(max_size=5)), max_size=6))
def test_answers_without_a_question_are_left_out(answers):
    ref = uuid4()
    found = answers_by_ref([*answers, {"ref": str(ref), "code": "MATCHED"}, {"ref": str(ref), "code": "MATCHED"}])
    assert list(found) == [ref]
    assert len(found[ref]) == 1
