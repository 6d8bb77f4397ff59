"""What every list of rows is asked alike: periods in order, months whole, what must stand, codes of their list, years, nothing overlapping."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.utils.translation import gettext_lazy as _

from registry.fields import LISTS, Column, ProfileList
from registry.models import CodeItem
from registry.rules.expressions import FORM, Find, in_list
from workflows.choices import Severity
from workflows.rules import Check, Rule

CARE = ("postings",)  # have rules of their own, by the words of their own
DATED = tuple(one for one in LISTS if one.name not in CARE and any(column.name == "valid_from" for column in one.columns))
YEARS = {"annual_results": "year", "incomes": "year", "family": "birth_year", "in_laws": "birth_year"}
EARLIEST_YEAR = 1850


def _period(one: ProfileList) -> Rule:
    return Rule(
        code="ROW_PERIOD",
        severity=Severity.ERROR,
        field=f"{one.name}.valid_to",
        message=_("The period ends on {value}, not after its beginning."),
        source=FORM.format(one.item),
        rows=one.name,
        find=in_list(one.name, Q(valid_to__lte=F("valid_from"))),
        value=F("valid_to"),
        repair=_("Compare both dates with the papers."),
    )


def _whole_months(one: ProfileList) -> Rule:
    return Rule(
        code="ROW_MONTH",
        severity=Severity.ERROR,
        field=f"{one.name}.valid_from",
        message=_("A period of this list is made of whole months; {value} is not the first day of one."),
        source=FORM.format(one.item),
        rows=one.name,
        find=in_list(one.name, Q(valid_from__isnull=False) & ~Q(valid_from__day=1) | Q(valid_to__isnull=False) & ~Q(valid_to__day=1)),
        value=F("valid_from"),
        repair=_("Write month and year, as the form asks."),
    )


def _required(one: ProfileList, column: Column) -> Rule:
    return Rule(
        code="REQUIRED",
        severity=Severity.ERROR,
        field=f"{one.name}.{column.name}",
        message=_("This field must be filled in."),
        source=FORM.format(one.item),
        rows=one.name,
        find=in_list(one.name, Q(**{f"{column.name}__isnull": True})),
        value=Value(""),
        repair=_("Enter the value from the person's papers."),
    )


def _listed(one: ProfileList, column: Column) -> Rule:
    def find(check: Check) -> QuerySet[Any]:
        known = CodeItem.objects.filter(list=column.code_list, code=OuterRef(column.name))  # an old fact keeps a code that has ended
        return check.subject.rows[one.name].filter(~Exists(known), **{f"{column.name}__isnull": False})

    return Rule(
        code="CODE_UNKNOWN",
        severity=Severity.ERROR,
        field=f"{one.name}.{column.name}",
        message=_("The code {value} is not in the code list of this field."),
        source=f"registry/data, list {column.code_list}",
        rows=one.name,
        find=find,
        value=F(column.name),
        repair=_("Choose a value from the list."),
    )


def _ended(one: ProfileList, column: Column) -> Rule:
    """A code is read on the row's own day: a certificate of 2015 keeps a name that ended in 2020, one of 2024 cannot have it."""

    def find(check: Check) -> QuerySet[Any]:
        known = CodeItem.objects.filter(list=column.code_list, code=OuterRef(column.name))
        then = known.filter(Q(valid_from=None) | Q(valid_from__lte=OuterRef("valid_from")), Q(valid_to=None) | Q(valid_to__gt=OuterRef("valid_from")))
        return check.subject.rows[one.name].filter(Exists(known), ~Exists(then), valid_from__isnull=False)

    return Rule(
        code="CODE_NOT_THEN",
        severity=Severity.ERROR,
        field=f"{one.name}.{column.name}",
        message=_("The code {value} was not in use on the day on which this row begins."),
        source=f"registry/data, list {column.code_list}",
        rows=one.name,
        find=find,
        value=F(column.name),
        repair=_("Choose the code of that time, or correct the day."),
    )


def _year(rows: str, column: str) -> Rule:
    def find(check: Check) -> QuerySet[Any]:
        return check.subject.rows[rows].filter(Q(**{f"{column}__lt": EARLIEST_YEAR}) | Q(**{f"{column}__gt": check.today.year}))

    return Rule(
        code="ROW_YEAR",
        severity=Severity.ERROR,
        field=f"{rows}.{column}",
        message=_("{value} is not a year that has begun."),
        source=FORM.format(next(one.item for one in LISTS if one.name == rows)),
        rows=rows,
        find=find,
        value=F(column),
        repair=_("Write the year with four digits."),
    )


def _overlapping(rows: str, *same: str) -> Find:
    """Rows during which another row of the person holds that agrees in the columns `same`."""

    def find(check: Check) -> QuerySet[Any]:
        agree = {column: OuterRef(column) for column in ("staff", *same)}
        earlier = check.subject.rows[rows].filter(Q(valid_to=None) | Q(valid_to__gt=OuterRef("valid_from")), **agree)
        earlier = earlier.filter(Q(valid_from__lt=OuterRef("valid_from")) | Q(valid_from=OuterRef("valid_from"), pk__lt=OuterRef("pk")))
        return check.subject.rows[rows].filter(Exists(earlier))

    return find


def _overlap(rows: str, source: str, *same: str) -> Rule:
    return Rule(
        code="ROW_OVERLAP",
        severity=Severity.ERROR,
        field=f"{rows}.valid_from",
        message=_("The row that begins on {value} overlaps an earlier one."),
        source=source,
        rows=rows,
        find=_overlapping(rows, *same),
        value=F("valid_from"),
        repair=_("End the earlier row on the day on which the next one begins."),
    )


def _twice_a_year(rows: str) -> Rule:
    def find(check: Check) -> QuerySet[Any]:
        same = check.subject.rows[rows].filter(staff=OuterRef("staff"), year=OuterRef("year"), pk__lt=OuterRef("pk"))
        return check.subject.rows[rows].filter(Exists(same))

    return Rule(
        code="YEAR_TWICE",
        severity=Severity.ERROR,
        field=f"{rows}.year",
        message=_("The year {value} stands twice; there is one row a year."),
        source=FORM.format(next(one.item for one in LISTS if one.name == rows)),
        rows=rows,
        find=find,
        value=F("year"),
        repair=_("Put both into one row."),
    )


RULES: tuple[Rule, ...] = (
    *(_period(one) for one in DATED),
    *(_whole_months(one) for one in DATED if any(column.kind == "month" for column in one.columns)),
    *(_required(one, column) for one in LISTS if one.name not in CARE for column in one.columns if column.required),
    *(_listed(one, column) for one in LISTS for column in one.columns if column.code_list),
    *(_ended(one, column) for one in LISTS for column in one.columns if column.code_list and any(c.name == "valid_from" for c in one.columns)),
    *(_year(rows, column) for rows, column in YEARS.items()),
    *(_twice_a_year(rows) for rows in ("annual_results", "incomes")),
    _overlap("salary_history", FORM.format("37.1")),
    _overlap("allowances", FORM.format("37.2"), "kind"),
    _overlap("secondments", "Decree 170/2025/NĐ-CP art. 26.7"),
)
