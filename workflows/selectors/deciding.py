"""Who may decide on a request now: one function, `mandate_of`; the database says the same once more (guards.DECISION_FUNCTION).

Four eyes hold through delegation as well: who decides contributed nothing, and neither did anybody in whose place they decide;
and nobody speaks twice on one request, be it in person or through a delegate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, IntegerField, Q, QuerySet, Value
from django.utils import translation
from django.utils.translation import gettext as _

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from workflows.choices import RequestState, Verdict
from workflows.errors import AlreadyDecided, NotAllowed, OwnRequest, WrongState
from workflows.models import ChangeRequest, Contribution, Decision, Delegation, Stage


@dataclass(frozen=True)
class Mandate:
    """The stage that somebody may decide, and in whose place: `delegation` is the last link of the chain from `on_behalf_of`."""

    stage: Stage
    actor: User
    on_behalf_of: User | None = None
    delegation: Delegation | None = None

    @property
    def signature_line(self) -> str:
        """How the decider is named in what is signed, in the language of the administration: "T., thay L., theo quyết định số 12"."""
        return decider_line(self.actor, self.on_behalf_of, self.delegation)


@dataclass(frozen=True)
class _Reach:
    """What a request touches: its units that stand already, and whether it founds a root."""

    units: frozenset[UUID]
    founds_root: bool


def decider_line(actor: User, on_behalf_of: User | None, delegation: Delegation | None) -> str:
    if on_behalf_of is None or delegation is None:
        return actor.display_name
    with translation.override(settings.LANGUAGE_CODE):
        return _("%(name)s, for %(giver)s, under decision %(number)s") % {
            "name": actor.display_name,
            "giver": on_behalf_of.display_name,
            "number": delegation.decision_number,
        }


def may_decide(*, actor: User, request: ChangeRequest) -> Stage:
    """The stage that `actor` may decide now. Raises what mandate_of raises."""
    return mandate_of(actor=actor, request=request).stage


def mandate_of(*, actor: User, request: ChangeRequest) -> Mandate:
    """By what right `actor` may decide now: their own, or that of somebody who is away. Raises WrongState, OwnRequest,
    AlreadyDecided or NotAllowed.

    Whoever contributed any part is out (promise 1), and so is whoever decided on any stage; the right of the stage's action,
    and its role if it names one, are needed in every unit that an item touches.
    """
    stage = current_stage(request)
    contributors, spoken = _who_had_a_part(request)
    if actor.pk in contributors:
        raise OwnRequest
    if actor.pk in spoken:
        raise AlreadyDecided
    if stage.system or not actor.is_active:
        raise NotAllowed
    reach = _reach(request)
    if _holds(actor, stage, reach):
        return Mandate(stage, actor)
    refusal: type[NotAllowed] = NotAllowed
    for chain in _chains(actor, request, reach):
        givers = {link.giver_id for link in chain}
        if givers & contributors:
            refusal = OwnRequest
        elif givers & spoken:
            refusal = AlreadyDecided
        elif _holds(chain[-1].giver, stage, reach):
            return Mandate(stage, actor, chain[-1].giver, chain[0])
    raise refusal


def deciders(request: ChangeRequest) -> list[User]:
    """Everybody who may decide on the request now, in person or for somebody who is away; superusers only where they hold a grant."""
    stage, reach = current_stage(request), _reach(request)
    unit = OrgUnit.objects.filter(pk__in=reach.units).first()
    if stage.system or unit is None:
        return []
    found = {user.pk: user for user in scope.holders(Action(stage.action), unit)}
    for _link in range(2):  # a chain has two links at most
        links = Delegation.objects.on(clock.today()).filter(giver__in=list(found), risks__contains=[request.risk]).select_related("receiver")
        found |= {link.receiver_id: link.receiver for link in links}
    return [user for user in found.values() if _may(user, request)]


def current_stage(request: ChangeRequest) -> Stage:
    """The first stage that fewer people approved than it needs. Raises WrongState when the request is not under review."""
    if request.state != RequestState.IN_REVIEW:
        raise WrongState(state=request.state)
    stage = open_stages(request.stages.all()).first()
    if stage is None:
        raise WrongState(state=request.state)
    return stage


def open_stages(stages: QuerySet[Stage]) -> QuerySet[Stage]:
    """Those of `stages` that still need somebody, in order."""
    approvals = Count("decisions", filter=Q(decisions__verdict=Verdict.APPROVE))
    return stages.annotate(approvals=approvals).filter(approvals__lt=F("quorum")).order_by("number")


def chains_to(user: User) -> Iterator[list[Delegation]]:
    """Chains of delegations in force today that end at `user`, the last link first."""
    today = Delegation.objects.on(clock.today()).select_related("giver", "unit").order_by("pk")
    last = list(today.filter(receiver=user, giver__is_active=True))
    first = list(today.filter(receiver__in=[link.giver_id for link in last], giver__is_active=True)) if last else []
    yield from ([link] for link in last)
    yield from ([link, before] for link in last for before in first if before.receiver_id == link.giver_id)


def _may(user: User, request: ChangeRequest) -> bool:
    try:
        mandate_of(actor=user, request=request)
    except NotAllowed:
        return False
    return True


def _chains(user: User, request: ChangeRequest, reach: _Reach) -> Iterator[list[Delegation]]:
    """Those chains whose every link covers the request's class and all its units. Nobody founds a root in another's place."""
    if reach.founds_root:
        return
    places: list[tuple[int, int]] | None = None
    for chain in chains_to(user):
        if places is None:
            places = list(OrgUnit.objects.filter(pk__in=reach.units).order_by().values_list("tree_id", "lft"))
        if len(places) == len(reach.units) and all(request.risk in link.risks and _covers(link.unit, places) for link in chain):
            yield chain


def _covers(unit: OrgUnit, places: list[tuple[int, int]]) -> bool:
    return all(tree == unit.tree_id and unit.lft <= lft <= unit.rght for tree, lft in places)


def _holds(user: User, stage: Stage, reach: _Reach) -> bool:
    """Does `user` hold the stage's right everywhere? Founding a root unit is left to those who hold it everywhere at all."""
    action = Action(stage.action)
    return not (
        scope.outside(user, action, reach.units)
        or (stage.role and scope.outside_role(user, stage.role, reach.units))
        or (reach.founds_root and not scope.can(user, action, None))
    )


def _who_had_a_part(request: ChangeRequest) -> tuple[set[int | None], set[int | None]]:
    """Who contributed to the request, and who decided on any of its stages, in person or through somebody; one query."""
    wrote = Contribution.objects.filter(request=request).values_list("user_id", Value(None, IntegerField()), Value(True))
    spoke = Decision.objects.filter(stage__request=request).values_list("user_id", "on_behalf_of_id", Value(False))
    rows = list(wrote.union(spoke, all=True))
    contributors = {user for user, _other, is_part in rows if is_part}
    return {request.author_id, *contributors}, {pk for user, other, is_part in rows if not is_part for pk in (user, other)}


def _reach(request: ChangeRequest) -> _Reach:
    """Units that the request itself founds are judged by their parents, which it names as well."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select array(select distinct unnest(units) from workflows_changeitem where request_id = %s "
            "except select key from workflows_changeitem where request_id = %s and op = 'create'), "
            "exists(select from workflows_changeitem where request_id = %s and units = '{}')",
            [request.pk, request.pk, request.pk],
        )
        units, founds_root = cursor.fetchone()
    return _Reach(frozenset(units), founds_root)
