"""The target of the gate for units: how documents of `org_unit/1` are read, judged, applied and shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from orgtree import projection
from orgtree.choices import UnitKind
from orgtree.models import Area, OrgUnit
from planning.models import OpenedOrgUnit
from planning.rules import RULES
from planning.schema import ORG_UNIT
from workflows.choices import Op, RiskClass
from workflows.documents import Document, parse
from workflows.models import ChangeItem
from workflows.targets import Target

LABELS = {
    "code": _("Code"),
    "name": _("Name"),
    "short_name": _("Short name"),
    "kind": _("Kind"),
    "area": _("Area"),
    "parent": _("Superior unit"),
    "order_no": _("Order"),
    "valid_from": _("Valid from"),
    "valid_to": _("Valid to"),
}


class OrgUnitTarget(Target):
    kind = "org_unit"
    label = _("Unit")
    order = 10  # before people, who stand in units
    schema = ORG_UNIT
    live = OrgUnit
    opened = OpenedOrgUnit
    rules = RULES
    unit_columns = ("parent_id",)
    indexed = ("code", "parent_id")
    depended_on = True

    def natural_key(self, document: Document) -> str | None:
        """The code, claimed by the unit that goes on: one request may end a unit and found another under its code."""
        return None if document.get("valid_to") else document.get("code")

    def project(self) -> None:
        projection.write_units(self.opened._meta.db_table)

    def units_of(self, key: UUID, before: Document | None, after: Document) -> set[UUID]:
        """The unit itself if it stands already, and its superiors before and after. Empty when it becomes a root: superusers only."""
        if after.get("parent") is None and (before is None or before.get("parent") is not None):
            return set()
        return super().units_of(key, before, after) | ({key} if before is not None else set())

    def risk_of(self, changed: Sequence[str], op: Op) -> RiskClass:
        """A unit's change moves rights and posts, never anybody's identity or pay."""
        return RiskClass.B

    def title(self, document: Document) -> str:
        return document.get("name") or document.get("code") or ""

    def label_of(self, field: str) -> str:
        return str(LABELS.get(field, field))

    def show(self, field: str, values: Iterable[Any]) -> dict[Any, str]:
        """At most two queries. A superior that is itself only proposed is shown by its proposed name."""
        wanted = {value for value in values if value is not None}
        return {None: "", **{value: str(value) for value in wanted}, **_texts(field, wanted)}


def _texts(field: str, wanted: set[Any]) -> dict[Any, str]:
    if field == "kind":
        return {kind.value: str(kind.label) for kind in UnitKind if kind.value in wanted}
    if field in ("valid_from", "valid_to"):
        return {value: date.fromisoformat(value).strftime("%d/%m/%Y") for value in wanted}
    if field == "area":
        return {area.key: f"{area.full_name} ({area.code})" for area in Area.objects.filter(key__in=wanted)}
    if field == "parent":
        return _unit_names(wanted)
    return {}


def _unit_names(keys: set[str]) -> dict[str, str]:
    names = {str(key): name for key, name in OrgUnit.objects.filter(pk__in=keys).order_by().values_list("pk", "name")}
    if missing := keys - names.keys():
        proposed = ChangeItem.objects.filter(kind=OrgUnitTarget.kind, key__in=missing).order_by("pk").values_list("key", "document__body")
        names |= {str(key): parse(bytes(body))["name"] for key, body in proposed}
    return names
