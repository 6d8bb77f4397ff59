"""Code lists: loading those of the release, and proposing a change of a code, a rank or a salary step, which goes through the gate.

Loading is idempotent, one statement a table; a code that went through the gate is left as it was decided.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from orgtree.models import OrgUnit, User
from registry.choices import CodeList
from registry.models import CodeItem, RankCode, SalaryStep
from registry.models.codes import CodeEntry
from registry.models.scales import RankEntry, StepEntry
from registry.targets.codes import CodeEntryTarget, code_key, list_label
from registry.targets.scales import RankEntryTarget, StepEntryTarget, rank_key, step_key
from workflows.documents import plain_value
from workflows.services.staging import Proposal, Staged, request_stage

LOADED = ("name_vi", "name_en", "sort", "evidence", "valid_from", "valid_to", "aliases", "source")
DATA = Path(__file__).resolve().parent.parent / "data"


def codes_load() -> dict[str, int]:
    """Insert or refresh every code, rank and salary step; returns the number of rows of each. Safe to run at every start."""
    with transaction.atomic():
        decided = set(CodeEntry.objects.values_list("list", "code"))
        ranks, steps = set(RankEntry.objects.values_list("code", flat=True)), set(StepEntry.objects.values_list("salary_class", "step"))
        return {
            "codes": len(
                CodeItem.objects.bulk_create(_items(decided), update_conflicts=True, unique_fields=["list", "code"], update_fields=list(LOADED))
            ),
            "ranks": len(
                RankCode.objects.bulk_create(
                    [rank for rank in _ranks() if rank.code not in ranks],
                    update_conflicts=True,
                    unique_fields=["code"],
                    update_fields=["title", "group", "grade", "salary_class", "class_evidence", "old_code", "source"],
                )
            ),
            "steps": len(
                SalaryStep.objects.bulk_create(
                    [one for one in _steps() if (one.salary_class, one.step) not in steps],
                    update_conflicts=True,
                    unique_fields=["salary_class", "step"],
                    update_fields=["coefficient", "months", "max_step", "evidence", "source"],
                )
            ),
        }


def code_propose(*, actor: User, unit: OrgUnit, code_list: str, code: str, values: Mapping[str, Any]) -> Staged:
    """Propose a code as it is to be: `values` by field of `code_entry/1` but list and code. `unit` is the authority that answers.

    Findings are returned, never raised; the actor needs the right to edit on every authority that is kept here.
    """
    patch = {name: plain_value(value) for name, value in values.items()} | {"list": code_list, "code": code}
    proposal = Proposal(kind=CodeEntryTarget.kind, key=code_key(code_list, code), patch=patch, ref=1)
    title = _("Code {code} of the list {name}").format(code=code, name=list_label(code_list))
    return request_stage(actor=actor, unit=unit, title=title, proposals=[proposal])


def rank_propose(*, actor: User, unit: OrgUnit, code: str, values: Mapping[str, Any]) -> Staged:
    """Propose a rank as it is to be: `values` by field of `rank_entry/1` but the code. Findings are returned, as of `code_propose`."""
    patch = {name: plain_value(value) for name, value in values.items()} | {"code": code}
    proposal = Proposal(kind=RankEntryTarget.kind, key=rank_key(code), patch=patch, ref=1)
    return request_stage(actor=actor, unit=unit, title=_("Rank {code}").format(code=code), proposals=[proposal])


def step_propose(*, actor: User, unit: OrgUnit, salary_class: str, step: Any, values: Mapping[str, Any]) -> Staged:
    """The same for one step of one class of the salary scale, by field of `step_entry/1`."""
    patch = {name: plain_value(value) for name, value in values.items()} | {"salary_class": salary_class, "step": step}
    proposal = Proposal(kind=StepEntryTarget.kind, key=step_key(salary_class, str(step)), patch=patch, ref=1)
    title = _("Salary class {name}, step {step}").format(name=salary_class, step=step)
    return request_stage(actor=actor, unit=unit, title=title, proposals=[proposal])


def _read(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)


def _items(decided: set[tuple[str, str]]) -> list[CodeItem]:
    """The codes of the release but those that were decided here. What has days, other names or a source comes last and counts."""
    items = {(item.list, item.code): item for item in (*_plain_items(), *_dated_items())}
    return [item for key, item in items.items() if key not in decided]


def _dated_items() -> Iterator[CodeItem]:
    for row in _read("code_dates.csv"):
        yield CodeItem(
            **{name: row[name] for name in ("list", "code", "name_vi", "name_en", "evidence", "source")},
            sort=int(row["sort"]),
            valid_from=row["valid_from"] or None,
            valid_to=row["valid_to"] or None,
            aliases=[alias for alias in row["aliases"].split("|") if alias],
        )


def _plain_items() -> list[CodeItem]:
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
            source="Nghị định 204/2004/NĐ-CP",
        )
        for row in _read("salary_scale.csv")
    ]
