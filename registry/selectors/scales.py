"""Ranks and the salary scale as a page shows them, with the version that went through the gate where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from orgtree.text import plain
from registry.models import RankCode, RankEntry, SalaryStep, StepEntry


@dataclass(frozen=True)
class ScaleLine:
    """A rank or a step. `state` is now, ended or coming; `version` that of the ledger, 0 for one of the release."""

    item: Any
    state: str
    version: int


def rank_lines(*, text: str = "", on: date) -> Sequence[ScaleLine]:
    """Ranks by code, those in use on the day first. `text` is a part of code, title, former code or class, accents aside."""
    versions = dict(RankEntry.objects.values_list("code", "version"))
    asked = plain(text)
    lines = [
        ScaleLine(rank, _state(rank, on), versions.get(rank.code, 0))
        for rank in RankCode.objects.order_by("code")
        if not asked or any(asked in plain(each) for each in (rank.code, rank.title, rank.old_code, rank.salary_class))
    ]
    return sorted(lines, key=lambda line: line.state != "now")


def step_lines(*, text: str = "") -> Sequence[ScaleLine]:
    """The salary scale, class by class. `text` is a class, or a part of one."""
    versions = {(name, step): version for name, step, version in StepEntry.objects.values_list("salary_class", "step", "version")}
    steps = SalaryStep.objects.filter(salary_class__icontains=text.strip()).order_by("salary_class", "step")
    return [ScaleLine(one, "now", versions.get((one.salary_class, one.step), 0)) for one in steps]


def salary_classes() -> list[str]:
    return list(SalaryStep.objects.order_by("salary_class").values_list("salary_class", flat=True).distinct())


def rank_groups() -> list[str]:
    return list(RankCode.objects.order_by("group").values_list("group", flat=True).distinct())


def _state(rank: RankCode, on: date) -> str:
    if rank.valid_to is not None and rank.valid_to <= on:
        return "ended"
    return "coming" if rank.valid_from is not None and rank.valid_from > on else "now"
