"""Formats, places of the table, headings, rows that are no people; and what is refused."""

from __future__ import annotations

from tests.uploads.containers import ods, package, text, xls, xlsb
from tests.uploads.corpus.building import (
    bomb,
    book,
    cell_replaced,
    encrypted,
    entry_added,
    entry_replaced,
    hidden_first_sheet,
    sheets,
    with_prefix,
)
from tests.uploads.corpus.making import BINH, FIELDS, FIRST, HOA, ROWS, TITLES, H, case, fine, in_tcvn3

FORMATS = (
    fine("format-xlsx.xlsx", "an .xlsx as Excel saves it", book(ROWS)),
    fine("format-xls.xls", "the old binary format of Excel 97", xls(ROWS)),
    fine("format-xlsb.xlsb", "the binary format of Excel", xlsb(ROWS)),
    fine("format-ods.ods", "LibreOffice Calc", ods(ROWS)),
    fine("format-wrong-name.xls", "an .xlsx that calls itself .xls", book(ROWS)),
    fine("text-utf8.csv", "commas, UTF-8", text(ROWS)),
    fine("text-utf8-mark.csv", "semicolons, UTF-8 with a byte order mark", text(ROWS, encoding="utf-8-sig", separator=";")),
    fine("text-utf16.txt", "“Unicode text” of Excel: tabs, UTF-16", text(ROWS, encoding="utf-16", separator="\t")),
    fine("text-utf16-no-mark.txt", "UTF-16 without a byte order mark", text(ROWS, encoding="utf-16-le", separator="\t")),
    fine("text-windows1258.csv", "Windows-1258, tones as signs of their own", text(ROWS, encoding="cp1258", separator=";")),
    fine("format-prefixed.xlsx", "a sheet whose tags have a prefix, as some programs write", with_prefix(ROWS)),
    fine("format-macros.xlsm", "macros: noted, never run", entry_added(book(ROWS), "xl/vbaProject.bin", b"Auto_Open"), remarks={"MACROS_IGNORED": 1}),
    fine(
        "format-links.xlsx",
        "a link to another workbook: noted, never opened",
        entry_added(book(ROWS), "xl/externalLinks/externalLink1.xml", b"<externalLink/>"),
        remarks={"LINKS_IGNORED": 1},
    ),
)

PLACES = (
    fine(
        "sheet-third.xlsx",
        "the list stands on the third sheet",
        sheets({"Bìa": [("Tờ bìa",)], "Hướng dẫn": [("Ghi tiếng Việt có dấu",)], "DS": ROWS}),
    ),
    fine(
        "sheet-two-lists.xlsx",
        "two sheets with headings: the one with citizen numbers is read, the other told of",
        sheets({"Lương": [("Họ và tên", "Hệ số"), ("Hoa", 3.99)], "DS": ROWS}),
        remarks={"SHEET_IGNORED": 1},
    ),
    fine("sheet-hidden.xlsx", "a hidden sheet is not looked at", hidden_first_sheet({"Cũ": [H, HOA], "DS": ROWS})),
    fine("headings-row-12.xlsx", "eleven lines above the headings", book([("Kính gửi",)] * 11 + ROWS), heading_rows=(12, 12)),
    fine("headings-titles.xlsx", "name of the office, motto and title above the table", book([*TITLES, *ROWS]), heading_rows=(4, 4)),
    fine("headings-numbers.xlsx", "the row (1), (2), (3) below the headings", book([H, ("(1)", "(2)", "(3)", "(4)", "(5)"), HOA, BINH])),
    fine(
        "headings-capitals.xlsx",
        "headings in capitals, with item numbers and line breaks",
        book([("STT", "1. HỌ VÀ TÊN\n(khai sinh)", "8) SỐ CCCD:", "3. NGÀY SINH", "GIỚI TÍNH"), HOA, BINH]),
    ),
    fine("headings-old-font.xlsx", "headings in the font .VnTime", book([tuple(in_tcvn3(one) for one in H), HOA, BINH])),
    fine("headings-older-form.xlsx", "headings of the form of 2008", book([("TT", "Họ tên", "Số CMND", "NTNS", "Phái"), HOA, BINH])),
    fine(
        "headings-two-lines.xlsx",
        "a group above and names below, merged",
        book(
            [("TT", "Họ và tên", "Giấy tờ tùy thân", None, "Thông tin khác"), (None, None, "Số CCCD", "Ngày sinh", "Giới tính"), HOA, BINH],
            merges=("A1:A2", "B1:B2", "C1:D1"),
        ),
        heading_rows=(1, 2),
    ),
    fine(
        "headings-shifted.xlsx",
        "the table begins at C6, with empty columns between",
        book(
            [()] * 5
            + [
                (None, None, H[1], H[2], None, H[3], H[4]),
                (None, None, HOA[1], HOA[2], None, *HOA[3:]),
                (None, None, BINH[1], BINH[2], None, *BINH[3:]),
            ]
        ),
    ),
    fine(
        "headings-misspelt.xlsx",
        "a slip in a heading: the nearest field, to be looked at",
        book([("TT", "Họ và tên", "Số CCCD", "Ngàyy sinhh", "Giới tính"), HOA, BINH]),
    ),
    fine(
        "columns-unknown.xlsx",
        "columns that mean nothing to the program",
        book([(*H, "Zalo", "Ghi chú"), (*HOA, "x", "y"), (*BINH, "", "z")]),
        ignored=("TT", "Zalo", "Ghi chú"),
    ),
    case("columns-twice.xlsx", "the citizen number in two columns", book([(*H, "Căn cước công dân"), (*HOA, HOA[2])]), refused="COLUMN_TWICE"),
    case(
        "columns-no-number.xlsx",
        "nobody's citizen number",
        book([("TT", "Họ và tên", "Ngày sinh"), (1, "Hoa", "15/08/1985")]),
        refused="NO_CITIZEN_ID_COLUMN",
    ),
    case(
        "date-three-columns.xlsx",
        "day, month and year of birth in three columns",
        book([("Họ và tên", "Số CCCD", "Ngày sinh", "Tháng sinh", "Năm sinh", "Giới tính"), (HOA[1], HOA[2], 15, 8, 1985, "Nữ")]),
        rows=1,
        causes={},
        first=FIRST,
    ),
    case(
        "date-three-below-group.xlsx",
        "“Ngày”, “Tháng”, “Năm” below “Ngày, tháng, năm sinh”",
        book(
            [
                ("Họ và tên", "Số CCCD", "Giới tính", "Ngày, tháng, năm sinh"),
                (None, None, None, "Ngày", "Tháng", "Năm"),
                (HOA[1], HOA[2], "Nữ", 15, 8, 1985),
            ],
            merges=("D1:F1",),
        ),
        rows=1,
        causes={},
        first=FIRST,
    ),
    case(
        "date-men-women.xlsx",
        "the date of birth below “Nam” or below “Nữ”",
        book([("Họ và tên", "Số CCCD", "Ngày, tháng, năm sinh"), (None, None, "Nam", "Nữ"), (HOA[1], HOA[2], None, HOA[3])], merges=("C1:D1",)),
        rows=1,
        causes={},
        first=FIRST,
    ),
    case(
        "gender-crosses.xlsx",
        "a cross below “Nam” or “Nữ”",
        book([("Họ và tên", "Số CCCD", "Ngày sinh", "Giới tính"), (None, None, None, "Nam", "Nữ"), (*HOA[1:4], None, "x")], merges=("D1:E1",)),
        rows=1,
        causes={},
        first=FIRST,
    ),
    case(
        "name-two-columns.xlsx",
        "“Họ và tên” over two columns: family name, given name",
        book([("TT", "Họ và tên", None, "Số CCCD", "Ngày sinh", "Giới tính"), (1, "Nguyễn Thị", "Hoa", *HOA[2:])], merges=("B1:C1",)),
        rows=1,
        causes={},
        first=FIRST,
    ),
    case(
        "name-family-given.xlsx",
        "“Họ đệm” and “Tên”",
        book([("Họ đệm", "Tên", *H[2:]), ("Nguyễn Thị", "Hoa", *HOA[2:])]),
        rows=1,
        causes={},
        first=FIRST,
    ),
    fine(
        "rows-total.xlsx",
        "a total below, with sums in three columns",
        book([(*H, "Bậc", "Hệ số"), (*HOA, 6, 3.99), (*BINH, 2, 2.34), (None, "Tổng cộng: 2", None, None, None, 8, 6.33)]),
        fields=(*FIELDS, "step", "coefficient"),
        first={**FIRST, "step": 6, "coefficient": "3.99"},
        remarks={"ROW_PASSED_OVER": 1},
    ),
    fine(
        "rows-signature.xlsx",
        "place, day and signature below",
        book([*ROWS, (), (None, None, None, "Ea Kao, ngày 01 tháng 10 năm 2026"), (None, None, None, "Người lập biểu")]),
        remarks={"ROW_PASSED_OVER": 2},
    ),
    fine(
        "rows-sections.xlsx",
        "lines “I. Văn phòng” among the people, and empty lines",
        book([H, ("I. Văn phòng",), HOA, (), ("II. Phòng Kinh tế",), BINH]),
        remarks={"ROW_PASSED_OVER": 2},
    ),
    fine(
        "rows-far-cell.xlsx",
        "one forgotten cell in the last row of the sheet",
        cell_replaced(book(ROWS), '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        remarks={"ROW_PASSED_OVER": 1},
    ),
)

REFUSED = (
    case("refused-empty.xlsx", "an empty file", b"", refused="FILE_EMPTY"),
    case("refused-no-data.xlsx", "a workbook without a single cell", book([]), refused="SHEET_EMPTY"),
    case("refused-pdf.xlsx", "a PDF with another name", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", refused="NOT_A_WORKBOOK"),
    case("refused-word.xlsx", "a Word document with another name", package({"word/document.xml": b"<w/>"}), refused="NOT_A_WORKBOOK"),
    case("refused-locked.xlsx", "locked with a password", encrypted(), refused="LOCKED"),
    case("refused-cut-off.xlsx", "half of the file is missing", book(ROWS)[:2500], refused="WORKBOOK_DAMAGED"),
    case(
        "refused-entities.xlsx",
        "an entity bomb",
        entry_replaced(book(ROWS), "<worksheet ", '<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet '),
        refused="WORKBOOK_DAMAGED",
    ),
    case("refused-bomb.xlsx", "30 MB of nothing in 30 KB", bomb(book(ROWS)), refused="WORKBOOK_BOMB"),
    case("refused-no-headings.xlsx", "people without headings", book([HOA, BINH]), refused="NO_HEADING_ROW"),
    case("refused-no-rows.xlsx", "headings without people", book([H]), refused="NO_ROWS"),
    case("refused-prose.txt", "a letter", "Kính gửi Sở Nội vụ\nChúng tôi xin gửi danh sách sau".encode(), refused="NOT_A_WORKBOOK"),
)
