"""Workbooks for tests, as offices send them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
from django.core.files.base import ContentFile

from orgtree.models import OrgUnit, User
from registry.models import Upload
from registry.services.uploads import upload_process, upload_receive

# A right new person as an office writes it: heading and cell.
RIGHT: Mapping[str, Any] = {
    "TT": 1,
    "Họ và tên": "Nguyễn Thị Hoa",
    "Giới tính": "Nữ",
    "Ngày sinh": "15/08/1985",
    "Số CCCD": "066185001234",
    "Ngày cấp": "10/05/2021",
    "Nơi sinh": "Xã Ea Kao, thành phố Buôn Ma Thuột, tỉnh Đắk Lắk",
    "Quê quán": "Xã Hòa Xuân, thành phố Buôn Ma Thuột, tỉnh Đắk Lắk",
    "Dân tộc": "Kinh",
    "Tôn giáo": "Không",
    "Điện thoại": "0912345678",
    "Nơi ở hiện nay": "12 Lê Duẩn, phường Buôn Ma Thuột, tỉnh Đắk Lắk",
    "Mã đơn vị": "H15.70.01",
    "Ngày tuyển dụng": "01/09/2008",
    "Cơ quan tuyển dụng": "Ủy ban nhân dân thành phố Buôn Ma Thuột",
    "Ngày vào cơ quan hiện nay": "01/07/2025",
    "Loại cán bộ": "Công chức",
    "Trình độ văn hóa": "12/12",
    "Chức vụ": "Chuyên viên",
    "Ngày bổ nhiệm": "01/07/2025",
    "Mã ngạch": "01.003",
    "Ngày bổ nhiệm ngạch": "01/01/2010",
    "Bậc": 6,
    "Hệ số": 3.99,
    "Ngày hưởng": "01/01/2025",
    "% hưởng": 100,
}
FIRST_ROW = 4  # two title lines and the headings stand above


def right(number: int = 1234, **changes: Any) -> dict[str, Any]:
    """A right person with a number of their own; `changes` by heading."""
    return {**RIGHT, "Số CCCD": f"066185{number:06}", **changes}


def workbook(rows: Sequence[Mapping[str, Any]], *, headings: Sequence[str] | None = None) -> bytes:
    """A sheet with two title lines, headings in row 3 and `rows` below; a value beginning with = is written as a formula."""
    names = list(headings if headings is not None else (rows[0] if rows else RIGHT))
    return grid([["UBND PHƯỜNG BUÔN MA THUỘT"], ["DANH SÁCH CÁN BỘ, CÔNG CHỨC"], names, *([row.get(name) for name in names] for row in rows)])


def grid(rows: Sequence[Sequence[Any]], *, name: str = "Danh sách") -> bytes:
    """A workbook of one sheet, cell by cell."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet(name)
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if hasattr(cell, "year"):
                    sheet.write_datetime(row, column, cell, day)
                elif cell is not None:
                    sheet.write(row, column, cell)
    return stream.getvalue()


def with_entry(body: bytes, name: str, content: bytes) -> bytes:
    """The workbook with one more entry in its container."""
    stream = io.BytesIO(body)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr(name, content)
    return stream.getvalue()


def replaced(body: bytes, name: str, before: bytes, after: bytes) -> bytes:
    """The workbook with bytes of one entry exchanged."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == name:
                assert before in content
                content = content.replace(before, after)
            new.writestr(entry, content)
    return stream.getvalue()


def saved(tmp_path: Path, body: bytes, name: str = "danh-sach.xlsx") -> Path:
    path = tmp_path / name
    path.write_bytes(body)
    return path


def send(actor: User, unit: OrgUnit, body: bytes, name: str = "danh-sach.xlsx") -> Upload:
    """Receive and process, as the page and the command do."""
    return upload_process(upload=upload_receive(actor=actor, unit=unit, file=ContentFile(body, name), name=name))


def found(upload: Upload) -> list[tuple[int, str, str]]:
    """Row, column letter and code of every finding."""
    return list(upload.findings.order_by("sheet_row", "id").values_list("sheet_row", "column", "code"))
