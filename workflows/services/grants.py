"""Who may do what where is changed by two people: one proposes, another confirms, and neither is the one whose right it is.

`orgtree.services.grants` writes what was confirmed; the database lets nobody else (grant_guards).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction
from django.db.models import Func, Max, Q
from django.db.models.functions import Now

from orgtree import clock, scope
from orgtree.choices import Action, Role
from orgtree.models import Grant, OrgUnit, User
from orgtree.services import grants as tables
from orgtree.services.grants import GrantRefused
from workflows.choices import GrantOp, GrantState
from workflows.errors import GrantChangeOpen, GrantReasonMissing, NotAllowed, OwnGrant, SetUpOver, WrongState
from workflows.models import ChangeRequest, GrantChange
from workflows.services.audit import audit

LAPSES_AFTER = timedelta(days=30)
MOVED = "%s → %s, no. %s"  # the reason of a change that a reorganisation made: codes of the units and the number of the request
ENOUGH = 2  # people who can give grants: from then on one proposes and another confirms


def grant_propose(
    *,
    actor: User,
    user: User,
    role: Role,
    unit: OrgUnit,
    valid_from: date,
    valid_to: date,
    reason: str,
    batch: UUID | None = None,
) -> GrantChange:
    """Propose that `user` hold `role` on `unit` and below for [valid_from, valid_to).

    Raises GrantReasonMissing, GrantChangeOpen, and what orgtree's grant_give raises (GrantError).
    """
    values: dict[str, Any] = {"user": user, "role": role, "unit": unit, "valid_from": valid_from, "valid_to": valid_to}
    tables.grant_check(actor=actor, **values)
    return _propose(actor=actor, op=GrantOp.GIVE, reason=reason, batch=batch, **values)


def grant_renew_propose(*, actor: User, grant: Grant, valid_to: date, reason: str) -> GrantChange:
    """Propose that the right go on, from the day on which `grant` ends (today, when it has ended), until `valid_to`."""
    values: dict[str, Any] = {"user": grant.user, "role": Role(grant.role), "unit": grant.unit, "valid_to": valid_to}
    values["valid_from"] = max(grant.valid_to, clock.today())
    tables.grant_check(actor=actor, **values)
    return _propose(actor=actor, op=GrantOp.RENEW, about=grant, reason=reason, **values)


def grant_end_propose(*, actor: User, grant: Grant, on: date | None = None, reason: str, batch: UUID | None = None) -> GrantChange:
    """Propose that `grant` end at the beginning of the day `on`, by default as soon as this is confirmed."""
    day = on or clock.today()
    tables.grant_end_check(actor=actor, grant=grant, on=day)
    period = {"valid_from": min(grant.valid_from, day), "valid_to": day}
    return _propose(actor=actor, op=GrantOp.END, user=grant.user, role=grant.role, unit=grant.unit, about=grant, reason=reason, batch=batch, **period)


def grant_change_confirm(*, actor: User, change_id: UUID) -> GrantChange:
    """Make it so. Raises OwnGrant for its proposer and its holder, NotAllowed, WrongState when it was decided, and GrantError.

    The proposer must still have the right: what somebody proposed who may no longer give grants there comes to nothing.
    """
    with transaction.atomic():
        change = _locked(change_id)
        _refuse_unless_other(actor, change)
        if change.proposer is not None and not scope.can(change.proposer, Action.GRANT, change.unit):
            raise GrantRefused
        _write(change, actor)
        audit(actor=actor, action=_deed(change), unit=change.unit, **_said(change))
    return change


def grant_changes_confirm(*, actor: User, change_ids: Iterable[UUID]) -> list[GrantChange]:
    """Confirm several, all or none. Raises what grant_change_confirm raises for the first that cannot be."""
    with transaction.atomic():
        return [grant_change_confirm(actor=actor, change_id=pk) for pk in sorted(change_ids)]


def grant_change_refuse(*, actor: User, change_id: UUID, reason: str) -> GrantChange:
    """Refuse it, saying why. Raises OwnGrant, NotAllowed, WrongState, GrantReasonMissing."""
    if not reason.strip():
        raise GrantReasonMissing
    with transaction.atomic():
        change = _locked(change_id)
        _refuse_unless_other(actor, change)
        _close(change, GrantState.REFUSED, decider=actor, note=reason.strip()[:300])
        audit(actor=actor, action="grant.refused", unit=change.unit, reason=reason.strip()[:300], **_said(change))
    return change


def grant_change_withdraw(*, actor: User, change_id: UUID) -> GrantChange:
    """Take one's own proposal back. Raises NotAllowed for others, WrongState when it was decided."""
    with transaction.atomic():
        change = _locked(change_id)
        if change.proposer_id != actor.pk:
            raise NotAllowed
        _close(change, GrantState.WITHDRAWN)
        audit(actor=actor, action="grant.withdrawn", unit=change.unit, **_said(change))
    return change


def grant_first(*, user: User, unit: OrgUnit, valid_to: date, system: str) -> GrantChange:
    """Make `user` an administrator of `unit` where fewer than two people can give grants, in the name of the command `system`.

    Raises SetUpOver, and GrantError. This is how an installation begins, and how it goes on when its administrators are gone.
    """
    with transaction.atomic():
        givers = User.objects.filter(is_superuser=True, is_active=True) | scope.holders(Action.GRANT, unit).order_by()
        if len(set(givers.values_list("pk", flat=True)) - {user.pk}) >= ENOUGH:
            raise SetUpOver
        change = GrantChange.objects.create(
            op=GrantOp.GIVE,
            user=user,
            role=Role.ADMINISTRATOR,
            unit=unit,
            valid_from=clock.today(),
            valid_to=valid_to,
            reason=system,
            system=system,
        )
        _write(change, None)
        audit(actor=None, action=_deed(change), unit=unit, system=system, **_said(change))
    return change


def grant_move(*, grant: Grant, unit: OrgUnit, request: ChangeRequest) -> int:
    """Let the role of `grant` go on in `unit`, which continues its own since `request`, for its holder and until its end; 1 when it did.

    Who holds the role there already keeps that and gets what is missing at its end. Open proposals about the old grant lapse. Within the
    caller's transaction; raises GrantError.
    """
    User.objects.select_for_update(no_key=True).get(pk=grant.user_id)
    grant = Grant.objects.select_related("user", "unit", "giver").get(pk=grant.pk)
    today, role = clock.today(), Role(grant.role)
    if grant.valid_to <= today:
        return 0
    for open_one in GrantChange.objects.select_for_update().filter(about=grant, state=GrantState.PROPOSED):
        _close(open_one, GrantState.LAPSED)
        audit(actor=None, action="grant.lapsed", unit=open_one.unit, **_said(open_one))
    said: dict[str, Any] = {"reason": MOVED % (grant.unit.code, unit.code, request.number), "system": "reorganisation", "batch": uuid4()}
    held = Grant.objects.filter(user=grant.user, role=role, unit=unit, valid_to__gt=today).aggregate(latest=Max("valid_to"))["latest"]
    begin = max(today, grant.valid_from, held or today)
    if begin < grant.valid_to:
        about = {"user": grant.user, "role": role, "unit": unit, "valid_from": begin, "valid_to": grant.valid_to}
        _write(GrantChange.objects.create(op=GrantOp.GIVE, **about, **said), None, giver=grant.giver)
    period = {"valid_from": min(grant.valid_from, today), "valid_to": today}
    ended = GrantChange.objects.create(op=GrantOp.END, user=grant.user, role=role, unit=grant.unit, about=grant, **period, **said)
    _write(ended, None)
    audit(actor=None, action="grant.moved", unit=unit, request=request, until=grant.valid_to.isoformat(), **_said(ended))
    return 1


def grant_changes_lapse() -> int:
    """Close what nobody decided within 30 days, or what can no longer be since its period is over; returns how many."""
    closed = 0
    open_ones = GrantChange.objects.filter(state=GrantState.PROPOSED)
    ending = ~Q(op=GrantOp.END) & Q(valid_to__lte=clock.today()) | Q(op=GrantOp.END, about__valid_to__lte=clock.today())
    late = open_ones.filter(proposed_at__lt=clock.now() - LAPSES_AFTER) | open_ones.filter(ending)
    for pk in late.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            change = GrantChange.objects.select_for_update(of=("self",)).get(pk=pk)
            if change.state == GrantState.PROPOSED:
                _close(change, GrantState.LAPSED)
                audit(actor=None, action="grant.lapsed", unit=change.unit, **_said(change))
                closed += 1
    return closed


def _propose(*, actor: User, reason: str, **values: Any) -> GrantChange:
    if not reason.strip():
        raise GrantReasonMissing
    try:
        with transaction.atomic():
            change = GrantChange.objects.create(proposer=actor, reason=reason.strip()[:300], **values)
            audit(actor=actor, action="grant.proposed", unit=change.unit, **_said(change))
    except IntegrityError as error:
        if "grantchange_one_open" in str(error):
            raise GrantChangeOpen from error
        raise
    return change


def _locked(change_id: UUID) -> GrantChange:
    change = GrantChange.objects.select_for_update(of=("self",)).select_related("unit", "user", "proposer").get(pk=change_id)
    if change.state != GrantState.PROPOSED:
        raise WrongState(state=change.state)
    return change


def _refuse_unless_other(actor: User, change: GrantChange) -> None:
    if actor.pk in (change.proposer_id, change.user_id):
        raise OwnGrant
    if not scope.can(actor, Action.GRANT, change.unit):
        raise NotAllowed


def _write(change: GrantChange, actor: User | None, *, giver: User | None = None) -> None:
    """Close `change` as confirmed by `actor` (None: by a system, then for `giver`) and let the tables follow, within the caller's transaction."""
    here = Func(function="pg_current_xact_id", template="%(function)s()::text::bigint")
    GrantChange.objects.filter(pk=change.pk).update(state=GrantState.CONFIRMED, decider=actor, decided_at=Now(), confirmed_xid=here)
    with _gate_open(change):
        if change.op == GrantOp.END:
            assert change.about is not None
            on = max(change.valid_to, clock.today())
            if actor is not None:
                tables.grant_end(actor=actor, grant=change.about, on=on)
            else:
                tables.grant_close(grant=change.about, on=on, ender=None)
        else:
            values = {name: getattr(change, name) for name in ("user", "role", "unit", "valid_from", "valid_to")}
            given = tables.grant_give(actor=actor, **values) if actor else tables.grant_write(giver=giver or change.user, **values)
            GrantChange.objects.filter(pk=change.pk).update(grant=given)
    change.refresh_from_db()


@contextmanager
def _gate_open(change: GrantChange) -> Iterator[None]:
    """Let this transaction write the tables of grants, as `change` says. A failure inside rolls the setting back with the rest."""
    with connection.cursor() as cursor:
        cursor.execute("select set_config('hoso.grant_change', %s, true)", [str(change.pk)])
        yield
        cursor.execute("select set_config('hoso.grant_change', '', true)")


def _close(change: GrantChange, state: GrantState, **more: Any) -> None:
    GrantChange.objects.filter(pk=change.pk).update(state=state, decided_at=Now(), **more)
    change.refresh_from_db()


def _deed(change: GrantChange) -> str:
    return "grant.ended" if change.op == GrantOp.END else "grant.given"


def _said(change: GrantChange) -> dict[str, Any]:
    return {
        "change": str(change.pk),
        "op": change.op,
        "user": change.user.username,
        "role": change.role,
        "from": change.valid_from.isoformat(),
        "to": change.valid_to.isoformat(),
    }
