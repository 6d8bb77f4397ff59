"""Loading of the code lists from `registry/data`: idempotent, one statement a table, nothing an administrator added is removed."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from django.db import transaction

from registry.choices import CodeList
from registry.models import CodeItem, RankCode, SalaryStep

DATA = Path(__file__).resolve().parent.parent / "data"


def codes_load() -> dict[str, int]:
    """Insert or refresh every code, rank and salary step; returns the number of rows of each. Safe to run at every start."""
    with transaction.atomic():
        return {
            "codes": len(
                CodeItem.objects.bulk_create(
                    _items(), update_conflicts=True, unique_fields=["list", "code"], update_fields=["name_vi", "name_en", "sort", "evidence"]
                )
            ),
            "ranks": len(
                RankCode.objects.bulk_create(
                    _ranks(),
                    update_conflicts=True,
                    unique_fields=["code"],
                    update_fields=["title", "group", "grade", "salary_class", "class_evidence", "old_code", "source"],
                )
            ),
            "steps": len(
                SalaryStep.objects.bulk_create(
                    _steps(),
                    update_conflicts=True,
                    unique_fields=["salary_class", "step"],
                    update_fields=["coefficient", "months", "max_step", "evidence"],
                )
            ),
        }


def _read(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)


def _items() -> list[CodeItem]:
    items = [
        CodeItem(list=row["list"], code=row["code"], name_vi=row["name_vi"], name_en=row["name_en"], sort=int(row["sort"]), evidence=row["evidence"])
        for name in ("code_lists.csv", "code_lists_more.csv")
        for row in _read(name)
    ]
    for code_list, name in ((CodeList.ETHNICITY, "ethnicity.csv"), (CodeList.RELIGION, "religion.csv")):
        items += [
            CodeItem(list=code_list, code=row["code"], name_vi=row["name_vi"], name_en=row["name_en"], sort=sort, evidence="A")
            for sort, row in enumerate(_read(name), start=1)
        ]
    items += [
        CodeItem(list=CodeList.CITIZEN_PREFIX, code=row["cccd_code"], name_vi=row["name"], sort=sort, evidence="B")
        for sort, row in enumerate(_read("citizen_prefix.csv"), start=1)
    ]
    return items


def _ranks() -> list[RankCode]:
    return [
        RankCode(
            code=row["code"],
            title=row["title_vi"],
            group=row["group"],
            grade=row["grade"],
            salary_class=row["salary_class"],
            class_evidence=row["class_evidence"],
            old_code=row["old_code"],
            source=row["source"],
        )
        for row in _read("rank_codes.csv")
    ]


def _steps() -> list[SalaryStep]:
    return [
        SalaryStep(
            salary_class=row["class"],
            step=int(row["step"]),
            coefficient=Decimal(row["coefficient"]),
            months=int(row["months_per_step"]),
            max_step=int(row["max_step"]),
            evidence=row["confidence"],
        )
        for row in _read("salary_scale.csv")
    ]
