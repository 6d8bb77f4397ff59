"""Rights follow a reorganisation: roles held on a unit that ended go on where it goes on, or wait for somebody to choose.

The moves are changes of grants in the name of the reorganisation, with the request that ended the unit as their origin; the role, its holder
and its end stay what two people decided. What is unclear is told to those who give grants there and stays in their list until it is decided.
"""

from __future__ import annotations

import logging
from uuid import uuid4

from django.db import transaction

from orgtree import clock, scope
from orgtree.choices import Action, Role
from orgtree.models import OrgUnit, User
from orgtree.services.grants import GrantError
from workflows.errors import NotAllowed
from workflows.models import AuditEvent, GrantChange
from workflows.selectors.grant_moves import Ended, grants_left_behind, units_ended
from workflows.services.audit import audit
from workflows.services.grants import grant_end_propose, grant_move, grant_propose

logger = logging.getLogger(__name__)

FOLLOW_TASK = "workflows.grants_follow"


def grants_follow() -> tuple[int, int]:
    """Move every role whose way is clear, tell of every unit whose is not; returns both numbers. May run twice, or be killed."""
    moved = unclear = 0
    for one in units_ended():
        if one.goes_to is None or one.request is None:
            unclear += _tell(one)
            continue
        for grant in one.grants:
            try:
                with transaction.atomic():
                    moved += grant_move(grant=grant, unit=one.goes_to, request=one.request)
            except GrantError as refused:
                logger.warning("grant %s could not follow to unit %s: %s", grant.pk, one.goes_to.pk, refused.code)
    return moved, unclear


def grant_successor_propose(*, actor: User, grant_id: int, unit: OrgUnit, reason: str) -> list[GrantChange]:
    """Choose where a role goes on whose unit was divided: its giving there and its end here, proposed together, for somebody else to confirm.

    Raises NotAllowed when the unit of the grant has not ended, and what grant_propose and grant_end_propose raise.
    """
    grant = grants_left_behind().filter(pk=grant_id).first()
    if grant is None or not scope.can(actor, Action.GRANT, grant.unit):
        raise NotAllowed
    batch = uuid4()
    with transaction.atomic():
        given = grant_propose(
            actor=actor,
            user=grant.user,
            role=Role(grant.role),
            unit=unit,
            valid_from=max(clock.today(), grant.valid_from),
            valid_to=grant.valid_to,
            reason=reason,
            batch=batch,
        )
        return [given, grant_end_propose(actor=actor, grant=grant, reason=reason, batch=batch)]


def _tell(one: Ended) -> int:
    """Once a unit; 1 when it was told now."""
    if AuditEvent.objects.filter(action="grant.unclear", unit=one.unit).exists():
        return 0
    audit(actor=None, action="grant.unclear", unit=one.unit, count=len(one.grants), request_number=one.request.number if one.request else None)
    return 1
