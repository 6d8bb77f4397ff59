"""Two administrators give the same role at the same moment."""

from datetime import timedelta
from threading import Barrier, Thread

from django.db import connection

from orgtree import clock
from orgtree.choices import Role
from orgtree.models import Grant, UnitPermission, User
from orgtree.services.grants import GrantOverlaps, grant_give
from tests.factories import superuser_make, unit_make, user_make


def test_one_of_two_simultaneous_grants_is_refused_cleanly(committed_db):
    user, unit, chief = user_make(), unit_make(), superuser_make()
    start, outcomes = Barrier(6), []

    def give():
        try:
            me, receiver = User.objects.get(pk=chief.pk), User.objects.get(pk=user.pk)
            start.wait()
            grant_give(actor=me, user=receiver, role=Role.CLERK, unit=unit, valid_from=clock.today(), valid_to=clock.today() + timedelta(9))
            outcomes.append("given")
        except GrantOverlaps:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [Thread(target=give) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["given"] + ["refused"] * 5
    assert Grant.objects.filter(user=user).count() == 1
    assert UnitPermission.objects.filter(user=user).count() == 2
