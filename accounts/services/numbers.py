"""Whose account it is: the personal number that binds a signature to a person, proposed by one superuser and confirmed by another."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.errors import NumberChangeOpen, NumberInvalid, NumberReasonMissing, NumberRefused, NumberSame, NumberTaken, OwnNumber
from accounts.models import NumberChange
from accounts.services.superusers import LAPSES_AFTER
from orgtree import clock
from orgtree.models import User
from workflows.choices import GrantState
from workflows.errors import WrongState
from workflows.services.audit import audit

TWELVE_DIGITS = re.compile(r"[0-9]{12}")


def number_propose(*, actor: User, user: User, number: str, reason: str) -> NumberChange:
    """Propose that `user` be the person with this number of 12 digits, or with "" that the account have none, with what it was compared with.

    Raises NumberRefused, NumberInvalid, NumberSame, NumberTaken, NumberReasonMissing, NumberChangeOpen.
    """
    _refuse_unless_superuser(actor)
    number = re.sub(r"[ .]", "", number)
    if not user.is_active:
        raise NumberRefused
    if not reason.strip():
        raise NumberReasonMissing
    if number == (user.personal_number or ""):
        raise NumberSame if number else NumberInvalid
    if number and not TWELVE_DIGITS.fullmatch(number):
        raise NumberInvalid
    if number and User.objects.filter(personal_number=number).exists():
        raise NumberTaken
    try:
        with transaction.atomic():
            change = NumberChange.objects.create(user=user, number=number, reason=reason.strip()[:300], proposer=actor)
            audit(actor=actor, action="account.number_proposed", reason=change.reason, **_said(change))
    except IntegrityError as error:
        if "number_change_one_open" in str(error):
            raise NumberChangeOpen from error
        raise
    return change


def number_confirm(*, actor: User, change_id: UUID) -> NumberChange:
    """The account has the number from now on. Raises NumberRefused, OwnNumber for its proposer and its owner, NumberTaken, WrongState."""
    with transaction.atomic():
        change = _locked(actor, change_id)
        if not (change.proposer.is_superuser and change.proposer.is_active and change.user.is_active):
            raise NumberRefused
        _close(change, GrantState.CONFIRMED, decider=actor)
        try:
            with transaction.atomic():
                User.objects.filter(pk=change.user_id).update(personal_number=change.number or None)
        except IntegrityError as error:
            raise NumberTaken from error
        audit(actor=actor, action="account.number_changed", **_said(change))
    return change


def number_refuse(*, actor: User, change_id: UUID, reason: str) -> NumberChange:
    """Refuse it, saying why. Raises NumberRefused, OwnNumber, NumberReasonMissing, WrongState."""
    if not reason.strip():
        raise NumberReasonMissing
    with transaction.atomic():
        change = _locked(actor, change_id)
        _close(change, GrantState.REFUSED, decider=actor, note=reason.strip()[:300])
        audit(actor=actor, action="account.number_refused", reason=change.note, **_said(change))
    return change


def number_withdraw(*, actor: User, change_id: UUID) -> NumberChange:
    """Take one's own proposal back. Raises NumberRefused for others, WrongState when it was decided."""
    with transaction.atomic():
        change = _open(change_id)
        if change.proposer_id != actor.pk:
            raise NumberRefused
        _close(change, GrantState.WITHDRAWN)
        audit(actor=actor, action="account.number_withdrawn", **_said(change))
    return change


def numbers_lapse() -> int:
    """Proposals that nobody decided in 30 days wait no longer; returns how many."""
    lapsed = NumberChange.objects.filter(state=GrantState.PROPOSED, proposed_at__lt=clock.now() - LAPSES_AFTER).order_by("pk")
    with transaction.atomic():
        changes = list(lapsed.select_for_update(of=("self",), skip_locked=True).select_related("user"))
        for change in changes:
            _close(change, GrantState.LAPSED)
            audit(actor=None, action="account.number_lapsed", **_said(change))
    return len(changes)


def _locked(actor: User, change_id: UUID) -> NumberChange:
    _refuse_unless_superuser(actor)
    change = _open(change_id)
    if actor.pk in (change.proposer_id, change.user_id):
        raise OwnNumber
    return change


def _open(change_id: UUID) -> NumberChange:
    change = NumberChange.objects.select_for_update(of=("self",)).select_related("user", "proposer").get(pk=change_id)
    if change.state != GrantState.PROPOSED:
        raise WrongState(state=change.state)
    return change


def _close(change: NumberChange, state: GrantState, **more: Any) -> None:
    NumberChange.objects.filter(pk=change.pk).update(state=state, decided_at=clock.now(), **more)
    change.refresh_from_db()


def _refuse_unless_superuser(actor: User) -> None:
    if not (actor.is_active and actor.is_superuser):
        raise NumberRefused


def _said(change: NumberChange) -> dict[str, Any]:
    """Without the number: the trail holds no personal data."""
    return {"change": str(change.pk), "user": change.user_id, "username": change.user.username, "taken_away": not change.number}
