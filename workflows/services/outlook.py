"""What would happen to a change before it is submitted: which stages, who can decide on each, and by what day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from orgtree import clock, scope
from orgtree.models import OrgUnit, User
from workflows.choices import Op
from workflows.errors import RouteMissing
from workflows.models import ChangeRequest
from workflows.services.deadlines import working_days_after
from workflows.services.routing import Step, request_steps_ahead, route_simulate

NAMED = 3
_ASKED = 50  # of more people than these nobody wants to read the names


@dataclass(frozen=True)
class Ahead:
    """One stage to come. `who` names some of those who may decide, `others` counts the rest; `by` is None without a term."""

    name: str
    who: Sequence[str]
    others: int
    by: date | None
    needs_signature: bool


def route_outlook(*, actor: User, kind: str, unit: OrgUnit, changed: Sequence[str], op: Op = Op.UPDATE, act: str = "") -> list[Ahead]:
    """The stages that `actor`'s change of these fields would pass if it were submitted today. Raises LookupError, RouteMissing.

    The days are the last ones: each stage counts from the last day of the one before. Who stands in for somebody away is not named.
    """
    return _ahead(route_simulate(kind=kind, unit=unit, changed=changed, op=op, act=act).steps, unit, actor)


def request_outlook(*, actor: User, request: ChangeRequest) -> list[Ahead]:
    """The same for a request that is made and not submitted; nothing where no route is in force or it founds its own unit."""
    if request.unit is None:
        return []
    try:
        return _ahead(request_steps_ahead(request), request.unit, actor)
    except RouteMissing:
        return []


def _ahead(steps: Sequence[Step], unit: OrgUnit, actor: User) -> list[Ahead]:
    ahead: list[Ahead] = []
    day = clock.today()
    for step in steps:
        people = _people(step, unit, actor)
        by = working_days_after(day, step.days) if step.days is not None else None
        day = by or day
        ahead.append(Ahead(step.name, [one.display_name for one in people[:NAMED]], max(len(people) - NAMED, 0), by, step.signature))
    return ahead


def _people(step: Step, unit: OrgUnit, actor: User) -> list[User]:
    holders = list(scope.holders(step.action, unit).exclude(pk=actor.pk)[:_ASKED])
    return [one for one in holders if not step.role or not scope.outside_role(one, step.role, [unit.pk])]
