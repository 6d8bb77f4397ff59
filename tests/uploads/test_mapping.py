"""Which column is which field: suggested with a reason, changed by a person, remembered, written out and read back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.fields import FIELDS
from registry.mapping import ColumnMapping, MappingInvalid, Part, Reason, match_heading, signature, suggest
from registry.reading import Column


def columns(*headings, samples=None):
    """Columns from A on; a heading of two lines is written with " / "."""
    return [
        Column(index, tuple(heading.split(" / ")), tuple((samples or {}).get(heading, ())))
        for index, heading in enumerate(headings, start=1)
    ]  # fmt: skip


def fields(mapping):
    return [(one.field, str(one.part)) for one in mapping.columns]


@pytest.mark.parametrize(
    ("heading", "field", "reason"),
    [
        ("Số CCCD", "citizen_id", Reason.EXACT),
        ("8. SỐ CCCD:", "citizen_id", Reason.EXACT),
        ("Căn cước công dân", "citizen_id", Reason.ALIAS),
        ("Số CMND", "citizen_id", Reason.OLDER),
        ("Trình độ văn hóa", "general_education", Reason.OLDER),
        ("Hộ khẩu thường trú", "current_address", Reason.OLDER),
        ("Số đinh danh cá nhan", "citizen_id", Reason.ALIAS),
        ("Ngày tuyển dụng lần đầuu", "first_recruit_date", Reason.SIMILAR),
        ("Số điện thọai liên hệệ", "phone", Reason.SIMILAR),
    ],
)
def test_a_heading_is_matched_and_says_why(heading, field, reason):
    match = match_heading((heading,))
    assert (match.field, match.reason) == (field, reason)


def test_certainty_falls_from_the_template_to_what_is_only_similar():
    headings = ("Số CCCD", "Căn cước công dân", "Số CMND", "Ngày tuyển dụng lần đầuu")
    sure = [match_heading((heading,)).confidence for heading in headings]
    assert sure == sorted(sure, reverse=True)
    assert sure[0] == 1.0


@pytest.mark.parametrize("heading", ["Ghi chú", "TT", "STT", "Zalo", "Ngày", "x", "Số tài khoản ngân hàng"])
def test_what_no_field_answers_to_is_ignored_not_guessed(heading):
    (one,) = suggest(columns(heading)).columns
    assert (one.field, one.reason) == (None, Reason.UNKNOWN)


def test_the_group_above_decides_what_a_short_heading_means():
    mapping = suggest(
        columns("Họ và tên", "Số CCCD", "Ngạch / Ngày bổ nhiệm", "Ngạch công chức / Mã số", "Lương / Bậc", "Chức vụ hiện tại / Ngày bổ nhiệm")
    )
    assert [name for name, _part in fields(mapping)] == ["birth_name", "citizen_id", "rank_date", "rank_code", "step", "posting.valid_from"]


def test_a_date_in_three_columns_is_one_field():
    mapping = suggest(columns("Số CCCD", "Ngày sinh", "Tháng sinh", "Năm sinh", samples={"Ngày sinh": ("15", "3")}))
    assert fields(mapping)[1:] == [("birth_date", "day"), ("birth_date", "month"), ("birth_date", "year")]
    assert mapping.problems() == ()
    assert mapping.values({1: "066185001234", 2: 15.0, 3: "8", 4: 1985})["birth_date"] == "15/8/1985"
    assert mapping.values({4: 1985})["birth_date"] == "1985"


def test_a_full_date_beside_its_parts_stays_whole():
    mapping = suggest(columns("Số CCCD", "Ngày sinh", "Tháng sinh", "Năm sinh", samples={"Ngày sinh": ("15/08/1985",)}))
    assert fields(mapping)[1:] == [("birth_date", ""), (None, ""), (None, "")]
    assert mapping.problems()[0].code == "COLUMN_TWICE"


def test_parts_below_a_group():
    mapping = suggest(columns("Số CCCD", "Ngày, tháng, năm sinh / Ngày", "Ngày, tháng, năm sinh / Tháng", "Ngày, tháng, năm sinh / Năm"))
    assert [part for _name, part in fields(mapping)[1:]] == ["day", "month", "year"]


def test_a_date_of_birth_below_men_and_women_tells_the_gender():
    mapping = suggest(columns("Số CCCD", "Ngày sinh / Nam", "Ngày sinh / Nữ"))
    assert mapping.values({2: "15/08/1985"}) == {"birth_date": "15/08/1985", "gender": "Nam"}
    assert mapping.values({3: "15/08/1985"}) == {"birth_date": "15/08/1985", "gender": "Nữ"}
    assert mapping.values({2: "15/08/1985", 3: "16/08/1985"}) == {}


@pytest.mark.parametrize(("cells", "gender"), [({2: "x"}, "Nam"), ({3: "x"}, "Nữ"), ({}, None), ({2: "x", 3: "x"}, "Nam / Nữ")])
def test_a_mark_below_men_or_women(cells, gender):
    mapping = suggest(columns("Số CCCD", "Giới tính / Nam", "Giới tính / Nữ"))
    assert mapping.values(cells).get("gender") == gender


@pytest.mark.parametrize(("cells", "gender"), [({2: "x"}, "Nữ"), ({}, "Nam")])
def test_one_column_for_women_speaks_of_every_row(cells, gender):
    assert suggest(columns("Số CCCD", "Nữ")).values(cells)["gender"] == gender


@pytest.mark.parametrize("headings", [("Số CCCD", "Họ và tên đệm", "Tên"), ("Số CCCD", "Họ và tên", "Họ và tên"), ("Số CCCD", "Họ đệm", "Tên")])
def test_a_name_in_two_columns(headings):
    mapping = suggest(columns(*headings))
    assert mapping.problems() == ()
    assert mapping.values({2: "Nguyễn Thị", 3: "Hoa"})["birth_name"] == "Nguyễn Thị Hoa"


def test_parts_alone_are_the_whole():
    assert fields(suggest(columns("Số CCCD", "Tên", "Năm sinh")))[1:] == [("birth_name", ""), ("birth_date", "")]


def test_two_columns_of_one_field_are_a_problem_with_their_places():
    mapping = suggest(columns("Số CCCD", "Họ tên", "Căn cước công dân"))
    (problem,) = mapping.problems()
    assert (problem.code, problem.field, problem.columns) == ("COLUMN_TWICE", "citizen_id", (1, 3))
    assert mapping.columns[2].rival == "citizen_id"
    # a person decides
    assert mapping.chosen(3, None).problems() == ()


def test_of_old_and_new_beside_each_other_the_new_one_is_meant_and_the_other_is_shown():
    mapping = suggest(columns("Số CCCD", "Lương hiện hưởng / Bậc", "Lương hiện hưởng / Hệ số", "Lương mới / Bậc", "Hệ số mới", "Thời điểm hưởng mới"))
    assert [one.field for one in mapping.columns] == ["citizen_id", None, None, "step", "coefficient", "step_date"]
    assert [one.rival for one in mapping.columns][1:3] == ["step", "coefficient"]  # so that a person looks


def test_without_the_citizen_number_the_mapping_cannot_be_read_with():
    assert [one.code for one in suggest(columns("Họ tên", "Ngày sinh")).problems()] == ["NO_CITIZEN_ID_COLUMN"]


def test_a_choice_is_certain_and_an_unknown_one_an_error():
    mapping = suggest(columns("Số CCCD", "Cột lạ")).chosen(2, "birth_date", Part.WHOLE)
    assert (mapping.columns[1].field, mapping.columns[1].confidence, mapping.columns[1].reason) == ("birth_date", 1.0, Reason.CHOSEN)
    for index, field in ((9, "birth_date"), (2, "no_such_field")):
        with pytest.raises(KeyError):
            mapping.chosen(index, field)


def test_a_remembered_mapping_follows_the_headings_wherever_they_stand():
    # given a choice made in one file
    before = suggest(columns("Số CCCD", "Cột lạ", "Zalo")).chosen(2, "home_town")
    # when the next file has its columns in another order, and one more
    after = before.applied_to(columns("Zalo", "Dân tộc", "CỘT LẠ", "Số CCCD"))
    # then
    assert [one.field for one in after.columns] == [None, "ethnicity", "home_town", "citizen_id"]
    assert [one.reason for one in after.columns] == [Reason.REMEMBERED, Reason.EXACT, Reason.REMEMBERED, Reason.REMEMBERED]
    assert after.columns[2].index == 3


def test_the_signature_is_that_of_the_set_of_headings():
    one = signature(columns("Số CCCD", "Họ và tên"))
    assert one == signature(columns("HỌ VÀ TÊN:", "8. số cccd")) != signature(columns("Số CCCD"))
    assert len(one) == 64


HEADINGS = st.one_of(st.text(max_size=30), st.sampled_from([heading for field in FIELDS for heading in field.headings]))


@given(st.lists(st.lists(HEADINGS, min_size=1, max_size=2), max_size=12))
def test_every_column_is_listed_once_and_the_mapping_survives_json(headings):
    found = [Column(index, tuple(lines)) for index, lines in enumerate(headings, start=1)]
    mapping = suggest(found)
    assert [one.index for one in mapping.columns] == [one.index for one in found]
    assert ColumnMapping.from_json(json.loads(json.dumps(mapping.to_json()))).to_json() == mapping.to_json()
    again = mapping.applied_to(found)
    assert {name: {one.index for one in columns} for name, columns in again.fields.items()} == {
        name: {one.index for one in columns} for name, columns in mapping.fields.items()
    }


@pytest.mark.parametrize(
    "value", [None, [], {}, {"version": 9, "columns": []}, {"version": 1, "columns": [{"index": "x"}]}, {"version": 1, "columns": [3]}]
)
def test_what_is_no_mapping_is_refused(value):
    with pytest.raises(MappingInvalid):
        ColumnMapping.from_json(value)


def test_a_field_that_has_left_the_catalogue_is_ignored():
    mapping = ColumnMapping.from_json({"version": 1, "columns": [{"index": 1, "heading": "x", "field": "gone"}]})
    assert mapping.ignored[0].heading == "x"
