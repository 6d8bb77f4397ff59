"""Advisory locks between real transactions."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from orgtree.locks import Lock, LockOutsideTransaction, advisory_lock, tree_lock

ONE, TWO = UUID(int=1), UUID(int=2)


def obtained(lock: Lock, about: object) -> bool:
    """Does another connection get the lock without waiting?"""

    def attempt() -> bool:
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '50ms'")
                advisory_lock(lock, about)
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(attempt).result()


def test_a_lock_is_held_until_the_end_of_the_transaction(committed_db):
    with transaction.atomic():
        tree_lock()
        assert not obtained(Lock.TREE, 0)
    assert obtained(Lock.TREE, 0)


def test_locks_of_other_purposes_and_objects_do_not_wait_for_each_other(committed_db):
    with transaction.atomic():
        advisory_lock(Lock.REQUEST, ONE)

        assert not obtained(Lock.REQUEST, ONE)
        assert obtained(Lock.REQUEST, TWO)
        assert obtained(Lock.UPLOAD, ONE)
        assert obtained(Lock.TREE, 0)


def test_a_lock_outside_a_transaction_is_refused(committed_db):
    with pytest.raises(LockOutsideTransaction):
        advisory_lock(Lock.UPLOAD, ONE)


def test_no_two_purposes_share_a_number():
    assert len({int(lock) for lock in Lock}) == len(Lock.__members__)
