"""Who may decide on a request now: one function, `may_decide`; the database says the same once more (guards.DECISION_FUNCTION)."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, F, Func, Q, QuerySet

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import User
from workflows.choices import RequestState, Verdict
from workflows.errors import AlreadyDecided, NotAllowed, OwnRequest, WrongState
from workflows.models import ChangeRequest, Contribution, Decision, Stage


def may_decide(*, actor: User, request: ChangeRequest) -> Stage:
    """The stage that `actor` may decide now. Raises WrongState, OwnRequest, AlreadyDecided or NotAllowed.

    Whoever contributed any part is out (promise 1), and so is whoever approved an earlier stage or this one; the right of the
    stage's action, and its role if it names one, are needed in every unit that an item touches.
    """
    stage = current_stage(request)
    if request.author_id == actor.pk or Contribution.objects.filter(request=request, user=actor).exists():
        raise OwnRequest
    if stage.system or not _holds(actor, stage, request):
        raise NotAllowed
    if Decision.objects.filter(stage__request=request, user=actor).exists():
        raise AlreadyDecided
    return stage


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


def _holds(user: User, stage: Stage, request: ChangeRequest) -> bool:
    """Does `user` hold the stage's right everywhere? Founding a root unit is left to those who hold it everywhere at all."""
    units = units_touched(request)
    action = Action(stage.action)
    return not (
        scope.outside(user, action, units)
        or (stage.role and scope.outside_role(user, stage.role, units))
        or (_founds_root(request) and not scope.can(user, action, None))
    )


def units_touched(request: ChangeRequest) -> set[UUID]:
    """Units of all items, less those that the request itself founds: these are judged by their parents."""
    named = set(request.items.annotate(unit=Func("units", function="unnest")).values_list("unit", flat=True).distinct())
    return named - set(request.items.filter(op="create", key__in=named).values_list("key", flat=True))


def _founds_root(request: ChangeRequest) -> bool:
    return request.items.filter(units=[]).exists()
