"""A raise, a share beyond the last step, a post in a workbook: the row of the history that comes with it, as by hand; and what is asked."""

from __future__ import annotations

import pytest

from orgtree.choices import Role
from registry.choices import RowState
from registry.fields import POSTING_DECISION, POSTING_FROM, POSTING_TITLE, SALARY_DECISION
from registry.models import UploadRow
from registry.schema import STAFF_PROFILE
from registry.selectors.upload_changes import asked_of_people
from registry.selectors.upload_grid import columns_to_fix, fields_to_add
from registry.services.upload_added import column_add
from registry.services.upload_days import DayUnreadable, day_give
from registry.services.upload_facts import first_pay, pay_record, post_record
from registry.services.upload_fixing import CellEdit, cells_edit, reason_give
from registry.services.upload_mapping import mapping_choose
from registry.services.uploads import upload_process
from tests.factories import grant_make, user_make
from tests.registry.people import TODAY, live_make, person, places
from tests.uploads.workbooks import FIRST_ROW, right, send, workbook

NUMBER, DAY = SALARY_DECISION
BASE = STAFF_PROFILE.merge(
    None,
    {
        "rank_code": "01.003",
        "rank_date": "2010-01-01",
        "step": 6,
        "coefficient": "3.99",
        "step_date": "2023-01-01",
        "percent": "100.00",
        "overframe_percent": None,
        "overframe_date": None,
    },
)
RAISE = {"step": 7, "coefficient": "4.32", "step_date": "2026-01-01"}


def row(since, until=None, **more):
    return {"valid_from": since, "valid_to": until, "rank_code": "01.003", "step": 6, "coefficient": "3.99", "percent": "100.00", **more}


def periods(rows):
    return [(one["valid_from"], one["valid_to"], one["step"], one["decision_number"]) for one in rows]


def with_history(*rows, **more):
    return STAFF_PROFILE.merge(BASE, {"salary_history": list(rows), **more})


# --- the facts, without a database -------------------------------------------------------------------------------------------------


def test_a_raise_ends_the_step_that_was_held_and_names_its_decision():
    done = pay_record(with_history(row("2023-01-01")), {**RAISE, NUMBER: "12/QĐ", DAY: "2025-12-20"})
    assert not done.problems
    assert periods(done.patch["salary_history"]) == [("2023-01-01", "2026-01-01", 6, None), ("2026-01-01", None, 7, "12/QĐ")]
    assert set(done.patch) == {"salary_history"}  # the present values are the row's own cells


def test_the_history_of_a_raise_does_not_begin_with_its_end():
    done = pay_record(BASE, RAISE)
    assert periods(done.patch["salary_history"]) == [("2023-01-01", "2026-01-01", 6, None), ("2026-01-01", None, 7, None)]


def test_another_rank_since_a_day_dates_rank_and_step():
    done = pay_record(with_history(row("2023-01-01")), {"rank_code": "01.002", "step": 1, "coefficient": "4.40", "rank_date": "2026-03-01"})
    assert done.patch["salary_history"][-1]["rank_code"] == "01.002"
    assert done.patch["step_date"] == "2026-03-01"


@pytest.mark.parametrize(
    "values",
    [{"step": 7, "coefficient": "4.32"}, {**RAISE, "step_date": "2022-01-01"}, {**RAISE, "step_date": "2023-01-01"}],
    ids=["no day", "an earlier day", "the day on file"],
)
def test_without_a_later_day_nothing_is_guessed(values):
    """It is a correction then: of the open row too, where that says what the present values said."""
    done = pay_record(with_history(row("2023-01-01")), values)
    assert [one["step"] for one in done.patch["salary_history"]] == [7]
    assert pay_record(with_history(row("2022-06-01")), values).patch == {}  # another row: nobody knows what of it is wrong


def test_a_corrected_day_moves_the_end_of_the_row_before():
    done = pay_record(with_history(row("2020-01-01", "2023-01-01", step=5), row("2023-01-01")), {"step_date": "2023-02-01"})
    assert periods(done.patch["salary_history"]) == [("2020-01-01", "2023-02-01", 5, None), ("2023-02-01", None, 6, None)]


def test_a_raise_that_stands_in_the_history_already_is_not_added_twice():
    held = with_history(row("2023-01-01", "2026-01-01"), row("2026-01-01", step=7, coefficient="4.32"))
    assert "salary_history" not in pay_record(held, RAISE).patch


def test_a_decision_fills_the_open_row_and_another_one_is_told():
    assert periods(pay_record(with_history(row("2023-01-01")), {NUMBER: "12/QĐ"}).patch["salary_history"]) == [("2023-01-01", None, 6, "12/QĐ")]
    other = pay_record(with_history(row("2023-01-01", decision_number="9/QĐ")), {NUMBER: "12/QĐ"})
    assert ([one.code for one in other.problems], other.patch) == (["DECISION_DIFFERS"], {})
    # present pay that no row names yet gets one
    assert periods(pay_record(BASE, {NUMBER: "12/QĐ"}).patch["salary_history"]) == [("2023-01-01", None, 6, "12/QĐ")]


def test_an_exported_list_that_comes_back_does_not_give_the_old_decision_to_the_new_step():
    done = pay_record(with_history(row("2023-01-01", decision_number="9/QĐ")), {**RAISE, NUMBER: "9/QĐ"})
    assert periods(done.patch["salary_history"])[-1] == ("2026-01-01", None, 7, None)


def test_a_share_beyond_the_last_step_is_an_allowance_of_its_own_day():
    base = STAFF_PROFILE.merge(BASE, {"overframe_percent": 5, "overframe_date": "2025-01-01", "allowances": [
        {"kind": "07", "valid_from": "2025-01-01", "valid_to": None, "percent": "5.00"}]})  # fmt: skip
    done = pay_record(base, {"overframe_percent": 6, "overframe_date": "2026-01-01"})
    assert [(one["percent"], one["valid_to"]) for one in done.patch["allowances"]] == [("5.00", "2026-01-01"), ("6.00", None)]
    assert pay_record(base, {"overframe_percent": 6}).patch == {}


def test_the_first_pay_is_a_row_when_it_names_its_decision():
    pay = {name: BASE[name] for name in ("rank_code", "step", "coefficient", "step_date", "percent")}
    assert first_pay(pay) == {}
    assert periods(first_pay({**pay, NUMBER: "1/QĐ"})["salary_history"]) == [("2023-01-01", None, 6, "1/QĐ")]


def test_a_post_in_another_agency_dates_the_time_in_it_and_keeps_its_decision():
    # given
    held = [{"title": "Chuyên viên", "unit": "a", "valid_from": "2025-07-01", "valid_to": None, "decision_number": None, "decision_date": None}]
    values = {"using_unit": "b", POSTING_TITLE: "Chuyên viên", POSTING_FROM: "2026-02-01", POSTING_DECISION[0]: "7/QĐ"}
    # when
    away = post_record(held, "a", values, lambda unit, other: unit == other)
    below = post_record(held, "a", values, lambda unit, other: True)
    # then
    assert [(one["unit"], one["valid_to"], one["decision_number"]) for one in away.patch["postings"]] == [
        ("a", "2026-02-01", None),
        ("b", None, "7/QĐ"),
    ]
    assert (away.patch["current_agency_date"], "current_agency_date" in below.patch) == ("2026-02-01", False)


# --- through an upload -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def clerk(db, settings, tmp_path):
    settings.PINNED_TODAY = TODAY
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}}
    user = user_make("lan")
    user.places = places()
    grant_make(user, Role.CLERK, user.places["agency"])
    return user


def on_file(units, number, **more):
    (key,) = live_make(person(units, citizen_id=f"066185{number:06}", staff_number=None, **more))
    return key


def raised(number, **more):
    return {**right(number), "Bậc": 7, "Hệ số": 4.32, **more}


def test_a_raise_in_a_workbook_writes_both_and_nothing_differs(clerk):
    # given somebody whose history has an open row, as after a raise by hand
    units = clerk.places
    on_file(units, 1, salary_history=[row("2025-01-01")])
    # when
    upload = send(clerk, units["agency"], workbook([raised(1, **{"Ngày hưởng": "01/01/2026", "Số QĐ nâng lương": "12/QĐ-UBND"})]))
    # then
    one = upload.rows.get()
    assert (one.state, one.changed) == (RowState.STAGED, ["coefficient", "salary_history", "step", "step_date"])
    assert not upload.findings.filter(sheet_row=one.sheet_row, severity__in=["error", "warning"]).exists()  # no SALARY_CURRENT_DIFFERS
    (change,) = upload.changes.filter(field="salary_history")
    assert periods(change.after) == [("2025-01-01", "2026-01-01", 6, None), ("2026-01-01", None, 7, "12/QĐ-UBND")]


def test_rows_without_a_day_are_asked_for_it_and_one_answer_dates_them_all(clerk):
    # given two raises in a workbook without a column for the day, and one mistake on file
    units = clerk.places
    for number in (1, 2, 3):
        on_file(units, number)
    rows = [{name: cell for name, cell in raised(number).items() if name != "Ngày hưởng"} for number in (1, 2, 3)]
    # when
    upload = send(clerk, units["agency"], workbook(rows))
    # then: one thing is asked of each row
    assert list(upload.findings.filter(severity="error").values_list("code", "field")) == [("PAY_DATE_MISSING", "step")] * 3
    days, reasons = asked_of_people(upload=upload)
    assert [(one.code, one.rows) for one in days] == [("PAY_DATE_MISSING", 3)]
    assert [(one.field, one.undated) for one in reasons] == [("step", True)]
    # when one of them is a correction, with its reason
    upload = reason_give(actor=clerk, upload=upload, field="step", reason="Quyết định 9 ghi nhầm bậc", row=FIRST_ROW + 2, undated=True)
    assert (upload.staged, upload.returned) == (1, 2)
    # and the others hold since a day that is said once, however it is written
    with pytest.raises(DayUnreadable):
        day_give(actor=clerk, upload=upload, code="PAY_DATE_MISSING", day="31/02/2026")
    upload = day_give(actor=clerk, upload=upload, code="PAY_DATE_MISSING", day="1.1.2026", decision="12/QĐ-UBND")
    # then
    assert (upload.staged, upload.returned) == (3, 0)
    assert asked_of_people(upload=upload) == ([], [])
    told = {sheet_row: periods(after)[-1] for sheet_row, after in upload.changes.filter(field="salary_history").values_list("sheet_row", "after")}
    assert told == {FIRST_ROW + place: ("2026-01-01", None, 7, "12/QĐ-UBND") for place in (0, 1)}
    # and the column that was added is one like others
    added = upload.mapping[-1]
    assert (added["field"], added["column"]) == (NUMBER, "XFF")
    assert UploadRow.objects.get(upload=upload, sheet_row=FIRST_ROW).edits == {"XFE": "01/01/2026", "XFF": "12/QĐ-UBND"}


def test_a_reason_for_pay_of_the_day_on_file_is_not_given_to_raises_without_a_day(clerk):
    units = clerk.places
    on_file(units, 1)
    on_file(units, 2)
    same_day, dateless = raised(1), {**raised(2), "Ngày hưởng": None}
    upload = send(clerk, units["agency"], workbook([same_day, dateless]))
    assert {(one.undated, one.cells) for one in asked_of_people(upload=upload)[1]} == {(False, 1), (True, 1)}
    # when
    upload = reason_give(actor=clerk, upload=upload, field="step", reason="Hồ sơ ghi sai", undated=False)
    # then
    assert (upload.staged, upload.returned) == (1, 1)
    assert [one.rows for one in asked_of_people(upload=upload)[0]] == [1]


def test_a_new_day_alone_is_a_correction(clerk):
    units = clerk.places
    on_file(units, 1)
    upload = send(clerk, units["agency"], workbook([{**right(1), "Ngày hưởng": "01/02/2025"}]))
    assert list(upload.findings.filter(severity="error").values_list("code", "field")) == [("REASON_MISSING", "step_date")]


def test_a_column_that_the_list_does_not_have_is_added_and_filled_in_once_for_all(clerk):
    # given two new people in a list without a column for religion, and without the day of appointment
    rows = [{name: cell for name, cell in right(number).items() if name not in ("Tôn giáo", "Ngày bổ nhiệm")} for number in (7001, 7002)]
    rows[1]["Họ và tên"] = "Lê Thị Mơ"
    upload = send(clerk, clerk.places["agency"], workbook(rows))
    # then what is missing is not told of a column that is filled in
    assert set(upload.findings.filter(code="REQUIRED").values_list("field", "column")) == {("religion", ""), ("postings.valid_from", "")}
    assert {one.field: one.rows for one in fields_to_add(upload=upload)[:2]} == {"religion": 2, POSTING_FROM: 2}
    # when
    upload = column_add(actor=clerk, upload=upload, field="religion", text="Không")
    upload = column_add(actor=clerk, upload=upload, field=POSTING_FROM)
    # then one is filled in for both, the other row by row
    assert set(upload.findings.filter(code="REQUIRED").values_list("field", flat=True)) == {"postings.valid_from"}
    letter = upload.mapping[-1]["column"]
    assert letter in columns_to_fix(upload=upload, rows=[FIRST_ROW])
    upload = cells_edit(actor=clerk, upload=upload, edits=[CellEdit(FIRST_ROW, letter, "", "01/07/2025")]).upload
    assert (upload.staged, upload.returned) == (1, 1)
    # and it is there when the workbook of returned rows comes back, or the columns are read again
    upload = upload_process(upload=mapping_choose(actor=clerk, upload=upload, choices={}))
    assert (upload.staged, upload.returned) == (1, 1)
    with pytest.raises(KeyError):
        column_add(actor=clerk, upload=upload, field="photo")
