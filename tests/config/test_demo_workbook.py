"""The committed workbook is what the program writes, and its documentation says what it holds."""

import json
from collections import Counter
from pathlib import Path

import pytest

from config.demo import workbook
from config.demo.main_job import Figures, expectation
from registry.fields import field_of_heading
from registry.reading import read_table

DEMO = Path(__file__).resolve().parents[2] / "demo"


def test_it_is_the_same_bytes_every_time_and_those_that_are_committed(tmp_path):
    # xlsxwriter's zip and its order of styles are stable; a new release of it may need `manage.py demo_workbook`.
    workbook.workbook_write(tmp_path / "once.xlsx")
    workbook.workbook_write(tmp_path / "twice.xlsx")
    assert (tmp_path / "once.xlsx").read_bytes() == (tmp_path / "twice.xlsx").read_bytes()
    assert _contents(tmp_path / "once.xlsx") == _contents(DEMO / workbook.NAME)


def _contents(path: Path) -> list[tuple[int, dict]]:
    table = read_table(path, name=path.name, max_bytes=10_000_000)
    return [(table.heading_row, {column.letter: column.heading for column in table.columns}), *((row.number, row.cells) for row in table.rows())]


def test_expected_json_is_what_the_program_writes():
    assert json.loads((DEMO / "expected.json").read_bytes()) == workbook.expected_counts() == expectation()


def test_the_readme_names_every_row_that_comes_back():
    readme = (DEMO / "README.md").read_text(encoding="utf-8")
    for one in workbook.expected():
        assert f"| {one.sheet_row} | {one.column} | {one.code} |" in readme


def test_twelve_ways_to_be_wrong():
    assert len({one.code for one in workbook.expected()}) == len({one.field for one in workbook.expected()}) == 12


def test_two_hundred_rows_of_which_140_new_and_48_changes():
    rows = workbook.rows()
    on_file = {one.document["citizen_id"] for one in workbook.known_here()}
    good = [row.document["citizen_id"] for row in rows if row.fault is None]
    assert len(rows) == 200
    assert Counter(number in on_file for number in good) == {False: 140, True: 48}
    assert len({row.document["citizen_id"] for row in rows}) == 200


def test_every_change_changes_something():
    on_file = {one.document["citizen_id"]: one.document for one in workbook.known_here()}
    changed = [row for row in workbook.rows() if row.fault is None and row.document["citizen_id"] in on_file]
    assert [row.document for row in changed if row.document == on_file[row.document["citizen_id"]]] == []


def test_headings_are_understood_but_for_three_columns_that_nobody_asked_for():
    unknown = [heading for _name, heading, _width in workbook.COLUMNS if field_of_heading(heading) is None]
    assert unknown == ["TT", "Zalo/Email", "Ghi chú"]
    for name, heading, _width in workbook.COLUMNS:
        assert not name or field_of_heading(heading).name == name


def test_dates_stand_as_dates_and_as_text():
    table = read_table(DEMO / workbook.NAME, name="x", max_bytes=10_000_000)
    column = table.fields["birth_date"].index
    assert {type(row.cells[column]).__name__ for row in table.rows()} == {"date", "str"}


GOOD = Figures(read=200, returned=12, applied=188, delivered=188, receipts=188, ledger_ok=True, hub_ledger_ok=True, seconds=21.5)


def test_the_last_line_of_the_main_job():
    assert GOOD.mismatches(expectation()) == []
    assert str(GOOD) == (
        'FIGURES {"read":200,"returned":12,"applied":188,"delivered":188,"receipts":188,"ledger_ok":true,"hub_ledger_ok":true,"seconds":21.5}'
    )


@pytest.mark.parametrize("figure", ["read", "returned", "applied", "delivered", "receipts", "ledger_ok", "hub_ledger_ok"])
def test_every_figure_that_is_off_is_named(figure):
    from dataclasses import replace

    value = getattr(GOOD, figure)
    off = replace(GOOD, **{figure: not value if isinstance(value, bool) else value - 1})
    assert [text.partition(":")[0] for text in off.mismatches(expectation())] == [figure]
