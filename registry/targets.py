"""The target of the gate for people: how documents of `staff_profile/1` are read, judged, applied and shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from orgtree.models import Area, OrgUnit
from registry import projection
from registry.fields import BY_NAME, label_of, risk_of_field
from registry.models import ROWS, CodeItem, OpenedStaffProfile, RankCode, StaffProfile
from registry.rules import RULES
from registry.schema import STAFF_PROFILE
from workflows.choices import Op, RiskClass
from workflows.documents import Document
from workflows.targets import Target


class StaffProfileTarget(Target):
    kind = "staff_profile"
    label = _("Staff profile")
    order = 20
    schema = STAFF_PROFILE
    live = StaffProfile
    opened = OpenedStaffProfile
    rows = ROWS
    rules = RULES
    unit_columns = ("using_unit_id",)
    indexed = ("citizen_id", "staff_number")

    def natural_key(self, document: Document) -> str | None:
        return document.get("citizen_id")

    def project(self) -> None:
        projection.write_staff(self)

    def risk_of(self, changed: Sequence[str], op: Op) -> RiskClass:
        """The highest class of the changed fields; a new file founds an identity."""
        return RiskClass.A if op == Op.CREATE else min(map(risk_of_field, changed), default=RiskClass.A)

    def title(self, document: Document) -> str:
        return document.get("birth_name") or ""

    def label_of(self, field: str) -> str:
        return label_of(field)

    def show(self, field: str, values: Iterable[Any]) -> dict[Any, str]:
        """One query a field at most. Rows of `postings` are asked for by their column, as "postings.unit"."""
        return show(field, values)


def show(field: str, values: Iterable[Any]) -> dict[Any, str]:
    """Readable text of document values: names of codes, units and areas in the reader's language, dates as dd/mm/yyyy."""
    wanted = {value for value in values if value is not None}
    texts = _names(field, {str(value) for value in wanted})
    return {None: "", **{value: texts.get(str(value)) or _plain(value) for value in wanted}}


def _names(field: str, wanted: set[str]) -> dict[str, str]:
    described = BY_NAME.get(field)
    kind = described.kind if described else {"postings.unit": "unit"}.get(field, "text")
    if not wanted or kind not in ("code", "unit", "area", "rank"):
        return {}
    if described is not None and kind == "code":
        return {item.code: item.name for item in CodeItem.objects.filter(list=described.code_list, code__in=wanted)}
    if kind == "rank":
        return {rank.code: str(rank) for rank in RankCode.objects.filter(code__in=wanted)}
    if kind == "area":
        return {area.key: f"{area.full_name} ({area.code})" for area in Area.objects.filter(key__in=wanted)}
    keys = [key for text in wanted if (key := _uuid(text)) is not None]
    return {str(unit.pk): unit.name for unit in OrgUnit.objects.filter(pk__in=keys)}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _plain(value: Any) -> str:
    """A date as dd/mm/yyyy, a decimal with a comma, all else as it is."""
    text = str(value)
    if isinstance(value, Decimal):
        return text.replace(".", ",")
    try:
        return date.fromisoformat(text).strftime("%d/%m/%Y") if len(text) == 10 else text
    except ValueError:
        return text
