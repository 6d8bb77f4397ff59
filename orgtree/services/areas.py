"""Loading the administrative areas from `orgtree/data`: set-wise, repeatable, about a second.

Today's list follows Decision 19/2025/QĐ-TTg (34 provinces, 3,321 communes), with the kinds of the statistics office's list of
September 2026. The former one is the last under Decision 124/2004/QĐ-TTg (63, 696, 10,035): it stands for the whole time from
that decision to 30 June 2025, since earlier states of it are not in the data. Provinces follow Resolution 202/2025/QH15.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from orgtree.choices import AreaKind, AreaLevel, SuccessionKind

DATA = Path(__file__).resolve().parent.parent / "data"
FORMER_FROM = date(2004, 7, 8)
REFORM = date(2025, 7, 1)

KINDS = {
    "Tỉnh": AreaKind.PROVINCE,
    "Thành phố": AreaKind.CITY,
    "Quận": AreaKind.URBAN_DISTRICT,
    "Thị xã": AreaKind.TOWN,
    "Huyện": AreaKind.RURAL_DISTRICT,
    "Phường": AreaKind.WARD,
    "Thị trấn": AreaKind.TOWNSHIP,
    "Xã": AreaKind.COMMUNE,
    "Đặc khu": AreaKind.SPECIAL_ZONE,
}

AREA_COLUMNS = ("key", "code", "level", "name", "full_name", "kind", "parent_id", "valid_from", "valid_to")
SUCCESSION_COLUMNS = ("old_id", "new_id", "kind", "is_default")
Row = tuple[Any, ...]


@dataclass(frozen=True)
class AreasLoaded:
    """How many rows the data hold, and how many of them were new or different in the database."""

    areas: int
    successions: int
    written: int


def areas_load() -> AreasLoaded:
    """Bring areas and successions to the state of the data files. A second run writes nothing."""
    areas = [*_areas()]
    successions = [*_successions()]
    with transaction.atomic():
        written = _upsert("orgtree_area", AREA_COLUMNS, ("key",), areas)
        written += _upsert("orgtree_areasuccession", SUCCESSION_COLUMNS, ("old_id", "new_id"), successions)
    return AreasLoaded(len(areas), len(successions), written)


def former_key(code: str) -> str:
    return f"2004-{code}"


def present_key(code: str) -> str:
    return f"2025-{code}"


def _areas() -> Iterator[Row]:
    """Rows in AREA_COLUMNS, parents before children."""
    for row in _read("province34"):
        prefix = "Thành phố" if row["type_in_nso_list_2026_09"] == "TP" else "Tỉnh"
        yield _present(AreaLevel.PROVINCE, row["code"], f"{prefix} {row['name']}", None)
    for row in _read("commune3321"):
        yield _present(AreaLevel.COMMUNE, row["code"], row["full_name"], present_key(row["province_code"]))
    provinces = {row["province_code"]: row["province_name"] for row in _read("legacy_district696")}
    for row in _read("province63_cccd"):
        yield _former(AreaLevel.PROVINCE, row["gso_code"], provinces[row["gso_code"]], None)
    for row in _read("legacy_district696"):
        yield _former(AreaLevel.DISTRICT, row["code"], row["name"], former_key(row["province_code"]))
    for row in _read("legacy_commune_pre2025"):
        yield _former(AreaLevel.COMMUNE, row["code"], row["name"], former_key(row["district_code"]))


def _present(level: AreaLevel, code: str, full_name: str, parent: str | None) -> Row:
    return present_key(code), code, level, *_names(full_name), parent, REFORM, None


def _former(level: AreaLevel, code: str, full_name: str, parent: str | None) -> Row:
    return former_key(code), code, level, *_names(full_name), parent, FORMER_FROM, REFORM


def _names(full_name: str) -> tuple[str, str, AreaKind]:
    """Bare name, full name and kind; the bare name of a numbered ward is its number."""
    for prefix, kind in KINDS.items():
        # The former list writes some kinds with other capitals ("xã Bắc Sơn", "Thành Phố Bắc Kạn").
        if full_name.casefold().startswith(prefix.casefold() + " "):
            name = full_name[len(prefix) + 1 :]
            return name, f"{prefix} {name}", kind
    raise ValueError(f"the kind of {full_name!r} is not known")


def _successions() -> Iterator[Row]:
    for row in _read("province_merge_2025"):
        yield former_key(row["old_code"]), present_key(row["new_code"]), SuccessionKind.WHOLE, True
    for row in _read("commune_old_to_new"):
        # Five island districts had no communes: the special zone follows the district itself.
        old = former_key(row["old_code"] or row["old_district_code"])
        yield old, present_key(row["new_code"]), SuccessionKind(row["kind"]), row["is_default"] == "1"


def _read(name: str) -> Iterator[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _upsert(table: str, columns: tuple[str, ...], key: tuple[str, ...], rows: Iterable[Row]) -> int:
    """Make `table` hold `rows`, by COPY into a temporary table; gives how many were inserted or changed."""
    names, values = ", ".join(columns), [one for one in columns if one not in key]
    changed = " OR ".join(f"live.{one} IS DISTINCT FROM excluded.{one}" for one in values)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE incoming AS SELECT {names} FROM {table} LIMIT 0")  # noqa: S608 - names of this module only
        with cursor.copy(f"COPY incoming ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            f"INSERT INTO {table} AS live ({names}) SELECT {names} FROM incoming "  # noqa: S608
            f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {', '.join(f'{one} = excluded.{one}' for one in values)} WHERE {changed}"
        )
        written = cursor.rowcount
        cursor.execute("DROP TABLE incoming")
    return written
