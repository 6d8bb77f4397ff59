"""Marks "does not leave" (state secret, Law on the Protection of State Secrets): two people make one and two people lift it.

A mark is about the outside, not about the document: nothing that is signed changes, so a marked field cannot be cut out of a signed
document, and a record with a mark on any field is not delivered at all. Exports leave marked records out and marked fields empty.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from workflows.choices import MARKS_HOLD, MarkState
from workflows.errors import MarkRefused, NotAllowed
from workflows.models import Mark
from workflows.services.audit import audit

WHOLE = ""  # the field of a mark on the whole record


def mark_propose(*, actor: User, kind: str, key: UUID, unit: OrgUnit, field: str = WHOLE, reason: str, decision_number: str = "") -> Mark:
    """Propose a mark; it holds from now on. Raises NotAllowed without the right to edit, MarkRefused without a reason or for a second one."""
    if not scope.can(actor, Action.EDIT, unit):
        raise NotAllowed
    if not reason.strip():
        raise MarkRefused.no_reason()
    try:
        with transaction.atomic():
            said = {"reason": reason.strip()[:300], "decision_number": decision_number.strip()[:50]}
            mark = Mark.objects.create(kind=kind, key=key, unit=unit, field=field, proposed_by=actor, **said)
            _audit(mark, actor, "mark.proposed")
    except IntegrityError as error:
        raise MarkRefused.already() from error
    return mark


def mark_decide(*, actor: User, mark_id: UUID, agreed: bool) -> Mark:
    """Confirm or refuse a proposed mark. Raises MarkRefused for who proposed it, NotAllowed without the right to approve."""
    with transaction.atomic():
        mark = _taken(mark_id, MarkState.PROPOSED)
        _may_decide(actor, mark, mark.proposed_by)
        state = MarkState.IN_FORCE if agreed else MarkState.REFUSED
        Mark.objects.filter(pk=mark.pk).update(state=state, decided_by=actor, decided_at=Now())
        _audit(mark, actor, "mark.confirmed" if agreed else "mark.refused")
    return Mark.objects.get(pk=mark.pk)


def mark_lift_propose(*, actor: User, mark_id: UUID, reason: str) -> Mark:
    """Propose to lift a mark in force; it goes on holding. Raises NotAllowed, MarkRefused without a reason."""
    if not reason.strip():
        raise MarkRefused.no_reason()
    with transaction.atomic():
        mark = _taken(mark_id, MarkState.IN_FORCE)
        if not scope.can(actor, Action.EDIT, mark.unit_id):
            raise NotAllowed
        Mark.objects.filter(pk=mark.pk).update(state=MarkState.LIFTING, lift_proposed_by=actor, lift_reason=reason.strip()[:300])
        _audit(mark, actor, "mark.lift_proposed")
    return Mark.objects.get(pk=mark.pk)


def mark_lift_decide(*, actor: User, mark_id: UUID, agreed: bool) -> Mark:
    """Lift the mark, or keep it in force. Raises MarkRefused for who proposed to lift it, NotAllowed without the right to approve."""
    with transaction.atomic():
        mark = _taken(mark_id, MarkState.LIFTING)
        assert mark.lift_proposed_by is not None
        _may_decide(actor, mark, mark.lift_proposed_by)
        if agreed:
            Mark.objects.filter(pk=mark.pk).update(state=MarkState.LIFTED, lifted_by=actor, lifted_at=Now())
        else:
            Mark.objects.filter(pk=mark.pk).update(state=MarkState.IN_FORCE, lift_proposed_by=None, lift_reason="")
        _audit(mark, actor, "mark.lifted" if agreed else "mark.kept")
    return Mark.objects.get(pk=mark.pk)


def withheld(*, kind: str, keys: Collection[UUID]) -> Mapping[UUID, frozenset[str]]:
    """By key, the marked fields of those of `keys` that have a mark; WHOLE among them is the whole record. One query."""
    found: dict[UUID, set[str]] = {}
    for key, field in Mark.objects.filter(kind=kind, key__in=keys, state__in=MARKS_HOLD).values_list("key", "field"):
        found.setdefault(key, set()).add(field)
    return {key: frozenset(fields) for key, fields in found.items()}


def is_withheld(*, kind: str, key: str = "pk") -> Exists:
    """The same as a condition on a queryset whose column `key` is the record's: whether any mark holds."""
    return Exists(Mark.objects.filter(kind=kind, key=OuterRef(key), state__in=MARKS_HOLD))


def _taken(mark_id: UUID, state: MarkState) -> Mark:
    mark = Mark.objects.select_for_update(of=("self",)).select_related("proposed_by", "lift_proposed_by").get(pk=mark_id)
    if mark.state != state:
        raise MarkRefused.moved()
    return mark


def _may_decide(actor: User, mark: Mark, proposer: User) -> None:
    """Two people, not two accounts: who has the same personal number is the same person."""
    if actor.pk == proposer.pk or (actor.personal_number and actor.personal_number == proposer.personal_number):
        raise MarkRefused.own()
    if not scope.can(actor, Action.APPROVE, mark.unit_id):
        raise NotAllowed


def _audit(mark: Mark, actor: User, action: str) -> None:
    audit(actor=actor, action=action, unit=mark.unit, kind=mark.kind, key=mark.key, mark=str(mark.pk), field=mark.field)
