"""Several administrators give the same role at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from django.db import connection

from orgtree import clock
from orgtree.choices import Role
from orgtree.models import Grant, UnitPermission, User
from orgtree.services.grants import GrantOverlaps, grant_give
from tests.factories import superuser_make, unit_make, user_make

GIVERS = 6


def test_one_of_several_simultaneous_grants_is_given_the_others_refused(committed_db):
    user, unit, chief = user_make(), unit_make(), superuser_make()
    start = Barrier(GIVERS)

    def give(_number: int) -> str:
        try:
            me, receiver = User.objects.get(pk=chief.pk), User.objects.get(pk=user.pk)
            start.wait()
            grant_give(actor=me, user=receiver, role=Role.CLERK, unit=unit, valid_from=clock.today(), valid_to=clock.today() + timedelta(9))
        except GrantOverlaps:
            return "refused"
        finally:
            connection.close()
        return "given"

    with ThreadPoolExecutor(GIVERS) as pool:
        outcomes = list(pool.map(give, range(GIVERS)))

    assert sorted(outcomes) == ["given"] + ["refused"] * (GIVERS - 1)
    assert Grant.objects.filter(user=user).count() == 1
    assert UnitPermission.objects.filter(user=user).count() == 2
