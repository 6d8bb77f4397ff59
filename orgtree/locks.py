"""Advisory locks: one enum of keys for the whole program, so that no two purposes ever share a number.

The order is advisory before rows, rows by primary key, re-read after acquiring; the seal chain alone comes last, just
before commit (decisions.md 12). Every lock lives until the end of its transaction and waits at most `lock_timeout`.
"""

from enum import IntEnum
from uuid import UUID
from zlib import crc32

from django.db import connection


class LockOutsideTransaction(Exception):
    """A transaction-level lock was asked for outside `transaction.atomic()`, where it would be released at once."""


class Lock(IntEnum):
    TREE = 4101
    SEAL_CHAIN = 4102
    REQUEST = 4103
    UPLOAD = 4104
    DELIVERY = 4105
    AUDIT_CHAIN = 4106
    DELEGATION = 4107  # the database's trigger on delegations takes (4107, 0) after it
    READ_MONTHS = 4108
    EVIDENCE = 4109
    WITNESS = 4111
    AUDIT_MONTHS = 4112
    ARCHIVE_MONTHS = 4110
    PULLING = 4113


def advisory_lock(lock: Lock, about: UUID | int | str = 0, *, first: str = "") -> None:
    """Wait for `lock` on one object until the transaction ends. Raises LockOutsideTransaction.

    `about` is folded to 32 bits: two objects may share a lock and wait for each other, never miss one. `first` is a statement that
    is run before, in the same call.
    """
    if not connection.in_atomic_block:
        raise LockOutsideTransaction(lock.name)
    with connection.cursor() as cursor:
        cursor.execute(f"{first and first + '; '}SELECT pg_advisory_xact_lock(%s, %s)", [int(lock), crc32(str(about).encode()) - 2**31])


def advisory_try(lock: Lock, about: UUID | int | str = 0) -> bool:
    """Take `lock` until the transaction ends if nobody else has it; never waits. Raises LockOutsideTransaction."""
    if not connection.in_atomic_block:
        raise LockOutsideTransaction(lock.name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [int(lock), crc32(str(about).encode()) - 2**31])
        return bool(cursor.fetchone()[0])


def tree_lock() -> None:
    """The one lock of every writer of the organisation tree, taken before anything about the tree is read.

    MPTT's bounds are a property of all rows together: without this, concurrent writers corrupt them in silence.
    """
    advisory_lock(Lock.TREE)
