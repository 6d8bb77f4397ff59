"""What stands in a file beside identity and service: studies, family, pay over the years, judgements, Party, army, health, income.

Drawn by a generator of its own, so that nothing here changes who the demo's people are. Everything obeys the rules: months are
whole, periods half-open, the pay of the years leads without a gap to the present step, the married have a wife or husband.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from random import Random

from config.demo import careers
from config.demo.careers import Career, Seat, add_months
from config.demo.catalogues import salary_classes, scales
from config.demo.names import FEMALE, MALE, full_name
from orgtree.choices import UnitKind
from workflows.documents import Document

BASE_SALARY = 2_340_000  # VND a month for coefficient 1 (Decree 73/2024/NĐ-CP)
LEADING, PROFESSIONAL = "LDQL", "CMNV"  # the code list "job_position_group"
_MERGER = date(2025, 7, 1)

# By the first of a track's ranks: school, subject of study, degree (code list "degree").
_STUDIES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "V.07.02.26": (("Trường Cao đẳng Sư phạm Đắk Lắk", "Giáo dục mầm non", "06"), ("Trường Đại học Tây Nguyên", "Giáo dục mầm non", "04")),
    "V.07.03.29": (("Trường Đại học Tây Nguyên", "Giáo dục tiểu học", "04"),),
    "V.07.04.32": (("Trường Đại học Quy Nhơn", "Sư phạm Toán học", "04"), ("Trường Đại học Tây Nguyên", "Sư phạm Ngữ văn", "04")),
    "V.07.05.15": (("Trường Đại học Sư phạm Huế", "Sư phạm Vật lý", "04"), ("Trường Đại học Đà Lạt", "Sư phạm Lịch sử", "04")),
    "V.08.01.03": (("Trường Đại học Y Dược Huế", "Y khoa", "04"), ("Trường Đại học Tây Nguyên", "Y khoa", "04")),
    "V.08.05.12": (("Trường Cao đẳng Y tế Đắk Lắk", "Điều dưỡng", "06"),),
    "V.08.08.22": (("Trường Đại học Y Dược Thành phố Hồ Chí Minh", "Dược học", "04"),),
    "06.031": (("Trường Đại học Tây Nguyên", "Kế toán", "04"), ("Trường Đại học Kinh tế Đà Nẵng", "Kế toán", "04")),
    "01.004": (("Trường Cao đẳng Đắk Lắk", "Quản trị văn phòng", "06"),),
}
_OFFICE_STUDIES = (
    ("Học viện Hành chính Quốc gia", "Quản lý nhà nước", "04"),
    ("Trường Đại học Tây Nguyên", "Luật", "04"),
    ("Trường Đại học Đà Lạt", "Luật", "04"),
    ("Trường Đại học Nông Lâm Huế", "Quản lý đất đai", "05"),
    ("Trường Đại học Kinh tế Đà Nẵng", "Quản trị kinh doanh", "04"),
)
_JOBS = ("Làm nông", "Giáo viên", "Buôn bán nhỏ", "Công nhân", "Viên chức trạm y tế", "Hưu trí", "Lao động tự do")


def life(rng: Random, *, seat: Seat, career: Career, gender: str, ethnicity: str, name: str, insurance: int) -> Document:
    """The keys of a document that this module answers for. `insurance` is a number of eight digits, one for each person."""
    return {
        "social_insurance_no": f"66{insurance:08d}",
        "health_insurance_no": f"{'GD' if career.probation else 'DN'}466{insurance:010d}",
        "recruit_form": "BC" if seat.elected else rng.choices(("THI", "XET"), (55, 45))[0],
        "main_duty": f"{seat.title}, {seat.unit.name}"[:300],
        "appoint_date": max(career.recruit_date, _MERGER).isoformat() if seat.leads else None,
        **_learning(rng, seat, career),
        **_family(rng, career, gender, ethnicity, name),
        **_pay(rng, seat, career),
        **_army(rng, career, gender),
        **_health(rng, gender),
    }


def position_group(seat: Seat) -> str:
    return LEADING if seat.leads else PROFESSIONAL


# --- studies -------------------------------------------------------------------------------------------------------------


def _learning(rng: Random, seat: Seat, career: Career) -> Document:
    started = max(career.recruit_date.year - rng.choice((4, 5)), career.birth_date.year + 18)
    school, major, degree = rng.choice(_STUDIES.get(seat.track.ranks[0], _OFFICE_STUDIES))
    years = 3 if degree == "06" else 4
    degrees = [_course(date(started, 9, 1), date(started + years, 7, 1), school, major=major, degree=degree, mode="00")]
    if seat.leads and rng.random() < 0.4:
        begun = career.recruit_date.year + rng.randrange(3, 9)
        if begun + 2 < career.today.year:
            degrees.append(_course(date(begun, 9, 1), date(begun + 2, 9, 1), "Trường Đại học Tây Nguyên", major=major, degree="03", mode="VHVL"))
    learned = {"degrees": degrees, "it_certs": [_it(rng, career)], "language_certs": [_language(rng, career)]}
    later = _month_after(rng, career, 24, 96)
    if later and seat.unit.kind != UnitKind.SCHOOL:
        name = "Chứng chỉ bồi dưỡng quản lý nhà nước ngạch chuyên viên" + (" chính" if seat.leads else "")
        learned["state_mgmt_training"] = [
            _course(later, add_months(later, 3), "Trường Chính trị tỉnh Đắk Lắk", level="CVC" if seat.leads else "CV", certificate=name)
        ]
    theory = _month_after(rng, career, 60, 150)
    if theory and (seat.leads or rng.random() < 0.3):
        high = seat.leads and rng.random() < 0.25
        school = "Học viện Chính trị khu vực III" if high else "Trường Chính trị tỉnh Đắk Lắk"
        learned["political_training"] = [_course(theory, add_months(theory, 12), school, mode="KTT", level="09" if high else "07")]
    defence = _month_after(rng, career, 30, 100)
    if defence and rng.random() < 0.5:
        learned["defence_training"] = [
            _course(
                defence,
                add_months(defence, 1),
                "Trường Quân sự tỉnh Đắk Lắk",
                level="3" if seat.leads else "4",
                certificate="Bồi dưỡng kiến thức quốc phòng và an ninh",
            )
        ]
    return learned


def _course(start: date, end: date, school: str, **more: str) -> Document:
    return {"valid_from": start.isoformat(), "valid_to": end.isoformat(), "school": school, **more}


def _it(rng: Random, career: Career) -> Document:
    modern = career.recruit_date.year >= 2014
    return {
        "level": "CB" if modern else "ABC",
        "certificate": "Ứng dụng công nghệ thông tin cơ bản" if modern else f"Chứng chỉ tin học {rng.choice('AB')}",
    }


def _language(rng: Random, career: Career) -> Document:
    modern = career.recruit_date.year >= 2014
    level = rng.choice(("B2", "B3")) if modern else "A"
    return {"language": "01", "level": level, "certificate": "Khung năng lực ngoại ngữ 6 bậc" if modern else "Chứng chỉ tiếng Anh A"}


def _month_after(rng: Random, career: Career, least: int, most: int) -> date | None:
    """The first of a month that many months after recruitment, if it and a year after it are past."""
    month = add_months(career.recruit_date, rng.randrange(least, most)).replace(day=1)
    return month if add_months(month, 13) <= career.today else None


# --- family --------------------------------------------------------------------------------------------------------------


def _family(rng: Random, career: Career, gender: str, ethnicity: str, name: str) -> Document:
    year = career.birth_date.year
    age = career.today.year - year
    surname = name.split(" ")[0]
    rows = [
        _relative(rng, "03", MALE, ethnicity, year - rng.randrange(22, 38), surname),
        _relative(rng, "04", FEMALE, ethnicity, year - rng.randrange(20, 34)),
    ]
    married = age >= 24 and rng.random() < min(0.95, (age - 20) / 14)
    if married:
        man = gender == FEMALE
        rows.append(_relative(rng, "06" if man else "05", MALE if man else FEMALE, ethnicity, year + rng.randrange(-5, 3) * (1 if man else -1)))
        first = year + rng.randrange(25, 31)
        born = [first + 3 * place for place in range(rng.choices((0, 1, 2), (12, 33, 55))[0])]
        rows += [_relative(rng, "07", rng.choice((MALE, FEMALE)), ethnicity, one, surname, child=True) for one in born if one < career.today.year]
    return {"family_class": "Nông dân" if rng.random() < 0.6 else "Viên chức", "marital_status": "2" if married else "1", "family": rows}


def _relative(rng: Random, relation: str, gender: str, ethnicity: str, born: int, surname: str = "", *, child: bool = False) -> Document:
    drawn = full_name(rng, ethnicity=ethnicity, gender=gender)
    if surname and ethnicity == "01":
        drawn = " ".join([surname, *drawn.split(" ")[1:]])
    if child:
        doing = "Còn nhỏ" if born > 2020 else "Học sinh" if born > 2008 else "Sinh viên" if born > 2004 else rng.choice(_JOBS[:5])
    else:
        doing = rng.choice(_JOBS)
    return {"relation": relation, "full_name": drawn, "birth_year": born, "description": doing}


# --- pay and judgements --------------------------------------------------------------------------------------------------


def _pay(rng: Random, seat: Seat, career: Career) -> Document:
    since = max(career.recruit_date, _MERGER)
    allowances = []
    if seat.leads:
        allowances.append({"kind": "08", "valid_from": since.isoformat(), "coefficient": rng.choice(("0.20", "0.25", "0.30", "0.40", "0.50"))})
    if seat.unit.kind == UnitKind.SCHOOL and seat.track is not careers.SCHOOL_ACCOUNTANT:
        allowances.append({"kind": "11", "valid_from": since.isoformat(), "percent": rng.choice(("35.00", "50.00"))})
        served = career.today.year - career.recruit_date.year
        if served >= 6:
            allowances.append({"kind": "13", "valid_from": since.isoformat(), "percent": f"{Decimal(served - 1):.2f}"})
    first = max(2023, career.recruit_date.year + 1)
    results = [_result(rng, year) for year in range(first, 2026)]
    salary = int(career.coefficient * BASE_SALARY * 12) if career.recruit_date.year < 2025 else None
    return {
        "salary_history": _salary_history(career),
        "allowances": allowances,
        "annual_results": results,
        "incomes": [{"year": 2025, "salary_amount": str(salary)}] if salary else [],
    }


def _result(rng: Random, year: int) -> Document:
    grade = rng.choices(("01", "02", "03"), (15, 75, 10))[0]
    title = None if grade == "03" else "CSTDCS" if grade == "01" else "LDTT"
    return {"year": year, "grade": grade, "emulation": title, "commendation": "06" if grade == "01" else None}


def _salary_history(career: Career) -> list[Document]:
    """The present step, open, and at most three before it in the same rank, each as long as the scale says."""
    scale = scales()[salary_classes()[career.rank_code]]
    percent = f"{Decimal(85 if career.probation else 100):.2f}"
    rows = [_salary(career.rank_code, career.step, career.coefficient, career.step_date, None, percent)]
    step, end = career.step, career.step_date
    while len(rows) < 4 and step > 1 and (start := add_months(end, -scale.months)) >= career.rank_date:
        step -= 1
        rows.append(_salary(career.rank_code, step, scale.coefficients[step - 1], start, end, percent))
        end = start
    return rows


def _salary(rank: str, step: int, coefficient: Decimal, start: date, end: date | None, percent: str) -> Document:
    return {
        "valid_from": start.isoformat(),
        "valid_to": end.isoformat() if end else None,
        "rank_code": rank,
        "step": step,
        "coefficient": f"{coefficient:.2f}",
        "percent": percent,
    }


# --- army and health -----------------------------------------------------------------------------------------------------


def _army(rng: Random, career: Career, gender: str) -> Document:
    """Two years before the studies or the work began, for a few of the men."""
    enlisted = date(career.birth_date.year + 19, 2, 15)
    if gender != MALE or rng.random() > 0.1 or add_months(enlisted, 24 + 60) > career.recruit_date:
        return {}
    return {
        "enlist_date": enlisted.isoformat(),
        "discharge_date": add_months(enlisted, 24).isoformat(),
        "military_rank": rng.choice(("HS", "TRS", "TS")),
    }


def _health(rng: Random, gender: str) -> Document:
    height = rng.randrange(160, 178) if gender == MALE else rng.randrange(150, 166)
    return {
        "health": rng.choices(("Sức khỏe tốt", "Bình thường"), (80, 20))[0],
        "height_cm": height,
        "weight_kg": height - 100 - rng.randrange(0, 12),
        "blood_group": rng.choices(("O", "A", "B", "AB"), (45, 21, 29, 5))[0],
    }
