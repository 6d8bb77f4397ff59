"""The targets of the gate for ranks and salary steps: how `rank_entry/1` and `step_entry/1` are read, judged, applied and shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orgtree import clock
from orgtree.models import OrgUnit
from registry import projection
from registry.models.scales import OpenedRankEntry, OpenedStepEntry, RankEntry, StepEntry
from registry.rules.scales import RANK_RULES, STEP_RULES
from registry.schema.scales import RANK_ENTRY, STEP_ENTRY
from workflows.choices import Op, RiskClass
from workflows.documents import Document
from workflows.targets import Target

LABELS = {
    "code": _("Code"),
    "title": _("Title of the rank"),
    "category": _("Group"),
    "grade": _("Grade of the rank"),
    "salary_class": _("Salary class"),
    "old_code": _("Former code"),
    "valid_from": _("Valid from"),
    "valid_to": _("Valid to"),
    "step": _("Step"),
    "coefficient": _("Coefficient"),
    "months": _("Months per step"),
    "max_step": _("Last step of the class"),
    "source": _("Source"),
}


def rank_key(code: str) -> UUID:
    """The key of a rank's record: the same in every installation."""
    return uuid5(uuid5(NAMESPACE_URL, "rank_entry/1"), code)


def step_key(salary_class: str, step: str) -> UUID:
    """The key of the record of one step of one class: the same in every installation."""
    return uuid5(uuid5(NAMESPACE_URL, "step_entry/1"), f"{salary_class}:{step}")


class _ScaleTarget(Target):
    """What ranks and steps have in common: they are everybody's, and pay hangs on them."""

    order = 5  # before whatever may use it
    stays_here = True

    def units_of(self, key: UUID, before: Document | None, after: Document) -> set[UUID]:
        """The change needs the right on every authority that is kept here."""
        return set(OrgUnit.objects.on(clock.today()).filter(parent=None).order_by().values_list("pk", flat=True))

    def risk_of(self, changed: Sequence[str], op: Op) -> RiskClass:
        """Another source harms nobody; all else is somebody's pay."""
        return RiskClass.C if op == Op.UPDATE and set(changed) <= {"source", "old_code"} else RiskClass.A

    def label_of(self, field: str) -> str:
        return str(LABELS.get(field, field))

    def show(self, field: str, values: Iterable[Any]) -> dict[Any, str]:
        return {None: "", **{value: _text(field, value) for value in values if value is not None}}


class RankEntryTarget(_ScaleTarget):
    kind = "rank_entry"
    label = _("Rank")
    schema = RANK_ENTRY
    live = RankEntry
    opened = OpenedRankEntry
    rules = RANK_RULES
    indexed = ("code",)

    def natural_key(self, document: Document) -> str | None:
        return document.get("code")

    def project(self) -> None:
        projection.write_ranks(self)

    def title(self, document: Document) -> str:
        return f"{document.get('code')} {document.get('title') or ''}"


class StepEntryTarget(_ScaleTarget):
    kind = "step_entry"
    label = pgettext_lazy("of the scale", "Salary step")
    schema = STEP_ENTRY
    live = StepEntry
    opened = OpenedStepEntry
    rules = STEP_RULES
    indexed = ("salary_class",)

    def natural_key(self, document: Document) -> str | None:
        return f"{document.get('salary_class')}:{document.get('step')}"

    def project(self) -> None:
        projection.write_steps(self)

    def title(self, document: Document) -> str:
        return str(_("class {name}, step {step}")).format(name=document.get("salary_class"), step=document.get("step"))


def _text(field: str, value: Any) -> str:
    if field in ("valid_from", "valid_to"):
        return f"{date.fromisoformat(value):%d/%m/%Y}"
    return str(value).replace(".", ",") if field == "coefficient" else str(value)
