"""The workbook that the office of Ea Knốp commune sends in: 200 rows, of which 12 are wrong in 12 different ways.

Written as such offices write: title lines above the table, some headings in older wording, two columns that nobody asked for,
dates now as dates and now as text. 140 rows are people whose files come for the first time (most of them teachers, whom the
commune manages since the districts ended), 48 change somebody whom the initial load brought. Pure: the same bytes every time.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from config.demo import careers
from config.demo.catalogues import salary_classes, scales
from config.demo.people import SEED, TODAY, Person, people, person
from config.demo.province import CULTURE, DEMO_COMMUNE, commune_code, unit_key, units, units_by_code
from registry.fields import BY_NAME
from registry.services.codes import DATA
from workflows.documents import Document

NAME = "xa-ea-knop.xlsx"
SHEET = "Danh sách"
NEW, CHANGED, WRONG = 140, 48, 12
FIRST_SERIAL = 500_000  # of those who are new in the workbook
HEADING_ROW = 7
FIRST_ROW = 9  # below the headings stands the row (1), (2), (3)
MADE = datetime(2026, 10, 12, 1, 0, tzinfo=UTC)

TITLES = (
    ("ỦY BAN NHÂN DÂN XÃ EA KNỐP", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
    ("VĂN PHÒNG HĐND VÀ UBND", "Độc lập - Tự do - Hạnh phúc"),
    ("", ""),
    ("", "DANH SÁCH CÁN BỘ, CÔNG CHỨC, VIÊN CHỨC ĐỀ NGHỊ CẬP NHẬT HỒ SƠ ĐIỆN TỬ"),
    ("", "(Kèm theo Công văn số 145/UBND-VP ngày 12 tháng 10 năm 2026 của Ủy ban nhân dân xã Ea Knốp)"),
    ("", ""),
)
# Field ("" for a column that means nothing to the program), heading, width in characters.
COLUMNS = (
    ("", "TT", 5),
    ("staff_number", "Số hiệu", 11),
    ("birth_name", "Họ và tên", 26),
    ("gender", "Giới tính", 9),
    ("birth_date", "Ngày, tháng, năm sinh", 13),
    ("citizen_id", "Số CMND/CCCD", 15),
    ("citizen_id_date", "Ngày cấp", 12),
    ("birth_place", "Nơi sinh", 46),
    ("home_town", "Nguyên quán", 46),
    ("ethnicity", "Dân tộc", 10),
    ("religion", "Tôn giáo", 20),
    ("phone", "Điện thoại", 12),
    ("current_address", "Chỗ ở hiện nay", 34),
    ("current_address_area", "Mã địa bàn nơi ở hiện nay", 10),
    ("managing_agency", "Cơ quan quản lý", 20),
    ("using_unit", "Đơn vị công tác", 40),
    ("personnel_type", "Loại cán bộ", 12),
    ("first_recruit_date", "Ngày tuyển dụng", 12),
    ("recruiting_agency", "Cơ quan tuyển dụng", 30),
    ("current_agency_date", "Ngày vào cơ quan hiện đang công tác", 12),
    ("posting.title", "Chức vụ, chức danh", 26),
    ("posting.valid_from", "Ngày giữ chức vụ", 12),
    ("rank_code", "Mã số ngạch", 12),
    ("rank_date", "Ngày bổ nhiệm ngạch", 12),
    ("step", "Bậc", 6),
    ("coefficient", "Hệ số", 8),
    ("step_date", "Ngày hưởng", 12),
    ("percent", "% hưởng", 8),
    ("general_education", "Trình độ văn hóa", 10),
    ("party_join_date", "Ngày vào Đảng", 12),
    ("", "Zalo/Email", 24),
    ("", "Ghi chú", 30),
)
PLACES = {name: index for index, (name, _heading, _width) in enumerate(COLUMNS) if name}
REMARK = len(COLUMNS) - 1


@dataclass(frozen=True)
class Fault:
    """One way to be wrong: the column, the finding's code that must come back, what the clerk did, and the cell as typed."""

    field: str
    code: str
    story: str
    typed: Callable[[Document], Any]


@dataclass(frozen=True)
class Row:
    """One line: the person as the office sees them, a remark, and the fault if there is one."""

    document: Document
    remark: str = ""
    fault: Fault | None = None


@dataclass(frozen=True)
class Expected:
    """A row that must come back: where it stands, and why."""

    sheet_row: int
    column: str
    field: str
    code: str
    story: str


# --- who stands in it ----------------------------------------------------------------------------------------------------


@cache
def newcomers() -> tuple[Person, ...]:
    """People whose files come for the first time: those of the good rows, then spare ones for the wrong rows."""
    seats = careers.workbook_seats()
    return tuple(person(FIRST_SERIAL + number, seat) for number, seat in zip(range(NEW + WRONG), seats, strict=False))


@cache
def known_here() -> tuple[Person, ...]:
    """People of the demo commune in the initial load, without the clerk who sends the workbook."""
    here = str(unit_key(commune_code(DEMO_COMMUNE)))
    return tuple(one for one in people() if one.document["managing_agency"] == here)[1:]


def rows() -> tuple[Row, ...]:
    """The 200 lines in the order of the sheet: wrong ones scattered among good ones, as life has it."""
    lines = [Row(one.document) for one in newcomers()[:NEW]] + list(_changes())
    Random(f"{SEED}:workbook").shuffle(lines)
    for number, line in enumerate(_faulty()):
        lines.insert(7 + number * 16, line)
    return tuple(lines)


def expected() -> tuple[Expected, ...]:
    """What has to come back, in the order of the sheet."""
    return tuple(
        Expected(FIRST_ROW + number, xl_col_to_name(PLACES[row.fault.field]), row.fault.field, row.fault.code, row.fault.story)
        for number, row in enumerate(rows())
        if row.fault is not None
    )


def _changes() -> Iterator[Row]:
    """48 changes: raises that fell due or were granted early, new telephones, removals, admissions to the Party."""
    rng = Random(f"{SEED}:changes")
    raises = [one for one in known_here() if _raise_possible(one.document)][:14]
    others = [one for one in known_here() if one not in raises]
    for one in raises:
        yield Row(_raised(one.document), "Nâng bậc lương trước thời hạn từ 01/10/2026")
    admitted = [one for one in others if one.document["party_join_date"] is None][:5]
    for one in admitted:
        yield Row({**one.document, "party_join_date": "2026-09-02"}, "Kết nạp Đảng ngày 02/9/2026")
    moved = [one for one in others if one not in admitted]
    for number, one in enumerate(moved[: CHANGED - len(raises) - len(admitted)]):
        if number % 3 == 2:
            yield Row({**one.document, "current_address": f"Thôn {rng.randrange(20, 30)}, xã Ea Knốp, tỉnh Đắk Lắk"}, "Chuyển chỗ ở")
        else:
            yield Row({**one.document, "phone": f"0868{rng.randrange(1_000_000):06d}"}, "Đổi số điện thoại")


def _raise_possible(document: Document) -> bool:
    """An early raise comes at most 12 months before the regular one (Circular 08/2013/TT-BNV)."""
    scale = scales()[salary_classes()[document["rank_code"]]]
    due = careers.add_months(date.fromisoformat(document["step_date"]), scale.months)
    return document["percent"] == "100.00" and document["step"] < len(scale.coefficients) and due <= careers.add_months(TODAY, 12)


def _raised(document: Document) -> Document:
    scale = scales()[salary_classes()[document["rank_code"]]]
    step = document["step"] + 1
    return {**document, "step": step, "coefficient": f"{scale.coefficients[step - 1]:.2f}", "step_date": "2026-10-01"}


# --- what is wrong in it -------------------------------------------------------------------------------------------------


def _later(day: str, *, months: int) -> date:
    return careers.add_months(date.fromisoformat(day), months)


def _someone_else() -> Document:
    """Of the same commune, and not in the workbook."""
    named = {one.document["citizen_id"] for one in _changes()}
    return next(one.document for one in known_here() if one.document["citizen_id"] not in named)


def _neighbour_unit() -> str:
    return units_by_code()[f"{commune_code('24373')}.{CULTURE}"].name


def _wrong_coefficient(document: Document) -> float:
    """The coefficient of the next step: the raise was written into one of two cells."""
    scale = scales()[salary_classes()[document["rank_code"]]]
    return float(scale.coefficients[document["step"] % len(scale.coefficients)])


FAULTS = (
    Fault("citizen_id", "CITIZEN_ID_FORM", "thiếu một chữ số của số định danh", lambda one: one["citizen_id"][:11]),
    Fault("birth_date", "CITIZEN_ID_BIRTH_YEAR", "năm sinh không khớp với số định danh", lambda one: _later(one["birth_date"], months=12)),
    Fault("birth_name", "NAME_CHARACTERS", "chữ số lọt vào họ tên", lambda one: f"{one['birth_name']} 2"),
    Fault("phone", "PHONE_FORM", "số điện thoại bàn thiếu mã vùng", lambda one: "3829456"),
    Fault("ethnicity", "CODE_NAME_UNKNOWN", "dân tộc gõ sai chính tả", lambda one: "Kin"),
    Fault("staff_number", "STAFF_NUMBER_DUPLICATE", "số hiệu của người khác trong xã", lambda one: _someone_else()["staff_number"]),
    Fault("using_unit", "UNIT_OUT_OF_SCOPE", "đơn vị thuộc xã Ea Kar, ngoài phạm vi của người nạp", lambda one: _neighbour_unit()),
    Fault("recruiting_agency", "REQUIRED", "bỏ trống cơ quan tuyển dụng", lambda one: None),
    Fault(
        "current_agency_date",
        "AGENCY_BEFORE_RECRUITMENT",
        "vào cơ quan trước khi được tuyển dụng",
        lambda one: _later(one["first_recruit_date"], months=-14),
    ),
    Fault("citizen_id_date", "DATE_CALENDAR", "ngày không có trong lịch", lambda one: "31/02/2022"),
    Fault("step_date", "DATE_FUTURE", "ngày hưởng lương ở tương lai", lambda one: date(2027, 1, 1)),
    Fault("coefficient", "COEFFICIENT_SCALE", "hệ số của bậc kế tiếp", _wrong_coefficient),
)


def _faulty() -> Iterator[Row]:
    for one, fault in zip(newcomers()[NEW:], FAULTS, strict=True):
        yield Row(one.document, fault=fault)


# --- how it is written ---------------------------------------------------------------------------------------------------


def cell(name: str, document: Document) -> Any:
    """The value of a field as the office writes it: names for codes and units, five-digit areas, numbers as numbers."""
    if name.startswith("posting."):
        current = next(row for row in document["postings"] if row["valid_to"] is None)
        value = current[name.removeprefix("posting.")]
        return date.fromisoformat(value) if name.endswith("from") else value
    value, kind = document[name], BY_NAME[name].kind
    if value is None:
        return None
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "code":
        return "Không" if (name, value) == ("religion", "99") else _code_names()[BY_NAME[name].code_list, value]
    if kind == "unit":
        return _unit_names()[value]
    if kind == "area":
        return value.partition("-")[2]
    if kind == "decimal":
        return float(value)
    return value


@cache
def _unit_names() -> dict[str, str]:
    """Short names, as a commune writes of its own units: "Phòng Kinh tế"."""
    return {str(unit.key): unit.document["short_name"] for unit in units()}


@cache
def _code_names() -> dict[tuple[str, str], str]:
    """Names by list and code, from the data files that the program loads."""
    names: dict[tuple[str, str], str] = {}
    for file, of in (("code_lists.csv", ""), ("ethnicity.csv", "ethnicity"), ("religion.csv", "religion")):
        with (DATA / file).open(encoding="utf-8", newline="") as stream:
            names |= {(of or row["list"], row["code"]): row["name_vi"] for row in csv.DictReader(stream)}
    return names


def expected_counts() -> dict[str, Any]:
    """The machine-readable half of the documentation: counts, and each row that must come back."""
    return {
        "workbook": NAME,
        "unit": commune_code(DEMO_COMMUNE),
        "uploader": "lan",
        "read": NEW + CHANGED + WRONG,
        "staged": NEW + CHANGED,
        "returned": WRONG,
        "new": NEW,
        "changed": CHANGED,
        "findings": [asdict(one) for one in expected()],
    }


def workbook_write(path: Path) -> None:
    """Write the workbook; the same bytes every time, for the same release of xlsxwriter."""
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"title": "Danh sách đề nghị cập nhật hồ sơ", "company": "UBND xã Ea Knốp", "created": MADE})
        sheet = book.add_worksheet(SHEET)
        _write_titles(book, sheet)
        _write_headings(book, sheet)
        _write_rows(book, sheet)
        sheet.freeze_panes(HEADING_ROW + 1, 3)


def _write_titles(book: xlsxwriter.Workbook, sheet: Worksheet) -> None:
    bold = book.add_format({"bold": True})
    for number, (left, right) in enumerate(TITLES):
        for column, text in ((1, left), (9, right)):
            if text:
                sheet.write_string(number, column, text, bold)


def _write_headings(book: xlsxwriter.Workbook, sheet: Worksheet) -> None:
    """The headings, and below them the row (1), (2), (3) that forms have."""
    heading = book.add_format({"bold": True, "text_wrap": True, "align": "center", "valign": "vcenter", "border": 1})
    small = book.add_format({"italic": True, "align": "center", "border": 1, "font_size": 8})
    for column, (_name, text, width) in enumerate(COLUMNS):
        sheet.set_column(column, column, width)
        sheet.write_string(HEADING_ROW - 1, column, text, heading)
        sheet.write_string(HEADING_ROW, column, f"({column + 1})", small)


def _write_rows(book: xlsxwriter.Workbook, sheet: Worksheet) -> None:
    plain, day = book.add_format({"border": 1}), book.add_format({"border": 1, "num_format": "dd/mm/yyyy"})
    for number, row in enumerate(rows()):
        line = FIRST_ROW - 1 + number
        sheet.write_number(line, 0, number + 1, plain)
        for name, column in PLACES.items():
            typed = row.fault is not None and row.fault.field == name
            value = row.fault.typed(row.document) if row.fault is not None and typed else cell(name, row.document)
            if isinstance(value, date):
                _write_date(sheet, line, column, value, day, as_text=(number + column) % 3 == 0, text_format=plain)
            elif value is not None:
                sheet.write(line, column, value, plain)
        if row.remark:
            sheet.write_string(line, REMARK, row.remark, plain)


def _write_date(sheet: Worksheet, line: int, column: int, value: date, day: Format, *, as_text: bool, text_format: Format) -> None:
    """As a real date, or as text where somebody typed it into a cell formatted so."""
    if as_text:
        sheet.write_string(line, column, f"{value:%d/%m/%Y}", text_format)
    else:
        sheet.write_datetime(line, column, datetime.combine(value, datetime.min.time()), day)
