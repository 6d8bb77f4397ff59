"""Units and areas that a file names: they exist, they are of today where they must be, and they fit each other."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from orgtree.models import Area, OrgUnit
from registry.rules.expressions import Find
from workflows.choices import Severity
from workflows.rules import Check, Rule

UNITS = {"managing_agency": "0a", "using_unit": "0b"}
AREAS = {"birth_place_area": "4", "home_town_area": "5", "current_address_area": "10"}


def _unit_unknown(field: str) -> Find:
    return lambda check: check.subject.records.filter(~Exists(OrgUnit.objects.filter(pk=OuterRef(f"{field}_id"))), **{f"{field}_id__isnull": False})


def _unit_ended(field: str) -> Find:
    def find(check: Check) -> QuerySet[Any]:
        unit = OrgUnit.objects.filter(pk=OuterRef(f"{field}_id"))
        return check.subject.records.filter(
            Exists(unit), ~Exists(unit.filter(Q(valid_to=None) | Q(valid_to__gt=check.today), valid_from__lte=check.today))
        )

    return find


def _unit_elsewhere(check: Check) -> QuerySet[Any]:
    both = check.subject.records.filter(using_unit__tree_id__isnull=False, managing_agency__tree_id__isnull=False)
    return both.filter(
        ~Q(using_unit__tree_id=F("managing_agency__tree_id"))
        | Q(using_unit__lft__lt=F("managing_agency__lft"))
        | Q(using_unit__rght__gt=F("managing_agency__rght"))
    )


def _area_unknown(field: str) -> Find:
    return lambda check: check.subject.records.filter(~Exists(Area.objects.filter(pk=OuterRef(field))), **{f"{field}__isnull": False})


def _area_former(check: Check) -> QuerySet[Any]:
    area = Area.objects.filter(pk=OuterRef("current_address_area"))
    return check.subject.records.filter(
        Exists(area), ~Exists(area.filter(Q(valid_to=None) | Q(valid_to__gt=check.today), valid_from__lte=check.today))
    )


RULES: tuple[Rule, ...] = (
    *(
        Rule(
            code="UNIT_UNKNOWN",
            severity=Severity.ERROR,
            field=field,
            message=_("This unit is not in the organisation tree."),
            source=f"Circular 06/2023/TT-BNV, form item {item}",
            find=_unit_unknown(field),
            repair=_("Choose a unit from the tree."),
        )
        for field, item in UNITS.items()
    ),
    *(
        Rule(
            code="UNIT_ENDED",
            severity=Severity.ERROR,
            field=field,
            message=_("This unit does not exist today: {value}."),
            source=f"Circular 06/2023/TT-BNV, form item {item}",
            find=_unit_ended(field),
            value=F(f"{field}__name"),
            repair=_("Choose the unit that succeeded it."),
        )
        for field, item in UNITS.items()
    ),
    Rule(
        code="UNIT_NOT_UNDER_AGENCY",
        severity=Severity.ERROR,
        field="using_unit",
        message=_("The using unit {value} does not belong to the managing agency."),
        source="Circular 06/2023/TT-BNV, form header",
        find=_unit_elsewhere,
        value=F("using_unit__name"),
        repair=_("Choose a unit of the managing agency, or the right managing agency."),
    ),
    *(
        Rule(
            code="AREA_UNKNOWN",
            severity=Severity.ERROR,
            field=field,
            message=_("{value} is not the key of an administrative area."),
            source=f"Decision 124/2004/QĐ-TTg and Decision 19/2025/QĐ-TTg; form item {item}",
            find=_area_unknown(field),
            repair=_("Choose the area from the list, or leave it empty: the address in words stays."),
        )
        for field, item in AREAS.items()
    ),
    Rule(
        code="AREA_FORMER",
        severity=Severity.ERROR,
        field="current_address_area",
        message=_("The current address lies in an area that no longer exists ({value})."),
        source="Decision 19/2025/QĐ-TTg; Circular 06/2023/TT-BNV, form item 10",
        find=_area_former,
        repair=_("Choose the commune, ward or special zone of today."),
    ),
)
