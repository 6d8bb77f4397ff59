"""The target of the gate for releases: how documents of `transfer_release/1` are read, judged, applied and shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from exchange import projection
from exchange.contract import PROFILE_KIND
from exchange.models import OpenedTransferRelease, TransferRelease
from exchange.schema import TRANSFER_RELEASE
from orgtree.models import OrgUnit
from registry.models import StaffProfile
from workflows.choices import Op, RiskClass, Severity
from workflows.documents import Document, Field
from workflows.models import ChangeItem, Hold
from workflows.rules import Check, Rule
from workflows.targets import Target

SOURCE = "Circular 06/2023/TT-BNV; the national database's rules on passing a person to another agency"

LABELS = {
    "person": pgettext_lazy("of a file", "Person"),
    "person_name": _("Full name"),
    "person_version": _("Version of the file"),
    "person_digest": _("Fingerprint of the file"),
    "unit": _("Unit that releases"),
    "from_agency": _("From agency"),
    "to_agency": _("To agency"),
    "to_agency_name": _("Receiving agency"),
    "effective_on": _("On"),
    "decision_number": _("Decision number"),
    "decision_date": _("Decision date"),
    "note": _("Note"),
}


def _not_now(check: Check) -> QuerySet[Any]:
    """The file is not, or no longer, the one that is released: it is gone, in another unit, or has another version."""
    same = StaffProfile.objects.filter(pk=OuterRef("person"), version=OuterRef("person_version"), using_unit=OuterRef("unit"))
    return check.subject.records.filter(~Exists(same))


def _held(check: Check) -> QuerySet[Any]:
    return check.subject.records.filter(Exists(Hold.objects.filter(kind=PROFILE_KIND, key=OuterRef("person"))))


def _busy(check: Check) -> QuerySet[Any]:
    return check.subject.records.filter(Exists(ChangeItem.objects.filter(kind=PROFILE_KIND, key=OuterRef("person"), state="open")))


def _missing(field: Field) -> Rule:
    return Rule(
        code="REQUIRED",
        severity=Severity.ERROR,
        field=field.name,
        message=_("This field must be filled in."),
        source=SOURCE,
        find=lambda check: check.subject.records.filter(**{f"{field.column}__isnull": True}),
        repair=_("Enter it from the decision."),
    )


RULES: tuple[Rule, ...] = (
    *(_missing(field) for field in TRANSFER_RELEASE.fields if field.required),
    Rule(
        code="FILE_MOVED_ON",
        severity=Severity.ERROR,
        field="person_version",
        message=_("The file has changed since this release was written."),
        source=SOURCE,
        find=_not_now,
        repair=_("Open the person’s page and begin the transfer again: it hands over the file as it is now."),
    ),
    Rule(
        code="FILE_BUSY",
        severity=Severity.ERROR,
        field="person",
        message=_("An open request still changes this file."),
        source=SOURCE,
        find=_busy,
        repair=_("Let it be decided first, or ask its author to withdraw it."),
    ),
    Rule(
        code="FILE_HELD",
        severity=Severity.ERROR,
        field="person",
        message=_("This person is already on the way to another agency, or has gone there."),
        source=SOURCE,
        find=_held,
        repair=_("Open the person’s page: it says where the transfer stands."),
    ),
)


class TransferReleaseTarget(Target):
    kind = "transfer_release"
    label = _("Release to another agency")
    order = 30  # after people
    schema = TRANSFER_RELEASE
    live = TransferRelease
    opened = OpenedTransferRelease
    rules = RULES
    unit_columns = ("unit_id",)
    is_personal = True

    def natural_key(self, document: Document) -> str | None:
        """One open release a person."""
        return document.get("person")

    def project(self) -> None:
        projection.write_releases(self)

    def risk_of(self, changed: Sequence[str], op: Op) -> RiskClass:
        """A person leaves the agency's responsibility: never a small matter."""
        return RiskClass.A

    def title(self, document: Document) -> str:
        return f"{document.get('person_name') or ''} → {document.get('to_agency_name') or ''}"

    def label_of(self, field: str) -> str:
        return str(LABELS.get(field, field))

    def show(self, field: str, values: Iterable[Any]) -> dict[Any, str]:
        wanted = {value for value in values if value is not None}
        names: dict[Any, str] = {}
        if field == "unit":
            names = {str(key): name for key, name in OrgUnit.objects.filter(pk__in=wanted).order_by().values_list("pk", "name")}
        return {None: "", **{value: names.get(value) or _text(field, value) for value in wanted}}


def _text(field: str, value: Any) -> str:
    return f"{date.fromisoformat(value):%d/%m/%Y}" if field in ("effective_on", "decision_date") else str(value)
