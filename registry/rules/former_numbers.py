"""What makes the number of an old identity card right: it has its form, stands on a paper, and belongs to somebody of the unit."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from registry.models import OpenedStaffProfile, StaffProfile
from registry.models.former_numbers import FormerNumber
from registry.rules.expressions import records
from workflows.choices import Severity
from workflows.rules import Check, Rule

CARD = "Decree 05/1999/NĐ-CP art. 1"  # identity cards with nine digits; Law 26/2023/QH15 art. 46.2 ended them on 1 January 2025
ENDED = "Law 26/2023/QH15 art. 46.2"


def _person_elsewhere(check: Check) -> QuerySet[Any]:
    """Rights are judged by the unit that the entry names: so it is the person's, as on file or as founded in the same request."""
    here = [people.filter(pk=OuterRef("staff_id"), using_unit=OuterRef("unit_id")) for people in (StaffProfile.objects, _founded())]
    return check.subject.records.filter(*(~Exists(one) for one in here), staff_id__isnull=False)


def _founded() -> QuerySet[Any]:
    return OpenedStaffProfile._default_manager.filter(op="create")


def _somebody_elses(check: Check) -> QuerySet[Any]:
    holding = [one.filter(number=OuterRef("number"), withdrawn=None).exclude(pk=OuterRef("pk")) for one in check.others.records]
    return check.subject.records.filter(reduce(or_, (Q(Exists(one)) for one in holding)), withdrawn=None)


def _moved(check: Check) -> QuerySet[Any]:
    on_file = FormerNumber.objects.filter(pk=OuterRef("pk")).exclude(staff=OuterRef("staff_id"), number=OuterRef("number"))
    return check.subject.records.filter(Exists(on_file))


def _issued_too_late(check: Check) -> QuerySet[Any]:
    return check.subject.records.filter(issued_on__gt=check.today)


RULES: tuple[Rule, ...] = (
    *(
        Rule(
            code="REQUIRED",
            severity=Severity.ERROR,
            field=field,
            message=_("This field must be filled in."),
            source=CARD,
            find=records(Q(**{f"{column}__isnull": True})),
            repair=_("Write the number of the old card, and the paper on which it stands."),
        )
        for field, column in (("staff", "staff_id"), ("unit", "unit_id"), ("number", "number"), ("source", "source"))
    ),
    Rule(
        code="FORMER_NUMBER_FORM",
        severity=Severity.ERROR,
        field="number",
        message=_("“{value}” is not the number of an old identity card: it has 9 digits."),
        source=CARD,
        find=records(Q(number__isnull=False) & ~Q(number__regex=r"^[0-9]{9}$")),
        repair=_("Copy the nine digits from the old card; a number of 12 digits is the personal identification number of today."),
    ),
    Rule(
        code="FORMER_NUMBER_ELSEWHERE",
        severity=Severity.ERROR,
        field="staff",
        message=_("The person is not in this unit."),
        source="Decree 27/2026/NĐ-CP",
        find=_person_elsewhere,
        value=F("unit_id"),
        repair=_("Record the number on the page of the person's file, in the unit where they are now."),
    ),
    Rule(
        code="FORMER_NUMBER_SHARED",
        severity=Severity.WARNING,
        field="number",
        message=_("Somebody else is recorded with the old number {value} as well."),
        source=CARD,
        find=_somebody_elses,
        repair=_("Compare with the old card: some provinces gave one number twice, but a slip is likelier."),
    ),
    Rule(
        code="FORMER_NUMBER_DATE",
        severity=Severity.ERROR,
        field="issued_on",
        message=_("An old identity card cannot have been issued on {value}."),
        source=ENDED,
        find=_issued_too_late,
        repair=_("Copy the day of issue from the old card."),
    ),
    Rule(
        code="FORMER_NUMBER_MOVED",
        severity=Severity.ERROR,
        field="number",
        message=_("Person and number of an entry never change."),
        source=CARD,
        find=_moved,
        repair=_("Withdraw the wrong entry, and record the right number."),
    ),
)
