"""Names of made-up people as they are borne in Đắk Lắk: Kinh, Ê Đê, M'Nông, Gia Rai, Tày, Nùng and others.

Not a copy of anybody: syllables with rough weights, drawn by the caller's own random generator, so that a seed repeats
every name. All text is NFC.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

MALE, FEMALE = "1", "2"  # the code list "gender"


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


# Share of the surnames among the Kinh, per thousand, rounded.
_KINH_SURNAMES = {
    name: int(share)
    for name, share in (
        part.split()
        for part in _list(
            """Nguyễn 384, Trần 121, Lê 95, Phạm 70, Huỳnh 38, Võ 33, Hoàng 30, Phan 28, Vũ 26, Đặng 21, Bùi 20, Đỗ 16, Hồ 15, Ngô 13,
            Trương 12, Dương 10, Đinh 8, Đoàn 8, Mai 7, Trịnh 7, Lý 6, Lương 6, Cao 6, Đào 6, Lưu 4, Hà 5, Tạ 4, Thái 4, Châu 3, Tô 3"""
        )
    )
}
_MALE_MIDDLE = _list("Văn, Đức, Hữu, Quốc, Minh, Ngọc, Thành, Công, Xuân, Quang, Anh, Đình, Trọng, Thanh, Hoàng, Mạnh, Tấn, Viết")
_FEMALE_MIDDLE = _list(
    "Thị, Thị, Thị, Thị Thu, Thị Ngọc, Thị Thanh, Thị Mỹ, Ngọc, Thị Kim, Thị Hồng, Thị Bích, Thu, Thùy, Phương, Thị Minh, Thị Hoài"
)
_MALE_GIVEN = _list(
    """Hùng, Dũng, Tuấn, Cường, Minh, Sơn, Nam, Thắng, Hải, Long, Quân, Đức, Tài, Phúc, Bình, An, Hòa, Kiên, Lâm, Tùng, Trung, Thành,
    Toàn, Việt, Vinh, Khoa, Khánh, Nghĩa, Phong, Quý, Thịnh, Tiến, Trí, Hậu, Luân"""
)
_FEMALE_GIVEN = _list(
    """Lan, Hoa, Hương, Hà, Hạnh, Hiền, Thảo, Trang, Linh, Nga, Nhung, Oanh, Phượng, Quyên, Thủy, Vân, Yến, Mai, Ngân, Nguyệt, Dung,
    Diệp, Châu, Chi, Giang, Huyền, Loan, Ly, My, Tâm, Trinh, Tuyết, Uyên, Xuân, Vy"""
)

_EDE_CLANS = _list("Niê, Mlô, Êban, Ayun, Kbuôr, Ktla, Bkrông, Hđơk, Buôn Krông, Niê Kdăm, Ênuôl, Kriêng, Hwing, Byă, Adrơng, Hmok, Knul, Buôn Yă")
_EDE_MALE = _list("Thắng, Blôk, Wơn, Krăm, Jut, Nguyên, Bhiông, Khiêm, Dhăm, Hiếu, Luyn, Sam, Têk, Phôn, Djuang, Suôn, Kră, Mip")
_EDE_FEMALE = _list("Linh, Nga, Yer, Duyên, Mai, Hương, Bliă, Ngoan, Wan, Loan, Djuê, Kiều, Sa, Thu, Ruth, Nuôn, Juên, Zina")
_MNONG_CLANS = _list("Cil, Bdap, Rlưk, Liêng Hot, Pang Ting, Du, Rơ Yam, Bing, Uông, Triêk, Kmăn, Je")
_JARAI_CLANS = _list("Rơ Chăm, Rah Lan, Siu, Ksor, Kpă, Nay, Rơ Mah")
_TAY_NUNG_SURNAMES = _list("Nông, Hoàng, Lý, Triệu, Vi, Lương, Bế, Đàm, Chu, Hứa, Mã, Ma")
_SURNAMES = {
    "02": _TAY_NUNG_SURNAMES,
    "07": _TAY_NUNG_SURNAMES,
    "03": _list("Lò, Cầm, Quàng, Lường, Vi, Hà, Kha"),
    "04": _list("Bùi, Đinh, Hà, Quách, Phạm"),
    "09": _list("Triệu, Bàn, Đặng, Lý, Phùng"),
    "08": _list("Giàng, Sùng, Vàng, Thào, Hạng, Lầu"),
}


@dataclass(frozen=True)
class People:
    """A group of people who share a way of naming: the ethnicity's code, and the provinces (old codes) they come from."""

    ethnicity: str
    weight: int
    provinces: tuple[str, ...]


# Codes of `ethnicity`; provinces are the statistics codes before 1 July 2025. Weights follow the province's make-up, civil service side.
KINH = People("01", 740, ("66", "66", "66", "54", "54", "40", "42", "38", "36", "34", "49", "52", "33", "46", "51", "30", "17"))
PEOPLES = (
    KINH,
    People("11", 135, ("66",)),
    People("20", 30, ("66",)),
    People("10", 10, ("66", "64")),
    People("02", 25, ("04", "20", "66", "66")),
    People("07", 28, ("04", "20", "66", "66")),
    People("03", 12, ("38", "40", "66")),
    People("04", 10, ("17", "38", "66")),
    People("09", 5, ("04", "08", "66")),
    People("08", 5, ("04", "10", "66")),
)


def draw_people(rng: Random) -> People:
    return rng.choices(PEOPLES, [people.weight for people in PEOPLES])[0]


def full_name(rng: Random, *, ethnicity: str, gender: str) -> str:
    """A birth name as it stands on the identity card, NFC; `ethnicity` and `gender` are codes of their lists."""
    male = gender == MALE
    if ethnicity == "11":
        return _highland(rng, _EDE_MALE if male else _EDE_FEMALE, _EDE_CLANS, male)
    if ethnicity == "20":
        return _highland(rng, _EDE_MALE if male else _EDE_FEMALE, _MNONG_CLANS, male)
    if ethnicity == "10":
        return f"{rng.choice(_JARAI_CLANS)} {rng.choice(_EDE_MALE) if male else _h(rng.choice(_EDE_FEMALE))}"
    return f"{_surname(rng, ethnicity)} {rng.choice(_MALE_MIDDLE if male else _FEMALE_MIDDLE)} {rng.choice(_MALE_GIVEN if male else _FEMALE_GIVEN)}"


def _highland(rng: Random, given: tuple[str, ...], clans: tuple[str, ...], male: bool) -> str:
    """Given name first, the mother's clan last: "Y Thắng Niê" for men, "H'Linh Mlô" for women."""
    name = rng.choice(given)
    return f"{f'Y {name}' if male else _h(name)} {rng.choice(clans)}"


def _h(name: str) -> str:
    return f"H'{name}"


def _surname(rng: Random, ethnicity: str) -> str:
    if ethnicity in _SURNAMES:
        return rng.choice(_SURNAMES[ethnicity])
    return rng.choices(tuple(_KINH_SURNAMES), tuple(_KINH_SURNAMES.values()))[0]
