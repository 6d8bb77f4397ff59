"""At an agency: what was chosen of what the other side holds, as ordinary requests of the gate: looked at, approved by somebody else and signed.

Large choices are taken share by share, each one request and one transaction with the rows that it took, so that a worker that is killed leaves
nothing half done and nothing is put into two requests. A record that waits in a request already stays there.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exchange.choices import PullState, PullWhat
from exchange.contract import UNIT_KIND
from exchange.models import Pull, PullRecord
from exchange.selectors.pulling import may_stage
from exchange.selectors.sight import installation_top
from exchange.services.pull_checking import proposals_of, returned_note, waiting_note
from orgtree import clock
from orgtree.locks import Lock, advisory_lock
from orgtree.models import User
from workflows.dispatch import send_on_commit
from workflows.errors import GateError, NotAllowed
from workflows.services.staging import MAXIMUM, request_stage

PULL_TASK = "exchange.pull"
SHARE = 10_000  # records of one request
AT_ONCE = 200  # so few that whoever chose them waits for it


class NothingToTake(GateError):
    """Everything that was chosen is as it should be, waits in a request, or cannot be taken."""

    code = "NOTHING_TO_TAKE"


def takeable(pull: Pull) -> QuerySet[PullRecord]:
    """What may be put into a request."""
    return pull.records.filter(cause="", request=None, checked=True).exclude(document=None)


def offered(pull: Pull) -> QuerySet[PullRecord]:
    """What is taken unless somebody chooses: not what would bring back something older, or what the agency itself revoked."""
    return takeable(pull).exclude(what=PullWhat.OURS_NEWER).exclude(revoked=True)


def pull_stage(*, actor: User, pull: Pull, keys: Collection[UUID] | None = None) -> int:
    """Choose what goes into requests of the actor's: these records, or (None) all that are offered. Returns how many were chosen.

    Some hundred are left to a worker; a few the caller stages by `pulling.pull_drive`.
    Raises NotAllowed, NothingToTake, GateError while the run is not ready.
    """
    if not may_stage(actor, pull):
        raise NotAllowed
    with transaction.atomic():
        pull = Pull.objects.select_for_update(of=("self",)).get(pk=pull.pk)
        if pull.state != PullState.READY:
            raise GateError(_("It is being worked on at this moment. Look again in a moment."))
        rows = offered(pull) if keys is None else takeable(pull).filter(key__in=keys)
        chosen = rows.update(wanted=True)
        if not chosen:
            raise NothingToTake(_("Nothing of it can be taken now. What waits in a request, or has a cause, stays out."))
        now = clock.now()
        Pull.objects.filter(pk=pull.pk).update(state=PullState.STAGING, stager=actor, not_before=now, claimed_until=now)
        if chosen > AT_ONCE:
            send_on_commit(PULL_TASK, str(pull.pk))
    return chosen


def some_stage(pull: Pull) -> bool:
    """Put the next share of what was chosen into a request; False when nothing was left. Inside a transaction."""
    advisory_lock(Lock.PULLING, pull.channel_id)  # another run may hold the same record
    wanted = takeable(pull).filter(wanted=True).order_by("key")
    rows = list(wanted[: MAXIMUM if pull.kind == UNIT_KIND else SHARE])
    if not rows:
        return False
    free = waiting_note(pull, rows)
    if free:
        _stage(pull, free)
    for row in rows:
        row.wanted = False
    PullRecord.objects.bulk_update(rows, ["wanted", "cause", "field", "value", "request", "document"], batch_size=500)
    return True


def _stage(pull: Pull, rows: list[PullRecord]) -> None:
    staged = request_stage(
        actor=pull.stager,
        unit=pull.unit or installation_top(),
        title=_title(pull, rows),
        proposals=proposals_of(pull, rows),
        evidence={
            "pull": str(pull.pk),
            "from": pull.hub,
            "channel": pull.channel.code,
            "agency": settings.AUTHORITY,
            "manifests": sorted({bytes(row.manifest).hex() for row in rows}),
        },
    )
    returned_note(rows, staged.returned, scoped=True)
    for place in staged.unchanged:
        rows[place].cause = "EQUAL_NOW"
    for row in rows:
        if not row.cause and staged.request is not None:
            row.request, row.document = staged.request, None


def _title(pull: Pull, rows: list[PullRecord]) -> str:
    if len(rows) == 1:
        return (_("From the national platform: %s") % rows[0].name)[:300]
    if pull.kind == UNIT_KIND:
        text = ngettext("From the national platform: %d unit", "From the national platform: %d units", len(rows))
    else:
        text = ngettext("From the national platform: %d file", "From the national platform: %d files", len(rows))
    return text % len(rows)
