"""Causes and repairs: what is wrong is grouped, shown with its effect, agreed to, replayed and undone; and no repair guesses."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgtree.choices import Role, SuccessionKind
from orgtree.models import AreaSuccession, OrgUnit
from registry.cleaning import CERTAIN, EXCEL_EPOCH, Cause, Recipe, RecipeInvalid, Recipes, Repair, clean_row, doubtful_problem, effects, grouped
from registry.cleaning.dates import SHAPES
from registry.lookups import Lookups
from registry.messages import message_of
from tests.factories import grant_make, superuser_make, user_make
from tests.registry.people import TODAY, places
from tests.uploads.workbooks import right, send, workbook


@pytest.fixture
def lookups(db):
    return Lookups(unit=OrgUnit.objects.get(pk=places()["agency"].pk), actor=superuser_make(), day=TODAY)


def problem_of(name, raw, lookups=None, **others):
    cleaned = clean_row({name: raw, **others}, lookups, strict=True)
    return next(one for one in (*cleaned.problems, *cleaned.notices) if one.field == name)


DATES = [
    ("15.08.1985", Cause.DATE_DOTS),
    ("15-8-1985", Cause.DATE_DASHES),
    ("15 08 1985", Cause.DATE_SPACES),
    ("1985/8/15", Cause.DATE_YEAR_FIRST),
    ("Ngày 15 tháng 8 năm 1985", Cause.DATE_WORDS),
    ("15081985", Cause.DATE_DIGITS),
    ("19850815", Cause.DATE_DIGITS),
    ("15-Aug-1985", Cause.DATE_MONTH_NAME),
    ("15/08/85", Cause.DATE_SHORT_YEAR),
    ("15/08/1985 07:30", Cause.DATE_WITH_TIME),
    ("08/15/1985", Cause.DATE_MONTH_FIRST),
    (31274, Cause.DATE_SERIAL),
    (31274.0, Cause.DATE_SERIAL),
    ("31274", Cause.DATE_SERIAL),
    (15081985.0, Cause.DATE_DIGITS),
]


@pytest.mark.parametrize(("raw", "cause"), DATES)
def test_a_date_in_another_shape_is_a_problem_of_its_kind_with_a_repair(raw, cause):
    # given
    problem = problem_of("birth_date", raw)
    # then
    assert (problem.cause, problem.params["suggestion"]) == (cause, "15/08/1985")
    # and the repair makes it fit
    repaired = problem.repair.apply(raw)
    assert clean_row({"birth_date": repaired}, None, strict=True).values == {"birth_date": "1985-08-15"}


@pytest.mark.parametrize(
    ("field", "raw", "cause"),
    [
        ("first_recruit_date", 1985, Cause.DATE_YEAR_ONLY),
        ("first_recruit_date", "1985", Cause.DATE_YEAR_ONLY),
        ("birth_date", "08/1985", Cause.DATE_MONTH_ONLY),
        ("birth_date", "Aug-85", Cause.DATE_MONTH_ONLY),
        ("birth_date", "Thg8-85", Cause.DATE_MONTH_ONLY),
        ("birth_date", "12-Dec", Cause.DATE_NO_YEAR),
        ("birth_date", "12-Thg12", Cause.DATE_NO_YEAR),
        ("birth_date", "12/12", Cause.DATE_NO_YEAR),
        ("birth_date", "31.02.1985", Cause.NONE),
        ("birth_date", "1885", Cause.NONE),
    ],
)
def test_what_is_not_known_is_not_made_up(field, raw, cause):
    problem = problem_of(field, raw)
    assert (problem.cause, problem.repair) == (cause, None)
    assert "{" not in message_of(problem.code, value=problem.value, field=field, params=problem.params)


@pytest.mark.parametrize("raw", [1985, "1985"])
def test_1_january_is_proposed_for_a_year_of_birth_and_is_nobodys_certainty(raw):
    problem = problem_of("birth_date", raw)
    assert (problem.cause, problem.params["suggestion"], problem.cause in CERTAIN) == (Cause.DATE_YEAR_ONLY, "01/01/1985", False)
    assert problem.repair.apply(raw) == date(1985, 1, 1)
    assert [Repair("year").apply(other) for other in ("15/08/1985", "19855", 85, "", 1985.5)] == [None] * 5


@pytest.mark.parametrize(
    ("shown", "typed"), [("12-Dec", "12/12"), ("12-Oct", "10/12"), ("10-Dec", "10/12"), ("12-Thg10", "10/12"), ("9-Dec", "9/12")]
)
def test_what_a_text_file_shows_of_a_code_that_became_a_date_is_read_back(lookups, shown, typed):
    problem = problem_of("general_education", shown, lookups)
    assert (problem.code, problem.params["suggestion"]) == ("BECAME_DATE", typed)
    assert clean_row({"general_education": problem.repair.apply(shown)}, lookups, strict=True).values


def test_a_step_that_became_a_date_is_told_as_one(lookups):
    problem = problem_of("step", "9-Mar", lookups)
    assert (problem.code, problem.cause, problem.repair) == ("BECAME_DATE", Cause.BECAME_DATE, None)


@given(st.dates(date(1931, 1, 1), date(2029, 12, 31)), st.sampled_from(sorted(SHAPES)))
def test_no_shape_turns_a_valid_day_month_year_round(day, shape):
    for text in (f"{day:%d/%m/%Y}", day.isoformat()):
        assert Repair("date", {"shape": shape}).apply(text) is None
        assert Repair("date", {"shape": "m/d/yyyy"}).apply(f"{day:%d/%m/%Y}") in (None, *([] if day.day <= 12 else [day]))


@given(st.one_of(st.text(max_size=30), st.integers(), st.floats(), st.booleans(), st.dates(), st.none()))
def test_repairs_take_any_cell_and_leave_what_is_not_theirs(raw):
    repairs = [
        *(Repair("date", {"shape": shape}) for shape in [*SHAPES, "m/d/yyyy"]),
        *(Repair(op) for op in ("date_serial", "points", "name_case", "tone_style")),
        Repair("pad", {"width": 12, "least": 10}),
        Repair("decode", {"encoding": "tcvn3"}),
        Repair("decode", {"encoding": "vni"}),
        Repair("replace", {"table": {"a": "b"}}),
        Repair("trust", {"doubt": "CELL_FORMULA"}),
    ]
    for repair in repairs:
        after = repair.apply(raw)
        if after is not None:
            assert repair.apply(after) is None, "a repair that has been made is not made again"


def test_a_serial_number_is_read_as_excel_means_it():
    day = date(2025, 7, 1)
    assert Repair("date_serial").apply((day - EXCEL_EPOCH).days) == day
    assert Repair("date_serial").apply(45_839.5) is None
    assert Repair("date_serial").apply(True) is None


@pytest.mark.parametrize(
    ("raw", "others", "agrees"),
    [
        (66185001234.0, {"birth_date": "15/08/1985", "gender": "Nữ"}, True),
        (66185001234.0, {"birth_date": "15/08/1985", "gender": "Nam"}, False),
        (66185001234.0, {"birth_date": "15/08/1984", "gender": "Nữ"}, False),
        ("66185001234", {"birth_date": "15/08/1985", "gender": "Nữ"}, True),
        (1185001234.0, {"birth_date": "1985", "gender": "Nữ"}, True),
    ],
)
def test_a_citizen_number_without_its_zeros_is_shown_and_compared_with_the_row(lookups, raw, others, agrees):
    problem = problem_of("citizen_id", raw, lookups, **others)
    assert (problem.code, problem.cause, problem.params["agrees"]) == ("LOST_ZERO", Cause.NUMBER_ZEROS, agrees)
    assert problem.repair.apply(raw) == problem.params["suggestion"] == f"{int(raw):012}"
    assert problem.cause not in CERTAIN, "what identifies a person is never repaired without being looked at"


@pytest.mark.parametrize(
    ("raw", "code"), [("3.8E+10", "NUMBER_EXPONENT"), ("3,81E+10", "NUMBER_EXPONENT"), ("240123456", "OLD_CARD"), (240123456.0, "OLD_CARD")]
)
def test_a_number_that_lost_digits_has_no_repair(lookups, raw, code):
    problem = problem_of("citizen_id", raw, lookups)
    assert (problem.code, problem.repair) == (code, None)


def test_eleven_digits_as_text_that_agree_with_nothing_are_left_to_the_rules(lookups):
    assert clean_row({"citizen_id": "66185001234"}, lookups, strict=True).values == {"citizen_id": "66185001234"}


@pytest.mark.parametrize(
    ("name", "raw", "after"),
    [
        ("phone", 912345678, "0912345678"),
        ("rank_code", 1.003, "01.003"),
        ("general_education", date(2026, 12, 12), "12/12"),
        ("job_position_amount", "9.500.000", "9500000"),
        ("ethnicity", "Kinhh", "Kinh"),
        ("using_unit", "Văn phongg", "Văn phòng"),
        ("birth_name", "NguyÔn ThÞ Hoa", "Nguyễn Thị Hoa"),
    ],
)
def test_other_repairs(lookups, name, raw, after):
    problem = problem_of(name, raw, lookups)
    assert problem.params["suggestion"] == after
    assert clean_row({name: problem.repair.apply(raw)}, lookups, strict=True).problems == ()


def test_names_are_shown_as_they_were_read(lookups):
    cleaned = clean_row({"birth_name": "NGUYỄN THỊ HOÀ"}, lookups, strict=True)
    assert cleaned.values == {"birth_name": "Nguyễn Thị Hoà"}
    assert [(one.cause, one.params["suggestion"]) for one in cleaned.notices] == [
        (Cause.NAME_CAPITALS, "Nguyễn Thị Hoà"),
        (Cause.TONE_STYLE, "Nguyễn Thị Hòa"),
    ]
    assert clean_row({"birth_name": "nguyễn thị hoa"}, lookups).notices[0].cause == Cause.NAME_SMALL


def succession(kind):
    """A real commune of Đắk Lắk that ended on 1 July 2025, and one of what took it over."""
    found = AreaSuccession.objects.filter(kind=kind, old__level="commune", old__parent__parent__name="Đắk Lắk", new__parent__name="Đắk Lắk")
    return found.select_related("old__parent", "new__parent").order_by("old_id")[0]


def test_a_former_commune_with_one_successor_is_repaired_and_a_divided_one_is_not(lookups):
    whole, divided = succession(SuccessionKind.WHOLE), succession(SuccessionKind.SPLIT)
    one = problem_of("current_address_area", whole.old_id, lookups)
    assert (one.cause, one.repair.apply(whole.old_id)) == (Cause.AREA_SUCCESSOR, whole.new_id)
    assert clean_row({"current_address_area": whole.new_id}, lookups).values == {"current_address_area": whole.new_id}
    other = problem_of("current_address_area", divided.old_id, lookups)
    assert (other.cause, other.repair) == (Cause.AREA_SPLIT, None)
    assert divided.new.full_name in other.params["suggestion"]
    # what was true at birth stays as it was
    assert clean_row({"birth_place_area": whole.old_id}, lookups, strict=True).values == {"birth_place_area": whole.old_id}


def small(area):
    return area.full_name[0].lower() + area.full_name[1:]


def test_an_address_with_a_former_commune_is_offered_in_todays_words(lookups):
    one = succession(SuccessionKind.WHOLE)
    written = f"12 Lê Duẩn, {small(one.old)}, {small(one.old.parent)}, tỉnh Đắk Lắk"
    cleaned = clean_row({"current_address": written}, lookups, strict=True)
    assert cleaned.values == {"current_address": written}
    (notice,) = cleaned.notices
    assert notice.cause == Cause.ADDRESS_SUCCESSOR
    assert notice.repair.apply(written) == f"12 Lê Duẩn, {small(one.new)}, tỉnh Đắk Lắk"
    short = f"12 Lê Duẩn - {written.split(', ')[1]} - TP. {one.old.parent.name} - Đắk Lắk"
    assert one.old.parent.full_name.startswith("Thành phố")
    assert clean_row({"current_address": short}, lookups, strict=True).notices[0].params == notice.params
    # not offered: for another province, for a commune that was divided, for an address of today
    divided = succession(SuccessionKind.SPLIT).old
    others = (
        f"{small(one.old)}, {small(one.old.parent)}, tỉnh Lâm Đồng",
        f"{small(divided)}, {small(divided.parent)}",
        f"{small(one.new)}, tỉnh Đắk Lắk",
    )
    assert [clean_row({"current_address": other}, lookups, strict=True).notices for other in others] == [(), (), ()]


def test_findings_group_by_cause_and_the_group_has_one_repair(lookups):
    # given
    cells = [("birth_date", "15.08.1985"), ("birth_date", "16.08.1985"), ("birth_date", "17-08-1985"), ("first_recruit_date", "1985"),
             ("ethnicity", "Kinhh"), ("ethnicity", "Taày"), ("ethnicity", "Kinhh"), ("phone", 912345678)]  # fmt: skip
    groups = grouped(problem_of(name, raw, lookups) for name, raw in cells if (name, raw) != ("ethnicity", "Taày"))
    # then
    assert [(one.field, one.cause, one.count) for one in groups] == [
        ("birth_date", Cause.DATE_DOTS, 2),
        ("ethnicity", Cause.SPELLING, 2),
        ("birth_date", Cause.DATE_DASHES, 1),
        ("first_recruit_date", Cause.DATE_YEAR_ONLY, 1),
        ("phone", Cause.NUMBER_ZEROS, 1),
    ]
    assert (groups[0].certain, groups[3].certain) == (True, False)
    assert groups[0].examples[0] == ("15.08.1985", "15/08/1985")
    with pytest.raises(ValueError):
        groups[3].recipe()


def test_replacements_of_many_values_are_one_repair(lookups):
    groups = grouped(problem_of("ethnicity", raw, lookups) for raw in ("Kinhh", "Mườngg"))
    assert [one.repair.params["table"] for one in groups] == [{"Kinhh": "Kinh", "Mườngg": "Mường"}]


def test_the_effect_is_shown_before_anything_is_done():
    cells = ["15.08.1985", "15.08.1985", "16.8.1985", "15/08/1985", date(1985, 8, 15)]
    assert [(one.before, one.after, one.count) for one in effects(Repair("date", {"shape": "d.m.yyyy"}), cells)] == [
        ("15.08.1985", "15/08/1985", 2),
        ("16.8.1985", "16/08/1985", 1),
    ]


def test_recipes_are_replayed_and_undone(lookups):
    # given two problems agreed to
    rows = [{"birth_date": "15.08.1985", "phone": 912345678, "birth_name": "Hoa"}]
    recipes = Recipes()
    for problem in clean_row(rows[0], lookups, strict=True).problems:
        recipes = recipes.with_(Recipe(problem.field, problem.cause, problem.repair))
    # when replayed from what was kept
    recipes = Recipes.from_json(json.loads(json.dumps(recipes.to_json())))
    cleaned = clean_row(recipes.apply(rows[0]), lookups, strict=True)
    # then
    assert cleaned.problems == ()
    assert cleaned.values == {"birth_date": "1985-08-15", "phone": "0912345678", "birth_name": "Hoa"}
    # and undone one by one, the cells being as they were
    undone = recipes.without("phone", Cause.NUMBER_ZEROS)
    assert [one.cause for one in clean_row(undone.apply(rows[0]), lookups, strict=True).problems] == [Cause.NUMBER_ZEROS]


def test_the_same_recipe_twice_is_one_and_tables_of_replacements_grow_together():
    dots = Recipe("birth_date", Cause.DATE_DOTS, Repair("date", {"shape": "d.m.yyyy"}))
    assert len(Recipes().with_(dots).with_(dots).steps) == 1
    tables = [Recipe("ethnicity", Cause.SPELLING, Repair("replace", {"table": {one: "Kinh"}})) for one in ("Kinhh", "Kin")]
    (joined,) = Recipes().with_(tables[0]).with_(tables[1]).steps
    assert joined.repair.params["table"] == {"Kinhh": "Kinh", "Kin": "Kinh"}


def test_repairs_follow_each_other():
    recipes = Recipes().with_(Recipe("birth_name", Cause.OLD_ENCODING, Repair("decode", {"encoding": "tcvn3"})))
    recipes = recipes.with_(Recipe("birth_name", Cause.NAME_CAPITALS, Repair("name_case")))
    assert recipes.apply({"birth_name": "NGUYÔN THÞ HOA"}) == {"birth_name": "Nguyễn Thị Hoa"}


def test_a_doubtful_cell_is_taken_only_when_somebody_says_so():
    problem = doubtful_problem("step", "CELL_FORMULA", place="W4", raw=6.0)
    assert (problem.cause, problem.params) == (Cause.FORMULA, {"place": "W4", "suggestion": "6"})
    recipes = Recipes()
    assert not recipes.trusts("step", "CELL_FORMULA")
    recipes = recipes.with_(Recipe("step", problem.cause, problem.repair))
    assert (recipes.trusts("step", "CELL_FORMULA"), recipes.trusts("step", "CELL_MERGED"), recipes.trusts("phone", "CELL_FORMULA")) == (
        True,
        False,
        False,
    )
    assert doubtful_problem("step", "CELL_ERROR", place="W4", raw=None).repair is None


@pytest.mark.parametrize(
    "value",
    [None, {}, {"version": 2, "steps": []}, {"version": 1, "steps": [{}]},
     {"version": 1, "steps": [{"field": "x", "cause": "no such", "repair": {"op": "points", "params": {}}}]},
     {"version": 1, "steps": [{"field": "x", "cause": "date_dots", "repair": {"op": "rm -rf", "params": {}}}]},
     {"version": 1, "steps": [{"field": "x", "cause": "date_dots", "repair": {"op": "pad", "params": {"width": "x"}}}]},
     {"version": 1, "steps": [{"field": "x", "cause": "date_dots", "repair": {"op": "pad", "params": {"path": "/"}}}]}],
)  # fmt: skip
def test_a_recipe_that_is_none_is_refused(value):
    with pytest.raises(RecipeInvalid):
        Recipes.from_json(value)


def test_how_a_name_was_read_is_shown_and_refuses_nothing(db, settings, tmp_path):
    # given a list in capitals
    settings.PINNED_TODAY = TODAY
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}}
    units, clerk = places(), user_make("lan")
    grant_make(clerk, Role.CLERK, units["agency"])
    # when
    upload = send(clerk, units["agency"], workbook([right(1, **{"Họ và tên": "NGUYỄN THỊ HOA"})]))
    # then
    assert (upload.staged, upload.returned) == (1, 0)
    shown = upload.findings.get(cause=Cause.NAME_CAPITALS)
    assert (shown.severity, shown.value, shown.params["suggestion"]) == ("suggestion", "NGUYỄN THỊ HOA", "Nguyễn Thị Hoa")
