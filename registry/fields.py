"""The field catalogue: one line a field of `staff_profile/1`, the one source for forms, template, import, export and messages.

A line says how the field is called on the screen, which item of the form it is (Circular 06/2023/TT-BNV), which headings of a
workbook it answers to, what its cells hold, and how carefully it is shown. The first heading is the one the template uses.
`posting.*` are pseudo-columns: they describe the open posting of the person and map into `postings[]`.

Not here: the document's types (schema), what a cell may hold in detail (cleaning), what is judged wrong (rules).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orgtree.text import plain
from registry.choices import CodeList, Sensitivity
from workflows.choices import RiskClass

Kind = Literal["text", "name", "date", "code", "rank", "unit", "area", "int", "decimal", "citizen_number", "phone"]
POSTING_TITLE, POSTING_FROM = "posting.title", "posting.valid_from"
A, B, C = Sensitivity.A, Sensitivity.B, Sensitivity.C


@dataclass(frozen=True, kw_only=True)
class ProfileField:
    """One field. `required` is what our own acceptance asks for (the official flags of the 194 fields are not published).

    `risk` says how much a wrong change of it can harm, and so which route a change takes."""

    name: str
    item: str
    label: str | Promise
    headings: tuple[str, ...]
    kind: Kind = "text"
    code_list: str = ""
    sensitivity: Sensitivity = C
    risk: RiskClass = RiskClass.A
    required: bool = False
    example: str = ""

    @property
    def heading(self) -> str:
        """The column heading of the template."""
        return self.headings[0]

    @property
    def is_posting(self) -> bool:
        return self.name.startswith("posting.")


def _field(name: str, item: str, label: str | Promise, headings: str, **more: object) -> ProfileField:
    return ProfileField(name=name, item=item, label=label, headings=tuple(part.strip() for part in headings.split("|")), **more)  # type: ignore[arg-type]


FIELDS: tuple[ProfileField, ...] = (
    _field(
        "managing_agency",
        "0a",
        _("Managing agency"),
        "Cơ quan quản lý|Cơ quan quản lý cán bộ, công chức, viên chức|Mã cơ quan quản lý|Cơ quan, đơn vị có thẩm quyền quản lý CBCCVC",
        kind="unit",
        required=True,
        risk=RiskClass.B,
        example="H15.123",
    ),
    _field(
        "using_unit",
        "0b",
        _("Using unit"),
        "Đơn vị sử dụng|Cơ quan, đơn vị sử dụng|Cơ quan, đơn vị sử dụng cán bộ, công chức, viên chức"
        "|Mã đơn vị sử dụng|Mã đơn vị|Đơn vị công tác|Đơn vị",
        kind="unit",
        required=True,
        risk=RiskClass.B,
        example="H15.123.01",
    ),
    _field(
        "staff_number",
        "0c",
        _("Staff number"),
        "Số hiệu|Số hiệu CBCCVC|Số hiệu cán bộ, công chức, viên chức|Mã cán bộ|Mã CBCCVC",
        risk=RiskClass.B,
        example="CB000123",
    ),
    _field(
        "birth_name",
        "1",
        _("Full name at birth"),
        "Họ và tên khai sinh|Họ và tên|Họ tên|Họ tên khai sinh|Họ, chữ đệm và tên khai sinh|Họ và tên khai sinh viết chữ in hoa",
        kind="name",
        required=True,
        example="NGUYỄN THỊ HOA",
    ),
    _field("gender", "1b", _("Gender"), "Giới tính|Nam/Nữ|Phái|Nam, nữ", kind="code", code_list=CodeList.GENDER, required=True, example="Nữ"),
    _field(
        "birth_date",
        "3",
        _("Date of birth"),
        "Ngày, tháng, năm sinh|Ngày sinh|Ngày tháng năm sinh|Sinh ngày|Ngày/tháng/năm sinh|Sinh ngày, tháng, năm",
        kind="date",
        sensitivity=B,
        required=True,
        example="15/08/1985",
    ),
    _field(
        "birth_place",
        "4",
        _("Place of birth"),
        "Nơi sinh|Nơi sinh (ghi theo giấy khai sinh)",
        sensitivity=B,
        required=True,
        example="Xã Ea Kao, thành phố Buôn Ma Thuột, tỉnh Đắk Lắk",
    ),
    _field(
        "birth_place_area",
        "4",
        _("Area of the place of birth"),
        "Mã địa bàn nơi sinh|Mã nơi sinh|Mã xã nơi sinh|Mã ĐVHC nơi sinh",
        kind="area",
        sensitivity=B,
        example="24163",
    ),
    _field(
        "home_town",
        "5",
        _("Home town"),
        "Quê quán|Nguyên quán",
        sensitivity=B,
        required=True,
        risk=RiskClass.B,
        example="Xã Hòa Xuân, thành phố Buôn Ma Thuột, tỉnh Đắk Lắk",
    ),
    _field(
        "home_town_area",
        "5",
        _("Area of the home town"),
        "Mã địa bàn quê quán|Mã quê quán|Mã xã quê quán|Mã ĐVHC quê quán",
        kind="area",
        sensitivity=B,
        risk=RiskClass.B,
        example="24178",
    ),
    _field(
        "ethnicity",
        "6",
        _("Ethnicity"),
        "Dân tộc|Mã dân tộc",
        kind="code",
        code_list=CodeList.ETHNICITY,
        sensitivity=B,
        required=True,
        example="Kinh",
    ),
    _field(
        "religion",
        "7",
        _("Religion"),
        "Tôn giáo|Mã tôn giáo",
        kind="code",
        code_list=CodeList.RELIGION,
        sensitivity=B,
        required=True,
        risk=RiskClass.B,
        example="Không",
    ),
    _field(
        "citizen_id",
        "8",
        _("Personal identification number"),
        "Số CCCD|CCCD|Số căn cước công dân|Căn cước công dân|Số căn cước|Số định danh cá nhân|Số định danh cá nhân (CCCD)|Mã số định danh"
        "|Mã định danh cá nhân|Số định danh|Số CMND/CCCD|Số CCCD/CMND|CMND/CCCD|CCCD/CMND|Số CMND|Số chứng minh nhân dân|Số thẻ căn cước",
        kind="citizen_number",
        sensitivity=A,
        required=True,
        example="066185001234",
    ),
    _field(
        "citizen_id_date",
        "8b",
        _("Identity card issued on"),
        "Ngày cấp CCCD|Ngày cấp|Ngày cấp căn cước|Ngày cấp căn cước công dân|Ngày cấp CMND/CCCD|Ngày cấp thẻ căn cước",
        kind="date",
        sensitivity=B,
        required=True,
        example="10/05/2021",
    ),
    _field(
        "phone",
        "8c",
        _("Telephone"),
        "SĐT liên hệ|Số điện thoại liên hệ|Số điện thoại|Điện thoại|SĐT|Điện thoại liên hệ|Di động",
        kind="phone",
        sensitivity=B,
        risk=RiskClass.C,
        example="0912345678",
    ),
    _field(
        "current_address",
        "10",
        _("Current address"),
        "Nơi ở hiện nay|Chỗ ở hiện nay|Nơi ở|Địa chỉ hiện nay|Địa chỉ|Nơi ở hiện tại|Chỗ ở hiện tại|Nơi cư trú",
        sensitivity=B,
        required=True,
        risk=RiskClass.C,
        example="12 Lê Duẩn, phường Buôn Ma Thuột, tỉnh Đắk Lắk",
    ),
    _field(
        "current_address_area",
        "10",
        _("Area of the current address"),
        "Mã địa bàn nơi ở hiện nay|Mã nơi ở hiện nay|Mã xã nơi ở|Mã ĐVHC nơi ở|Mã địa bàn nơi ở|Mã xã/phường nơi ở",
        kind="area",
        sensitivity=B,
        risk=RiskClass.C,
        example="24133",
    ),
    _field(
        "first_recruit_date",
        "13",
        _("First recruited on"),
        "Ngày được tuyển dụng lần đầu|Ngày tuyển dụng lần đầu|Ngày tuyển dụng|Ngày được tuyển dụng",
        kind="date",
        required=True,
        risk=RiskClass.B,
        example="01/09/2008",
    ),
    _field(
        "recruiting_agency",
        "13b",
        _("Recruiting agency"),
        "Cơ quan tuyển dụng|Cơ quan, tổ chức, đơn vị tuyển dụng|Đơn vị tuyển dụng",
        required=True,
        risk=RiskClass.B,
        example="UBND huyện Krông Pắc",
    ),
    _field(
        "current_agency_date",
        "14",
        _("Joined the current agency on"),
        "Ngày vào cơ quan hiện đang công tác|Ngày vào cơ quan hiện nay|Ngày về cơ quan hiện nay|Ngày về cơ quan hiện đang công tác|Ngày vào cơ quan",
        kind="date",
        required=True,
        risk=RiskClass.B,
        example="01/07/2025",
    ),
    _field(
        "personnel_type",
        "14b",
        _("Type of personnel"),
        "Loại cán bộ|Loại cán bộ (CB/CC/VC/HĐ)|Loại CBCCVC|Đối tượng|Loại cán bộ, công chức, viên chức",
        kind="code",
        code_list=CodeList.PERSONNEL_TYPE,
        required=True,
        risk=RiskClass.B,
        example="Công chức",
    ),
    _field(
        "party_join_date",
        "15",
        _("Joined the Party on"),
        "Ngày vào Đảng|Ngày vào Đảng CSVN|Ngày vào Đảng Cộng sản Việt Nam|Ngày kết nạp Đảng|Ngày vào ĐCSVN",
        kind="date",
        sensitivity=B,
        risk=RiskClass.B,
        example="03/02/2012",
    ),
    _field(
        "general_education",
        "19",
        _("General education"),
        "Trình độ giáo dục phổ thông|Giáo dục phổ thông|Trình độ GDPT|Trình độ phổ thông|Trình độ văn hóa|Học vấn phổ thông",
        kind="code",
        code_list=CodeList.GENERAL_EDUCATION,
        required=True,
        risk=RiskClass.B,
        example="12/12",
    ),
    _field(
        POSTING_TITLE,
        "23",
        _("Current post"),
        "Chức vụ/chức danh hiện tại|Chức vụ hiện tại|Chức danh hiện tại|Chức vụ (chức danh) hiện tại"
        "|Chức vụ, chức danh|Chức vụ/chức danh|Chức vụ|Chức danh|Vị trí công tác",
        risk=RiskClass.B,
        example="Công chức Văn phòng - Thống kê",
    ),
    _field(
        POSTING_FROM,
        "23b",
        _("In the current post since"),
        "Ngày bổ nhiệm/phê chuẩn|Ngày bổ nhiệm|Ngày giữ chức vụ|Ngày bổ nhiệm chức vụ|Ngày giữ chức vụ hiện tại|Ngày nhận chức vụ|Ngày phê chuẩn",
        kind="date",
        risk=RiskClass.B,
        example="01/07/2025",
    ),
    _field(
        "rank_code",
        "30.1",
        _("Rank or professional title"),
        "Mã số ngạch/chức danh nghề nghiệp|Ngạch/chức danh nghề nghiệp|Mã số ngạch|Mã ngạch|Ngạch"
        "|Mã số|Ngạch công chức|Mã số CDNN|Mã ngạch/CDNN|Chức danh nghề nghiệp"
        "|Ngạch/chức danh nghề nghiệp, mã số",
        kind="rank",
        example="01.003",
    ),
    _field(
        "rank_date",
        "30.1b",
        _("Appointed to the rank on"),
        "Ngày bổ nhiệm ngạch|Ngày bổ nhiệm ngạch/chức danh nghề nghiệp|Ngày bổ nhiệm vào ngạch|Ngày bổ nhiệm CDNN",
        kind="date",
        example="01/01/2010",
    ),
    _field("step", "30.1c", _("Step"), "Bậc lương|Bậc|Bậc lương hiện hưởng", kind="int", example="3"),
    _field("coefficient", "30.1c", _("Coefficient"), "Hệ số lương|Hệ số|Hệ số lương hiện hưởng|HSL", kind="decimal", example="3,00"),
    _field(
        "step_date",
        "30.1c",
        _("In the step since"),
        "Ngày hưởng bậc lương|Ngày hưởng|Ngày hưởng lương|Ngày xếp lương|Thời điểm hưởng|Ngày hưởng bậc",
        kind="date",
        example="01/01/2024",
    ),
    _field(
        "percent",
        "30.1d",
        _("Percentage received"),
        "Phần trăm hưởng|% hưởng|Tỷ lệ hưởng|Phần trăm hưởng lương|Tỷ lệ % hưởng",
        kind="decimal",
        example="100",
    ),
)

BY_NAME: Mapping[str, ProfileField] = {field.name: field for field in FIELDS}
# Labels of the rows of `postings[]`, for findings and differences.
POSTING_LABELS: Mapping[str, str | Promise] = {
    "postings": _("Postings"),
    "title": _("Post"),
    "unit": _("Unit"),
    "unit_name": _("Unit (as written)"),
    "valid_from": _("From"),
    "valid_to": _("To"),
}

_ITEM_NUMBER = re.compile(r"^\(?[0-9]{1,2}(\.[0-9]{1,2})?[a-z]?[.):]?\s+(?=\D)")
_PARENTHESES = re.compile(r"\([^()]*\)")
_NOT_WORD = re.compile(r"[^a-z0-9]+")


def heading_key(text: str) -> str:
    """How headings are compared: without accents, case, punctuation and a leading item number ("8. Số CCCD:" is "so cccd")."""
    return " ".join(_NOT_WORD.sub(" ", _ITEM_NUMBER.sub("", plain(text).replace("%", " phan tram ")).strip()).split())


def _answers() -> dict[str, ProfileField]:
    answers: dict[str, ProfileField] = {}
    for field in FIELDS:
        for heading in (*field.headings, field.name):
            if (other := answers.setdefault(heading_key(heading), field)) is not field:
                raise ValueError(f"{heading!r} names both {other.name} and {field.name}")
    return answers


_ANSWERS = _answers()


def field_of_heading(text: str) -> ProfileField | None:
    """The field that a column heading names, with or without what stands in parentheses; None for an unknown heading."""
    return _ANSWERS.get(heading_key(text)) or _ANSWERS.get(heading_key(_PARENTHESES.sub(" ", text)))


def risk_of_field(name: str) -> RiskClass:
    """The class of a document key: postings are a matter of post and unit; a key that is not in the catalogue has the highest."""
    return BY_NAME[name].risk if name in BY_NAME else RiskClass.B if name == "postings" else RiskClass.A


def label_of(name: str) -> str:
    """The label of a field in the reader's language; `postings[0].title` and `posting.title` are understood too."""
    if name in BY_NAME:
        return str(BY_NAME[name].label)
    head, _dot, column = name.rpartition(".")
    label = POSTING_LABELS.get(column, column)
    return f"{POSTING_LABELS['postings']}: {label}" if head else str(label)
