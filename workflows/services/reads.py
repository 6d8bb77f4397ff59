"""Writing the read log: one insert, whether one file was opened or 100,000 were exported.

It is written before anything is shown, and what cannot be recorded is not shown: an error here is the page's error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection

from orgtree.models import User
from workflows.choices import ReadAction, ReadReason
from workflows.errors import PurposeMissing
from workflows.models import ChangeRequest
from workflows.selectors.differences import ItemChange
from workflows.services.read_months import months_prepare
from workflows.targets import target

INSERT = """
insert into workflows_readevent(actor_id, action, kind, key, unit_id, what, reason, note, address)
select %(actor)s, %(action)s, %(kind)s, x.key, x.unit, %(what)s, %(reason)s, %(note)s, %(address)s
from unnest(%(keys)s::uuid[], %(units)s::uuid[]) x(key, unit)
"""


def read_record(
    *,
    actor: User,
    action: ReadAction,
    kind: str,
    records: Sequence[tuple[UUID, UUID | None]],
    what: str = "",
    reason: str = "",
    note: str = "",
    address: str | None = None,
) -> None:
    """Record that `actor` read `records`, each a key and the unit it stands in.

    Raises PurposeMissing when a masked value is revealed without a reason of the list, or with "other" and no words.
    """
    if not records:
        return
    if action == ReadAction.REVEAL or reason:
        reason_check(reason, note)
    values = {
        "actor": actor.pk,
        "action": action.value,
        "kind": kind,
        "what": what[:200],
        "reason": reason,
        "note": note.strip()[:300],
        "address": address,
        "keys": [key for key, _unit in records],
        "units": [unit for _key, unit in records],
    }
    _write(INSERT, values)


ITEMS = """
insert into workflows_readevent(actor_id, action, kind, key, unit_id, what, address)
select %(actor)s, %(action)s, i.kind, i.key, (select o.id from orgtree_orgunit o where o.id = i.units[1]), %(what)s, %(address)s
from workflows_changeitem i where i.request_id = %(request)s and i.leaf_index = any(%(leaves)s)
"""


def items_read(*, actor: User, request: ChangeRequest, items: Sequence[ItemChange], address: str | None = None) -> None:
    """Record that people's documents are about to be shown in a request: one line a person, in one insert."""
    leaves = [one.leaf_index for one in items if target(one.kind).is_personal]
    if leaves:
        values = {"actor": actor.pk, "action": ReadAction.REVIEW.value, "what": f"#{request.number}", "address": address}
        _write(ITEMS, {**values, "request": request.pk, "leaves": leaves})


def reason_check(reason: str, note: str) -> None:
    """Raises PurposeMissing unless `reason` is one of the list, with words beside it where it is "other"."""
    if reason not in ReadReason.values or (reason == ReadReason.OTHER and not note.strip()):
        raise PurposeMissing


def _write(statement: str, values: dict[str, Any]) -> None:
    try:
        _execute(statement, values)
    except IntegrityError as error:
        # Nobody made this month, because the scheduler stood still: make it and write again.
        if "no partition" not in str(error) or connection.in_atomic_block:
            raise
        months_prepare()
        _execute(statement, values)


def _execute(statement: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
