"""Every lock of the gate is a function here. Order: tree, then rows by primary key, and the seal chain last of all.

The seal chain's lock is the one exception to "advisory before rows": taken first it made every other edit wait 45 s behind a
batch of 100,000 (decisions.md 12).
"""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from orgtree.locks import Lock, advisory_lock
from orgtree.models import OrgUnit
from workflows.models import ChangeRequest


def request_lock(request_id: UUID) -> ChangeRequest:
    """The request with its unit, locked for this transaction and read after locking. Raises ChangeRequest.DoesNotExist."""
    return ChangeRequest.objects.select_for_update(of=("self",)).select_related("unit").get(pk=request_id)


def seal_chain_lock() -> None:
    """Deferred foreign keys are checked first, in the same call: nobody waits for that behind the lock."""
    advisory_lock(Lock.SEAL_CHAIN, first="set constraints all immediate")


def units_share(request: ChangeRequest) -> None:
    """Keep the units of the request's open items as they are until commit, so that a reorganisation cannot pull them away (decisions.md 13)."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select from {OrgUnit._meta.db_table} where id in "
            "(select unnest(units) from workflows_changeitem where request_id = %s and state = 'open') order by id for share",
            [request.pk],
        )


def live_rows_locked(live_table: str, opened_table: str) -> str:
    """SQL that locks the live records which the opened ones change, in key order, and selects (id, version) as they are once locked."""
    return f"select l.id, l.version from {live_table} l where l.id in (select id from {opened_table}) order by l.id for no key update"
