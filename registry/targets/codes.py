"""The target of the gate for codes: how documents of `code_entry/1` are read, judged, applied and shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.utils.translation import gettext_lazy as _

from orgtree import clock
from orgtree.models import OrgUnit
from registry import projection
from registry.choices import LISTS_BESIDE, CodeList
from registry.models.codes import CodeEntry, OpenedCodeEntry
from registry.rules.codes import RULES
from registry.schema.codes import CODE_ENTRY
from workflows.choices import Op, RiskClass
from workflows.documents import Document
from workflows.targets import Target

NAMESPACE = uuid5(NAMESPACE_URL, "code_entry/1")
LABELS = {
    "list": _("List"),
    "code": _("Code"),
    "name_vi": _("Name in Vietnamese"),
    "name_en": _("Name in English"),
    "sort": _("Order"),
    "valid_from": _("Valid from"),
    "valid_to": _("Valid to"),
    "aliases": _("Other names"),
    "source": _("Source"),
}


def code_key(code_list: str, code: str) -> UUID:
    """The key of a code's record: the same in every installation."""
    return uuid5(NAMESPACE, f"{code_list}:{code}")


def list_label(name: str) -> str:
    """The list's name for people; one that an administrator loaded beside ours has its own alone."""
    return str(CodeList(name).label if name in CodeList.values else LISTS_BESIDE.get(name, name))


class CodeEntryTarget(Target):
    kind = "code_entry"
    label = _("Code")
    order = 5  # before whatever may use it
    stays_here = True
    schema = CODE_ENTRY
    live = CodeEntry
    opened = OpenedCodeEntry
    rules = RULES
    indexed = ("code",)

    def natural_key(self, document: Document) -> str | None:
        return f"{document.get('list')}:{document.get('code')}"

    def project(self) -> None:
        projection.write_codes(self)

    def units_of(self, key: UUID, before: Document | None, after: Document) -> set[UUID]:
        """A code is everybody's: the change needs the right on every authority that is kept here."""
        return set(OrgUnit.objects.on(clock.today()).filter(parent=None).order_by().values_list("pk", flat=True))

    def risk_of(self, changed: Sequence[str], op: Op) -> RiskClass:
        """Another spelling harms nobody; a meaning or a period touches everybody's file."""
        return RiskClass.C if op == Op.UPDATE and set(changed) <= {"aliases", "sort", "source"} else RiskClass.A

    def title(self, document: Document) -> str:
        return f"{list_label(document.get('list') or '')}: {document.get('code')} {document.get('name_vi') or ''}"

    def label_of(self, field: str) -> str:
        return str(LABELS.get(field, field))

    def show(self, field: str, values: Iterable[Any]) -> dict[Any, str]:
        return {None: "", **{value: _text(field, value) for value in values if value is not None}}


def _text(field: str, value: Any) -> str:
    if field == "list":
        return list_label(value)
    if field in ("valid_from", "valid_to"):
        return f"{date.fromisoformat(value):%d/%m/%Y}"
    return ", ".join(value.split("|")) if field == "aliases" else str(value)
