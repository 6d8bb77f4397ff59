"""Small expressions that the rules are written in. All are false, not null, where a value is missing or malformed."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date
from typing import Any

from django.db.models import Case, Count, DateField, Exists, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Substr

from registry.choices import FAILED_GRADES, FAILED_MONTHS, LEAVING, PARTY_SIDE, STEP_DELAY
from workflows.rules import Check

Find = Callable[[Check], QuerySet[Any]]
FORM = "Circular 06/2023/TT-BNV, form item {}"  # a rule's source, where it is the form itself
CITIZEN_ID_FORM = r"^[0-9]{12}$"
CONTRACT_TYPES = ("HD111", "HDLD", "KCT")  # may begin at 15 (Labour Code 45/2019/QH14 art. 3), others at 18


def records(condition: Q) -> Find:
    """A rule whose condition does not depend on the day or on other records."""
    return lambda check: check.subject.records.filter(condition)


def postings(condition: Q) -> Find:
    return lambda check: check.subject.rows["postings"].filter(condition)


def in_list(rows: str, condition: Q) -> Find:
    """The same for the rows of one list."""
    return lambda check: check.subject.rows[rows].filter(condition)


def has_rows(check: Check, rows: str, **conditions: Any) -> Exists:
    """True for a record with such a row in the list `rows`."""
    return Exists(check.subject.rows[rows].filter(staff=OuterRef("pk"), **conditions))


def has_left(check: Check) -> Exists:
    """True for a record whose last post ended by a movement out of the service (Decree 170/2025/NĐ-CP ch. VI), and who holds none now."""
    rows = check.subject.rows["postings"].filter(staff=OuterRef("pk"))
    after = check.subject.rows["postings"].filter(Q(valid_to=None) | Q(valid_to__gt=OuterRef("valid_to")), staff=OuterRef("staff"))
    return Exists(rows.filter(~Exists(after), valid_to__isnull=False, movement__in=LEAVING))


def later_months(day: date, months: int) -> date:
    """The same day of another month (earlier for a negative number), or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def later(column: str, *, years: int) -> Func:
    """The day `years` after the date in `column`."""
    return Func(F(column), template=f"(%(expressions)s + interval '{years} years')::date", output_field=DateField())


class AddMonths(Func):
    """A date and a number of months; the last day of a shorter month, as in Python's twin."""

    template = "(%(expressions)s)::int))::date"
    arg_joiner = " + make_interval(months => ("
    output_field = DateField()


def months_put_off(disciplines: QuerySet[Any], results: QuerySet[Any], *, begun: str) -> Combinable:
    """By how many months disciplines and failed years put off the step that began on the day in the column `begun` (`selectors.derived`).

    `disciplines` and `results` are the rows of those lists; the expression belongs to the records that own them.
    """
    own = disciplines.filter(staff=OuterRef("pk"), valid_from__gte=OuterRef(begun)).exclude(side=PARTY_SIDE)
    failed = results.filter(
        staff=OuterRef("pk"), grade__in=FAILED_GRADES, year__gte=Func(OuterRef(begun), template="extract(year from %(expressions)s)")
    )
    delays = Case(*(When(form=form, then=Value(months)) for form, months in STEP_DELAY.items()), default=Value(0), output_field=IntegerField())
    by_discipline = Subquery(own.order_by().values("staff").annotate(total=Sum(delays)).values("total"))
    by_grade = Subquery(failed.order_by().values("staff").annotate(total=Count("pk")).values("total"))
    return Coalesce(by_discipline, 0) + Value(FAILED_MONTHS) * Coalesce(by_grade, 0)


def years_before(day: date, years: int) -> date:
    """The same day `years` earlier; 29 February becomes 28 February."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def citizen_digits(start: int, length: int) -> Case:
    """Digits of a well-formed personal identification number as an integer, null for a malformed one (a cast would end the statement)."""
    return Case(When(citizen_id__regex=CITIZEN_ID_FORM, then=Cast(Substr("citizen_id", start, length), IntegerField())), output_field=IntegerField())
