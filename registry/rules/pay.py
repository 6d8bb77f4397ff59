"""Pay: the salary history, the step beyond the last, allowances, and how they agree with the present rank and step."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext_lazy as _

from registry.models import RankCode, SalaryStep
from registry.rules.expressions import FORM, AddMonths, has_left, in_list, later_months, months_put_off, records
from workflows.choices import Severity
from workflows.rules import Check, Rule

DECREE_204 = "Decree 204/2004/NĐ-CP"
RANKS = "Decree 170/2025/NĐ-CP; the decree or circular on the rank"


def _scale_step(rank: str = "rank_code", step: str = "step") -> QuerySet[Any]:
    classes = RankCode.objects.filter(code=OuterRef(OuterRef(rank))).values("salary_class")[:1]
    return SalaryStep.objects.filter(salary_class=Subquery(classes), step=OuterRef(step))


def _overframe_early(check: Check) -> QuerySet[Any]:
    below = _scale_step().filter(step__lt=F("max_step"))
    return check.subject.records.filter(Exists(below), overframe_percent__isnull=False)


def _step_overdue(check: Check) -> QuerySet[Any]:
    months = Subquery(_scale_step().filter(step__lt=F("max_step")).values("months")[:1])
    # A month of grace: the decision is written after the day. Nobody's time has passed before the shortest one has.
    old = check.subject.records.filter(step_date__lt=later_months(check.today, -25))
    delay = months_put_off(check.subject.rows["disciplines"], check.subject.rows["annual_results"], begun="step_date")
    return old.annotate(step_months=months, step_until=AddMonths(F("step_date"), F("step_months") + Value(1) + delay)).filter(
        ~has_left(check),
        Q(step_months=24)
        | Q(step_months=36, step_date__lt=later_months(check.today, -37))
        | Q(step_months=60, step_date__lt=later_months(check.today, -61)),
        step_until__lt=check.today,
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


def _rank_not_then(queryset: QuerySet[Any], day: str) -> QuerySet[Any]:
    """Those whose rank is known and was not in force on their own day: an old row keeps a rank that has ended, a new one cannot have it."""
    known = RankCode.objects.filter(code=OuterRef("rank_code"))
    then = known.filter(Q(valid_from=None) | Q(valid_from__lte=OuterRef(day)), Q(valid_to=None) | Q(valid_to__gt=OuterRef(day)))
    return queryset.filter(Exists(known), ~Exists(then), **{f"{day}__isnull": False})


RULES: tuple[Rule, ...] = (
    Rule(
        code="RANK_NOT_THEN",
        severity=Severity.ERROR,
        field="rank_code",
        message=_("The rank {value} was not in force on the day from which it is held."),
        source=RANKS,
        find=lambda check: _rank_not_then(check.subject.records, "rank_date"),
        repair=_("Choose the rank of that time, or correct the day."),
    ),
    Rule(
        code="RANK_NOT_THEN",
        severity=Severity.ERROR,
        field="salary_history.rank_code",
        message=_("The rank {value} was not in force on the day from which it is held."),
        source=RANKS,
        rows="salary_history",
        find=lambda check: _rank_not_then(check.subject.rows["salary_history"], "valid_from"),
        value=F("rank_code"),
        repair=_("Choose the rank of that time, or correct the day."),
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
)
