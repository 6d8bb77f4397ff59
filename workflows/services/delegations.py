"""Absence: giving one's decisions to somebody for a time, and taking them back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.locks import Lock, advisory_lock
from orgtree.models import OrgUnit, User
from workflows.choices import RiskClass
from workflows.errors import DelegationChain, DelegationInvalid, NotAllowed
from workflows.models import Delegation, Deputy
from workflows.services.audit import audit

Edge = tuple[int, int, date, date]  # giver, receiver, from, to


def delegation_give(
    *,
    actor: User,
    giver: User,
    receiver: User,
    unit: OrgUnit,
    risks: Iterable[RiskClass],
    valid_from: date,
    valid_to: date,
    decision_number: str,
) -> Delegation:
    """Let `receiver` decide in `giver`'s place in `unit` and below, on these risk classes, for [valid_from, valid_to).

    The giver makes it, or whoever gives grants in the unit and records the decision. The giver need not hold the right yet:
    what a delegation is worth is asked when it is used. Raises NotAllowed, DelegationInvalid, DelegationChain.
    """
    if actor.pk != giver.pk and not scope.can(actor, Action.GRANT, unit):
        raise NotAllowed
    classes = sorted(set(risks))
    if giver.pk == receiver.pk or valid_to <= max(valid_from, clock.today()) or not classes or not decision_number.strip() or not receiver.is_active:
        raise DelegationInvalid
    with transaction.atomic():
        advisory_lock(Lock.DELEGATION)
        rows = Delegation.objects.overlapping(valid_from, valid_to).values_list("giver_id", "receiver_id", "valid_from", "valid_to")
        if _too_long((giver.pk, receiver.pk, valid_from, valid_to), list(rows)):
            raise DelegationChain
        made = Delegation.objects.create(
            giver=giver,
            receiver=receiver,
            unit=unit,
            risks=classes,
            valid_from=valid_from,
            valid_to=valid_to,
            decision_number=decision_number.strip(),
            made_by=actor,
        )
        audit(actor=actor, action="delegation.given", unit=unit, **_said(made))
    return made


def delegation_by_office(*, giver: User, deputy: Deputy, until: date) -> Delegation:
    """The same, where `giver` is away and named nobody: `deputy` stands in by the order of the office, from today until `until`.

    One that already lasts is given back. Raises DelegationInvalid where nobody would stand in for another, and DelegationChain.
    """
    today = clock.today()
    if giver.pk == deputy.user_id or until <= today:
        raise DelegationInvalid
    with transaction.atomic():
        advisory_lock(Lock.DELEGATION)
        standing = Delegation.objects.on(today).filter(giver=giver, deputy=deputy).first()
        if standing is not None:
            return standing
        rows = Delegation.objects.overlapping(today, until).values_list("giver_id", "receiver_id", "valid_from", "valid_to")
        if _too_long((giver.pk, deputy.user_id, today, until), list(rows)):
            raise DelegationChain
        made = Delegation.objects.create(
            giver=giver,
            receiver=deputy.user,
            unit=deputy.unit,
            risks=deputy.risks,
            valid_from=today,
            valid_to=until,
            decision_number=deputy.decision_number,
            made_by=deputy.made_by,
            deputy=deputy,
        )
        audit(actor=None, action="delegation.given", unit=made.unit, deputy=deputy.pk, **_said(made))
    return made


def delegation_revoke(*, actor: User, delegation: Delegation) -> Delegation:
    """End it now. Raises NotAllowed for others than its giver, its receiver and those who give grants in its unit."""
    if actor.pk not in (delegation.giver_id, delegation.receiver_id) and not scope.can(actor, Action.GRANT, delegation.unit):
        raise NotAllowed
    with transaction.atomic():
        _revoke(actor, delegation)
    delegation.refresh_from_db()
    return delegation


def delegations_by_office_end(*, actor: User, of: Q) -> None:
    """End what deputies of offices were given, as far as `of` says. Who may do that is the caller's question."""
    with transaction.atomic():
        lasting = Delegation.objects.filter(of, deputy__isnull=False, revoked_at=None, valid_to__gt=clock.today())
        for one in lasting.select_related("giver", "receiver", "unit").order_by("pk"):
            _revoke(actor, one)


def _revoke(actor: User, delegation: Delegation) -> None:
    if Delegation.objects.filter(pk=delegation.pk, revoked_at=None).update(revoked_at=Now()):
        audit(actor=actor, action="delegation.revoked", unit=delegation.unit, **_said(delegation))


def _too_long(new: Edge, others: list[Edge]) -> bool:
    """Would `new` close a circle, or be one of three links in force on one day? A longer circle holds three links as well."""
    before = [edge for edge in others if edge[1] == new[0]]
    after = [edge for edge in others if edge[0] == new[1]]
    circle = any(edge[1] == new[0] for edge in after)
    return (
        circle
        or any(_overlap(one, two) for one in before for two in after)
        or any(one[0] == two[1] and _overlap(one, two) for one in before for two in others)
        or any(one[1] == two[0] and _overlap(one, two) for one in after for two in others)
    )


def _overlap(one: Edge, two: Edge) -> bool:
    return one[2] < two[3] and two[2] < one[3]


def _said(delegation: Delegation) -> dict[str, Any]:
    return {
        "giver": delegation.giver.username,
        "receiver": delegation.receiver.username,
        "risks": "".join(delegation.risks),
        "from": delegation.valid_from.isoformat(),
        "to": delegation.valid_to.isoformat(),
        "decision": delegation.decision_number,
    }
