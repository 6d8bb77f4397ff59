"""Every lock of the gate is a function here. Order: tree, then rows by primary key, and the seal chain last of all.

The seal chain's lock is the one exception to "advisory before rows": taken first it made every other edit wait 45 s behind a
batch of 100,000 (decisions.md 12).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from orgtree.locks import Lock, advisory_lock
from orgtree.models import OrgUnit
from workflows.models import ChangeRequest


def request_lock(request_id: UUID) -> ChangeRequest:
    """The request, locked for this transaction and read after locking. Raises ChangeRequest.DoesNotExist."""
    return ChangeRequest.objects.select_for_update(of=("self",)).get(pk=request_id)


def seal_chain_lock() -> None:
    advisory_lock(Lock.SEAL_CHAIN)


def units_share(unit_ids: Iterable[UUID]) -> None:
    """Keep these units as they are until commit, so that a reorganisation cannot pull them away (decisions.md 13)."""
    with connection.cursor() as cursor:
        cursor.execute(f"select from {OrgUnit._meta.db_table} where id = any(%s) order by id for share", [sorted(unit_ids)])


def live_rows_lock(live_table: str, opened_table: str) -> None:
    """Lock the live records that the opened ones change, in key order."""
    with connection.cursor() as cursor:
        cursor.execute(f"select from {live_table} l where l.id in (select id from {opened_table}) order by l.id for no key update")
