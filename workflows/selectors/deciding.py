"""Who may decide on a request now: one function, `mandate_of`; the database says the same once more (guards.DECISION_FUNCTION).

Four eyes hold through delegation as well: who decides contributed nothing, and neither did anybody in whose place they decide;
and nobody speaks twice on one request, be it in person or through a delegate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import Count, F, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject
from django.utils import translation
from django.utils.translation import gettext as _

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from workflows.choices import RequestState, Verdict, system_words
from workflows.errors import AlreadyDecided, NotAllowed, OwnRequest, WrongState
from workflows.models import ChangeRequest, Decision, Delegation, Stage


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
class _Facts:
    """Who had a part in a request, and what it touches: its units that stand already, where they stand, and whether it founds a root."""

    contributors: frozenset[int]
    spoken: frozenset[int]
    units: frozenset[UUID]
    places: Sequence[scope.Place]
    founds_root: bool


@dataclass(frozen=True)
class Said:
    """What somebody, or a system stage, said on a stage; `who` names them as a signature line does."""

    verdict: Verdict
    who: str
    at: datetime


def decider_line(actor: User, on_behalf_of: User | None, delegation: Delegation | None) -> str:
    return _line(actor, on_behalf_of, delegation.decision_number if delegation else None)


def _line(actor: User, on_behalf_of: User | None, decision_number: str | None) -> str:
    if on_behalf_of is None or decision_number is None:
        return actor.display_name
    with translation.override(settings.LANGUAGE_CODE):
        return _("%(name)s, for %(giver)s, under decision %(number)s") % {
            "name": actor.display_name,
            "giver": on_behalf_of.display_name,
            "number": decision_number,
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
    if actor.pk == request.author_id:
        raise OwnRequest
    return _mandate(actor, request, stage, _facts(request))


def _mandate(actor: User, request: ChangeRequest, stage: Stage, facts: _Facts) -> Mandate:
    if actor.pk in facts.contributors:
        raise OwnRequest
    if actor.pk in facts.spoken:
        raise AlreadyDecided
    if stage.system or not actor.is_active:
        raise NotAllowed
    if _holds(actor, stage, facts):
        return Mandate(stage, actor)
    refusal: type[NotAllowed] = NotAllowed
    for chain in _chains(actor, request, facts):
        givers = {link.giver_id for link in chain}
        if givers & facts.contributors:
            refusal = OwnRequest
        elif givers & facts.spoken:
            refusal = AlreadyDecided
        elif _holds(chain[-1].giver, stage, facts):
            return Mandate(stage, actor, chain[-1].giver, chain[0])
    raise refusal


def deciders(request: ChangeRequest) -> list[User]:
    """Everybody who may decide on the request now, in person or for somebody who is away; superusers only where they hold a grant."""
    stage, facts = current_stage(request), _facts(request)
    unit = OrgUnit.objects.filter(pk__in=facts.units).first()
    if stage.system or unit is None:
        return []
    found = {user.pk: user for user in scope.holders(Action(stage.action), unit)}
    for _link in range(2):  # a chain has two links at most
        links = Delegation.objects.on(clock.today()).filter(giver__in=list(found), risks__contains=[request.risk]).select_related("receiver")
        found |= {link.receiver_id: link.receiver for link in links}
    return [user for user in found.values() if _may(user, request, stage, facts)]


def current_stage(request: ChangeRequest) -> Stage:
    """The first stage that fewer people approved than it needs. Raises WrongState when the request is not under review."""
    if request.state != RequestState.IN_REVIEW:
        raise WrongState(state=request.state)
    if scope.only_reading():
        stage = next((one for one in request_stages(request) if one.approvals < one.quorum), None)
    else:
        stage = open_stages(request.stages.all()).first()
    if stage is None:
        raise WrongState(state=request.state)
    return stage


def request_stages(request: ChangeRequest) -> list[Any]:
    """The stages of a request in order, each with `said` (a list of Said, oldest first), `approvals` (how many) and `opened_at`, which is
    the last approval so far before it, or the submit. One query.
    """
    return scope.once(("stages", request.pk), lambda: _stages(request))


def _stages(request: ChangeRequest) -> list[Any]:
    people = {
        f"{part}_{name}": f"{path}__{name}"
        for part, path in (("decider", "user"), ("giver", "on_behalf_of"))
        for name in ("last_name", "first_name", "username")
    }
    decisions = Decision.objects.filter(stage=OuterRef("pk")).order_by("pk")
    one = JSONObject(verdict="verdict", at="decided_at", number="delegation__decision_number", **people)
    stages: list[Any] = list(request.stages.annotate(spoken=ArraySubquery(decisions.values(one=one))).order_by("number"))
    opened_at = request.submitted_at
    for stage in stages:
        stage.said = [_said(stage, each) for each in stage.spoken]
        approvals = [each.at for each in stage.said if each.verdict == Verdict.APPROVE]
        stage.approvals, stage.opened_at = len(approvals), opened_at
        opened_at = max(approvals, default=opened_at)
    return stages


def _said(stage: Stage, one: Mapping[str, Any]) -> Said:
    decider, giver = (
        User(**{name: one[f"{part}_{name}"] for name in ("last_name", "first_name", "username")}) if one[f"{part}_username"] else None
        for part in ("decider", "giver")
    )
    who = _line(decider, giver, one["number"]) if decider else system_words(stage.system)
    return Said(Verdict(one["verdict"]), who, datetime.fromisoformat(one["at"]))


def open_stages(stages: QuerySet[Stage]) -> QuerySet[Stage]:
    """Those of `stages` that still need somebody, in order."""
    approvals = Count("decisions", filter=Q(decisions__verdict=Verdict.APPROVE))
    return stages.annotate(approvals=approvals).filter(approvals__lt=F("quorum")).order_by("number")


def chains_to(user: User) -> Iterator[list[Delegation]]:
    """Chains of delegations in force today that end at `user`, the last link first; asked for once on a page that is only read."""
    yield from scope.once(("chains", user.pk, clock.today()), lambda: list(_chains_now(user)))


def _chains_now(user: User) -> Iterator[list[Delegation]]:
    today = Delegation.objects.on(clock.today()).select_related("giver", "unit").order_by("pk")
    last = list(today.filter(receiver=user, giver__is_active=True))
    first = list(today.filter(receiver__in=[link.giver_id for link in last], giver__is_active=True)) if last else []
    yield from ([link] for link in last)
    yield from ([link, before] for link in last for before in first if before.receiver_id == link.giver_id)


def _may(user: User, request: ChangeRequest, stage: Stage, facts: _Facts) -> bool:
    try:
        _mandate(user, request, stage, facts)
    except NotAllowed:
        return False
    return True


def _chains(user: User, request: ChangeRequest, facts: _Facts) -> Iterator[list[Delegation]]:
    """Those chains whose every link covers the request's class and all its units. Nobody founds a root in another's place."""
    if facts.founds_root or len(facts.places) != len(facts.units):
        return
    for chain in chains_to(user):
        if all(request.risk in link.risks and _covers(link.unit, facts.places) for link in chain):
            yield chain


def _covers(unit: OrgUnit, places: Sequence[scope.Place]) -> bool:
    return all(tree == unit.tree_id and unit.lft <= lft <= unit.rght for tree, lft in places)


def _holds(user: User, stage: Stage, facts: _Facts) -> bool:
    """Does `user` hold the stage's right everywhere? Founding a root unit is left to those who hold it everywhere at all."""
    action = Action(stage.action)
    if facts.founds_root and not scope.can(user, action, None):
        return False
    if scope.only_reading():  # which buttons a page shows; whoever presses one is asked in one statement with the tree as it is then
        return len(facts.places) == len(facts.units) and scope.reaches(user, action, facts.places, role=stage.role)
    return not (scope.outside(user, action, facts.units) or (stage.role and scope.outside_role(user, stage.role, facts.units)))


# Units that the request itself founds are judged by their parents, which it names as well.
FACTS = """
with touched as materialized (
    select distinct unnest(units) as unit from workflows_changeitem where request_id = %(request)s
    except select key from workflows_changeitem where request_id = %(request)s and op = 'create'),
said as (
    select d.user_id, d.on_behalf_of_id from workflows_decision d join workflows_stage s on s.id = d.stage_id where s.request_id = %(request)s)
select array(select user_id from workflows_contribution where request_id = %(request)s),
    array(select user_id from said where user_id is not null union select on_behalf_of_id from said where on_behalf_of_id is not null),
    array(select unit from touched),
    (select coalesce(jsonb_agg(jsonb_build_array(u.tree_id, u.lft)), '[]')::text from orgtree_orgunit u join touched t on t.unit = u.id),
    exists(select from workflows_changeitem where request_id = %(request)s and units = '{}')
"""


def _facts(request: ChangeRequest) -> _Facts:
    with connection.cursor() as cursor:
        cursor.execute(FACTS, {"request": request.pk})
        contributors, spoken, units, places, founds_root = cursor.fetchone()
    author = [] if request.author_id is None else [request.author_id]
    standing = [(tree, lft) for tree, lft in msgspec.json.decode(places)]
    return _Facts(frozenset([*author, *contributors]), frozenset(spoken), frozenset(units), standing, founds_root)
