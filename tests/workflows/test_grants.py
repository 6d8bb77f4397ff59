"""Rights are changed by two people, never by one, never for oneself, and by nothing else: the service and the database say so."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from orgtree import clock, scope
from orgtree.choices import Action, Role
from orgtree.models import Grant, UnitPermission, User
from orgtree.services.grants import GrantOverlaps, GrantRefused, GrantTooLong, grant_give, latest_end
from tests.factories import grant_make, grants_lifted, superuser_make, unit_make, user_make
from workflows.choices import GrantOp, GrantState
from workflows.errors import GrantChangeOpen, GrantReasonMissing, NotAllowed, OwnGrant, SetUpOver, WrongState
from workflows.models import AuditEvent, GrantChange
from workflows.services.grants import (
    grant_change_confirm,
    grant_change_refuse,
    grant_change_withdraw,
    grant_changes_confirm,
    grant_changes_lapse,
    grant_end_propose,
    grant_first,
    grant_propose,
    grant_renew_propose,
)


def day(offset):
    return clock.today() + timedelta(offset)


@pytest.fixture(scope="module")
def units(committed_db):
    root = unit_make("Tỉnh", code="H15")
    return {"root": root, "office": unit_make("Sở", parent=root), "elsewhere": unit_make("Xã", parent=root)}


@pytest.fixture(scope="module")
def people(units):
    """an and binh give grants in the office, chau elsewhere; dung holds nothing."""
    made = {name: user_make(name) for name in ("an", "binh", "chau", "dung")}
    for name, unit in (("an", "office"), ("binh", "office"), ("chau", "elsewhere")):
        grant_make(made[name], Role.ADMINISTRATOR, units[unit])
    return made


@pytest.fixture
def clerk(units):
    return user_make(f"clerk-{uuid.uuid4().hex[:8]}")


def propose(people, clerk, units, *, actor="an", role=Role.CLERK, unit="office", first=0, last=30, **more):
    values = {"reason": "Quyết định 12/QĐ-UBND", **more}
    return grant_propose(actor=people[actor], user=clerk, role=role, unit=units[unit], valid_from=day(first), valid_to=day(last), **values)


def test_one_proposes_another_confirms_and_both_are_on_record(units, people, clerk):
    change = propose(people, clerk, units)
    assert not scope.can(clerk, Action.EDIT, units["office"])

    confirmed = grant_change_confirm(actor=people["binh"], change_id=change.pk)

    assert scope.can(clerk, Action.EDIT, units["office"])
    assert (confirmed.state, confirmed.proposer, confirmed.decider, confirmed.grant.user) == ("confirmed", people["an"], people["binh"], clerk)
    deeds = AuditEvent.objects.filter(detail__change=str(change.pk)).order_by("id").values_list("action", "actor", "unit")
    assert list(deeds) == [("grant.proposed", people["an"].pk, units["office"].pk), ("grant.given", people["binh"].pk, units["office"].pk)]


@pytest.mark.parametrize(("who", "refusal"), [("an", OwnGrant), ("chau", NotAllowed), ("dung", NotAllowed), ("clerk", OwnGrant)])
def test_neither_the_proposer_nor_the_holder_nor_a_stranger_confirms(units, people, clerk, who, refusal):
    change = propose(people, clerk, units)
    actor = {**people, "clerk": clerk}[who]

    with pytest.raises(refusal):
        grant_change_confirm(actor=actor, change_id=change.pk)
    with pytest.raises(refusal):
        grant_change_refuse(actor=actor, change_id=change.pk, reason="không")

    change.refresh_from_db()
    assert change.state == GrantState.PROPOSED
    assert not Grant.objects.filter(user=clerk).exists()


def test_even_a_superuser_is_one_pair_of_eyes(units, people, clerk):
    chief = superuser_make(f"chief-{uuid.uuid4().hex[:8]}")
    change = grant_propose(actor=chief, user=clerk, role=Role.CLERK, unit=units["root"], valid_from=day(0), valid_to=day(9), reason="x")

    with pytest.raises(OwnGrant):
        grant_change_confirm(actor=chief, change_id=change.pk)
    with pytest.raises(GrantRefused):
        grant_propose(actor=chief, user=chief, role=Role.SUPERVISOR, unit=units["root"], valid_from=day(0), valid_to=day(9), reason="x")
    with pytest.raises(NotAllowed):  # who gives grants in the office does not reach the authority above it
        grant_change_confirm(actor=people["an"], change_id=change.pk)


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"unit": "elsewhere"}, GrantRefused),
        ({"actor": "dung"}, GrantRefused),
        ({"reason": " "}, GrantReasonMissing),
        ({"last": 3_000}, GrantTooLong),
    ],
    ids=["elsewhere", "no right", "no reason", "too long"],
)
def test_what_could_never_be_given_is_not_proposed(units, people, clerk, wrong, refusal):
    with pytest.raises(refusal):
        propose(people, clerk, units, **wrong)
    assert not GrantChange.objects.filter(user=clerk).exists()


def test_the_same_is_proposed_once(units, people, clerk):
    propose(people, clerk, units)
    with pytest.raises(GrantChangeOpen):
        propose(people, clerk, units, actor="binh", last=60)


def test_ending_and_renewing_take_two_as_well(units, people, clerk):
    grant = grant_make(clerk, Role.CLERK, units["office"], days=(-5, 10))

    renewal = grant_renew_propose(actor=people["an"], grant=grant, valid_to=day(40), reason="gia hạn")
    assert (renewal.valid_from, renewal.op) == (day(10), GrantOp.RENEW)
    grant_change_confirm(actor=people["binh"], change_id=renewal.pk)
    assert [one.valid_to for one in UnitPermission.objects.filter(user=clerk, permission__codename="unit_edit")] == [day(40)]

    ending = grant_end_propose(actor=people["binh"], grant=grant, reason="chuyển công tác")
    assert scope.can(clerk, Action.EDIT, units["office"])
    grant_change_confirm(actor=people["an"], change_id=ending.pk)
    grant.refresh_from_db()
    assert (grant.valid_to, grant.ender) == (day(0), people["an"])
    assert not scope.can(clerk, Action.EDIT, units["office"])


def test_what_was_decided_stays_decided(units, people, clerk):
    refused, withdrawn = propose(people, clerk, units), propose(people, clerk, units, role=Role.AUDITOR)

    grant_change_refuse(actor=people["binh"], change_id=refused.pk, reason="chưa có quyết định")
    grant_change_withdraw(actor=people["an"], change_id=withdrawn.pk)

    for change, state in ((refused, "refused"), (withdrawn, "withdrawn")):
        with pytest.raises(WrongState):
            grant_change_confirm(actor=people["binh"], change_id=change.pk)
        change.refresh_from_db()
        assert change.state == state
    assert not Grant.objects.filter(user=clerk).exists()
    with pytest.raises(NotAllowed):
        grant_change_withdraw(actor=people["binh"], change_id=propose(people, clerk, units).pk)


def test_a_proposal_dies_with_the_right_of_its_proposer(units, people, clerk):
    passing = user_make(f"passing-{uuid.uuid4().hex[:8]}")
    administers = grant_make(passing, Role.ADMINISTRATOR, units["office"], days=(-5, 20))
    change = propose({**people, "passing": passing}, clerk, units, actor="passing")
    grant_change_confirm(actor=people["binh"], change_id=grant_end_propose(actor=people["an"], grant=administers, reason="x").pk)

    with pytest.raises(GrantRefused):
        grant_change_confirm(actor=people["binh"], change_id=change.pk)


def test_several_are_confirmed_together_or_not_at_all(units, people, clerk):
    good = propose(people, clerk, units)
    bad = propose(people, clerk, units, role=Role.AUDITOR)
    grant_make(clerk, Role.AUDITOR, units["office"], days=(0, 30))  # given meanwhile by another way

    with pytest.raises(GrantOverlaps):
        grant_changes_confirm(actor=people["binh"], change_ids=[good.pk, bad.pk])
    assert not scope.can(clerk, Action.EDIT, units["office"])
    grant_changes_confirm(actor=people["binh"], change_ids=[good.pk])
    assert scope.can(clerk, Action.EDIT, units["office"])


def test_what_nobody_decides_lapses(units, people, clerk):
    old, fresh = propose(people, clerk, units), propose(people, clerk, units, role=Role.AUDITOR)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("alter table workflows_grantchange disable trigger hoso_change")
        GrantChange.objects.filter(pk=old.pk).update(proposed_at=clock.now() - timedelta(days=31))
        cursor.execute("alter table workflows_grantchange enable trigger hoso_change")

    assert grant_changes_lapse() == 1

    states = [GrantChange.objects.get(pk=one.pk).state for one in (old, fresh)]
    assert states == [GrantState.LAPSED, GrantState.PROPOSED]
    grant_change_withdraw(actor=people["an"], change_id=fresh.pk)


@pytest.fixture
def no_superusers(units):
    """As on the first day: nobody may do everything."""
    numbers = list(User.objects.filter(is_superuser=True, is_active=True).values_list("pk", flat=True))
    User.objects.filter(pk__in=numbers).update(is_active=False)
    yield
    User.objects.filter(pk__in=numbers).update(is_active=True)


def test_set_up_gives_the_first_two_and_no_third(no_superusers):
    authority = unit_make("Thành phố mới", code="H99")
    first, second, third = (user_make(f"first-{uuid.uuid4().hex[:8]}") for _ in range(3))

    for user in (first, second):
        change = grant_first(user=user, unit=authority, valid_to=day(90), system="command")
        assert (change.proposer, change.decider, change.state) == (None, None, "confirmed")
        assert scope.can(user, Action.GRANT, authority)

    with pytest.raises(SetUpOver):
        grant_first(user=third, unit=authority, valid_to=day(90), system="command")
    assert AuditEvent.objects.filter(action="grant.given", unit=authority, actor=None, detail__system="command").count() == 2


# What somebody with a shell, a bug or a stolen session could try, past the services: each is one statement or two.
ATTACKS = {
    "a grant out of nowhere": "insert into orgtree_grant(user_id, role, unit_id, valid_from, valid_to, giver_id, given_at)"
    " select user_id, 'supervisor', unit_id, '2020-01-01', '2099-01-01', giver_id, now() from orgtree_grant limit 1",
    "a permission out of nowhere": "update orgtree_unitpermission set valid_to = '2099-01-01'",
    "a longer grant": "update orgtree_grant set valid_to = valid_to + 1000",
    "another holder": "update orgtree_grant set user_id = giver_id",
    "no trace": "delete from orgtree_grant",
    "no rights for anybody": "truncate orgtree_unitpermission",
    "confirmed by a pen stroke": "update workflows_grantchange set state = 'confirmed', decider_id = (select max(id) from orgtree_user)"
    " where state = 'proposed'",
    "another role than was proposed": "update workflows_grantchange set role = 'supervisor' where state = 'proposed'",
    "a decision taken back": "update workflows_grantchange set state = 'proposed', decider_id = null, confirmed_xid = null where state = 'confirmed'",
    "history gone": "delete from workflows_grantchange",
    "born confirmed": "insert into workflows_grantchange(id, op, user_id, role, unit_id, valid_from, valid_to, reason, proposer_id, system, state,"
    " note, decider_id, confirmed_xid) select gen_random_uuid(), 'give', user_id, 'supervisor', unit_id, valid_from, valid_to, 'x', proposer_id, '',"
    " 'confirmed', '', (select max(id) from orgtree_user), pg_current_xact_id()::text::bigint from workflows_grantchange limit 1",
    "a setting that names an old change": "select set_config('hoso.grant_change', (select id::text from workflows_grantchange"
    " where state = 'confirmed' limit 1), true); update orgtree_grant set valid_to = valid_to + 1",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_database_refuses_what_bypasses_the_service(units, people, clerk, attack):
    grant_change_confirm(actor=people["binh"], change_id=propose(people, clerk, units).pk)
    open_one = propose(people, clerk, units, role=Role.AUDITOR)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ATTACKS[attack])
    grant_change_withdraw(actor=people["an"], change_id=open_one.pk)


@pytest.mark.parametrize(
    "columns", [{"proposer": "an", "decider": "an"}, {"proposer": "clerk", "decider": "an"}, {"proposer": "an", "decider": "clerk"}]
)
def test_four_eyes_are_a_constraint(units, people, clerk, columns):
    who = {name: {**people, "clerk": clerk}[login] for name, login in columns.items()}
    lifted = "alter table workflows_grantchange disable trigger hoso_change"
    with pytest.raises(DatabaseError, match=r"four_eyes|never_ones_own"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(lifted)
        GrantChange.objects.create(
            op="give", user=clerk, role="clerk", unit=units["office"], valid_from=day(0), valid_to=day(5), reason="x", state="refused", **who
        )


def test_a_confirmed_change_writes_its_own_grant_and_no_other(units, people, clerk):
    """Within one transaction the gate stands open for what was confirmed; through it nothing else passes."""
    with pytest.raises(DatabaseError, match="is not the one of change"), transaction.atomic():
        change = grant_change_confirm(actor=people["binh"], change_id=propose(people, clerk, units).pk)
        with connection.cursor() as cursor:
            cursor.execute("select set_config('hoso.grant_change', %s, true)", [str(change.pk)])
        grant_give(actor=people["binh"], user=people["dung"], role=Role.CLERK, unit=units["office"], valid_from=day(0), valid_to=day(5))


def test_of_several_simultaneous_confirmations_one_counts(units, people, clerk):
    deciders = [people["binh"], *(superuser_make(f"boss-{uuid.uuid4().hex[:8]}") for _ in range(3))]
    change = propose(people, clerk, units)
    start = Barrier(len(deciders))

    def confirm(actor):
        try:
            start.wait()
            grant_change_confirm(actor=actor, change_id=change.pk)
        except WrongState:
            return "late"
        finally:
            connection.close()
        return "first"

    with ThreadPoolExecutor(len(deciders)) as pool:
        outcomes = sorted(pool.map(confirm, deciders))

    assert outcomes == ["first", *["late"] * (len(deciders) - 1)]
    assert Grant.objects.filter(user=clerk).count() == 1
    assert AuditEvent.objects.filter(action="grant.given", detail__change=str(change.pk)).count() == 1


def test_the_factories_lift_the_gate_for_themselves_only(units, people):
    with grants_lifted():
        pass
    with pytest.raises(DatabaseError), nullcontext():
        grant_give(actor=people["an"], user=people["dung"], role=Role.CLERK, unit=units["office"], valid_from=day(0), valid_to=day(5))


def test_the_command_says_what_is_missing_and_what_it_did(no_superusers, capsys):
    call = {"username": "nobody-here", "unit": "H98"}
    with pytest.raises(CommandError, match="nobody-here"):
        call_command("first_administrator", **call)
    user = user_make(f"founder-{uuid.uuid4().hex[:8]}")
    with pytest.raises(CommandError, match="H98"):
        call_command("first_administrator", username=user.username, unit="H98")
    authority = unit_make("Bộ", code="H98")

    call_command("first_administrator", username=user.username, unit="H98")

    assert scope.can(user, Action.GRANT, authority)
    assert f"{user.username} is administrator of Bộ until {latest_end(clock.today())}" in capsys.readouterr().out
