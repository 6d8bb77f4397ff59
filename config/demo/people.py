"""Two thousand believable civil servants of Đắk Lắk as documents `staff_profile/1`.

Nobody here exists. Every figure obeys the rules of the form (domain: Circular 06/2023/TT-BNV, Decree 204/2004/NĐ-CP,
Circular 07/2016/TT-BCA): the citizen number agrees with birth place, gender and year, class and step give the
coefficient, dates stand in order, the open posting is the using unit. A person is a pure function of its serial number
and the seed, so the same call gives the same people everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from uuid import UUID, uuid5

from config.demo import careers
from config.demo.careers import Seat
from config.demo.catalogues import Commune, FormerCommune, communes, former_communes, lower_first, predecessors
from config.demo.lives import life, position_group
from config.demo.names import FEMALE, KINH, MALE, draw_people, full_name
from config.demo.province import CAPITAL_WARD, MERGER, NAMESPACE, Unit, unit_key, units_by_code
from orgtree.choices import UnitKind
from registry.schema import STAFF_PROFILE
from workflows.documents import Document

SEED = "daklak-2026"
TODAY = date(2026, 10, 15)  # the demo's pinned day
COUNT = 2_000

_MERGER = date.fromisoformat(MERGER)
_PROVINCE_COMMITTEE = "Ủy ban nhân dân tỉnh Đắk Lắk"
_HIGHLANDERS = ("11", "20", "10")
_CAPITAL_WARDS = ("24121", CAPITAL_WARD, "24154", "24163", "24169")
_PHONE_PREFIXES = ("0905", "0914", "0935", "0942", "0977", "0982", "0363", "0385", "0766", "0834")
_RETIREMENT_MARGIN = {MALE: 60, FEMALE: 56}  # nobody of the demo is past retirement age (Decree 135/2020/NĐ-CP) on its pinned day


@dataclass(frozen=True)
class Person:
    """One person: the record's key and its document."""

    key: UUID
    document: Document


@dataclass(frozen=True)
class Known:
    """Somebody with a login: what the serial number does not draw by chance."""

    name: str
    gender: str
    seat: Seat


@cache
def known_people() -> Mapping[str, tuple[int, Known]]:
    """The demo's logins who have files of their own, with their serial numbers: the first of all people."""
    found = (
        ("lan", "Nguyễn Thị Lan", FEMALE, careers.demo_clerk()),
        ("minh", "Trần Quang Minh", MALE, careers.home_affairs_deputy()),
        ("hoa", "Lê Thị Thanh Hoa", FEMALE, careers.home_affairs_officer()),
        ("tuan", "Phạm Anh Tuấn", MALE, careers.exchange_operator()),
        ("thu", "H'Thu Niê", FEMALE, careers.inspector()),
    )
    return {login: (serial, Known(name, gender, seat)) for serial, (login, name, gender, seat) in enumerate(found)}


def people(count: int = COUNT, *, seed: str = SEED, today: date = TODAY) -> Iterator[Person]:
    """The first `count` people, in the order of their serial numbers; a smaller count gives the beginning of the same list."""
    known = dict(known_people().values())
    for serial, seat in zip(range(count), careers.seats(seed, known=[one.seat for one in known.values()]), strict=False):
        yield person(serial, seat, seed=seed, today=today, known=known.get(serial))


def login_person(login: str, *, seed: str = SEED, today: date = TODAY) -> Person:
    """The file of somebody with a login."""
    serial, known = known_people()[login]
    return person(serial, known.seat, seed=seed, today=today, known=known)


def person(serial: int, seat: Seat, *, seed: str = SEED, today: date = TODAY, known: Known | None = None) -> Person:
    """The person with this serial number (0 to 999,999) in this seat."""
    rng = Random(f"{seed}:{serial}")
    origin = draw_people(rng)
    gender = rng.choices((MALE, FEMALE), seat.track.gender_weights)[0]
    ethnicity = origin.ethnicity
    if known is not None:
        gender, ethnicity = known.gender, "11" if known.name.startswith("H'") else KINH.ethnicity
    career = careers.draw_career(rng, seat, today=today, oldest=_RETIREMENT_MARGIN[gender])
    home, birth = _places(rng, ethnicity, origin.provinces, career.birth_date, seat.unit)
    patch = {
        "managing_agency": str(unit_key(seat.unit.managing_code)),
        "using_unit": str(seat.unit.key),
        "staff_number": f"DL{serial:06d}",
        "birth_name": known.name if known else full_name(rng, ethnicity=ethnicity, gender=gender),
        "gender": gender,
        "birth_date": career.birth_date.isoformat(),
        "birth_place": birth.address,
        "birth_place_area": birth.area,
        "home_town": home.address,
        "home_town_area": home.area,
        "ethnicity": ethnicity,
        "religion": _religion(rng, ethnicity),
        "citizen_id": citizen_id(birth.province_code, gender, career.birth_date.year, serial),
        "citizen_id_date": _citizen_id_date(rng).isoformat(),
        "phone": f"{rng.choice(_PHONE_PREFIXES)}{_scrambled(serial):06d}",
        **_current_address(rng, seat.unit, ethnicity),
        **_service(rng, seat, career),
    }
    patch |= life(
        Random(f"{seed}:{serial}:life"),
        seat=seat,
        career=career,
        gender=gender,
        ethnicity=ethnicity,
        name=str(patch["birth_name"]),
        insurance=_scrambled(serial) + 10_000_000,
    )
    return Person(uuid5(NAMESPACE, f"person:{seed}:{serial}"), STAFF_PROFILE.merge(None, patch))


def citizen_id(province_code: str, gender: str, year: int, serial: int) -> str:
    """Twelve digits: province of birth registration, century and gender, year, six digits that differ by serial.

    Circular 07/2016/TT-BCA: 0 and 1 for men and women born in the 1900s, 2 and 3 in the 2000s. There is no check digit.
    """
    century = (0 if year < 2000 else 2) + (1 if gender == FEMALE else 0)
    return f"0{province_code}{century}{year % 100:02d}{_scrambled(serial):06d}"


def _scrambled(serial: int) -> int:
    """A permutation of 0..999,999, so that neighbours do not look alike and no two are equal."""
    return (serial * 618_033 + 271_828) % 1_000_000


def _places(rng: Random, ethnicity: str, provinces: tuple[str, ...], birth_date: date, unit: Unit) -> tuple[FormerCommune, FormerCommune]:
    """Home town and birth place, in the communes of before 1 July 2025. Families who came as settlers have children born here."""
    here = predecessors().get(_commune_of(unit).code, ())
    province = "66" if ethnicity in _HIGHLANDERS else rng.choice(provinces)
    home = rng.choice(here) if province == "66" and here and rng.random() < 0.5 else rng.choice(former_communes()[province])
    born_here = province != "66" and rng.random() < (0.65 if birth_date.year >= 1985 else 0.25)
    birth = rng.choice(here or former_communes()["66"]) if born_here else home
    return home, birth


def _religion(rng: Random, ethnicity: str) -> str:
    if ethnicity in _HIGHLANDERS:
        return rng.choices(("99", "08", "02"), (55, 32, 13))[0]
    return rng.choices(("99", "01", "02", "05", "08"), (84, 8, 6, 1, 1))[0]


def _citizen_id_date(rng: Random) -> date:
    """Chip cards were issued from 2021 on."""
    return date(2021, 2, 1) + timedelta(days=rng.randrange(1_500))


def _commune_of(unit: Unit) -> Commune:
    by_area = _communes_by_area()
    return by_area.get(unit.document["area"]) or by_area[f"2025-{CAPITAL_WARD}"]


@cache
def _communes_by_area() -> dict[str, Commune]:
    return {commune.area: commune for commune in communes()}


def _current_address(rng: Random, unit: Unit, ethnicity: str) -> Document:
    """A hamlet of the unit's own commune; who works in the capital lives in one of its wards."""
    commune = _commune_of(unit)
    if commune.code == CAPITAL_WARD:
        commune = _communes_by_area()[f"2025-{rng.choice(_CAPITAL_WARDS)}"]
    number = rng.randrange(1, 19)
    if commune.kind == "Phường":
        hamlet = f"Tổ dân phố {number}"
    else:
        hamlet = f"Buôn {rng.choice(('Ea Sar', 'Mtao', 'Ea Knơ', 'Krông', 'Tơng Ju', 'Dhu'))}" if ethnicity in _HIGHLANDERS else f"Thôn {number}"
    return {"current_address": f"{hamlet}, {commune.running_name}, tỉnh Đắk Lắk", "current_address_area": commune.area}


def _service(rng: Random, seat: Seat, career: careers.Career) -> Document:
    employer, recruiter = _former_employer(seat.unit)
    return {
        "first_recruit_date": career.recruit_date.isoformat(),
        "recruiting_agency": recruiter if career.recruit_date < _MERGER else units_by_code()[seat.unit.managing_code].name,
        "current_agency_date": max(career.recruit_date, _MERGER).isoformat(),
        "personnel_type": seat.personnel_type,
        **_party(rng, seat, career),
        "general_education": "10" if career.birth_date.year < 1970 and rng.random() < 0.3 else "22",
        "rank_code": career.rank_code,
        "rank_date": career.rank_date.isoformat(),
        "step": career.step,
        "coefficient": f"{career.coefficient:.2f}",
        "step_date": career.step_date.isoformat(),
        "percent": f"{Decimal(85 if career.probation else 100):.2f}",
        "postings": _postings(rng, seat, career, employer),
    }


def _party(rng: Random, seat: Seat, career: careers.Career) -> Document:
    """Leaders belong to the Party, of the others somewhat less than half; full membership comes after twelve months (Party statutes, art. 5)."""
    share = rng.random()
    joined = career.recruit_date + timedelta(days=rng.randrange(400, 2_500))
    if not (seat.leads or share < 0.45) or joined >= career.today:
        return {"party_join_date": None}
    official = careers.add_months(joined, 12) + timedelta(days=1)
    return {"party_join_date": joined.isoformat(), "party_official_date": official.isoformat() if official <= career.today else None}


def _postings(rng: Random, seat: Seat, career: careers.Career, former: str) -> list[Document]:
    """The open posting is the unit of today; what was before the merger of 1 July 2025 stands by name, since that unit is no more."""
    now = _posting(seat.title, seat.unit.name, max(career.recruit_date, _MERGER), unit=str(seat.unit.key))
    rows = [now | {"position_group": position_group(seat)}]
    if career.recruit_date < _MERGER:
        days = (_MERGER - career.recruit_date).days
        promoted = days > 1_500 and seat.former_title not in ("", seat.track.first_title)
        turn = career.recruit_date + timedelta(days=rng.randrange(1_000, days - 300)) if promoted else _MERGER
        rows.append(_posting(seat.track.first_title, former, career.recruit_date, turn))
        if promoted:
            rows.append(_posting(seat.former_title, former, turn, _MERGER))
    return rows


def _posting(title: str, unit_name: str, start: date, end: date | None = None, *, unit: str | None = None) -> Document:
    return {"title": title, "unit": unit, "unit_name": unit_name, "valid_from": start.isoformat(), "valid_to": end.isoformat() if end else None}


def _former_employer(unit: Unit) -> tuple[str, str]:
    """Where somebody of this unit worked before 1 July 2025, and who had recruited them: the districts still stood."""
    if unit.managing_code not in _commune_codes():
        return unit.name, _PROVINCE_COMMITTEE
    before = predecessors().get(_commune_of(unit).code)
    recruiter = f"Ủy ban nhân dân {lower_first(before[0].district)}" if before else _PROVINCE_COMMITTEE
    return (unit.document["short_name"] if unit.kind == UnitKind.SCHOOL else recruiter), recruiter


@cache
def _commune_codes() -> frozenset[str]:
    return frozenset(unit.code for unit in units_by_code().values() if unit.kind == UnitKind.COMMUNE)
