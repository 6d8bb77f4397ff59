"""What bad input gets: a named refusal that says place and remedy; and what good input in bad clothes gets."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest
from django.utils import translation

from registry.reading import Limits, WorkbookRefused, open_book, read_table, table_of
from tests.uploads.workbooks import RIGHT, grid, replaced, right, saved, with_entry, workbook

SHEET = "xl/worksheets/sheet1.xml"


def read(tmp_path, body, name="danh-sach.xlsx", *, max_bytes=50 * 1024 * 1024):
    return read_table(saved(tmp_path, body, name), name=name, max_bytes=max_bytes)


def refused(tmp_path, body, **options):
    with pytest.raises(WorkbookRefused) as error:
        read(tmp_path, body, **options)
    with translation.override("en"):
        sentence = str(error.value)
    assert sentence.endswith(".")
    assert "{" not in sentence
    return error.value


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "FILE_EMPTY"),
        (b"TT;Ho ten\n1;Hoa\n", "NO_HEADING_ROW"),
        (b"One sentence without a table.", "NOT_A_WORKBOOK"),
        (bytes(range(256)) * 20, "NOT_A_WORKBOOK"),
        (b"a,b\n" + b"x" * 200_000 + b",1\n", "WORKBOOK_DAMAGED"),
        (b"%PDF-1.7 ...", "NOT_A_WORKBOOK"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "WORKBOOK_DAMAGED"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") + b"\0" * 600, "LOCKED"),
        (b"PK\x03\x04 not a zip after all", "WORKBOOK_DAMAGED"),
    ],
)
def test_what_is_not_a_workbook_is_refused(tmp_path, body, code):
    assert refused(tmp_path, body).code == code


def test_another_kind_of_zip_is_not_a_workbook(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as package:
        package.writestr("word/document.xml", "<w/>")
    assert refused(tmp_path, stream.getvalue()).code == "NOT_A_WORKBOOK"


def test_a_cut_off_workbook_is_damaged(tmp_path):
    body = workbook([right()])
    assert refused(tmp_path, body[: len(body) // 2]).code == "WORKBOOK_DAMAGED"


@pytest.mark.parametrize(
    ("before", "after"), [(b"</sheetData>", b""), (b"</v></c></row>", b"</v></row>"), (b"<sheetData>", b"<!-- x --><sheetData><f>")]
)
def test_a_workbook_with_broken_xml_is_damaged(tmp_path, before, after):
    assert refused(tmp_path, replaced(workbook([right()]), SHEET, before, after)).code == "WORKBOOK_DAMAGED"


def test_a_file_above_the_limit_is_refused_before_it_is_opened(tmp_path):
    error = refused(tmp_path, workbook([right()]), max_bytes=1024)
    assert (error.code, error.params["limit"]) == ("FILE_TOO_LARGE", 0)


def test_a_zip_bomb_of_200_mb_is_refused_by_its_directory(tmp_path):
    # given 200 MB of nothing in 200 KB
    body = with_entry(workbook([right()]), "xl/media/image1.png", b"\0" * 200 * 1024 * 1024)
    assert len(body) < 1024 * 1024
    # when, then
    error = refused(tmp_path, body)
    assert (error.code, error.params["place"]) == ("WORKBOOK_BOMB", "xl/media/image1.png")


def test_a_workbook_that_unpacks_to_too_much_in_all_is_refused(tmp_path):
    with pytest.raises(WorkbookRefused) as error:
        open_book(saved(tmp_path, workbook([right()]), "a.xlsx"), name="a.xlsx", limits=Limits(max_unpacked=1024))
    assert error.value.code == "WORKBOOK_UNSAFE"


def test_a_bomb_whose_directory_lies_is_refused(tmp_path):
    # given an entry that says it unpacks to 1,000 bytes, and unpacks to 40 MB
    size = 40 * 1024 * 1024
    body = with_entry(workbook([right()]), "xl/media/image1.png", b"\0" * size)
    body = body.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    # when, then
    assert refused(tmp_path, body).code == "WORKBOOK_DAMAGED"


def test_an_entity_bomb_is_refused(tmp_path):
    declaration = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet '
    assert refused(tmp_path, replaced(workbook([right()]), SHEET, b"<worksheet ", declaration)).code == "WORKBOOK_DAMAGED"


def test_a_cell_at_the_end_of_the_sheet_does_not_fill_the_memory(tmp_path):
    # given one number in the last cell of the sheet: as a dense table 17 billion cells
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    table = read(tmp_path, replaced(workbook([right()]), SHEET, b"</sheetData>", far))
    # then it is one line without a person
    assert len(list(table.rows())) == 1
    assert [(one.code, one.place) for one in table.remarks if one.code == "ROW_PASSED_OVER"] == [("ROW_PASSED_OVER", "1048576")]


def test_a_cell_beyond_the_end_of_any_sheet_is_damage(tmp_path):
    far = b'<row r="1048577"><c r="A1048577"><v>1</v></c></row></sheetData>'
    assert refused(tmp_path, replaced(workbook([right()]), SHEET, b"</sheetData>", far)).code == "WORKBOOK_DAMAGED"


def test_an_empty_workbook_is_refused(tmp_path):
    assert refused(tmp_path, grid([])).code == "SHEET_EMPTY"


def test_a_workbook_without_a_heading_row_is_refused(tmp_path):
    assert refused(tmp_path, grid([[1, "Hoa", "066185001234"], [2, "Lan", "066185001235"]])).code == "NO_HEADING_ROW"


def test_headings_below_row_30_are_not_looked_for(tmp_path):
    assert refused(tmp_path, grid([["Kính gửi"]] * 30 + [list(RIGHT)])).code == "NO_HEADING_ROW"


def test_headings_without_rows_are_refused(tmp_path):
    error = refused(tmp_path, workbook([], headings=list(RIGHT)))
    assert (error.code, error.value, error.params["place"]) == ("NO_ROWS", "3", "Danh sách")


def test_without_the_citizen_number_nobody_knows_whose_row_it_is(tmp_path):
    row = {name: value for name, value in right().items() if name != "Số CCCD"}
    assert refused(tmp_path, workbook([row])).code == "NO_CITIZEN_ID_COLUMN"


def test_two_columns_of_one_field_are_refused(tmp_path):
    error = refused(tmp_path, workbook([{**right(), "Căn cước công dân": "066185001234"}]))
    assert (error.code, error.value, error.params["field"]) == ("COLUMN_TWICE", "E, AA", "citizen_id")


def test_only_hidden_sheets(tmp_path):
    body = replaced(workbook([right()]), "xl/workbook.xml", b'sheetId="1"', b'sheetId="1" state="hidden"')
    assert refused(tmp_path, body).code == "NO_SHEET"


def test_title_lines_item_numbers_and_line_breaks_do_not_matter(tmp_path):
    headings = ["TT", "1. Họ và tên khai sinh\n(viết chữ in hoa)", "8) SỐ CCCD:", "Ngày cấp\n(dd/mm/yyyy)", "% hưởng", "Ghi chú"]
    table = read(tmp_path, grid([["UBND"], [], headings, ["(1)", "(2)", "(3)", "(4)", "(5)", "(6)"], [1, "HOA", "066185001234"]]))
    assert (table.heading_row, set(table.fields)) == (3, {"birth_name", "citizen_id", "citizen_id_date", "percent"})
    assert [(row.number, row.cells[2]) for row in table.rows()] == [(5, "HOA")]


def test_headings_merged_over_two_rows(tmp_path):
    above = ["TT", "Họ và tên", "Số CCCD", "Ngạch, bậc lương", None, None]
    below = [None, None, None, "Mã ngạch", "Bậc", "Hệ số"]
    table = read(tmp_path, grid([above, below, [1, "Hoa", "066185001234", "01.003", 6, 3.99]]))
    assert table.heading_row == 2
    assert {name: column.letter for name, column in table.fields.items()} == {
        "birth_name": "B", "citizen_id": "C", "rank_code": "D", "step": "E", "coefficient": "F",
    }  # fmt: skip


def test_unknown_columns_and_lines_without_a_person_are_remarked_never_dropped(tmp_path):
    # given a column nobody knows, a line of a section, a blank line and a signature
    rows = [
        ["Họ và tên", "Số CCCD", "Zalo"],
        ["Hoa", "066185001234", "x"],
        [None, None, "I. Văn phòng"],
        [],
        ["Lan", "066185001235"],
        [None, None, "Người lập biểu"],
    ]
    table = read(tmp_path, grid(rows))
    # when
    numbers = [row.number for row in table.rows()]
    # then
    assert numbers == [2, 5]
    assert [(one.code, one.value, one.place) for one in table.remarks] == [
        ("COLUMN_IGNORED", "Zalo", "C"),
        ("ROW_PASSED_OVER", "I. Văn phòng", "3"),
        ("ROW_PASSED_OVER", "Người lập biểu", "6"),
    ]


def test_formulas_error_cells_and_merged_cells_are_known_by_place(tmp_path):
    # given a formula in C2, an error in D3 and a merge of B2:B3
    body = grid([["Họ và tên", "Số CCCD", "Bậc", "Hệ số"], ["Hoa", "066185001234", "=1+5", 3.99], [None, "066185001235", 6, 3.99]])
    body = replaced(body, SHEET, b'<c r="D3"><v>3.99</v>', b'<c r="D3" t="e"><v>#REF!</v>')
    body = replaced(body, SHEET, b"</sheetData>", b'</sheetData><mergeCells count="1"><mergeCell ref="B2:B3"/></mergeCells>')
    table = read(tmp_path, body)
    assert [(row.number, dict(row.doubtful)) for row in table.rows()] == [
        (2, {2: "CELL_MERGED", 3: "CELL_FORMULA"}),
        (3, {2: "CELL_MERGED", 4: "CELL_ERROR"}),
    ]


def test_the_table_may_begin_anywhere_and_cells_keep_their_letters(tmp_path):
    table = read(
        tmp_path, grid([[]] * 5 + [[None, None, "Họ và tên", "Số CCCD", "Ngày sinh"], [None, None, "Hoa", "066185001234", date(1985, 8, 15)]])
    )
    assert (table.heading_row, table.fields["citizen_id"].letter) == (6, "D")
    assert [(row.number, row.cells[5]) for row in table.rows()] == [(7, date(1985, 8, 15))]


def test_no_more_rows_than_one_may_send(tmp_path):
    table = table_of(open_book(saved(tmp_path, workbook([right(1), right(2), right(3)])), name="x.xlsx"), max_rows=2)
    with pytest.raises(WorkbookRefused) as error:
        list(table.rows())
    assert (error.value.code, error.value.value, error.value.params["limit"]) == ("SHEET_TOO_LARGE", "A6", 2)
