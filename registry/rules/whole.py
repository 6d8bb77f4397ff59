"""The file as a whole: what one part of it says about another (domain: cross-field rules of the form)."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat, ExtractYear
from django.utils.translation import gettext_lazy as _

from registry.models import RankCode, SalaryStep
from registry.rules.expressions import in_list, later, later_months, records
from workflows.choices import Severity
from workflows.rules import Check, Rule

FORM = "Circular 06/2023/TT-BNV, form item {}"
DECREE_204 = "Decree 204/2004/NĐ-CP"
MARRIED, SINGLE, SPOUSES, PARENTS, LEADING = "2", "1", ("05", "06"), ("03", "04"), "LDQL"
LEGACY_FORMS, LEGACY_UNTIL = ("05", "06"), "2025-07-01"
COMPARE = _("Compare both dates with the decisions.")


def _rows_of(check: Check, rows: str, **conditions: Any) -> Exists:
    return Exists(check.subject.rows[rows].filter(staff=OuterRef("pk"), **conditions))


def _scale_step(rank: str = "rank_code", step: str = "step") -> QuerySet[Any]:
    classes = RankCode.objects.filter(code=OuterRef(OuterRef(rank))).values("salary_class")[:1]
    return SalaryStep.objects.filter(salary_class=Subquery(classes), step=OuterRef(step))


def _overframe_early(check: Check) -> QuerySet[Any]:
    below = _scale_step().filter(step__lt=F("max_step"))
    return check.subject.records.filter(Exists(below), overframe_percent__isnull=False)


def _step_overdue(check: Check) -> QuerySet[Any]:
    months = Subquery(_scale_step().filter(step__lt=F("max_step")).values("months")[:1])
    due = check.subject.records.annotate(step_months=months).filter(step_months__isnull=False)
    # A month of grace: the decision is written after the day.
    return due.filter(
        Q(step_months=24, step_date__lt=later_months(check.today, -25))
        | Q(step_months=36, step_date__lt=later_months(check.today, -37))
        | Q(step_months=60, step_date__lt=later_months(check.today, -61))
    )


def _history_coefficient(check: Check) -> QuerySet[Any]:
    right = _scale_step().values("coefficient")[:1]
    rows = check.subject.rows["salary_history"].annotate(scale_coefficient=Subquery(right))
    return rows.filter(~Q(coefficient=F("scale_coefficient")), coefficient__isnull=False, scale_coefficient__isnull=False)


def _history_gap(check: Check) -> QuerySet[Any]:
    rows = check.subject.rows["salary_history"]
    before = rows.filter(staff=OuterRef("staff"), valid_from__lt=OuterRef("valid_from"))
    reaching = before.filter(Q(valid_to=None) | Q(valid_to__gte=OuterRef("valid_from")))
    return rows.filter(Exists(before), ~Exists(reaching))


def _history_differs(check: Check) -> QuerySet[Any]:
    current = check.subject.rows["salary_history"].filter(valid_to=None, rank_code__isnull=False, staff__rank_code__isnull=False)
    return current.exclude(rank_code=F("staff__rank_code"), step=F("staff__step"), coefficient=F("staff__coefficient"))


def _parent_young(check: Check) -> QuerySet[Any]:
    return check.subject.rows["family"].filter(relation__in=PARENTS, birth_year__gt=ExtractYear("staff__birth_date") - 12)


RULES: tuple[Rule, ...] = (
    Rule(
        code="PARTY_OFFICIAL_EARLY",
        severity=Severity.ERROR,
        field="party_official_date",
        message=_("Full membership of the Party since {value} does not follow a day of admission."),
        source=FORM.format("15"),
        find=records(Q(party_official_date__isnull=False) & (Q(party_join_date=None) | Q(party_official_date__lt=F("party_join_date")))),
        repair=COMPARE,
    ),
    Rule(
        code="PARTY_OFFICIAL_SOON",
        severity=Severity.WARNING,
        field="party_official_date",
        message=_("Full membership since {value} came less than twelve months after admission."),
        source="Party statutes, art. 5",
        find=records(Q(party_official_date__gte=F("party_join_date"), party_official_date__lt=later("party_join_date", years=1))),
        repair=COMPARE,
    ),
    Rule(
        code="MILITARY_ORDER",
        severity=Severity.ERROR,
        field="discharge_date",
        message=_("The discharge on {value} does not follow a day of enlistment."),
        source=FORM.format("17"),
        find=records(Q(discharge_date__isnull=False) & (Q(enlist_date=None) | Q(discharge_date__lte=F("enlist_date")))),
        repair=COMPARE,
    ),
    Rule(
        code="MILITARY_RANK_ALONE",
        severity=Severity.WARNING,
        field="military_rank",
        message=_("A military rank is given without a day of enlistment."),
        source=FORM.format("17"),
        find=records(Q(military_rank__isnull=False, enlist_date=None)),
        repair=_("Enter the day of enlistment."),
    ),
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
    *(
        Rule(
            code="POSITION_PAY",
            severity=Severity.ERROR,
            field=column,
            message=_("{value} is not above 0."),
            source=FORM.format("30.3"),
            find=records(Q(**{f"{column}__lte": 0})),
            repair=_("Enter the value of the latest salary decision."),
        )
        for column in ("job_position_step", "job_position_amount")
    ),
    *(
        Rule(
            code="OVERFRAME_INCOMPLETE",
            severity=Severity.ERROR,
            field=column,
            message=_("The over-frame allowance, its date and a rank stand together or not at all; this one is missing."),
            source=DECREE_204,
            find=records(Q(**{f"{column}__isnull": True, f"{other}__isnull": False})),
            value=Value(""),
            repair=_("Enter the value of the latest salary decision."),
        )
        for column, other in (
            ("overframe_percent", "overframe_date"),
            ("overframe_date", "overframe_percent"),
            ("rank_code", "overframe_percent"),
        )
    ),
    Rule(
        code="OVERFRAME_RANGE",
        severity=Severity.ERROR,
        field="overframe_percent",
        message=_("The over-frame allowance is {value} %; it begins with 5 and grows by 1 a year."),
        source=DECREE_204,
        find=records(Q(overframe_percent__lt=5) | Q(overframe_percent__gt=60)),
        repair=_("Enter the value of the latest salary decision."),
    ),
    Rule(
        code="OVERFRAME_NOT_LAST",
        severity=Severity.ERROR,
        field="overframe_percent",
        message=_("An over-frame allowance is given ({value} %), but the step is not the last of its class."),
        source=DECREE_204,
        find=_overframe_early,
        repair=_("Correct the step, or remove the allowance."),
    ),
    Rule(
        code="STEP_OVERDUE",
        severity=Severity.WARNING,
        field="step_date",
        message=_("In this step since {value}: the time of the next step has passed."),
        source="Circular 08/2013/TT-BNV art. 2",
        find=_step_overdue,
        repair=_("Enter the new step, or the decision that puts it off."),
    ),
    Rule(
        code="REAPPOINT_EARLY",
        severity=Severity.ERROR,
        field="reappoint_date",
        message=_("The reappointment on {value} does not follow an appointment."),
        source="Decree 170/2025/NĐ-CP art. 36",
        find=records(Q(reappoint_date__isnull=False) & (Q(appoint_date=None) | Q(reappoint_date__lte=F("appoint_date")))),
        repair=COMPARE,
    ),
    Rule(
        code="LEADER_NOT_APPOINTED",
        severity=Severity.WARNING,
        field="appoint_date",
        message=_("The current post is one of leadership, and the day of appointment is missing."),
        source="Decree 170/2025/NĐ-CP art. 28",
        find=lambda check: check.subject.records.filter(_rows_of(check, "postings", valid_to=None, position_group=LEADING), appoint_date=None),
        value=Value(""),
        repair=_("Enter the day of the decision: the term of five years counts from it."),
    ),
    Rule(
        code="SPOUSE_MISSING",
        severity=Severity.WARNING,
        field="family",
        message=_("The person is married, and the family names neither wife nor husband."),
        source=FORM.format("36.1"),
        find=lambda check: check.subject.records.filter(~_rows_of(check, "family", relation__in=SPOUSES), marital_status=MARRIED),
        value=Value(""),
        repair=_("Add the wife or husband to the family."),
    ),
    Rule(
        code="IN_LAWS_OF_SINGLE",
        severity=Severity.WARNING,
        field="in_laws",
        message=_("A family of the wife or husband is given for a person who is not married."),
        source=FORM.format("36.2"),
        find=lambda check: check.subject.records.filter(_rows_of(check, "in_laws"), marital_status=SINGLE),
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
        code="SALARY_WHOLE",
        severity=Severity.ERROR,
        field="salary_history.rank_code",
        message=_("A row of the salary history has rank, step and coefficient, or only the pay of a job position."),
        source=FORM.format("37.1"),
        rows="salary_history",
        find=in_list(
            "salary_history",
            ~(
                Q(rank_code__isnull=False, step__isnull=False, coefficient__isnull=False) & Q(step__gte=1, coefficient__gt=0)
                | Q(rank_code=None, step=None, coefficient=None, amount__isnull=False) & Q(amount__gt=0)
            ),
        ),
        value=F("valid_from"),
        repair=_("Enter the value of the latest salary decision."),
    ),
    Rule(
        code="SALARY_PERCENT",
        severity=Severity.ERROR,
        field="salary_history.percent",
        message=_("The percentage received is {value}; it lies between 1 and 100 (100 as a rule, 85 on probation)."),
        source=FORM.format("37.1"),
        rows="salary_history",
        find=in_list("salary_history", Q(percent__lte=0) | Q(percent__gt=100)),
        value=F("percent"),
        repair=_("Enter 100, or 85 for a person on probation."),
    ),
    Rule(
        code="SALARY_COEFFICIENT",
        severity=Severity.ERROR,
        field="salary_history.coefficient",
        message=_("Rank and step give another coefficient (as written → as in the scale): {value}."),
        source="Decree 204/2004/NĐ-CP, salary tables 2 to 4",
        rows="salary_history",
        find=_history_coefficient,
        value=Concat(Cast("coefficient", TextField()), Value(" → "), Cast("scale_coefficient", TextField()), output_field=TextField()),
        repair=_("Take the coefficient of the scale, or correct rank or step."),
    ),
    Rule(
        code="SALARY_GAP",
        severity=Severity.WARNING,
        field="salary_history.valid_from",
        message=_("Before {value} the salary history has a gap."),
        source=FORM.format("37.1"),
        rows="salary_history",
        find=_history_gap,
        value=F("valid_from"),
        repair=_("Add the missing decision, or end the earlier row on that day."),
    ),
    Rule(
        code="SALARY_CURRENT_DIFFERS",
        severity=Severity.WARNING,
        field="salary_history.step",
        message=_("The open row of the salary history (since {value}) differs from the present rank, step and coefficient."),
        source=FORM.format("30.1, 37.1"),
        rows="salary_history",
        find=_history_differs,
        value=F("valid_from"),
        repair=_("Bring both to the latest salary decision."),
    ),
    Rule(
        code="ALLOWANCE_VALUE",
        severity=Severity.ERROR,
        field="allowances.kind",
        message=_("The allowance since {value} has neither share, coefficient nor amount above 0."),
        source=FORM.format("30.2"),
        rows="allowances",
        find=in_list(
            "allowances",
            Q(percent=None, coefficient=None, amount=None) | Q(percent__lte=0) | Q(coefficient__lte=0) | Q(amount__lte=0),
        ),
        value=F("valid_from"),
        repair=_("Enter the value of the latest decision."),
    ),
    Rule(
        code="RESULT_EMPTY",
        severity=Severity.ERROR,
        field="annual_results.grade",
        message=_("The year {value} has neither grade, emulation title nor commendation."),
        source=FORM.format("35.1"),
        rows="annual_results",
        find=in_list("annual_results", Q(grade=None, emulation=None, commendation=None)),
        value=F("year"),
        repair=_("Fill in the row or remove it."),
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
        code="SECONDMENT_LONG",
        severity=Severity.WARNING,
        field="secondments.valid_to",
        message=_("The secondment since {value} lasts more than 36 months."),
        source="Decree 170/2025/NĐ-CP art. 26.2",
        rows="secondments",
        find=in_list("secondments", Q(valid_to__gt=later("valid_from", years=3))),
        value=F("valid_from"),
        repair=_("Compare the period with the decision and with the law of the sector."),
    ),
    Rule(
        code="DISCIPLINE_FUTURE",
        severity=Severity.ERROR,
        field="disciplines.valid_from",
        message=_("The date {value} lies in the future."),
        source=FORM.format("35.2"),
        rows="disciplines",
        find=lambda check: check.subject.rows["disciplines"].filter(valid_from__gt=check.today),
        value=F("valid_from"),
        repair=_("Enter the date as it stands in the decision or on the card."),
    ),
    Rule(
        code="DISCIPLINE_ABOLISHED",
        severity=Severity.WARNING,
        field="disciplines.form",
        message=_("Demotion and salary downgrade no longer exist since 1 July 2025; the decision is of {value}."),
        source="Law 80/2025/QH15 art. 35-36",
        rows="disciplines",
        find=in_list("disciplines", Q(form__in=LEGACY_FORMS, side="CQ", valid_from__gte=LEGACY_UNTIL)),
        value=F("valid_from"),
        repair=_("Compare form and date with the decision."),
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
