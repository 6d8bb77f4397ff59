"""Which stages a change passes: the most specific route in force for its kind, its units and its risk class.

Where a route is made for an act (what a person declares of themself), its stages come first and the others follow: it adds eyes.

A request of several kinds, or of units under different policies, passes the stages of every policy that it touches, an equal
stage once: nobody escapes a strict route by packing a change together with a harmless one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from orgtree.choices import Action, Role
from orgtree.models import OrgUnit, User
from workflows.choices import Op, RiskClass
from workflows.errors import RouteInvalid, RouteMissing
from workflows.models import ChangeRequest, Route, Stage
from workflows.services.audit import audit
from workflows.targets import target


@dataclass(frozen=True)
class Step:
    """One step of a route. `days` are working days, None without a deadline; `sample` counts records to open before approving.

    On a `seal` the organisation's certificate signs, kept by somebody who has had no part so far, over the signatures of the steps before.
    """

    name: str
    action: Action
    signature: bool
    role: str = ""
    quorum: int = 1
    days: int | None = None
    sample: int = 0
    seal: bool = False


@dataclass(frozen=True)
class Place:
    """Where one kind of record is changed: the kind, and the unit's place in the tree (None for a unit that is being founded)."""

    kind: str
    tree_id: int | None
    lft: int | None


@dataclass(frozen=True)
class Simulation:
    """What would become of a change: its class, the routes that claim it, and the stages it would pass."""

    risk: RiskClass
    routes: Sequence[Route]
    steps: Sequence[Step]


def route_freeze(request: ChangeRequest) -> int:
    """Copy the stages of the request's routes into it; returns the working days that its review may last.

    Raises RouteMissing when no route in force claims one of its kinds.
    """
    routes = _routes(_places(request), RiskClass(request.risk), request.act)
    Stage.objects.bulk_create(
        [
            Stage(
                request=request,
                number=number,
                name=step.name,
                action=step.action,
                role=step.role,
                quorum=step.quorum,
                days=step.days,
                sample=step.sample,
                needs_signature=step.signature,
                seal=step.seal,
            )
            for number, step in enumerate(_steps(routes), start=1)
        ]
    )
    return min(route.lasts for route in routes)


def route_simulate(*, kind: str, unit: OrgUnit | None, changed: Sequence[str], op: Op = Op.UPDATE, act: str = "") -> Simulation:
    """The stages that a change of these fields of one record in `unit` would pass today. Raises LookupError, RouteMissing."""
    risk = target(kind).risk_of(changed, op)
    routes = _routes({Place(kind, unit.tree_id if unit else None, unit.lft if unit else None)}, risk, act)
    return Simulation(risk, routes, _steps(routes))


def request_steps_ahead(request: ChangeRequest) -> list[Step]:
    """The stages that a request would pass if it were submitted now. Raises RouteMissing."""
    return _steps(_routes(_places(request), RiskClass(request.risk), request.act))


def route_put_in_force(*, actor: User, route: Route) -> Route:
    """Make `route` the one in force for its kind, unit, class and act, and the one before it not. Open requests keep their stages.

    Raises RouteInvalid. Policy is the installation's own: who may call this is the caller's question.
    """
    steps_read(route.steps, act=route.act)
    with transaction.atomic():
        rivals = (
            Route.objects.select_for_update()
            .filter(kind=route.kind, unit=route.unit, risk=route.risk, act=route.act, active=True)
            .exclude(pk=route.pk)
        )
        for rival in rivals:
            rival.active = False
            rival.save(update_fields=["active"])
            audit(actor=actor, action="route.ended", route=rival.pk, name=rival.name)
        route.active = True
        route.save()
        audit(actor=actor, action="route.in_force", unit=route.unit, route=route.pk, name=route.name, steps=route.steps)
    return route


def steps_read(steps: Iterable[Mapping[str, Any]], *, act: str = "") -> list[Step]:
    """The steps as values. Raises RouteInvalid for one that nobody could decide, and for a route on which nobody signs.

    The steps of an `act` stand before those of another route, on which somebody signs: they need no signature of their own.
    """
    try:
        read = [Step(**{**step, "action": Action(step["action"])}) for step in steps]
    except (TypeError, KeyError, ValueError) as error:
        raise RouteInvalid from error
    if not read or not (act or any(step.signature and not step.seal for step in read)) or not all(_makes_sense(step) for step in read):
        raise RouteInvalid
    if read != _seals_last(read) or sum(step.seal for step in read) > 1:
        raise RouteInvalid
    return read


def _makes_sense(step: Step) -> bool:
    numbers = (step.quorum >= 1, step.sample >= 0, step.days is None or step.days >= 0)
    if step.seal and not (step.signature and step.quorum == 1):
        return False
    actions = (Action.OPERATE,) if step.seal else (Action.APPROVE, Action.EDIT)
    return bool(step.name) and all(numbers) and step.action in actions and step.role in ("", *Role.values)


def _seals_last(steps: Iterable[Step]) -> list[Step]:
    """A seal is put on what people signed, so it comes after them, also where several routes meet."""
    return sorted(steps, key=lambda step: step.seal)


def _places(request: ChangeRequest) -> set[Place]:
    """Kinds and units of the items, in one query. Units founded by the request itself stand under ones it names as well."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select distinct i.kind, u.tree_id, u.lft from workflows_changeitem i left join lateral unnest(i.units) named(unit) on true "
            f"left join {OrgUnit._meta.db_table} u on u.id = named.unit where i.request_id = %s",
            [request.pk],
        )
        return {Place(*row) for row in cursor.fetchall()}


def _routes(places: Iterable[Place], risk: RiskClass, act: str) -> list[Route]:
    """The routes that claim these places: those made for the act, then those of kinds that are applied first before the others."""
    in_force = list(Route.objects.filter(active=True, act__in={"", act}).select_related("unit").order_by("pk"))
    first: dict[int, Route] = {}
    chosen: dict[int, Route] = {}
    for place in sorted(places, key=lambda one: (target(one.kind).order, one.tree_id or 0, one.lft or 0)):
        claims = [route for route in in_force if _claims(route, place, risk)]
        ordinary = [route for route in claims if not route.act]
        if not ordinary:
            raise RouteMissing
        for kept, routes in ((first, [route for route in claims if route.act]), (chosen, ordinary)):
            if routes:
                route = max(routes, key=_specificity)
                kept.setdefault(route.pk, route)
    return [*first.values(), *chosen.values()]


def _claims(route: Route, place: Place, risk: RiskClass) -> bool:
    return route.kind in ("", place.kind) and route.risk in ("", risk) and (route.unit is None or _below(route.unit, place))


def _below(unit: OrgUnit, place: Place) -> bool:
    return place.lft is not None and unit.tree_id == place.tree_id and unit.lft <= place.lft <= unit.rght


def _specificity(route: Route) -> tuple[bool, int, bool]:
    return bool(route.kind), route.unit.level + 1 if route.unit else 0, bool(route.risk)


def _steps(routes: Iterable[Route]) -> list[Step]:
    return _one_seal(_seals_last(dict.fromkeys(step for route in routes for step in steps_read(route.steps, act=route.act))))


def _one_seal(steps: Sequence[Step]) -> list[Step]:
    """There is one organisation: routes that each end with its seal end with it once."""
    seals = [step for step in steps if step.seal]
    return [step for step in steps if not step.seal or step is seals[0]]
