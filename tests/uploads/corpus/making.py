"""What a case of the corpus is, and the usual kinds of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.uploads.corpus.building import book

H = ("TT", "Họ và tên", "Số CCCD", "Ngày sinh", "Giới tính")
HOA = (1, "Nguyễn Thị Hoa", "066185001234", "15/08/1985", "Nữ")
BINH = (2, "Trần Văn Bình", "066079001235", "01/12/1979", "Nam")
FIELDS = ("birth_name", "citizen_id", "birth_date", "gender")
FIRST = {"birth_name": "Nguyễn Thị Hoa", "citizen_id": "066185001234", "birth_date": "1985-08-15", "gender": "2"}
MONEY = "Lương theo mức tiền"


@dataclass(frozen=True)
class Case:
    """One workbook. `expected` holds what must come of it, as far as it is told: refused, rows, heading_rows, fields, ignored, remarks,
    causes and notices (cause: how often), first (values of the first row), repaired (the same after every proposed repair)."""

    file: str
    story: str
    body: bytes = field(repr=False)
    expected: Mapping[str, Any]


def case(file: str, story: str, body: bytes, **expected: Any) -> Case:
    return Case(file, story, body, expected)


def fine(file: str, story: str, body: bytes, **expected: Any) -> Case:
    """Read without a question: two people, every cell understood."""
    return case(file, story, body, **{"rows": 2, "fields": FIELDS, "causes": {}, "first": FIRST, **expected})


def dates(file: str, story: str, cell: Any, cause: str, *, repaired: str | None = "1985-08-15") -> Case:
    after = {"repaired": {**FIRST, "birth_date": repaired}} if repaired else {"repaired": {n: v for n, v in FIRST.items() if n != "birth_date"}}
    return case(file, story, book([H, with_cell(HOA, 3, cell)]), rows=1, causes={f"birth_date {cause}".strip(): 1}, **after)


def one(file: str, story: str, heading: str, cell: Any, name: str, cause: str, *, repaired: Any = None) -> Case:
    """One column more, one cell wrong in it; `repaired` is its value after the repair, None where there is none."""
    after = {} if repaired is None else {"repaired": {**FIRST, name: repaired}}
    return case(file, story, book([(*H, heading), (*HOA, cell)]), rows=1, causes={f"{name} {cause}".strip(): 1}, **after)


def number(file: str, story: str, cell: Any, cause: str, *, repaired: bool) -> Case:
    without = {name: value for name, value in FIRST.items() if name != "citizen_id"}
    return case(file, story, book([H, with_cell(HOA, 2, cell)]), rows=1, causes={f"citizen_id {cause}": 1}, repaired=FIRST if repaired else without)


def with_cell(row: Sequence[Any], place: int, cell: Any) -> tuple[Any, ...]:
    return (*row[:place], cell, *row[place + 1 :])


def in_tcvn3(written: str) -> str:
    from registry.encodings import _TCVN3

    return written.translate({ord(letter): code for code, letter in ((chr(key), chr(value)) for key, value in _TCVN3.items())})


ROWS = [H, HOA, BINH]
TITLES = [("ỦY BAN NHÂN DÂN XÃ EA KAO", None, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"), (), ("DANH SÁCH CÁN BỘ, CÔNG CHỨC",)]
