"""Đắk Lắk province (H15) as 700 documents `org_unit/1`: its departments, its 102 communes with their bodies, schools, a hospital.

Names of communes and the set of bodies are real (Decree 150/2025/NĐ-CP for the four bodies of a commune); codes below
the province and the divisions are made up in the form of Decision 20/2020/QĐ-TTg. Keys are UUIDv5 of the code: the same
in every installation, so that a demonstration and its tests repeat.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from uuid import UUID, uuid5

from config.demo.catalogues import Commune, communes
from orgtree.choices import UnitKind
from planning.schema import ORG_UNIT
from workflows.documents import Document

NAMESPACE = UUID("6f0a4c1e-3d0b-5b0e-9c57-0d2f5a6f1b15")
ROOT_CODE = "H15"
DEMO_COMMUNE = "24376"  # Xã Ea Knốp, whose office sends the demo's workbook
CAPITAL_WARD = "24133"  # Phường Buôn Ma Thuột, where the departments sit
MERGER = "2025-07-01"

OFFICE, ECONOMY, CULTURE, SERVICE = "01", "02", "03", "04"  # last group of the codes of a commune's four bodies

# Name, short name, divisions.
_DEPARTMENTS = (
    (
        "Văn phòng Ủy ban nhân dân tỉnh",
        "VP UBND",
        "Phòng Tổng hợp; Phòng Kinh tế; Phòng Khoa giáo - Văn xã; Phòng Hành chính - Quản trị; Trung tâm Phục vụ hành chính công tỉnh",
    ),
    (
        "Sở Nội vụ",
        "SNV",
        "Văn phòng Sở; Phòng Tổ chức, biên chế; Phòng Công chức, viên chức; "
        "Phòng Xây dựng chính quyền; Phòng Lao động, việc làm; Phòng Thi đua, khen thưởng",
    ),
    ("Sở Tư pháp", "STP", "Văn phòng Sở; Phòng Xây dựng và kiểm tra văn bản; Phòng Hành chính tư pháp; Phòng Bổ trợ tư pháp"),
    (
        "Sở Tài chính",
        "STC",
        "Văn phòng Sở; Phòng Quản lý ngân sách; Phòng Tổng hợp, quy hoạch; Phòng Đầu tư; Phòng Quản lý giá và công sản; Phòng Đăng ký kinh doanh",
    ),
    (
        "Sở Công Thương",
        "SCT",
        "Văn phòng Sở; Phòng Quản lý công nghiệp; Phòng Quản lý thương mại; Phòng Quản lý năng lượng; Chi cục Quản lý thị trường",
    ),
    (
        "Sở Nông nghiệp và Môi trường",
        "SNNMT",
        "Văn phòng Sở; Phòng Kế hoạch - Tài chính; Phòng Quản lý đất đai; "
        "Chi cục Kiểm lâm; Chi cục Trồng trọt và Bảo vệ thực vật; Chi cục Thủy lợi; Chi cục Bảo vệ môi trường",
    ),
    ("Sở Xây dựng", "SXD", "Văn phòng Sở; Phòng Quy hoạch - Kiến trúc; Phòng Quản lý xây dựng; Phòng Hạ tầng giao thông; Phòng Quản lý vận tải"),
    (
        "Sở Văn hóa, Thể thao và Du lịch",
        "SVHTTDL",
        "Văn phòng Sở; Phòng Quản lý văn hóa; Phòng Quản lý du lịch; Phòng Quản lý thể thao; Phòng Báo chí và xuất bản",
    ),
    (
        "Sở Khoa học và Công nghệ",
        "SKHCN",
        "Văn phòng Sở; Phòng Quản lý khoa học; Phòng Chuyển đổi số; Phòng Bưu chính - Viễn thông; Chi cục Tiêu chuẩn Đo lường Chất lượng",
    ),
    (
        "Sở Giáo dục và Đào tạo",
        "SGDĐT",
        "Văn phòng Sở; Phòng Tổ chức cán bộ; Phòng Giáo dục trung học; Phòng Giáo dục mầm non - tiểu học; Phòng Quản lý chất lượng",
    ),
    ("Sở Y tế", "SYT", "Văn phòng Sở; Phòng Nghiệp vụ y; Phòng Nghiệp vụ dược; Phòng Bảo trợ xã hội; Chi cục An toàn vệ sinh thực phẩm"),
    ("Sở Dân tộc và Tôn giáo", "SDTTG", "Văn phòng Sở; Phòng Chính sách dân tộc; Phòng Nghiệp vụ tôn giáo; Phòng Tuyên truyền và địa bàn"),
    ("Sở Ngoại vụ", "SNgV", "Văn phòng Sở; Phòng Hợp tác quốc tế; Phòng Lãnh sự - Lễ tân; Phòng Quản lý biên giới"),
    (
        "Thanh tra tỉnh",
        "TTr",
        "Văn phòng; Phòng Nghiệp vụ 1; Phòng Nghiệp vụ 2; Phòng Tiếp dân, giải quyết khiếu nại, tố cáo; Phòng Giám sát sau thanh tra",
    ),
    (
        "Ban Quản lý các khu công nghiệp tỉnh",
        "BQLKCN",
        "Văn phòng; Phòng Quản lý đầu tư; Phòng Quy hoạch, xây dựng và môi trường; Phòng Quản lý doanh nghiệp và lao động",
    ),
)
HOME_AFFAIRS, INFORMATION, EDUCATION, HEALTH, INSPECTORATE = "H15.02", "H15.09", "H15.10", "H15.11", "H15.14"

_UPPER_SECONDARY = (
    ("Buôn Ma Thuột", "24133"),
    ("Chuyên Nguyễn Du", "24133"),
    ("Lê Quý Đôn", "24121"),
    ("Trần Phú", "24154"),
    ("Buôn Hồ", "24305"),
    ("Ngô Gia Tự", "24373"),
    ("Trần Quốc Toản", "24376"),
    ("Krông Bông", "24448"),
    ("Y Jut", "24544"),
    ("Lắk", "24580"),
    ("Nguyễn Huệ", "22015"),
    ("Phan Chu Trinh", "22051"),
)
_HOSPITAL = ("Bệnh viện Đa khoa vùng Tây Nguyên", "BVVTN")
_WARDS = (
    "Phòng Tổ chức cán bộ; Phòng Kế hoạch tổng hợp; Khoa Cấp cứu; Khoa Nội tim mạch; Khoa Ngoại tổng hợp; Khoa Sản; Khoa Nhi; "
    "Khoa Hồi sức tích cực; Khoa Truyền nhiễm; Khoa Dược; Khoa Xét nghiệm; Khoa Chẩn đoán hình ảnh"
)

# Communes whose schools are in the demo, three each (preschool, primary, lower secondary); the demo commune has five.
_SCHOOL_COMMUNES = (
    "22015 22045 22051 22165 22207 22240 24121 24133 24163 24181 24211 24235 24259 24280 24305 24310 24343 24373 24376 24412 24448 24490 24538 24580"
)
_SCHOOL_PATRONS = (
    "Lê Lợi; Nguyễn Du; Kim Đồng; Trần Hưng Đạo; Võ Thị Sáu; Lê Hồng Phong; Nguyễn Trãi; Phan Bội Châu; Hùng Vương; Ama Trang Lơng; "
    "Y Ngông Niê Kdăm; Chu Văn An"
)
_PRESCHOOLS = "Hoa Mai; Sơn Ca; Hoa Pơ Lang; Hướng Dương; Bình Minh; Họa Mi"


@dataclass(frozen=True, eq=False)
class Unit:
    """A unit of the demo: its key, its document, and what the people need to know about it."""

    key: UUID
    document: Document
    managing_code: str  # of the agency that manages its people: the commune or the department

    @property
    def code(self) -> str:
        return self.document["code"]

    @property
    def name(self) -> str:
        return self.document["name"]

    @property
    def kind(self) -> str:
        return self.document["kind"]


def unit_key(code: str) -> UUID:
    return uuid5(NAMESPACE, f"unit:{code}")


def commune_code(official_code: str) -> str:
    """Agency code of a commune's authority: H15.101 to H15.202, in the order of the official codes."""
    return _commune_codes()[official_code]


@cache
def _commune_codes() -> dict[str, str]:
    return {commune.code: f"{ROOT_CODE}.{number}" for number, commune in enumerate(communes(), start=101)}


@cache
def units() -> tuple[Unit, ...]:
    """Every unit, superiors first."""
    name, short_name = "Ủy ban nhân dân tỉnh Đắk Lắk", "UBND tỉnh Đắk Lắk"
    root = _unit(ROOT_CODE, name, UnitKind.PROVINCE, "2025-66", short_name=short_name, managing=ROOT_CODE, order_no=1)
    return (root, *_departments(), *_upper_secondary_schools(), *_hospital(), *_communes())


@cache
def units_by_code() -> dict[str, Unit]:
    return {unit.code: unit for unit in units()}


def _unit(code: str, name: str, kind: str, area: str, *, managing: str, order_no: int, short_name: str | None = None) -> Unit:
    above = code.rpartition(".")[0]
    patch = {
        "code": code,
        "name": name,
        "short_name": short_name,
        "kind": str(kind),
        "area": area,
        "parent": str(unit_key(above)) if above else None,
        "order_no": order_no,
        "valid_from": MERGER,
    }
    return Unit(unit_key(code), ORG_UNIT.merge(None, patch), managing)


def _departments() -> Iterator[Unit]:
    area = f"2025-{CAPITAL_WARD}"
    for number, (name, short_name, divisions) in enumerate(_DEPARTMENTS, start=1):
        code = f"{ROOT_CODE}.{number:02d}"
        yield _unit(code, name, UnitKind.DEPARTMENT, area, short_name=short_name, managing=code, order_no=number)
        for order, division in enumerate(divisions.split("; "), start=1):
            yield _unit(f"{code}.{order:02d}", f"{division} - {name}", UnitKind.DIVISION, area, short_name=division, managing=code, order_no=order)


def _upper_secondary_schools() -> Iterator[Unit]:
    for number, (patron, commune) in enumerate(_UPPER_SECONDARY, start=51):
        code, name, short_name = f"{EDUCATION}.{number}", f"Trường Trung học phổ thông {patron}", f"THPT {patron}"
        yield _unit(code, name, UnitKind.SCHOOL, f"2025-{commune}", short_name=short_name, managing=EDUCATION, order_no=number)


def _hospital() -> Iterator[Unit]:
    name, short_name = _HOSPITAL
    code, area = f"{HEALTH}.51", "2025-24121"
    yield _unit(code, name, UnitKind.HOSPITAL, area, short_name=short_name, managing=HEALTH, order_no=51)
    for order, ward in enumerate(_WARDS.split("; "), start=1):
        yield _unit(f"{code}.{order:02d}", f"{ward} - {name}", UnitKind.DIVISION, area, short_name=ward, managing=HEALTH, order_no=order)


def _communes() -> Iterator[Unit]:
    for order, commune in enumerate(communes(), start=101):
        code, here = commune_code(commune.code), commune.running_name
        yield _unit(code, f"Ủy ban nhân dân {here}", UnitKind.COMMUNE, commune.area, short_name=f"UBND {here}", managing=code, order_no=order)
        yield from _bodies(commune, code)
        if commune.code in _SCHOOL_COMMUNES.split():
            yield from _schools(commune, code)


def _bodies(commune: Commune, code: str) -> Iterator[Unit]:
    """The four bodies of Decree 150/2025/NĐ-CP; a ward has an economic, infrastructure and urban office in place of the economic one."""
    economy = "Phòng Kinh tế, Hạ tầng và Đô thị" if commune.kind == "Phường" else "Phòng Kinh tế"
    bodies = {
        OFFICE: ("Văn phòng Hội đồng nhân dân và Ủy ban nhân dân", UnitKind.DIVISION),
        ECONOMY: (economy, UnitKind.DIVISION),
        CULTURE: ("Phòng Văn hóa - Xã hội", UnitKind.DIVISION),
        SERVICE: ("Trung tâm Phục vụ hành chính công", UnitKind.DIVISION),
    }
    for order, (group, (name, kind)) in enumerate(bodies.items(), start=1):
        yield _unit(f"{code}.{group}", f"{name} {commune.running_name}", kind, commune.area, short_name=name, managing=code, order_no=order)


def _schools(commune: Commune, code: str) -> Iterator[Unit]:
    """Preschools, primary and lower secondary schools, under the commune since the district level ended."""
    place = _SCHOOL_COMMUNES.split().index(commune.code)
    kinds = ["Mầm non", "Tiểu học", "Trung học cơ sở"] + (["Tiểu học", "Trung học cơ sở"] if commune.code == DEMO_COMMUNE else [])
    for order, level in enumerate(kinds, start=5):
        patrons = (_PRESCHOOLS if level == "Mầm non" else _SCHOOL_PATRONS).split("; ")
        patron = patrons[(place + order) % len(patrons)]
        name = f"Trường {level} {patron}"
        full_name = f"{name} {commune.running_name}"
        yield _unit(f"{code}.{order:02d}", full_name, UnitKind.SCHOOL, commune.area, short_name=name, managing=code, order_no=order)
