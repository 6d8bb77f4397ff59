"""Where the demo's people sit and how they came there: seats of each unit, and a career that the salary scale allows.

A *track* is a ladder of ranks for one kind of work; a *career* is what the years make of it: rank, step and coefficient
by Decree 204/2004/NĐ-CP (a step every 36 or 24 months, and on promotion the first step that is not lower).
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import cycle
from random import Random

from config.demo.catalogues import Scale, salary_classes, scales
from config.demo.province import DEMO_COMMUNE, HOME_AFFAIRS, INFORMATION, INSPECTORATE, OFFICE, Unit, commune_code, units, units_by_code
from orgtree.choices import UnitKind

CADRE, CIVIL_SERVANT, PUBLIC_EMPLOYEE = "CB", "CC", "VC"  # the code list "personnel_type"
DEMO_PEOPLE = 64  # of the demo commune among the first people, so that its workbook has somebody to change


@dataclass(frozen=True)
class Track:
    """Ranks from the lowest up, with the title that goes with the work. `gender_weights` are those of men and women."""

    ranks: tuple[str, ...]
    first_title: str
    personnel_type: str
    gender_weights: tuple[int, int] = (55, 45)
    recruit_age: int = 22


SPECIALIST = Track(("01.003", "01.002", "01.001"), "Chuyên viên", CIVIL_SERVANT)
OFFICER = Track(("01.004", "01.003"), "Cán sự", CIVIL_SERVANT)
CIVIL_ACCOUNTANT = Track(("06.031", "06.030"), "Kế toán viên", CIVIL_SERVANT, (20, 80))
SCHOOL_ACCOUNTANT = replace(CIVIL_ACCOUNTANT, ranks=("06.031",), first_title="Kế toán trường học", personnel_type=PUBLIC_EMPLOYEE)
PRESCHOOL = Track(("V.07.02.26", "V.07.02.25", "V.07.02.24"), "Giáo viên mầm non", PUBLIC_EMPLOYEE, (1, 99))
PRIMARY = Track(("V.07.03.29", "V.07.03.28", "V.07.03.27"), "Giáo viên tiểu học", PUBLIC_EMPLOYEE, (18, 82))
LOWER_SECONDARY = Track(("V.07.04.32", "V.07.04.31", "V.07.04.30"), "Giáo viên trung học cơ sở", PUBLIC_EMPLOYEE, (35, 65))
UPPER_SECONDARY = Track(("V.07.05.15", "V.07.05.14", "V.07.05.13"), "Giáo viên trung học phổ thông", PUBLIC_EMPLOYEE, (40, 60))
DOCTOR = Track(("V.08.01.03", "V.08.01.02", "V.08.01.01"), "Bác sĩ", PUBLIC_EMPLOYEE, (58, 42), 25)
NURSE = Track(("V.08.05.12", "V.08.05.11"), "Điều dưỡng", PUBLIC_EMPLOYEE, (15, 85))
PHARMACIST = Track(("V.08.08.22", "V.08.08.21"), "Dược sĩ", PUBLIC_EMPLOYEE, (35, 65))

_SCHOOL_TRACKS = {"Mầm non": PRESCHOOL, "Tiểu học": PRIMARY, "Trung học cơ sở": LOWER_SECONDARY, "Trung học phổ thông": UPPER_SECONDARY}


@dataclass(frozen=True)
class Seat:
    """A place in a unit. Leaders are older, belong to a higher rank, and had a post below it before."""

    unit: Unit
    track: Track
    title: str
    leads: bool = False
    former_title: str = ""
    elected: bool = False

    @property
    def personnel_type(self) -> str:
        return CADRE if self.elected else self.track.personnel_type


@dataclass(frozen=True)
class Career:
    """Dates and salary of one working life, as they stand on `today`."""

    today: date
    birth_date: date
    recruit_date: date
    rank_code: str
    rank_date: date
    step: int
    coefficient: Decimal
    step_date: date
    probation: bool


# --- seats ---------------------------------------------------------------------------------------------------------------


def seats(seed: str, *, known: Sequence[Seat] = ()) -> Iterator[Seat]:
    """Seats without end: those of `known`, those of the demo commune, then all others in an order that the seed decides."""
    yield from known
    here = [seat for unit in _demo_units() for seat in seats_of(unit)]
    elsewhere = [seat for unit in units() if unit.managing_code != commune_code(DEMO_COMMUNE) for seat in seats_of(unit)]
    rng = Random(f"{seed}:seats")
    rng.shuffle(here)
    rng.shuffle(elsewhere)
    here.sort(key=lambda seat: not seat.leads)
    yield from here[:DEMO_PEOPLE]
    yield from elsewhere
    yield from cycle([seat for seat in elsewhere if not seat.leads])


def workbook_seats() -> Iterator[Seat]:
    """Seats without end in the demo commune for those who are new in its workbook: nobody who leads."""
    return cycle([seat for unit in _demo_units() for seat in seats_of(unit) if not seat.leads])


@cache
def _demo_units() -> tuple[Unit, ...]:
    return tuple(unit for unit in units() if unit.managing_code == commune_code(DEMO_COMMUNE))


@cache
def seats_of(unit: Unit) -> tuple[Seat, ...]:
    """Every seat of one unit, leaders first."""
    if unit.kind == UnitKind.SCHOOL:
        return tuple(_school_seats(unit))
    if unit.kind == UnitKind.HOSPITAL:
        return (Seat(unit, DOCTOR, "Giám đốc", True, "Phó Giám đốc"), *(Seat(unit, DOCTOR, "Phó Giám đốc", True, "Trưởng khoa") for _ in range(3)))
    if unit.kind == UnitKind.COMMUNE:
        second = Seat(unit, SPECIALIST, "Phó Chủ tịch Ủy ban nhân dân", True, "Trưởng phòng", True)
        return (replace(second, title="Chủ tịch Ủy ban nhân dân", former_title="Phó Chủ tịch Ủy ban nhân dân"), second, second)
    if unit.kind == UnitKind.DEPARTMENT:
        head, deputy = _department_titles(unit.name)
        return (Seat(unit, SPECIALIST, head, True, deputy), *(Seat(unit, SPECIALIST, deputy, True, "Trưởng phòng") for _ in range(3)))
    if unit.kind == UnitKind.DIVISION:
        return tuple(_division_seats(unit))
    return ()


def _school_seats(unit: Unit) -> Iterator[Seat]:
    track = next(track for level, track in _SCHOOL_TRACKS.items() if f"Trường {level}" in unit.name)
    yield Seat(unit, track, "Hiệu trưởng", True, "Phó Hiệu trưởng")
    for _ in range(2):
        yield Seat(unit, track, "Phó Hiệu trưởng", True, "Tổ trưởng chuyên môn")
    for _ in range(28):
        yield Seat(unit, track, "Giáo viên")
    yield Seat(unit, SCHOOL_ACCOUNTANT, "Kế toán")


def _division_seats(unit: Unit) -> Iterator[Seat]:
    if ".51." in unit.code and "Khoa" in unit.name:
        yield from _ward_seats(unit)
        return
    head, deputy = _division_titles(unit.name)
    yield Seat(unit, SPECIALIST, head, True, deputy)
    for _ in range(2):
        yield Seat(unit, SPECIALIST, deputy, True, "Chuyên viên")
    for _ in range(5):
        yield Seat(unit, SPECIALIST, "Chuyên viên")
    yield Seat(unit, OFFICER, "Cán sự")
    yield Seat(unit, CIVIL_ACCOUNTANT, "Kế toán") if unit.name.startswith(("Văn phòng", "Phòng Kinh tế")) else Seat(unit, SPECIALIST, "Chuyên viên")


def _ward_seats(unit: Unit) -> Iterator[Seat]:
    track = PHARMACIST if "Dược" in unit.name else DOCTOR
    yield Seat(unit, track, "Trưởng khoa", True, "Phó Trưởng khoa")
    yield Seat(unit, track, "Phó Trưởng khoa", True, track.first_title)
    for _ in range(4):
        yield Seat(unit, track, track.first_title)
    for _ in range(7):
        yield Seat(unit, NURSE, "Điều dưỡng")


def _division_titles(name: str) -> tuple[str, str]:
    if name.startswith("Văn phòng"):
        return "Chánh Văn phòng", "Phó Chánh Văn phòng"
    if name.startswith("Trung tâm"):
        return "Giám đốc Trung tâm", "Phó Giám đốc Trung tâm"
    if name.startswith("Chi cục"):
        return "Chi cục trưởng", "Phó Chi cục trưởng"
    return "Trưởng phòng", "Phó Trưởng phòng"


def _department_titles(name: str) -> tuple[str, str]:
    if name.startswith("Văn phòng"):
        return "Chánh Văn phòng", "Phó Chánh Văn phòng"
    if name.startswith("Thanh tra"):
        return "Chánh Thanh tra", "Phó Chánh Thanh tra"
    return ("Trưởng ban", "Phó Trưởng ban") if name.startswith("Ban") else ("Giám đốc Sở", "Phó Giám đốc Sở")


def demo_clerk() -> Seat:
    return Seat(units_by_code()[f"{commune_code(DEMO_COMMUNE)}.{OFFICE}"], SPECIALIST, "Chuyên viên")


def home_affairs_deputy() -> Seat:
    return Seat(units_by_code()[HOME_AFFAIRS], SPECIALIST, "Phó Giám đốc Sở", True, "Trưởng phòng")


def home_affairs_officer() -> Seat:
    return Seat(units_by_code()[f"{HOME_AFFAIRS}.03"], SPECIALIST, "Chuyên viên")


def exchange_operator() -> Seat:
    return Seat(units_by_code()[f"{INFORMATION}.03"], SPECIALIST, "Chuyên viên")


def inspector() -> Seat:
    return Seat(units_by_code()[f"{INSPECTORATE}.02"], SPECIALIST, "Chuyên viên")


# --- careers -------------------------------------------------------------------------------------------------------------


def draw_career(rng: Random, seat: Seat, *, today: date, oldest: int) -> Career:
    """A working life that fits the seat; nobody is `oldest` years old or more."""
    youngest = 38 if seat.leads else seat.track.recruit_age + 2
    days = rng.randrange(youngest * 365 + 200, oldest * 365)
    birth_date = today - timedelta(days=days)
    recruit_date = _recruit_date(rng, birth_date, seat, today)
    appointed = add_months(recruit_date, 12)
    if appointed > today:
        rank = seat.track.ranks[0]
        return Career(today, birth_date, recruit_date, rank, recruit_date, 1, _scale(rank).coefficients[0], recruit_date, True)
    return Career(today, birth_date, recruit_date, *_ladder(rng, seat, appointed, today), probation=False)


def _recruit_date(rng: Random, birth_date: date, seat: Seat, today: date) -> date:
    """Decisions take effect on the first or fifteenth of a month; teachers begin in September."""
    age_months = seat.track.recruit_age * 12 + rng.randrange(2, 48)
    wanted = min(add_months(birth_date, age_months), add_months(today, -2))
    if seat.unit.kind == UnitKind.SCHOOL and wanted.month != 9:
        wanted = date(wanted.year - (wanted.month < 9), 9, 1)
    return wanted.replace(day=rng.choice((1, 15)))


def _ladder(rng: Random, seat: Seat, appointed: date, today: date) -> tuple[str, date, int, Decimal, date]:
    """Rank, its date, step, coefficient and date of step after climbing from the first rank, appointed on `appointed`."""
    ranks, climbed = seat.track.ranks, 0
    rank_date, first_step = appointed, 1
    while climbed + 1 < len(ranks) and _climbs(rng, seat, climbed):
        upward = add_months(rank_date, rng.randrange(9, 15) * 12 + rng.randrange(12))
        if upward > today:
            break
        before = _scale(ranks[climbed])
        step, _date = _step_on(before, first_step, rank_date, upward)
        climbed += 1
        first_step, rank_date = _scale(ranks[climbed]).first_step_at_least(before.coefficients[step - 1]), upward
    scale = _scale(ranks[climbed])
    step, step_date = _step_on(scale, first_step, rank_date, today)
    return ranks[climbed], rank_date, step, scale.coefficients[step - 1], step_date


def _climbs(rng: Random, seat: Seat, climbed: int) -> bool:
    if climbed == 0:
        return rng.random() < (0.85 if seat.leads else 0.35)
    return rng.random() < (0.12 if seat.leads else 0.03)


def _scale(rank: str) -> Scale:
    return scales()[salary_classes()[rank]]


def _step_on(scale: Scale, first_step: int, since: date, day: date) -> tuple[int, date]:
    """The step and the date it began, for somebody on `first_step` since `since`, on `day`; raises come every `scale.months`."""
    step, began = first_step, since
    while step < len(scale.coefficients) and add_months(began, scale.months) <= day:
        step, began = step + 1, add_months(began, scale.months)
    return step, began


def add_months(day: date, months: int) -> date:
    """The same day of a later (or earlier) month, or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
