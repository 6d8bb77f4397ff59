"""Life beside the office: health, family, journeys, income and property, studies."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import ExtractYear
from django.utils.translation import gettext_lazy as _

from registry.rules.expressions import FORM, has_rows, in_list, later, records
from workflows.choices import Severity
from workflows.rules import Check, Rule

MARRIED, SINGLE, SPOUSES, PARENTS = "2", "1", ("05", "06"), ("03", "04")


def _parent_young(check: Check) -> QuerySet[Any]:
    return check.subject.rows["family"].filter(relation__in=PARENTS, birth_year__gt=ExtractYear("staff__birth_date") - 12)


RULES: tuple[Rule, ...] = (
    Rule(
        code="SOCIAL_INSURANCE_FORM",
        severity=Severity.ERROR,
        field="social_insurance_no",
        message=_("The social insurance number {value} does not have ten digits."),
        source=FORM.format("9"),
        find=records(Q(social_insurance_no__isnull=False) & ~Q(social_insurance_no__regex=r"^[0-9]{10}$")),
        repair=_("Enter the ten digits as on the book or in VssID."),
    ),
    Rule(
        code="HEALTH_INSURANCE_FORM",
        severity=Severity.ERROR,
        field="health_insurance_no",
        message=_("The health insurance number {value} has neither ten digits nor two letters and thirteen digits."),
        source=FORM.format("9"),
        find=records(Q(health_insurance_no__isnull=False) & ~Q(health_insurance_no__regex=r"^([0-9]{10}|[A-Z]{2}[0-9]{13})$")),
        repair=_("Enter the number as on the card, without spaces."),
    ),
    Rule(
        code="PHOTO_DIGEST",
        severity=Severity.ERROR,
        field="photo",
        message=_("{value} is not the fingerprint of a picture."),
        source=FORM.format("0e"),
        find=records(Q(photo__isnull=False) & ~Q(photo__regex=r"^[0-9a-f]{64}$")),
        repair=_("Upload the picture again."),
    ),
    *(
        Rule(
            code="BODY_MEASURE",
            severity=Severity.ERROR,
            field=column,
            message=_("{value} is not a height in centimetres or a weight in kilograms."),
            source=FORM.format("31"),
            find=records(Q(**{f"{column}__lt": low}) | Q(**{f"{column}__gt": high})),
            repair=_("Write centimetres and kilograms as whole numbers."),
        )
        for column, low, high in (("height_cm", 50, 250), ("weight_kg", 20, 300))
    ),
    Rule(
        code="SPOUSE_MISSING",
        severity=Severity.WARNING,
        field="family",
        message=_("The person is married, and the family names neither wife nor husband."),
        source=FORM.format("36.1"),
        find=lambda check: check.subject.records.filter(~has_rows(check, "family", relation__in=SPOUSES), marital_status=MARRIED),
        value=Value(""),
        repair=_("Add the wife or husband to the family."),
    ),
    Rule(
        code="IN_LAWS_OF_SINGLE",
        severity=Severity.WARNING,
        field="in_laws",
        message=_("A family of the wife or husband is given for a person who is not married."),
        source=FORM.format("36.2"),
        find=lambda check: check.subject.records.filter(has_rows(check, "in_laws"), marital_status=SINGLE),
        value=Value(""),
        repair=_("Correct the marital status or remove the rows."),
    ),
    Rule(
        code="PARENT_YOUNG",
        severity=Severity.WARNING,
        field="family.birth_year",
        message=_("A parent born in {value} would have been younger than twelve at the person's birth."),
        source=FORM.format("36.1"),
        rows="family",
        find=_parent_young,
        value=F("birth_year"),
        repair=_("Compare the year with the papers."),
    ),
    Rule(
        code="INCOME_AMOUNT",
        severity=Severity.ERROR,
        field="incomes.salary_amount",
        message=_("The year {value} has no amount, or one below 0."),
        source=FORM.format("37.3"),
        rows="incomes",
        find=in_list("incomes", Q(salary_amount=None, other_amount=None) | Q(salary_amount__lt=0) | Q(other_amount__lt=0)),
        value=F("year"),
        repair=_("Fill in the row or remove it."),
    ),
    Rule(
        code="PROPERTY_AREA",
        severity=Severity.ERROR,
        field="properties.area_m2",
        message=_("The area {value} is not above 0."),
        source=FORM.format("37.3"),
        rows="properties",
        find=in_list("properties", Q(area_m2__lte=0)),
        value=F("area_m2"),
        repair=_("Write the area in square metres as on the certificate."),
    ),
    Rule(
        code="TRIP_BEFORE_BIRTH",
        severity=Severity.ERROR,
        field="foreign_trips.valid_from",
        message=_("The journey of {value} lies before the person's birth."),
        source="Decree 27/2026/NĐ-CP, group 3",
        rows="foreign_trips",
        find=in_list("foreign_trips", Q(valid_from__lt=F("staff__birth_date"))),
        value=F("valid_from"),
        repair=_("Compare the date with the passport."),
    ),
    Rule(
        code="DEGREE_BEFORE_SIXTEEN",
        severity=Severity.WARNING,
        field="degrees.valid_to",
        message=_("The studies ended on {value}, before the person was sixteen."),
        source=FORM.format("32.1"),
        rows="degrees",
        find=in_list("degrees", Q(valid_to__lt=later("staff__birth_date", years=16))),
        value=F("valid_to"),
        repair=_("Compare the years with the diploma."),
    ),
)
