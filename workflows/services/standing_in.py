"""When a stage opens, and again at its deadline: who decides, also where those who hold the right are away and named nobody.

Then the deputies of the office follow in their order, the nearest office first (Decree 30/2020/NĐ-CP art. 13). What comes of it is a Delegation
like any other: shown, audited, bounded in time, checked by the database when it is used, and named in what is signed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from workflows.choices import RequestState, RiskClass
from workflows.errors import AbsenceInvalid, DelegationInvalid, GateError, NotAllowed
from workflows.models import Absence, ChangeRequest, Delegation, Deputy, Stage
from workflows.selectors.deciding import current_stage, deciders, mandate_of
from workflows.services.audit import audit
from workflows.services.deadlines import stage_term
from workflows.services.delegations import delegation_by_office, delegations_by_office_end


@dataclass(frozen=True)
class Opened:
    """The stage that is open now, the day by whose end it should be decided, and everybody who may decide on it today."""

    stage: Stage
    due_on: date | None
    deciders: list[User]


def stage_open(request: ChangeRequest) -> Opened | None:
    """Note when the present stage opened and what its terms are, and see to it that somebody decides. None when it is the program's own.

    Safe to call again: at the deadline it is, since somebody may have left meanwhile.
    """
    stage = current_stage(request)
    if stage.system:
        return None
    term = stage_term(stage)
    _cover(request, stage)
    return Opened(stage, term.due_on, [one for one in deciders(request) if not _is_away(one)])


def absence_cover(*, user: User) -> Iterator[tuple[ChangeRequest, Opened]]:
    """Let the deputies of the office take over what already waits for `user`, who is away; yields what they took over by this call.

    Within the transaction that tells them of it: one deputy's delegation covers many requests, and all of them are told or none.
    """
    if not _is_away(user):
        return  # it begins later: the hourly round comes by on its first day
    before = list(Delegation.objects.on(clock.today()).filter(giver=user, deputy__isnull=False).values_list("pk", flat=True))
    waiting = scope.scoped(ChangeRequest.objects.filter(state=RequestState.IN_REVIEW), user, Action.APPROVE)
    for request in waiting.select_related("unit").order_by("pk"):
        stage = current_stage(request)
        if request.unit is None or _is_covered(user, request.unit, request.risk, Q(pk__in=before)):
            continue  # by a deputy who was told when that began
        if _is_covered(user, request.unit, request.risk, Q()) or _cover(request, stage):
            opened = stage_open(request)
            if opened:
                yield request, opened


def absence_record(*, actor: User, user: User, valid_from: date, valid_to: date) -> Absence:
    """Note that `user` is away for [valid_from, valid_to) and names nobody. The person does it, or who gives grants where they hold one.

    Raises NotAllowed, AbsenceInvalid.
    """
    if actor.pk != user.pk and not _looks_after(actor, user):
        raise NotAllowed
    if (
        valid_to <= max(valid_from, clock.today())
        or Absence.objects.filter(user=user, ended_at=None, valid_from__lt=valid_to, valid_to__gt=valid_from).exists()
    ):
        raise AbsenceInvalid
    with transaction.atomic():
        made = Absence.objects.create(user=user, valid_from=valid_from, valid_to=valid_to, made_by=actor)
        audit(actor=actor, action="absence.recorded", **_said(made))
    return made


def absence_end(*, actor: User, absence: Absence) -> None:
    """Back again: the deputies of the office no longer decide in this person's place. Raises NotAllowed."""
    if actor.pk != absence.user_id and not _looks_after(actor, absence.user):
        raise NotAllowed
    with transaction.atomic():
        if not Absence.objects.filter(pk=absence.pk, ended_at=None).update(ended_at=clock.now()):
            return
        audit(actor=actor, action="absence.ended", **_said(absence))
        delegations_by_office_end(actor=actor, of=Q(giver=absence.user))


def deputy_appoint(
    *, actor: User, unit: OrgUnit, user: User, rank: int, risks: list[RiskClass], valid_from: date, valid_to: date, decision_number: str
) -> Deputy:
    """Make `user` a deputy of the office of `unit`, the `rank`-th. By who decides in the unit, or gives grants there; never oneself.

    Raises NotAllowed, DelegationInvalid.
    """
    if actor.pk == user.pk or not (scope.can(actor, Action.APPROVE, unit) or scope.can(actor, Action.GRANT, unit)):
        raise NotAllowed
    classes = sorted(set(risks))
    if valid_to <= max(valid_from, clock.today()) or not classes or not decision_number.strip() or not user.is_active or rank < 1:
        raise DelegationInvalid
    with transaction.atomic():
        made = Deputy.objects.create(
            unit=unit,
            user=user,
            rank=rank,
            risks=classes,
            valid_from=valid_from,
            valid_to=valid_to,
            decision_number=decision_number.strip(),
            made_by=actor,
        )
        audit(actor=actor, action="deputy.appointed", unit=unit, user=user.username, rank=rank, decision=made.decision_number)
    return made


def deputy_remove(*, actor: User, deputy: Deputy) -> None:
    """End it, and what it came to. Raises NotAllowed."""
    unit = deputy.unit
    if actor.pk != deputy.user_id and not (scope.can(actor, Action.APPROVE, unit) or scope.can(actor, Action.GRANT, unit)):
        raise NotAllowed
    with transaction.atomic():
        if not Deputy.objects.filter(pk=deputy.pk, revoked_at=None).update(revoked_at=clock.now()):
            return
        audit(actor=actor, action="deputy.removed", unit=unit, user=deputy.user.username)
        delegations_by_office_end(actor=actor, of=Q(deputy=deputy))


def _cover(request: ChangeRequest, stage: Stage) -> Delegation | None:
    """Where everybody who may decide is away, let the first deputy who may take their place do it; the delegation, or None where none is needed."""
    unit = request.unit
    absences = {one.user_id: one for one in Absence.objects.on(clock.today()).select_related("user")}
    if unit is None or not absences or any(user.pk not in absences for user in deciders(request)):
        return None
    away = [absences[user.pk] for user in scope.holders(Action(stage.action), unit) if user.pk in absences]
    for absence in away:
        for deputy in _deputies(unit, request.risk):
            if deputy.user_id in absences:
                continue
            try:
                with transaction.atomic():
                    made = delegation_by_office(giver=absence.user, deputy=deputy, until=min(absence.valid_to, deputy.valid_to))
                    mandate_of(actor=deputy.user, request=request)
            except GateError:  # this one may not decide on it: the next one is asked
                continue
            return made
    return None


def _deputies(unit: OrgUnit, risk: str) -> list[Deputy]:
    """Deputies in office over `unit`, the nearest office first, in their order."""
    over = Deputy.objects.on(clock.today()).filter(unit__tree_id=unit.tree_id, unit__lft__lte=unit.lft, unit__rght__gte=unit.rght)
    return list(
        over.filter(risks__contains=[risk], user__is_active=True).select_related("user", "unit", "made_by").order_by("-unit__lft", "rank", "pk")
    )


def _is_covered(user: User, unit: OrgUnit, risk: str, by: Q) -> bool:
    standing = Delegation.objects.on(clock.today()).filter(by, giver=user, deputy__isnull=False, risks__contains=[risk])
    return standing.filter(unit__tree_id=unit.tree_id, unit__lft__lte=unit.lft, unit__rght__gte=unit.rght).exists()


def _is_away(user: User) -> bool:
    return Absence.objects.on(clock.today()).filter(user=user).exists()


def _looks_after(actor: User, user: User) -> bool:
    """Whether `actor` gives grants in a unit where `user` holds one today."""
    today = clock.today()
    held = user.grants.filter(Q(valid_from__lte=today, valid_to__gt=today))
    return scope.scoped(held, actor, Action.GRANT).exists()


def _said(absence: Absence) -> dict[str, Any]:
    return {"user": absence.user.username, "from": absence.valid_from.isoformat(), "to": absence.valid_to.isoformat()}
