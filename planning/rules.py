"""What makes a unit right. Subject and others may be opened or live rows; no rule names a table of its own accord."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.db.models import DateField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Greatest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orgtree.choices import UnitKind
from orgtree.models import Area
from planning.schema import ORG_UNIT
from workflows.choices import Severity
from workflows.rules import Check, Rule

Find = Callable[[Check], QuerySet[Any]]
CODE_SOURCE = "Decision 20/2020/QĐ-TTg article 4"
AREA_SOURCE = "Decision 19/2025/QĐ-TTg"
TREE_SOURCE = "org_unit/1: the units of an authority form one tree"
# One letter A-Y and two digits, then a group for every lower level; a group of zeros stands for none (text.parse_agency_code).
CODE_FORM = r"^[A-Y][0-9]{2}(\.[A-Z0-9]+)*$"
ZERO_GROUP = r"\.0+(\.|$)"
FAR = Value(date.max, DateField())


def _missing(field: str) -> Find:
    return lambda check: check.subject.records.filter(**{f"{field}__isnull": True})


def _standing(check: Check) -> QuerySet[Any]:
    """The subject's units that have not ended: what a unit of the past hung on is no longer judged."""
    return check.subject.records.filter(Q(valid_to=None) | Q(valid_to__gt=check.today))


def _other(check: Check, *conditions: Q, **lookups: Any) -> Q:
    """True for a subject for which some opened or live unit fits; OuterRef names the subject's columns."""
    found = Q(pk__in=[])
    for units in check.others.records:
        found |= Q(Exists(units.filter(*conditions, **lookups)))
    return found


def _code_taken(check: Check) -> QuerySet[Any]:
    """Another unit has the code on a day on which this one has it too."""
    overlapping = Q(valid_from__lt=Coalesce(OuterRef("valid_to"), FAR)) & (Q(valid_to=None) | Q(valid_to__gt=OuterRef("valid_from")))
    return check.subject.records.filter(_other(check, overlapping, ~Q(pk=OuterRef("pk")), code=OuterRef("code")))


def _parent_unknown(check: Check) -> QuerySet[Any]:
    return check.subject.records.filter(~_other(check, pk=OuterRef("parent_id")), parent_id__isnull=False)


def _parent_not_current(check: Check) -> QuerySet[Any]:
    """On the first day, from today on, that the unit stands under it, its superior has ended or not begun."""
    first_day = Greatest(OuterRef("valid_from"), Value(check.today, DateField()))
    return _standing(check).filter(_other(check, Q(valid_to__lte=first_day) | Q(valid_from__gt=first_day), pk=OuterRef("parent_id")))


def _still_above(check: Check) -> QuerySet[Any]:
    """The unit ends before one of those below it."""
    outlives = Q(valid_to=None) | Q(valid_to__gt=OuterRef("valid_to"))
    return check.subject.records.filter(_other(check, outlives, parent_id=OuterRef("pk")), valid_to__isnull=False)


def _circle(check: Check) -> QuerySet[Any]:
    """Walking up from the unit leads back to it. Walks start at the subjects alone; UNION ends one that meets another circle."""
    # Made of Django's own SQL and its parameters.
    edges = [units.order_by().values_list("pk", "parent_id").query.sql_with_params() for units in check.others.records]
    start, start_params = check.subject.records.filter(parent_id__isnull=False).order_by().values_list("pk", "parent_id").query.sql_with_params()
    union = " UNION ALL ".join(f"({query})" for query, _params in edges)
    walk = f"""
        WITH RECURSIVE edge(id, parent_id) AS MATERIALIZED ({union}),
        walk(start, id) AS (
            {start}
            UNION
            SELECT walk.start, edge.parent_id FROM walk JOIN edge ON edge.id = walk.id
            WHERE edge.parent_id IS NOT NULL AND walk.id <> walk.start
        )
        SELECT start FROM walk WHERE id = start
        """  # noqa: S608
    params = [param for _query, params in edges for param in params] + list(start_params)
    return check.subject.records.filter(pk__in=RawSQL(walk, params))  # noqa: S611


def _area_unknown(check: Check) -> QuerySet[Any]:
    return check.subject.records.filter(~Exists(Area.objects.filter(pk=OuterRef("area_id"))), area_id__isnull=False)


def _area_ended(check: Check) -> QuerySet[Any]:
    return _standing(check).filter(Exists(Area.objects.filter(pk=OuterRef("area_id"), valid_to__lte=check.today)))


def _error(code: str, field: str, message: str | Promise, source: str, find: Find, repair: str | Promise) -> Rule:
    return Rule(code=code, severity=Severity.ERROR, field=field, message=message, source=source, find=find, repair=repair)


RULES: tuple[Rule, ...] = (
    *(
        _error(
            "REQUIRED",
            field.name,
            _("This field must be filled in."),
            TREE_SOURCE,
            _missing(field.name),
            _("Enter the value from the founding decision."),
        )
        for field in ORG_UNIT.fields
        if field.required
    ),
    _error(
        "UNIT_CODE_FORM",
        "code",
        _("{value} is not an agency identifier."),
        CODE_SOURCE,
        lambda check: check.subject.records.filter(~Q(code__regex=CODE_FORM) | Q(code__regex=ZERO_GROUP), code__isnull=False),
        _("Write a letter and two digits, then a group for each lower level, separated by dots, for example H15.02.01."),
    ),
    _error(
        "UNIT_CODE_TAKEN",
        "code",
        _("Another unit has the code {value} at the same time."),
        CODE_SOURCE,
        _code_taken,
        _("Give the unit a code of its own, or end the other unit first."),
    ),
    _error(
        "UNIT_KIND_UNKNOWN",
        "kind",
        _("{value} is not a kind of unit."),
        TREE_SOURCE,
        lambda check: check.subject.records.filter(~Q(kind__in=UnitKind.values), kind__isnull=False),
        _("Choose a value from the list."),
    ),
    _error(
        "UNIT_PARENT_UNKNOWN",
        "parent",
        _("The superior unit does not exist."),
        TREE_SOURCE,
        _parent_unknown,
        _("Choose a unit of the tree, or found the superior unit in the same request."),
    ),
    _error(
        "UNIT_PARENT_NOT_CURRENT",
        "parent",
        _("The superior unit has ended or has not begun yet."),
        TREE_SOURCE,
        _parent_not_current,
        _("Choose the unit that took its place."),
    ),
    _error(
        "UNIT_CIRCLE",
        "parent",
        _("The unit would stand below itself."),
        TREE_SOURCE,
        _circle,
        _("Choose a superior unit that is not below this one."),
    ),
    _error(
        "UNIT_STILL_ABOVE",
        "valid_to",
        _("Units below this one still exist after {value}."),
        TREE_SOURCE,
        _still_above,
        _("Move or end the units below it in the same request."),
    ),
    _error(
        "UNIT_VALIDITY_ORDER",
        "valid_to",
        _("The unit would end on {value}, not after it began."),
        TREE_SOURCE,
        lambda check: check.subject.records.filter(valid_to__lte=F("valid_from")),
        _("Compare both dates with the decisions."),
    ),
    _error(
        "UNIT_AREA_UNKNOWN",
        "area",
        _("{value} is not the key of an area."),
        AREA_SOURCE,
        _area_unknown,
        _("Choose the province or commune from the list."),
    ),
    _error(
        "UNIT_AREA_ENDED",
        "area",
        _("The area {value} ended with the reorganisation of 1 July 2025."),
        AREA_SOURCE,
        _area_ended,
        _("Choose the commune or province that took its place."),
    ),
)
