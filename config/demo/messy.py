"""A list as a commune office really keeps it: the second workbook of the demo, which has to be mapped, repaired and corrected first.

Headings in two lines and in words of its own, dates with dots, numbers that lost their zeros, names in capitals, totals below; one person
with a new card, one cell that nobody can guess. Its people do not stand in the first workbook. Pure: the same bytes every time.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter

from config.demo import careers
from config.demo.people import person
from config.demo.workbook import MADE, cell, known_here, rows
from workflows.documents import Document

NAME = "danh-sach-can-bo-2026.xlsx"
FIRST_SERIAL = 700_000
NEW, CHANGED = 24, 6
HEADING_ROW = 5  # the lower line
FIRST_ROW = HEADING_ROW + 1
# Field ("" for none), group above, heading.
COLUMNS = (
    ("", "", "STT"),
    ("birth_name", "", "Họ và tên"),
    ("birth_date", "", "Ngày tháng năm sinh"),
    ("gender", "", "Giới tính"),
    ("citizen_id", "Căn cước công dân", "Số CCCD"),
    ("citizen_id_date", "Căn cước công dân", "Ngày cấp"),
    ("birth_place", "", "Nơi sinh"),
    ("home_town", "", "Quê quán"),
    ("ethnicity", "", "Dân tộc"),
    ("religion", "", "Tôn giáo"),
    ("phone", "", "Số điện thoại"),
    ("current_address", "", "Nơi ở hiện nai"),  # misspelled: the program asks
    ("managing_agency", "", "Cơ quan quản lý"),
    ("using_unit", "", "Đơn vị công tác"),
    ("personnel_type", "", "Loại cán bộ"),
    ("first_recruit_date", "Tuyển dụng", "Ngày tuyển dụng"),
    ("recruiting_agency", "Tuyển dụng", "Cơ quan tuyển dụng"),
    ("current_agency_date", "", "Ngày vào cơ quan hiện nay"),
    ("posting.title", "", "Chức vụ"),
    ("posting.valid_from", "", "Ngày bổ nhiệm"),
    ("rank_code", "Ngạch, bậc", "Mã ngạch"),
    ("rank_date", "Ngạch, bậc", "Ngày bổ nhiệm ngạch"),
    ("step", "Ngạch, bậc", "Bậc"),
    ("coefficient", "Ngạch, bậc", "Hệ số"),
    ("step_date", "Ngạch, bậc", "Ngày hưởng"),
    ("percent", "Ngạch, bậc", "% hưởng"),
    ("general_education", "", "Trình độ văn hóa"),
    ("", "", "Đã nộp bản giấy"),
)


def people_listed() -> list[tuple[Document, dict[str, Any]]]:
    """(the person, cells that differ from what is right) in the order of the sheet."""
    seats = careers.workbook_seats()
    newcomers = [person(FIRST_SERIAL + number, seat).document for number, seat in zip(range(NEW), seats, strict=False)]
    named = {row.document["citizen_id"] for row in rows()}
    others = [one.document for one in known_here() if one.document["citizen_id"] not in named]
    lines: list[tuple[Document, dict[str, Any]]] = [(one, {}) for one in newcomers]
    lines += [({**one, "phone": f"0911{number:06d}"}, {}) for number, one in enumerate(others[:CHANGED])]
    new_card = others[CHANGED]
    lines.append((new_card, {"citizen_id": new_card["citizen_id"][:-1] + str((int(new_card["citizen_id"][-1]) + 1) % 10)}))
    lines[4] = (lines[4][0], {"phone": "xem sổ"})
    return lines


def workbook_write(path: Path) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"created": MADE})
        sheet = book.add_worksheet("DS 2026")
        bold = book.add_format({"bold": True, "align": "center", "valign": "vcenter", "text_wrap": True, "border": 1})
        sheet.write_string(0, 0, "UBND XÃ EA KNỐP")
        sheet.write_string(2, 4, "DANH SÁCH CÁN BỘ, CÔNG CHỨC NĂM 2026", bold)
        for column, (_name, group, heading) in enumerate(COLUMNS):
            sheet.write_string(HEADING_ROW - 2, column, group or heading, bold)
            if group:
                sheet.write_string(HEADING_ROW - 1, column, heading, bold)
            else:
                sheet.merge_range(HEADING_ROW - 2, column, HEADING_ROW - 1, column, heading, bold)
        lines = people_listed()
        for number, (document, wrong) in enumerate(lines):
            for column, (name, _group, _heading) in enumerate(COLUMNS):
                value = wrong.get(name, _cell(name, document)) if name else number + 1 if column == 0 else "x"
                if value is not None:
                    sheet.write(FIRST_ROW - 1 + number, column, value)
        sheet.write_string(FIRST_ROW - 1 + len(lines), 1, f"Tổng cộng: {len(lines)} người")


def _cell(name: str, document: Document) -> Any:
    """As such an office types: capitals, dots in dates, the number as a number."""
    value = cell(name, document)
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    if name == "birth_name":
        return str(value).upper()
    if name == "citizen_id":
        return int(value)
    return value
