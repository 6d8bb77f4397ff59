"""What makes a rank and a salary step right: they are whole, stand on a source, stay what they were, and agree with the scale."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from registry.models.codes import SalaryStep
from registry.models.scales import RankEntry, StepEntry
from registry.rules.codes import code_form
from registry.rules.expressions import records
from workflows.choices import Severity
from workflows.rules import Check, Rule

SCALE = "Decree 204/2004/NĐ-CP"
RANKS = "Decree 170/2025/NĐ-CP; Circular 29/2022/TT-BTC"
LONGEST = 120  # months; no step of the scale lasts longer than 60


def _required(source: str, *fields: str) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            code="REQUIRED",
            severity=Severity.ERROR,
            field=field,
            message=_("This field must be filled in."),
            source=source,
            find=records(Q(**{f"{field}__isnull": True})),
            repair=_("Copy it from the decree or circular that you name as source."),
        )
        for field in fields
    )


def _rank_moved(check: Check) -> QuerySet[Any]:
    return check.subject.records.filter(Exists(RankEntry.objects.filter(pk=OuterRef("pk")).exclude(code=OuterRef("code"))))


def _step_moved(check: Check) -> QuerySet[Any]:
    on_file = StepEntry.objects.filter(pk=OuterRef("pk")).exclude(salary_class=OuterRef("salary_class"), step=OuterRef("step"))
    return check.subject.records.filter(Exists(on_file))


def _class_unknown(check: Check) -> QuerySet[Any]:
    return check.subject.records.filter(~Exists(SalaryStep.objects.filter(salary_class=OuterRef("salary_class"))), salary_class__isnull=False)


def _out_of_order(check: Check) -> QuerySet[Any]:
    """A lower step of the class is paid as much, or a higher one no more."""
    same = SalaryStep.objects.filter(salary_class=OuterRef("salary_class"))
    lower = same.filter(step__lt=OuterRef("step"), coefficient__gte=OuterRef("coefficient"))
    higher = same.filter(step__gt=OuterRef("step"), coefficient__lte=OuterRef("coefficient"))
    return check.subject.records.filter(Exists(lower) | Exists(higher))


RANK_RULES: tuple[Rule, ...] = (
    *_required(RANKS, "code", "title", "category", "source"),
    code_form(RANKS),
    Rule(
        code="CLASS_UNKNOWN",
        severity=Severity.ERROR,
        field="salary_class",
        message=_("The salary scale has no class {value}."),
        source=SCALE,
        find=_class_unknown,
        repair=_("Choose one of the classes, or propose the steps of the new class first."),
    ),
    Rule(
        code="CLASS_MISSING",
        severity=Severity.WARNING,
        field="salary_class",
        message=_("Without a salary class nobody's coefficient in this rank can be checked."),
        source=SCALE,
        find=records(Q(salary_class=None)),
        repair=_("Name the class where the circular on this rank names it."),
    ),
    Rule(
        code="CODE_PERIOD",
        severity=Severity.ERROR,
        field="valid_to",
        message=_("The period ends on {value}, not after its beginning."),
        source=RANKS,
        find=records(Q(valid_to__lte=F("valid_from"))),
        repair=_("Compare both days with the decree."),
    ),
    Rule(
        code="CODE_MOVED",
        severity=Severity.ERROR,
        field="code",
        message=_("The code of a rank never changes."),
        source=RANKS,
        find=_rank_moved,
        repair=_("End this rank, and add another."),
    ),
)
STEP_RULES: tuple[Rule, ...] = (
    *_required(SCALE, "salary_class", "step", "coefficient", "months", "max_step", "source"),
    Rule(
        code="STEP_BOUNDS",
        severity=Severity.ERROR,
        field="step",
        message=_("Step {value} is not one of the class: steps run from 1 to the last one."),
        source=SCALE,
        find=records(Q(step__lt=1) | Q(step__gt=F("max_step"))),
        repair=_("Compare the step and the last step with the table of the decree."),
    ),
    Rule(
        code="COEFFICIENT_BOUNDS",
        severity=Severity.ERROR,
        field="coefficient",
        message=_("{value} is not a coefficient: it is above 0."),
        source=SCALE,
        find=records(Q(coefficient__lte=0)),
        repair=_("Copy the coefficient from the table of the decree."),
    ),
    Rule(
        code="MONTHS_BOUNDS",
        severity=Severity.ERROR,
        field="months",
        message=_("A step does not last {value} months."),
        source="Circular 08/2013/TT-BNV art. 2",
        find=records(Q(months__lt=1) | Q(months__gt=LONGEST)),
        repair=_("A step lasts 24, 36 or 60 months."),
    ),
    Rule(
        code="SCALE_ORDER",
        severity=Severity.WARNING,
        field="coefficient",
        message=_("{value} does not lie between the coefficients of the steps before and after."),
        source=SCALE,
        find=_out_of_order,
        repair=_("Compare with the neighbouring steps; where the whole scale changes, propose each step."),
    ),
    Rule(
        code="CODE_MOVED",
        severity=Severity.ERROR,
        field="step",
        message=_("Class and number of a step never change."),
        source=SCALE,
        find=_step_moved,
        repair=_("Open the step that you mean, and propose its change."),
    ),
)
