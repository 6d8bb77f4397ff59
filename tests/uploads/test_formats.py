"""Every format gives the same table; the quick way through an .xlsx gives what the exact one and calamine give."""

from __future__ import annotations

import io
from datetime import date, datetime, time
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from registry.reading import Limits, WorkbookRefused, open_book, table_of
from registry.reading.strings import PAGE, SharedStrings, strings_of
from tests.uploads.containers import as_format, ods, package, text, xls
from tests.uploads.workbooks import grid, replaced, saved, with_entry

SHEET = "xl/worksheets/sheet1.xml"
HEADINGS = ["TT", "Họ và tên", "Số CCCD", "Ngày sinh", "Hệ số", "Nơi sinh"]
PEOPLE = [
    [1, "Nguyễn Thị Hoa", "066185001234", date(1985, 8, 15), 3.99, "Xã Ea Kao, tỉnh Đắk Lắk"],
    [2, "Y Blô Niê", "066085001235", date(1979, 12, 1), 2.34, None],
]
ROWS = [["DANH SÁCH CÁN BỘ"], HEADINGS, *PEOPLE]


def opened(tmp_path, body, name="danh-sach", **limits):
    return open_book(saved(tmp_path, body, name), name=name, limits=Limits(**limits))


def values(cells):
    """Numbers and texts alike: a text file has no numbers."""
    return [f"{cell:%d/%m/%Y}" if isinstance(cell, date) else f"{cell:g}" if isinstance(cell, int | float) else cell for cell in cells]


@pytest.mark.parametrize("kind", ["xlsx", "xls", "xlsb", "ods", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1258"])
def test_every_format_gives_the_same_table(tmp_path, kind):
    # when: the name says nothing about the format
    book = opened(tmp_path, as_format(kind, ROWS), "danh-sach.bin")
    sheet = book.sheet()
    # then
    assert book.format == (kind if kind in ("xlsx", "xls", "xlsb", "ods") else "csv")
    assert sheet.heading_rows == (2, 2)
    assert [column.heading for column in sheet.columns] == HEADINGS
    assert [(row.number, list(row.cells), values(row.cells.values())) for row in sheet.rows()] == [
        (3, [1, 2, 3, 4, 5, 6], values(PEOPLE[0])),
        (4, [1, 2, 3, 4, 5], values(PEOPLE[1][:5])),
    ]
    assert list(sheet.rows()) == list(sheet.rows()), "a second reading begins anew"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path, separator):
    rows = [HEADINGS, [1, "Hoa, Nguyễn Thị", "066185001234", "15/08/1985", "3,99", 'Xã; "Ea Kao"']]
    (row,) = opened(tmp_path, text(rows, separator=separator)).sheet().rows()
    assert row.cells == {1: "1", 2: "Hoa, Nguyễn Thị", 3: "066185001234", 4: "15/08/1985", 5: "3,99", 6: 'Xã; "Ea Kao"'}


def test_a_text_in_an_old_font_is_read_as_its_codes_and_repaired_later(tmp_path):
    body = "TT;Hä vµ tªn;Sè CMND\r\n1;NguyÔn ThÞ Hoa;066185001234\r\n2;TrÇn V¨n B×nh;066185001235".encode("latin-1")
    sheet = opened(tmp_path, body).sheet()
    assert [column.heading for column in sheet.columns] == ["TT", "Họ và tên", "Số CMND"]
    assert next(sheet.rows()).cells[2] == "NguyÔn ThÞ Hoa"


def test_an_empty_line_and_a_broken_end_of_text(tmp_path):
    body = text([HEADINGS, *PEOPLE]) + b"\r\n\r\n" + '3,"Trần Văn'.encode()
    rows = list(opened(tmp_path, body).sheet().rows())
    assert [row.number for row in rows] == [2, 3, 6]


def test_macros_and_links_are_noted_and_nothing_of_them_is_opened(tmp_path):
    body = with_entry(with_entry(grid(ROWS), "xl/vbaProject.bin", b"Sub Auto_Open()"), "xl/externalLinks/externalLink1.xml", b"<externalLink/>")
    book = opened(tmp_path, body, "ds.xlsm")
    assert book.notes == ("MACROS_IGNORED", "LINKS_IGNORED")
    assert [one.code for one in table_of(book).remarks[:2]] == ["MACROS_IGNORED", "LINKS_IGNORED"]


def test_sheets_are_counted_before_they_are_opened(tmp_path):
    with pytest.raises(WorkbookRefused) as error:
        opened(tmp_path, with_entry(grid(ROWS), "xl/worksheets/sheet2.xml", b"<worksheet/>"), max_sheets=1)
    assert (error.value.code, error.value.params["limit"]) == ("TOO_MANY_SHEETS", 1)


@pytest.mark.parametrize("rows", [10_000, 1_000_000])
def test_a_dense_sheet_larger_than_its_memory_is_refused_and_the_program_lives(tmp_path, rows):
    # given an .ods of a few hundred bytes that means many rows of 1,000 equal cells
    body = ods([HEADINGS, *PEOPLE])
    content = body_of(body, "content.xml").decode()
    cell = '<table:table-cell office:value-type="string"><text:p>Xã Ea Kao'
    assert cell in content
    huge = content.replace(cell, cell.replace("-cell ", '-cell table:number-columns-repeated="1000" ', 1))
    huge = huge.replace("<table:table-row>", f'<table:table-row table:number-rows-repeated="{rows}">').encode()
    entries = {one: body_of(body, one) for one in ("mimetype", "META-INF/manifest.xml")} | {"content.xml": huge}
    with pytest.raises(WorkbookRefused) as error:
        opened(tmp_path, package(entries), dense_memory=300 * 1024 * 1024)
    assert error.value.code == "SHEET_TOO_LARGE"


def body_of(body, name):
    import zipfile

    with zipfile.ZipFile(io.BytesIO(body)) as zipped:
        return zipped.read(name)


def test_a_damaged_xls_is_damaged(tmp_path):
    body = xls(ROWS)
    for broken in (body[:600], body[: len(body) // 2], body[:512] + b"\xff" * (len(body) - 512)):
        with pytest.raises(WorkbookRefused):
            opened(tmp_path, broken).sheet()


# --- the quick way is the exact way -----------------------------------------------------------------------------------------

CELLS = st.one_of(
    st.none(),
    st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x1EF9, exclude_categories=("Cs",)), max_size=12),
    st.sampled_from(["<b>&amp;", "a\nb", "_x000D_", "  ", "Kinh", "'=1+1", "1e5"]),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12),
    st.booleans(),
    st.dates(date(1901, 1, 1), date(2100, 1, 1)),
    st.datetimes(datetime(1950, 1, 1), datetime(2050, 1, 1)).map(lambda one: one.replace(microsecond=0)),  # noqa: DTZ001
)


@given(st.lists(st.lists(CELLS, max_size=6), min_size=1, max_size=6), st.booleans())
def test_an_xlsx_is_read_as_calamine_reads_it(tmp_path_factory, rows, in_cells):
    # given
    path = tmp_path_factory.mktemp("same") / "x.xlsx"
    _written(path, rows, in_cells)
    # when
    (source,) = open_book(path, name="x.xlsx").sheets
    ours = {(row.number, index): cell for row in source.rows() for index, cell in row.cells.items()}
    exact = {(row.number, index): cell for row in _exactly(source) for index, cell in row.cells.items()}
    # then
    assert ours == exact == _theirs(path)


def _written(path: Path, rows, in_cells) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": in_cells, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet()
        day, moment = (book.add_format({"num_format": shape}) for shape in ("dd/mm/yyyy", "dd/mm/yyyy hh:mm:ss"))
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, datetime):
                    sheet.write_datetime(row, column, cell, moment)
                elif isinstance(cell, date):
                    sheet.write_datetime(row, column, cell, day)
                elif isinstance(cell, str):
                    sheet.write_string(row, column, cell)
                elif cell is not None:
                    sheet.write(row, column, cell)


def _exactly(source):
    source.book.package.scans[source.entry].plain = False
    return source.rows()


def _theirs(path: Path):
    sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    if sheet.start is None:
        return {}
    found = {}
    for number, row in enumerate(sheet.iter_rows(), start=1):
        for index, cell in enumerate(row, start=sheet.start[1] + 1):
            if cell != "" and not (isinstance(cell, str) and not cell.strip()):
                found[number, index] = cell.date() if isinstance(cell, datetime) and cell.time() == time() else cell
    return found


@pytest.mark.parametrize(
    ("written", "cell"),
    [
        (b'<c r="B3" t="inlineStr"><is><r><t>Le </t></r><r><rPr><b/></rPr><t>Hoa</t></r><rPh sb="0"><t>x</t></rPh></is></c>', "Le Hoa"),
        (b'<c s="0" r="B3" t="str"><v>Hoa &amp; Lan &#7877;</v></c>', "Hoa & Lan ễ"),
        (b'<c r="B3" t="d"><v>1985-08-15</v></c>', date(1985, 8, 15)),
        (b'<c r="B3" t="b"><v>1</v></c>', True),
        (b'<c r="B3" t="n"><v>3.8185001234E10</v></c>', 38185001234.0),
        (b'<c r="B3"><v>38185001234</v></c>', 38185001234),
        (b'<c r="B3"><v>1e999</v></c>', "1e999"),
        (b'<c r="B3"><v>NaN</v></c>', "NaN"),
        (b"<c><v>7</v></c>", 7),
    ],
)  # fmt: skip
def test_unusual_cells(tmp_path, written, cell):
    body = grid([["Họ và tên", "Số CCCD"], ["Hoa", "066185001234"]])
    body = replaced(body, SHEET, b"</sheetData>", b'<row r="3"><c r="A3"/>' + written + b"</row></sheetData>")
    assert [row.cells for row in opened(tmp_path, body).sheet().rows()][1] == {2: cell}


def test_a_sheet_with_prefixes_comments_and_cdata_is_read_exactly(tmp_path):
    sheet = (
        '<?xml version="1.0"?><x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><!-- </row> --><x:sheetData>'
        '<x:row r="1"><x:c r="A1" t="inlineStr"><x:is><x:t>Họ và tên</x:t></x:is></x:c>'
        '<x:c r="B1" t="inlineStr"><x:is><x:t>Số CCCD</x:t></x:is></x:c>'
        '</x:row><x:row r="2"><x:c r="A2" t="inlineStr"><x:is><x:t><![CDATA[Hoa </row>]]></x:t></x:is></x:c></x:row></x:sheetData></x:worksheet>'
    )
    for encoding in ("utf-8", "utf-16"):
        body = _with_sheet(sheet.replace('"1.0"', f'"1.0" encoding="{encoding}"', 1).encode(encoding))
        (row,) = opened(tmp_path, body).sheet().rows()
        assert row.cells == {1: "Hoa </row>"}


def _with_sheet(content: bytes) -> bytes:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(grid([["x"]]))) as zipped:
        return package({one: content if one == SHEET else zipped.read(one) for one in zipped.namelist()})


def test_the_1904_date_system(tmp_path):
    body = grid([["Họ và tên", "Ngày sinh", "Số CCCD"], ["Hoa", date(1985, 8, 15), "1"]])
    body = replaced(body, "xl/workbook.xml", b"<workbookPr ", b'<workbookPr date1904="1" ')
    (row,) = opened(tmp_path, body).sheet().rows()
    assert row.cells[2] == date(1989, 8, 16)


def test_shared_strings_beyond_the_memory_are_read_from_their_file(monkeypatch):
    monkeypatch.setattr("registry.reading.strings.IN_MEMORY", 1)
    strings = SharedStrings()
    for number in range(3 * PAGE + 7):
        strings.append(f"chuỗi {number} \ud800"[:-1])
    assert [strings[number] for number in (0, PAGE, 2 * PAGE + 5, 3 * PAGE + 6, PAGE)] == [
        f"chuỗi {number} " for number in (0, PAGE, 2 * PAGE + 5, 3 * PAGE + 6, PAGE)
    ]
    for number in (-1, 3 * PAGE + 7, 10**9):
        with pytest.raises(IndexError):
            strings[number]


@given(st.lists(st.text(alphabet="a<&>\"'ễ \n_x0041_", max_size=8), max_size=20), st.integers(1, 40))
def test_shared_strings_are_the_same_however_they_are_cut(texts, size):
    from xml.sax.saxutils import escape

    items = (f"<si><t>{escape(one)}</t></si>" if number % 3 else f"<si><r><t>{escape(one)}</t></r></si>" for number, one in enumerate(texts))
    body = f"<sst>{''.join(items)}</sst>"
    chunks = [body.encode()[start : start + size] for start in range(0, len(body.encode()), size)]
    quick, exact = strings_of(chunks, plain=True), strings_of(chunks, plain=False)
    assert [quick[number] for number in range(len(texts))] == [exact[number] for number in range(len(texts))]
