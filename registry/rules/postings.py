"""Item 33, the postings: each has a place and a period, none overlap, one is open, unless the person has left, and fits the using unit."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.utils.translation import gettext_lazy as _

from orgtree.models import OrgUnit
from registry.choices import LEAVING
from registry.rules.expressions import has_left, postings
from workflows.choices import Severity
from workflows.rules import Check, Rule

SOURCE = "Circular 06/2023/TT-BNV, form item 33"
IN_ORDER = Q(valid_to=None) | Q(valid_from__lt=F("valid_to"))


def _earlier(check: Check) -> QuerySet[Any]:
    """Other rows of the same person that begin no later than the outer one; of two that begin together, the first counts as earlier."""
    rows = check.subject.rows["postings"].filter(IN_ORDER, staff=OuterRef("staff"))
    return rows.filter(Q(valid_from__lt=OuterRef("valid_from")) | Q(valid_from=OuterRef("valid_from"), pk__lt=OuterRef("pk")))


def _overlapping(check: Check) -> QuerySet[Any]:
    running = _earlier(check).filter(Q(valid_to=None) | Q(valid_to__gt=OuterRef("valid_from")))
    both_open = Q(valid_to=None) & Q(Exists(_earlier(check).filter(valid_to=None)))
    return check.subject.rows["postings"].filter(IN_ORDER, Exists(running)).filter(~both_open)


def _second_open(check: Check) -> QuerySet[Any]:
    return check.subject.rows["postings"].filter(Exists(_earlier(check).filter(valid_to=None)), valid_to=None)


def _none_open(check: Check) -> QuerySet[Any]:
    """Nobody is without a present post but who has left the service."""
    open_post = Exists(check.subject.rows["postings"].filter(staff=OuterRef("pk"), valid_to=None))
    return check.subject.records.filter(~open_post, ~has_left(check))


def _unit_unknown(check: Check) -> QuerySet[Any]:
    return check.subject.rows["postings"].filter(~Exists(OrgUnit.objects.filter(pk=OuterRef("unit_id"))), unit_id__isnull=False)


def _open_elsewhere(check: Check) -> QuerySet[Any]:
    current = check.subject.rows["postings"].filter(valid_to=None, unit__tree_id__isnull=False, staff__using_unit__tree_id__isnull=False)
    return current.filter(
        ~Q(unit__tree_id=F("staff__using_unit__tree_id"))
        | Q(unit__lft__lt=F("staff__using_unit__lft"))
        | Q(unit__rght__gt=F("staff__using_unit__rght"))
    )


RULES: tuple[Rule, ...] = (
    Rule(
        code="POSTING_NONE_OPEN",
        severity=Severity.ERROR,
        field="postings",
        message=_("No current post is given."),
        source=SOURCE,
        find=_none_open,
        value=Value(""),
        repair=_("Enter the current post and the date since which it is held; for who has left, how the last post ended."),
    ),
    Rule(
        code="POSTING_LEFT_OPEN",
        severity=Severity.ERROR,
        field="postings.valid_to",
        message=_("The post {value} ended by leaving the service, but its last day is not given."),
        source="Decree 170/2025/NĐ-CP, chapters on leaving and retirement",
        rows="postings",
        find=postings(Q(movement__in=LEAVING, valid_to=None)),
        value=F("title"),
        repair=_("Enter the last day in the post."),
    ),
    *(
        Rule(
            code="REQUIRED",
            severity=Severity.ERROR,
            field=f"postings.{column}",
            message=_("This field must be filled in."),
            source=SOURCE,
            rows="postings",
            find=postings(Q(**{f"{column}__isnull": True})),
            value=Value(""),
            repair=_("Enter the value from the person's papers."),
        )
        for column in ("title", "valid_from")
    ),
    Rule(
        code="POSTING_PLACE",
        severity=Severity.ERROR,
        field="postings.unit",
        message=_("The posting {value} names no unit."),
        source=SOURCE,
        rows="postings",
        find=postings(Q(unit_id=None, unit_name=None)),
        value=F("title"),
        repair=_("Choose the unit, or write its name as it was then."),
    ),
    Rule(
        code="POSTING_UNIT_UNKNOWN",
        severity=Severity.ERROR,
        field="postings.unit",
        message=_("The unit of the posting {value} is not in the organisation tree."),
        source=SOURCE,
        rows="postings",
        find=_unit_unknown,
        value=F("title"),
        repair=_("Choose a unit from the tree, or write its name."),
    ),
    Rule(
        code="POSTING_PERIOD",
        severity=Severity.ERROR,
        field="postings.valid_to",
        message=_("A posting ends on {value}, not after its beginning."),
        source=SOURCE,
        rows="postings",
        find=postings(Q(valid_to__lte=F("valid_from"))),
        value=F("valid_to"),
        repair=_("Compare both dates with the decisions."),
    ),
    Rule(
        code="POSTING_OVERLAP",
        severity=Severity.ERROR,
        field="postings.valid_from",
        message=_("The posting that begins on {value} overlaps an earlier one."),
        source=SOURCE,
        rows="postings",
        find=_overlapping,
        value=F("valid_from"),
        repair=_("End the earlier posting on the day on which the next one begins."),
    ),
    Rule(
        code="POSTING_SECOND_OPEN",
        severity=Severity.ERROR,
        field="postings.valid_to",
        message=_("More than one posting has no end; the one that begins on {value} is not the first."),
        source=SOURCE,
        rows="postings",
        find=_second_open,
        value=F("valid_from"),
        repair=_("Enter the end of the earlier posting: only the current post is open."),
    ),
    Rule(
        code="POSTING_UNIT_DIFFERS",
        severity=Severity.WARNING,
        field="postings.unit",
        message=_("The current post is in {value}, which does not belong to the using unit."),
        source=SOURCE,
        rows="postings",
        find=_open_elsewhere,
        value=F("unit__name"),
        repair=_("Correct the using unit or the unit of the current post."),
    ),
)
