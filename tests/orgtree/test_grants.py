"""Giving and ending roles."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from orgtree import clock, scope
from orgtree.choices import Action, Role
from orgtree.models import UnitPermission
from orgtree.services.grants import GrantOverlaps, GrantPeriodInvalid, GrantRefused, GrantTooLong, grant_end, grant_give, latest_end, union
from tests.factories import grant_make, grants_lifted, superuser_make, unit_make, user_make


@pytest.fixture(autouse=True)
def _without_the_gate(request):
    """What the tables' own writer does; that only a confirmed change may call it is tests/workflows/test_grants.py."""
    if "db" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("db")
    with grants_lifted():
        yield


def day(offset: int) -> date:
    return clock.today() + timedelta(offset)


def periods(user, codename):
    return list(UnitPermission.objects.filter(user=user, permission__codename=codename).order_by("valid_from").values_list("valid_from", "valid_to"))


def test_an_administrator_gives_roles_below_his_unit_only(db):
    root = unit_make("root")
    office, elsewhere = unit_make("office", parent=root), unit_make("elsewhere", parent=root)
    administrator, clerk = user_make(), user_make()
    grant_make(administrator, Role.ADMINISTRATOR, office)

    grant = grant_give(actor=administrator, user=clerk, role=Role.CLERK, unit=office, valid_from=day(0), valid_to=day(30))

    assert grant.giver == administrator
    assert scope.can(clerk, Action.EDIT, office)
    with pytest.raises(GrantRefused):
        grant_give(actor=administrator, user=clerk, role=Role.CLERK, unit=elsewhere, valid_from=day(0), valid_to=day(30))
    with pytest.raises(GrantRefused):
        grant_give(actor=clerk, user=administrator, role=Role.AUDITOR, unit=office, valid_from=day(0), valid_to=day(30))


def test_nobody_gives_himself_a_role(db):
    unit, administrator = unit_make(), user_make()
    grant_make(administrator, Role.ADMINISTRATOR, unit)

    with pytest.raises(GrantRefused):
        grant_give(actor=administrator, user=administrator, role=Role.SUPERVISOR, unit=unit, valid_from=day(0), valid_to=day(30))


@pytest.mark.parametrize(("start", "end"), [(0, 0), (5, 4), (-10, 0), (-10, -1)])
def test_a_period_that_is_empty_or_over_is_refused(db, start, end):
    with pytest.raises(GrantPeriodInvalid):
        grant_give(actor=superuser_make(), user=user_make(), role=Role.CLERK, unit=unit_make(), valid_from=day(start), valid_to=day(end))


def test_no_grant_lasts_longer_than_the_installation_allows(db, settings):
    settings.GRANT_MAX_MONTHS = 12
    values = {"actor": superuser_make(), "user": user_make(), "role": Role.CLERK, "unit": unit_make(), "valid_from": day(0)}

    with pytest.raises(GrantTooLong, match="12"):
        grant_give(**values, valid_to=latest_end(day(0)) + timedelta(1))
    assert grant_give(**values, valid_to=latest_end(day(0))).valid_to == latest_end(day(0))


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 10, 15), 24, date(2028, 10, 15)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(9998, 6, 1), 24, date(9999, 6, 1)),
    ],
)
def test_the_latest_end_is_counted_in_months(settings, start, months, end):
    settings.GRANT_MAX_MONTHS = months

    assert latest_end(start) == end


def test_overlapping_grants_of_one_role_are_refused_adjoining_ones_are_not(db):
    user, unit = user_make(), unit_make()
    grant_make(user, Role.CLERK, unit, days=(0, 10))

    with pytest.raises(GrantOverlaps):
        grant_make(user, Role.CLERK, unit, days=(9, 20))
    grant_make(user, Role.CLERK, unit, days=(10, 20))

    assert periods(user, "unit_edit") == [(day(0), day(20))]


def test_permissions_are_the_union_of_the_grants(db):
    user, unit = user_make(), unit_make()
    grant_make(user, Role.CLERK, unit, days=(0, 10))
    grant_make(user, Role.SUPERVISOR, unit, days=(5, 15))
    grant_make(user, Role.CLERK, unit, days=(20, 30))

    assert periods(user, "unit_view") == [(day(0), day(15)), (day(20), day(30))]
    assert periods(user, "unit_edit") == [(day(0), day(10)), (day(20), day(30))]
    assert periods(user, "unit_approve") == [(day(5), day(15))]


def test_ending_a_grant_works_at_once_and_tells_by_whom(db):
    user, unit, chief = user_make(), unit_make(), superuser_make()
    grant = grant_make(user, Role.CLERK, unit)
    kept = grant_make(user, Role.AUDITOR, unit)

    ended = grant_end(actor=chief, grant=grant)

    assert (ended.valid_to, ended.ender) == (clock.today(), chief)
    assert not scope.can(user, Action.EDIT, unit)
    assert scope.can(user, Action.AUDIT, unit)
    assert scope.can(user, Action.VIEW, unit)
    kept.refresh_from_db()
    assert kept.ended_at is None


def test_a_grant_ended_before_it_begins_never_begins(db):
    user, unit = user_make(), unit_make()
    grant = grant_make(user, Role.CLERK, unit, days=(5, 10))

    ended = grant_end(actor=superuser_make(), grant=grant)

    assert ended.valid_from == ended.valid_to == day(5)
    assert periods(user, "unit_edit") == []
    grant_make(user, Role.CLERK, unit, days=(5, 10))  # an empty period is in nobody's way


@pytest.mark.parametrize("offset", [-1, 10, 11])
def test_a_grant_can_be_ended_neither_in_the_past_nor_later(db, offset):
    grant = grant_make(user_make(), Role.CLERK, unit_make(), days=(0, 10))

    with pytest.raises(GrantPeriodInvalid):
        grant_end(actor=superuser_make(), grant=grant, on=day(offset))


def test_only_who_may_give_may_end(db):
    user, unit = user_make(), unit_make()
    grant = grant_make(user, Role.CLERK, unit)

    with pytest.raises(GrantRefused):
        grant_end(actor=user, grant=grant)
    assert scope.can(user, Action.EDIT, unit)


def test_the_database_refuses_overlaps_that_bypass_the_service(db):
    user, unit = user_make(), unit_make()
    grant = grant_make(user, Role.CLERK, unit, days=(0, 10))
    permission = UnitPermission.objects.filter(user=user).first()

    for copy in (grant, permission):
        copy.pk = None
        copy._state.adding = True
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.save()


@given(st.lists(st.tuples(st.dates(date(2026, 1, 1), date(2026, 2, 15)), st.dates(date(2026, 1, 1), date(2026, 2, 15))), max_size=8))
def test_union_holds_the_same_days_in_separate_periods(made):
    def days(held):
        return {start + timedelta(offset) for start, end in held for offset in range((end - start).days)}

    joined = union(made)

    assert days(joined) == days(made)
    assert all(before[1] < after[0] for before, after in pairwise(joined))
