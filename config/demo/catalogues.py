"""The code lists of `orgtree` and `registry` as plain rows, for the demo's pure functions: no database needed."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_AREAS, _CODES = _ROOT / "orgtree" / "data", _ROOT / "registry" / "data"

PROVINCE = "66"  # Đắk Lắk, after its merger with Phú Yên (Resolution 202/2025/QH15)


@dataclass(frozen=True)
class Commune:
    """A commune of today: official code (Decision 19/2025/QĐ-TTg), "Xã Ea Knốp", and the kind "Xã" or "Phường"."""

    code: str
    full_name: str
    kind: str

    @property
    def area(self) -> str:
        return f"2025-{self.code}"

    @property
    def running_name(self) -> str:
        """As it stands inside a sentence: "xã Ea Knốp"."""
        return lower_first(self.full_name)


@dataclass(frozen=True)
class FormerCommune:
    """A commune before 1 July 2025 (Decision 124/2004/QĐ-TTg), with the names above it."""

    code: str
    name: str
    district: str
    province_code: str
    province: str

    @property
    def area(self) -> str:
        return f"2004-{self.code}"

    @property
    def address(self) -> str:
        """As it is written on a form: "Xã Ea Sô, huyện Ea Kar, tỉnh Đắk Lắk"."""
        return ", ".join((self.name, lower_first(self.district), lower_first(self.province)))


def lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@cache
def communes() -> tuple[Commune, ...]:
    """The 102 communes and wards of Đắk Lắk, by code."""
    rows = [row for row in _rows(_AREAS / "commune3321.csv") if row["province_code"] == PROVINCE]
    return tuple(Commune(row["code"], row["full_name"], row["type"]) for row in sorted(rows, key=lambda row: row["code"]))


@cache
def former_communes() -> dict[str, tuple[FormerCommune, ...]]:
    """Communes before 1 July 2025 by the code of their province then."""
    found: dict[str, list[FormerCommune]] = defaultdict(list)
    for row in _rows(_AREAS / "legacy_commune_pre2025.csv"):
        found[row["province_code"]].append(FormerCommune(row["code"], row["name"], row["district_name"], row["province_code"], row["province_name"]))
    return {code: tuple(items) for code, items in found.items()}


@cache
def predecessors() -> dict[str, tuple[FormerCommune, ...]]:
    """For each commune of today in Đắk Lắk: the former communes it was made of."""
    by_code = {item.code: item for items in former_communes().values() for item in items}
    found: dict[str, list[FormerCommune]] = defaultdict(list)
    for row in _rows(_AREAS / "commune_old_to_new.csv"):
        if row["new_province_code"] == PROVINCE and row["old_code"] in by_code:
            found[row["new_code"]].append(by_code[row["old_code"]])
    return {code: tuple(items) for code, items in found.items()}


@dataclass(frozen=True)
class Scale:
    """A salary class of Decree 204/2004/NĐ-CP: coefficients from step 1 up, and the months between two steps."""

    coefficients: tuple[Decimal, ...]
    months: int

    def first_step_at_least(self, coefficient: Decimal) -> int:
        """The step (from 1) on which somebody lands who comes from `coefficient`; the last step when none is high enough."""
        higher = (step for step, value in enumerate(self.coefficients, start=1) if value >= coefficient)
        return next(higher, len(self.coefficients))


@cache
def scales() -> dict[str, Scale]:
    steps: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _rows(_CODES / "salary_scale.csv"):
        steps[row["class"]].append(row)
    return {
        name: Scale(tuple(Decimal(row["coefficient"]) for row in sorted(rows, key=lambda row: int(row["step"]))), int(rows[0]["months_per_step"]))
        for name, rows in steps.items()
    }


@cache
def salary_classes() -> dict[str, str]:
    """Salary class of each rank code that has one."""
    return {row["code"]: row["salary_class"] for row in _rows(_CODES / "rank_codes.csv") if row["salary_class"]}
