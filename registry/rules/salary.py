"""Rank, step and coefficient: item 30.1 of the form against the salary scale of Decree 204/2004/NĐ-CP."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext_lazy as _

from registry.models import RankCode, SalaryStep, StaffProfile
from registry.rules.expressions import records
from workflows.choices import Op, Severity
from workflows.rules import Check, Rule

SCALE = "Decree 204/2004/NĐ-CP, salary tables 2 to 4"
GROUP = ("rank_code", "rank_date", "step", "coefficient", "step_date", "percent")


def _incomplete(field: str) -> Rule:
    begun = Q()
    for other in GROUP:
        if other != field:
            begun |= Q(**{f"{other}__isnull": False})
    return Rule(
        code="RANK_INCOMPLETE",
        severity=Severity.ERROR,
        field=field,
        message=_("Rank, its date, step, coefficient, date and percentage are filled in together or not at all; this one is missing."),
        source="Circular 06/2023/TT-BNV, form item 30.1",
        find=records(Q(**{f"{field}__isnull": True}) & begun),
        repair=_("Enter the value from the latest salary decision."),
    )


def _rank_known() -> Exists:
    return Exists(RankCode.objects.filter(code=OuterRef("rank_code")))


def _in_words(*names: Any) -> Concat:
    """Values joined by slashes: 01.003/6, or 01.003/6/3.99."""
    parts = [part for name in names for part in (Value("/"), Cast(name, TextField()))][1:]
    return Concat(*parts, output_field=TextField())


def _scale(*names: str) -> QuerySet[Any]:
    """The whole scale by rank, as one set of such texts: made once for however many people are looked up in it."""
    steps = SalaryStep.objects.order_by().filter(salary_class=OuterRef("salary_class")).values_list(_in_words(OuterRef("code"), *names))
    return RankCode.objects.values_list(Func(ArraySubquery(steps), function="unnest", output_field=TextField()), flat=True)


def _with_tables() -> QuerySet[Any]:
    """The ranks whose salary class has a table."""
    return RankCode.objects.filter(salary_class__in=SalaryStep.objects.values("salary_class"))


def _class_unknown(check: Check) -> QuerySet[Any]:
    known = RankCode.objects.values("code")
    return check.subject.records.filter(rank_code__in=known).exclude(rank_code__in=_with_tables().values("code"))


def _step_outside(check: Check) -> QuerySet[Any]:
    outside = Q(rank_code__in=_with_tables().values("code")) & ~Q(place__in=_scale("step"))
    placed = check.subject.records.annotate(place=_in_words("rank_code", "step"))
    return placed.filter(Q(step__lt=1) | outside, step__isnull=False)


def _coefficient_differs(check: Check) -> QuerySet[Any]:
    """Those that stand in the scale as they are written, nearly all, are passed over before the right coefficient is looked up."""
    classes = _with_tables().filter(code=OuterRef(OuterRef("rank_code"))).values("salary_class")[:1]
    right = SalaryStep.objects.filter(salary_class=Subquery(classes), step=OuterRef("step")).values("coefficient")[:1]
    return (
        check.subject.records.annotate(place=_in_words("rank_code", "step", "coefficient"), scale_coefficient=Subquery(right))
        .exclude(place__in=_scale("step", "coefficient"))
        .filter(~Q(coefficient=F("scale_coefficient")), coefficient__gt=0, scale_coefficient__isnull=False)
    )


def _step_jumps(check: Check) -> QuerySet[Any]:
    """Up by more than one step at a time, or down, within the rank on file; nothing for new people and for those left as they are."""
    on_file = StaffProfile.objects.filter(pk=OuterRef("pk"), rank_code=OuterRef("rank_code")).values("step")[:1]
    known = check.subject.records.exclude(op=Op.CREATE).annotate(step_on_file=Subquery(on_file))
    return known.filter(Q(step__gt=F("step_on_file") + 1) | Q(step__lt=F("step_on_file")))


RULES: tuple[Rule, ...] = (
    *(_incomplete(field) for field in GROUP),
    Rule(
        code="RANK_UNKNOWN",
        severity=Severity.ERROR,
        field="rank_code",
        message=_("{value} is not the code of a rank or professional title."),
        source="Circulars 2/2021/TT-BNV and 29/2022/TT-BTC; circulars of the professional titles",
        find=lambda check: check.subject.records.filter(~_rank_known(), rank_code__isnull=False),
        repair=_("Choose a code from the list of ranks, for example 01.003."),
    ),
    Rule(
        code="RANK_CLASS_UNKNOWN",
        severity=Severity.SUGGESTION,
        field="rank_code",
        message=_("The salary class of rank {value} is not known here, so that step and coefficient cannot be checked."),
        source=SCALE,
        find=_class_unknown,
        repair=_("Compare step and coefficient with the salary decision."),
    ),
    Rule(
        code="STEP_RANGE",
        severity=Severity.ERROR,
        field="step",
        message=_("Step {value} does not exist in the salary class of this rank."),
        source=SCALE,
        find=_step_outside,
        repair=_("Compare rank and step with the latest salary decision."),
    ),
    Rule(
        code="STEP_JUMP",
        severity=Severity.WARNING,
        field="step",
        message=_("The step goes up by more than one, or down (on file → as proposed): {value}."),
        source="Circular 08/2013/TT-BNV, art. 2 and 3",
        find=_step_jumps,
        value=Concat(Cast("step_on_file", TextField()), Value(" → "), Cast("step", TextField()), output_field=TextField()),
        repair=_("Compare with the salary decision, and ask for the one that is missing between."),
    ),
    Rule(
        code="COEFFICIENT_SCALE",
        severity=Severity.ERROR,
        field="coefficient",
        message=_("Rank and step give another coefficient (as written → as in the scale): {value}."),
        source=SCALE,
        find=_coefficient_differs,
        value=Concat(Cast("coefficient", TextField()), Value(" → "), Cast("scale_coefficient", TextField()), output_field=TextField()),
        repair=_("Take the coefficient of the scale, or correct rank or step."),
    ),
    Rule(
        code="COEFFICIENT_RANGE",
        severity=Severity.ERROR,
        field="coefficient",
        message=_("The coefficient {value} is not above 0."),
        source=SCALE,
        find=records(Q(coefficient__lte=0)),
        repair=_("Enter the coefficient of the latest salary decision."),
    ),
    Rule(
        code="PERCENT_RANGE",
        severity=Severity.ERROR,
        field="percent",
        message=_("The percentage received is {value}; it lies between 1 and 100 (100 as a rule, 85 on probation)."),
        source="Circular 06/2023/TT-BNV, form item 30.1",
        find=records(Q(percent__lt=1) | Q(percent__gt=100)),
        repair=_("Enter 100, or 85 for a person on probation."),
    ),
)
