"""A superuser is no exception to four eyes: making one, renewing and ending are proposed by one and confirmed by another, and every term ends.

Whoever has the server's shell can make a superuser all the same: that is the glass one breaks when nobody else can help. It is found within a
minute, written down, told to every superuser at once, and ends by itself after BREAK_GLASS_HOURS unless two people make a term of it.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.errors import NoSuperuser, OwnSuperuser, SuperuserChangeOpen, SuperuserReasonMissing, SuperuserRefused, SuperuserTermInvalid
from accounts.models import SuperuserOp, SuperuserTerm
from accounts.services.sessions import sessions_end
from orgtree import clock
from orgtree.models import User
from orgtree.services.grants import latest_end
from workflows.choices import GrantState
from workflows.errors import WrongState
from workflows.services.audit import audit

logger = logging.getLogger(__name__)

LAPSES_AFTER = timedelta(days=30)


def superuser_propose(*, actor: User, user: User, valid_to: date, reason: str) -> SuperuserTerm:
    """Propose that `user` be a superuser until before `valid_to`; somebody who is one asks so for more time, also for themself.

    Raises SuperuserRefused, SuperuserTermInvalid, SuperuserReasonMissing, SuperuserChangeOpen.
    """
    _refuse_unless_superuser(actor)
    if (actor.pk == user.pk and not user.is_superuser) or not user.is_active:
        raise SuperuserRefused
    if not clock.today() < valid_to <= latest_end(clock.today()):
        raise SuperuserTermInvalid
    return _propose(actor, user, reason, op=SuperuserOp.RENEW if user.is_superuser else SuperuserOp.GIVE, valid_to=valid_to)


def superuser_end_propose(*, actor: User, user: User, reason: str) -> SuperuserTerm:
    """Propose that `user` be a superuser no longer, as soon as this is confirmed. Raises as superuser_propose does, and NoSuperuser."""
    _refuse_unless_superuser(actor)
    if not user.is_superuser:
        raise NoSuperuser
    return _propose(actor, user, reason, op=SuperuserOp.END, valid_to=clock.today())


def superuser_confirm(*, actor: User, term_id: UUID) -> SuperuserTerm:
    """Make it so. Raises SuperuserRefused, OwnSuperuser for its proposer and the one it is about, WrongState when it was decided."""
    with transaction.atomic():
        term = _locked(actor, term_id)
        if term.proposer is not None and not (term.proposer.is_superuser and term.proposer.is_active):
            raise SuperuserRefused
        if term.op != SuperuserOp.END and term.valid_to is not None and term.valid_to <= clock.today():
            raise SuperuserTermInvalid
        _close(term, GrantState.CONFIRMED, decider=actor)
        if term.op == SuperuserOp.END:
            _end(term.user, actor=actor, why="confirmed", term=term)
        else:
            User.objects.filter(pk=term.user_id).update(is_superuser=True, is_staff=True)
            audit(actor=actor, action="superuser.given", **_said(term))
    return term


def superuser_refuse(*, actor: User, term_id: UUID, reason: str) -> SuperuserTerm:
    """Refuse it, saying why. Raises as superuser_confirm does, and SuperuserReasonMissing."""
    if not reason.strip():
        raise SuperuserReasonMissing
    with transaction.atomic():
        term = _locked(actor, term_id)
        _close(term, GrantState.REFUSED, decider=actor, note=reason.strip()[:300])
        audit(actor=actor, action="superuser.refused", reason=reason.strip()[:300], **_said(term))
    return term


def superuser_withdraw(*, actor: User, term_id: UUID) -> SuperuserTerm:
    """Take one's own proposal back. Raises SuperuserRefused for others, WrongState when it was decided."""
    with transaction.atomic():
        term = SuperuserTerm.objects.select_for_update(of=("self",)).select_related("user").get(pk=term_id)
        if term.proposer_id != actor.pk:
            raise SuperuserRefused
        if term.state != GrantState.PROPOSED:
            raise WrongState(state=term.state)
        _close(term, GrantState.WITHDRAWN)
        audit(actor=actor, action="superuser.withdrawn", **_said(term))
    return term


def terms_now() -> QuerySet[SuperuserTerm]:
    """Terms in force: confirmed by two, or taken in an emergency, not over, and not ended since."""
    return SuperuserTerm.objects.in_force(today=clock.today(), moment=clock.now())


def superusers_watch() -> tuple[int, int]:
    """Every minute: end what is over, write down whoever is a superuser and was confirmed by nobody; returns both numbers."""
    covered = set(terms_now().values_list("user_id", flat=True))
    ended = noted = 0
    for user in User.objects.filter(is_superuser=True, is_active=True).exclude(pk__in=covered).order_by("pk"):
        with transaction.atomic():
            locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
            if not locked.is_superuser or terms_now().filter(user=user).exists():
                continue
            last = SuperuserTerm.objects.filter(user=user, state=GrantState.CONFIRMED).exclude(op=SuperuserOp.END).order_by("-decided_at").first()
            if last is not None and last.ended_at is None:
                _end(locked, actor=None, why="over", term=last)
                ended += 1
            else:
                glass_broken(user=locked, reason="found without a term")
                noted += 1
    _lapse()
    return ended, noted


def glass_broken(*, user: User, reason: str) -> SuperuserTerm:
    """Write down that `user` has a superuser's rights that nobody confirmed; they end by themselves. For the shell and `superusers_watch`."""
    ends_at = clock.now() + timedelta(hours=settings.BREAK_GLASS_HOURS)
    with transaction.atomic():
        term = SuperuserTerm.objects.create(
            user=user,
            op=SuperuserOp.GIVE,
            reason=reason.strip()[:300],
            system="break-glass",
            ends_at=ends_at,
            state=GrantState.CONFIRMED,
            decided_at=clock.now(),
        )
        User.objects.filter(pk=user.pk).update(is_superuser=True, is_staff=True)
        audit(
            actor=None, action="superuser.break_glass", user=user.pk, username=user.username, ends_at=ends_at.isoformat(), reason=reason.strip()[:300]
        )
    logger.warning("BREAK GLASS: %s is a superuser until %s, confirmed by nobody (%s)", user.username, ends_at.isoformat(), reason)
    return term


def _end(user: User, *, actor: User | None, why: str, term: SuperuserTerm) -> None:
    """Take the rights, mark every term of theirs as ended, and log the person out everywhere."""
    User.objects.filter(pk=user.pk).update(is_superuser=False)
    SuperuserTerm.objects.filter(user=user, state=GrantState.CONFIRMED, ended_at=None).update(ended_at=clock.now())
    sessions_end(actor=None, user=user)
    audit(actor=actor, action="superuser.ended", why=why, **_said(term))


def _lapse() -> None:
    for term in SuperuserTerm.objects.filter(state=GrantState.PROPOSED, proposed_at__lt=clock.now() - LAPSES_AFTER).select_related("user"):
        with transaction.atomic():
            _close(term, GrantState.LAPSED)
            audit(actor=None, action="superuser.lapsed", **_said(term))


def _propose(actor: User, user: User, reason: str, **values: Any) -> SuperuserTerm:
    if not reason.strip():
        raise SuperuserReasonMissing
    try:
        with transaction.atomic():
            term = SuperuserTerm.objects.create(proposer=actor, user=user, reason=reason.strip()[:300], **values)
            audit(actor=actor, action="superuser.proposed", reason=reason.strip()[:300], **_said(term))
    except IntegrityError as error:
        if "superuser_one_open" in str(error):
            raise SuperuserChangeOpen from error
        raise
    return term


def _locked(actor: User, term_id: UUID) -> SuperuserTerm:
    _refuse_unless_superuser(actor)
    term = SuperuserTerm.objects.select_for_update(of=("self",)).select_related("user", "proposer").get(pk=term_id)
    if term.state != GrantState.PROPOSED:
        raise WrongState(state=term.state)
    if actor.pk in (term.proposer_id, term.user_id):
        raise OwnSuperuser
    return term


def _refuse_unless_superuser(actor: User) -> None:
    if not (actor.is_active and actor.is_superuser):
        raise SuperuserRefused


def _close(term: SuperuserTerm, state: GrantState, **more: Any) -> None:
    SuperuserTerm.objects.filter(pk=term.pk).update(state=state, decided_at=clock.now(), **more)
    term.refresh_from_db()


def _said(term: SuperuserTerm) -> dict[str, Any]:
    until = term.valid_to.isoformat() if term.valid_to else None
    return {"change": str(term.pk), "op": term.op, "user": term.user_id, "username": term.user.username, "to": until}
