"""The target of the gate for numbers of old identity cards: how documents of `former_number/1` are read, judged, applied and shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.utils.translation import gettext_lazy as _

from orgtree.models import OrgUnit
from registry import projection
from registry.masking import hidden
from registry.models import StaffProfile
from registry.models.former_numbers import FormerNumber, OpenedFormerNumber
from registry.rules.former_numbers import RULES
from registry.schema.former_numbers import FORMER_NUMBER
from workflows.documents import Document
from workflows.targets import Target

LABELS = {
    "staff": _("Person of the file"),
    "unit": _("Unit"),
    "number": _("Number of the old identity card"),
    "issued_on": _("Issued on"),
    "issued_by": _("Issued by"),
    "source": _("Paper it stands on"),
    "withdrawn": _("Withdrawn because"),
}


def former_key(staff: UUID, number: str) -> UUID:
    """The key of the record of one number of one person: however often it is sent, there is one."""
    return uuid5(uuid5(NAMESPACE_URL, "former_number/1"), f"{staff}:{number}")


class FormerNumberTarget(Target):
    kind = "former_number"
    label = _("Number of an old identity card")
    order = 21  # after the people: a number may come in one request with the file of who had it
    stays_here = True
    schema = FORMER_NUMBER
    live = FormerNumber
    opened = OpenedFormerNumber
    rules = RULES
    unit_columns = ("unit_id",)
    is_personal = True
    indexed = ("number",)

    def natural_key(self, document: Document) -> str | None:
        return f"{document.get('staff')}:{document.get('number')}"

    def units_of(self, key: UUID, before: Document | None, after: Document) -> set[UUID]:
        """The unit where the person is now, which a rule makes sure of: where they were when it was recorded has no say any more."""
        return super().units_of(key, None, after)

    def project(self) -> None:
        projection.write_former_numbers(self)

    def title(self, document: Document) -> str:
        return str(_("Old identity card {number}")).format(number=hidden(document.get("number") or ""))

    def label_of(self, field: str) -> str:
        return str(LABELS.get(field, field))

    def hidden(self, field: str, text: str) -> str:
        return hidden(text) if field == "number" else text

    def show(self, field: str, values: Iterable[Any]) -> dict[Any, str]:
        wanted = {value for value in values if value is not None}
        texts: dict[str, str] = {}
        if field == "staff":
            texts = {str(key): name for key, name in StaffProfile.objects.filter(pk__in=wanted).values_list("pk", "birth_name")}
        elif field == "unit":
            texts = {str(key): name for key, name in OrgUnit.objects.filter(pk__in=wanted).values_list("pk", "name")}
        elif field == "issued_on":
            texts = {value: f"{date.fromisoformat(value):%d/%m/%Y}" for value in wanted}
        return {None: "", **{value: texts.get(str(value), str(value)) for value in wanted}}
