"""Dates of a life in order."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from registry.rules.expressions import CONTRACT_TYPES, Find, later, records, years_before
from workflows.choices import Severity
from workflows.rules import Check, Rule

CONTRACT = Q(personnel_type__in=CONTRACT_TYPES)
OTHER_STAFF = Q(personnel_type__isnull=True) | ~CONTRACT
OLDEST, YOUNGEST, YOUNGEST_CONTRACT = 75, 18, 15
NEVER_FUTURE = {
    "citizen_id_date": "8b",
    "first_recruit_date": "13",
    "current_agency_date": "14",
    "party_join_date": "15",
    "party_official_date": "15",
    "first_org_date": "16",
    "enlist_date": "17",
    "discharge_date": "17",
    "appoint_date": "23b",
    "reappoint_date": "23b",
    "overframe_date": "30.1e",
    "rank_date": "30.1b",
    "step_date": "30.1c",
}


def _age_outside(check: Check) -> QuerySet[Any]:
    too_young = (
        Q(birth_date__gt=years_before(check.today, YOUNGEST)) & OTHER_STAFF
        | Q(birth_date__gt=years_before(check.today, YOUNGEST_CONTRACT)) & CONTRACT
    )
    return check.subject.records.filter(too_young | Q(birth_date__lt=years_before(check.today, OLDEST)))


def _after_today(field: str) -> Find:
    return lambda check: check.subject.records.filter(**{f"{field}__gt": check.today})


RULES: tuple[Rule, ...] = (
    Rule(
        code="AGE_RANGE",
        severity=Severity.ERROR,
        field="birth_date",
        message=_("With the date of birth {value} the person is not between 18 and 75 years old (from 15 for contract staff)."),
        source="Circular 06/2023/TT-BNV, form item 3",
        find=_age_outside,
        repair=_("Check the date of birth; day, month and year may be exchanged."),
    ),
    *(
        Rule(
            code="DATE_FUTURE",
            severity=Severity.ERROR,
            field=field,
            message=_("The date {value} lies in the future."),
            source=f"Circular 06/2023/TT-BNV, form item {item}",
            find=_after_today(field),
            repair=_("Enter the date as it stands in the decision or on the card."),
        )
        for field, item in NEVER_FUTURE.items()
    ),
    Rule(
        code="CITIZEN_ID_DATE_EARLY",
        severity=Severity.ERROR,
        field="citizen_id_date",
        message=_("The identity card of {value} would have been issued before the person was 14."),
        source="Circular 06/2023/TT-BNV, form item 8",
        find=records(Q(citizen_id_date__lt=later("birth_date", years=14))),
        repair=_("Compare the date of issue and the date of birth with the identity card."),
    ),
    Rule(
        code="RECRUITED_TOO_YOUNG",
        severity=Severity.ERROR,
        field="first_recruit_date",
        message=_("On {value} the person was younger than 18 (15 for contract staff)."),
        source="Decree 170/2025/NĐ-CP; Circular 06/2023/TT-BNV, form item 13",
        find=records(
            Q(first_recruit_date__lt=later("birth_date", years=18)) & OTHER_STAFF | Q(first_recruit_date__lt=later("birth_date", years=15)) & CONTRACT
        ),
        repair=_("Compare the date with the recruitment decision."),
    ),
    Rule(
        code="AGENCY_BEFORE_RECRUITMENT",
        severity=Severity.ERROR,
        field="current_agency_date",
        message=_("The person joined the current agency on {value}, before being first recruited."),
        source="Circular 06/2023/TT-BNV, form item 14",
        find=records(Q(current_agency_date__lt=F("first_recruit_date"))),
        repair=_("Compare both dates with the decisions."),
    ),
    Rule(
        code="PARTY_TOO_YOUNG",
        severity=Severity.ERROR,
        field="party_join_date",
        message=_("On {value} the person was younger than 18 and could not have joined the Party."),
        source="Circular 06/2023/TT-BNV, form item 15",
        find=records(Q(party_join_date__lt=later("birth_date", years=18))),
        repair=_("Compare the date with the decision of admission."),
    ),
)
