"""Who sees what: every test asserts the visible and the hidden set."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orgtree import clock, scope
from orgtree.choices import ROLE_ACTIONS, Action, Role
from orgtree.models import Grant, OrgUnit
from orgtree.services.grants import permissions_derive
from tests.factories import grant_make, grants_lifted, superuser_make, unit_make, unit_row, units_make, user_make


@pytest.fixture
def province(db):
    """H15 > office (> registry office), commune (> school); and another authority H20. By name."""
    root = unit_make("province", code="H15")
    office = unit_make("office", parent=root)
    commune = unit_make("commune", parent=root)
    unit_make("registry office", parent=office)
    unit_make("school", parent=commune)
    unit_make("other province", code="H20")
    return {unit.name: unit for unit in OrgUnit.objects.all()}


def seen(user, action=Action.VIEW) -> set[str]:
    return {unit.name for unit in scope.units(user, action)}


def test_a_grant_covers_the_unit_and_all_below_and_nothing_else(province):
    clerk = user_make()

    grant_make(clerk, Role.CLERK, province["commune"])

    assert seen(clerk) == {"commune", "school"}
    assert scope.outside(clerk, Action.VIEW, [unit.pk for unit in province.values()]) == {
        province[name].pk for name in ("province", "office", "registry office", "other province")
    }


@pytest.mark.parametrize("role", list(Role))
def test_a_role_gives_its_actions_and_no_other(province, role):
    user = user_make()

    grant_make(user, role, province["office"])

    assert {action for action in Action if scope.can(user, action, province["registry office"])} == ROLE_ACTIONS[role]
    assert not any(scope.can(user, action, province["commune"]) for action in Action)


def test_no_role_may_both_prepare_and_decide():
    assert not any({Action.EDIT, Action.APPROVE} <= actions for actions in ROLE_ACTIONS.values())


def test_two_roles_on_one_unit_add_up(province):
    user = user_make()

    grant_make(user, Role.CLERK, province["office"])
    grant_make(user, Role.AUDITOR, province["office"])

    assert {action for action in Action if scope.can(user, action, province["office"])} == {Action.VIEW, Action.EDIT, Action.AUDIT}


@pytest.mark.parametrize(("days", "held"), [((0, 1), True), ((-10, 1), True), ((1, 10), False), ((-10, 0), False)])
def test_a_grant_works_from_its_first_day_until_the_day_it_ends(province, days, held):
    user = user_make()
    start, end = (clock.today() + timedelta(offset) for offset in days)
    with grants_lifted():
        Grant.objects.create(user=user, role=Role.CLERK, unit=province["office"], valid_from=start, valid_to=end, giver=superuser_make())
        permissions_derive(user, province["office"])

    assert (seen(user) == {"office", "registry office"}) is held
    assert (scope.outside(user, Action.VIEW, [province["office"].pk]) == set()) is held
    assert (user in scope.holders(Action.VIEW, province["office"])) is held


def test_the_same_grant_is_seen_from_two_days(province, settings):
    user = user_make()
    grant_make(user, Role.CLERK, province["office"], days=(0, 10))

    settings.PINNED_TODAY = clock.today() + timedelta(9)
    assert seen(user) == {"office", "registry office"}

    settings.PINNED_TODAY = clock.today() + timedelta(1)
    assert seen(user) == set()


def test_superusers_see_all_and_only_they_act_on_no_unit(province):
    chief, clerk = superuser_make(), user_make()
    grant_make(clerk, Role.CLERK, province["province"])

    assert seen(chief) == set(province)
    assert scope.outside(chief, Action.GRANT, [uuid4()]) == set()
    assert scope.can(chief, Action.EDIT, None)
    assert not scope.can(clerk, Action.EDIT, None)


def test_inactive_and_anonymous_users_see_nothing(province):
    gone, chief = user_make(), superuser_make()
    grant_make(gone, Role.CLERK, province["province"])
    gone.is_active = chief.is_active = False
    gone.save()

    for user in (gone, chief, AnonymousUser()):
        assert seen(user) == set()
        assert not scope.can(user, Action.VIEW, province["province"])
        assert not scope.can(user, Action.VIEW, None)
        assert scope.outside(user, Action.VIEW, [province["office"].pk]) == {province["office"].pk}
    assert gone not in scope.holders(Action.VIEW, province["province"])


def test_a_transfer_needs_the_right_on_both_units(province):
    clerk = user_make()
    both = [province["office"].pk, province["commune"].pk]

    grant_make(clerk, Role.CLERK, province["office"])
    assert scope.outside(clerk, Action.EDIT, both) == {province["commune"].pk}

    grant_make(clerk, Role.CLERK, province["commune"])
    assert scope.outside(clerk, Action.EDIT, both) == set()


def test_a_unit_that_does_not_exist_is_outside(province):
    clerk, nowhere = user_make(), uuid4()
    grant_make(clerk, Role.CLERK, province["province"])

    assert scope.outside(clerk, Action.EDIT, [nowhere, province["office"].pk]) == {nowhere}


def test_outside_asks_once_and_scoped_twice(province, django_assert_num_queries):
    clerk = user_make()
    grant_make(clerk, Role.CLERK, province["office"])
    grant_make(clerk, Role.CLERK, province["commune"])

    with django_assert_num_queries(1):
        scope.outside(clerk, Action.EDIT, [unit.pk for unit in province.values()])
    with django_assert_num_queries(2):
        list(scope.scoped(Grant.objects.all(), clerk, Action.VIEW))


def test_scoped_filters_anything_with_a_unit(province):
    viewer = user_make()
    grants = {name: grant_make(user_make(), Role.CLERK, province[name]) for name in ("office", "registry office", "commune", "other province")}
    grant_make(viewer, Role.AUDITOR, province["office"])

    visible = set(scope.scoped(Grant.objects.exclude(user=viewer), viewer, Action.VIEW))

    assert visible == {grants["office"], grants["registry office"]}


def test_scoped_by_a_path_of_another_name_hides_rows_without_a_unit(province):
    viewer = user_make()
    grant_make(viewer, Role.CLERK, province["office"])

    visible = {unit.name for unit in scope.scoped(OrgUnit.objects.all(), viewer, Action.VIEW, "parent")}

    assert visible == {"registry office"}


def test_holders_are_found_above_the_unit_but_not_beside_or_below(province):
    above, here, below, beside, chief = (user_make(name) for name in ("above", "here", "below", "beside", "chief"))
    superuser_make("idle chief")
    for user, name in ((above, "province"), (here, "office"), (below, "registry office"), (beside, "commune"), (chief, "office")):
        grant_make(user, Role.SUPERVISOR, province[name])
    grant_make(user_make("clerk"), Role.CLERK, province["office"])

    assert {user.username for user in scope.holders(Action.APPROVE, province["office"])} == {"above", "here", "chief"}


def test_rights_move_with_a_unit_that_moves(province):
    clerk = user_make()
    grant_make(clerk, Role.CLERK, province["office"])
    school = province["school"]

    units_make([unit_row("school", id=school.pk, code=school.code, parent=province["office"].pk, base_version=1)])

    assert seen(clerk) == {"office", "registry office", "school"}
    assert set(province) - seen(clerk) == {"province", "commune", "other province"}


def test_a_tree_renumbered_between_question_and_answer_shows_nobody_elses_units(province):
    clerk = user_make()
    grant_make(clerk, Role.CLERK, province["commune"])
    question = scope.units(clerk, Action.VIEW)

    units_make([unit_row("newcomer", parent=province["province"].pk, order_no=0) for _ in range(3)])  # takes the place of the commune

    assert set(question) == set()
    assert seen(clerk) == {"commune", "school"}


def test_holders_do_not_depend_on_when_the_unit_was_read(province):
    here, beside = user_make(), user_make()
    grant_make(here, Role.SUPERVISOR, province["school"])
    grant_make(beside, Role.SUPERVISOR, province["registry office"])
    stale = OrgUnit.objects.get(name="school")

    units_make([unit_row("newcomer", parent=province["province"].pk, order_no=0) for _ in range(3)])

    assert list(scope.holders(Action.APPROVE, stale)) == [here]


@st.composite
def granted_trees(draw):
    """Superiors as indexes (None for a root), then grants as (unit index, role, first day, last day) counted from today."""
    count = draw(st.integers(1, 14))
    parents = [draw(st.none() | st.integers(0, index - 1)) if index else None for index in range(count)]
    role = st.sampled_from([Role.CLERK, Role.SUPERVISOR, Role.OPERATOR])
    period = st.sampled_from([(-9, 9), (-9, 0), (1, 9), (0, 1)])
    grants = draw(st.lists(st.tuples(st.integers(0, count - 1), role, period), max_size=5, unique_by=lambda grant: grant[:2]))
    return parents, grants


@settings(max_examples=36, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(granted_trees())
def test_scope_equals_a_walk_up_the_tree(db, made):
    parents, grants = made
    with transaction.atomic():
        rows = [unit_row() for _ in parents]
        for row, parent in zip(rows, parents, strict=True):
            row["parent_id"] = None if parent is None else rows[parent]["id"]
        units_make(rows)
        user, giver = user_make(), superuser_make()
        for index, role, (first, last) in grants:
            unit = OrgUnit.objects.get(pk=rows[index]["id"])
            start, end = (clock.today() + timedelta(offset) for offset in (first, last))
            with grants_lifted():
                Grant.objects.create(user=user, role=role, unit=unit, valid_from=start, valid_to=end, giver=giver)
                permissions_derive(user, unit)

        for action in (Action.VIEW, Action.EDIT, Action.APPROVE, Action.OPERATE):
            granted = {index for index, role, (first, last) in grants if action in ROLE_ACTIONS[role] and first <= 0 < last}
            expected = {rows[index]["id"] for index in range(len(rows)) if granted & set(_line_up(index, parents))}
            everything = {row["id"] for row in rows}
            assert {unit.pk for unit in scope.units(user, action)} == expected
            assert everything - scope.outside(user, action, everything) == expected
            assert {unit.pk for unit in OrgUnit.objects.filter(pk__in=everything) if user in scope.holders(action, unit)} == expected
        transaction.set_rollback(True)


def _line_up(index, parents):
    while index is not None:
        yield index
        index = parents[index]
