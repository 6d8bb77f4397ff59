"""What is still to be cleaned in the files of one's units: the open findings of the sweep, counted by rule, listed by person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from registry.fields import BY_NAME, LIST_BY_NAME
from registry.models import StaffProfile
from registry.models.sweep import Sweep, SweepFinding
from registry.rules.demands import REQUIRED, REQUIRED_AT_SYNC, demands
from registry.selectors.leaving import in_service
from registry.selectors.texts import KIND
from workflows.choices import Severity
from workflows.selectors.findings import FindingLine, finding_line
from workflows.targets import target

PAGE = 50
WEIGHT = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.SUGGESTION: 2}


@dataclass(frozen=True)
class RuleCount:
    """How many open findings a rule has: one line of the overview. `message` is the rule's sentence without a value."""

    code: str
    severity: Severity
    message: str
    count: int


@dataclass(frozen=True)
class WorkLine:
    """One thing to put right: whose file, what is wrong, since when, and the section in which it stands."""

    finding: SweepFinding
    line: FindingLine
    value: str
    section: str


@dataclass(frozen=True)
class WorkList:
    """One page of the work list. `next` is a cursor, "" where there is nothing more; `total` the open findings of the filter."""

    counts: Sequence[RuleCount]
    lines: Sequence[WorkLine]
    next: str
    total: int
    people: int
    asked: int  # fields and lists that a file is asked for when it is sent

    @property
    def completeness(self) -> int | None:
        """The average share in per cent of what is asked for that is there, by the last review; never 100 while anything is missing."""
        lacking = sum(one.count for one in self.counts if one.code in (REQUIRED, REQUIRED_AT_SYNC))
        return (self.people * self.asked - lacking) * 100 // (self.people * self.asked) if self.people else None


def worklist(*, user: User, unit: OrgUnit | None = None, code: str = "", severity: str = "", cursor: str = "") -> WorkList:
    """The open findings about people in service in the units that `user` may view, of one subtree, rule and severity where these are given.

    Whoever has passed to another agency is that one's to put right, and the file of who has left the service is closed. Five queries.
    """
    seen = in_service(scope.scoped(SweepFinding.objects.filter(resolved_on=None), user, Action.VIEW, "staff__using_unit"), "staff")
    people = in_service(scope.scoped(StaffProfile.objects.all(), user, Action.VIEW, "using_unit"))
    if unit is not None:
        seen = seen.filter(staff__using_unit__tree_id=unit.tree_id, staff__using_unit__lft__range=(unit.lft, unit.rght))
        people = people.filter(using_unit__tree_id=unit.tree_id, using_unit__lft__range=(unit.lft, unit.rght))
    counts = _counts(seen)
    chosen = seen.filter(Q(code=code) if code else Q(), Q(severity=severity) if severity else Q())
    found = list(_after(chosen, cursor).select_related("staff__using_unit").order_by("staff__name_sort", "pk")[: PAGE + 1])
    lines = [_line(one) for one in found[:PAGE]]
    total = sum(one.count for one in counts if (not code or one.code == code) and (not severity or one.severity == severity))
    return WorkList(counts, lines, f"{found[PAGE - 1].pk}" if len(found) > PAGE else "", total, people.count(), len(demands().at_sync))


def last_sweep() -> Sweep | None:
    return Sweep.objects.order_by("-day").first()


def _counts(seen: QuerySet[SweepFinding]) -> list[RuleCount]:
    rows = seen.order_by().values_list("code", "severity").annotate(count=Count("pk"))
    one = target(KIND)
    counts = [
        RuleCount(code, Severity(severity), _in_general(finding_line(one, code=code, severity=severity, field="", value="…").message), count)
        for code, severity, count in rows
    ]
    return sorted(counts, key=lambda item: (WEIGHT[item.severity], -item.count, item.code))


def _in_general(message: str) -> str:
    """A rule's sentence without a value at its end."""
    return message.removesuffix(": ….") + "." if message.endswith(": ….") else message


def _after(chosen: QuerySet[SweepFinding], cursor: str) -> QuerySet[SweepFinding]:
    """What follows the finding with the key `cursor` in the order of names; a cursor that is none is the beginning."""
    known = cursor.isascii() and cursor.isdecimal() and len(cursor) < 19
    place = SweepFinding.objects.filter(pk=int(cursor)).values_list("staff__name_sort", "pk").first() if known else None
    if place is None:
        return chosen
    return chosen.filter(Q(staff__name_sort__gt=place[0]) | Q(staff__name_sort=place[0], pk__gt=place[1]))


def _line(one: SweepFinding) -> WorkLine:
    kind = target(KIND)
    value = kind.hidden(one.field, one.value)
    return WorkLine(one, finding_line(kind, code=one.code, severity=one.severity, field=one.field, value=value), value, section_of(one.field))


def section_of(field: str) -> str:
    """The section of the file in which a field or the list of a column stands; "" for what stands in none."""
    name = field.partition(".")[0].partition("[")[0]
    described = BY_NAME.get(field) or BY_NAME.get(name) or LIST_BY_NAME.get(name)
    return described.section.value if described else ""
