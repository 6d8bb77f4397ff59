"""Marks "does not leave": two people make one, two people lift it, and the table knows it too."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from orgtree.choices import Role
from tests.factories import grant_make, unit_make, user_make
from workflows.errors import MarkRefused, NotAllowed
from workflows.models import AuditEvent, Mark
from workflows.services.marks import WHOLE, mark_decide, mark_lift_decide, mark_lift_propose, mark_propose, withheld

pytestmark = pytest.mark.django_db
KIND = "staff_profile"


@pytest.fixture
def unit():
    return unit_make()


@pytest.fixture
def clerk(unit):
    return with_role(Role.CLERK, unit)


@pytest.fixture
def supervisor(unit):
    return with_role(Role.SUPERVISOR, unit)


def with_role(role, unit):
    user = user_make()
    grant_make(user, role, unit)
    return user


def proposed(clerk, unit, **more) -> Mark:
    return mark_propose(actor=clerk, kind=KIND, key=more.pop("key", uuid4()), unit=unit, **{"reason": "Danh mục bí mật nhà nước", **more})


def test_a_mark_holds_from_its_proposal_until_two_people_lift_it(clerk, supervisor, unit):
    # given
    mark = proposed(clerk, unit)
    holding = lambda: withheld(kind=KIND, keys=[mark.key])  # noqa: E731
    assert holding() == {mark.key: {WHOLE}}
    # when it is confirmed, and its lifting proposed
    mark_decide(actor=supervisor, mark_id=mark.pk, agreed=True)
    mark_lift_propose(actor=clerk, mark_id=mark.pk, reason="Đã giải mật")
    assert holding() == {mark.key: {WHOLE}}
    mark_lift_decide(actor=supervisor, mark_id=mark.pk, agreed=True)
    # then
    assert holding() == {}
    actions = ["mark.proposed", "mark.confirmed", "mark.lift_proposed", "mark.lifted"]
    assert list(AuditEvent.objects.filter(key=mark.key).order_by("id").values_list("action", flat=True)) == actions


def test_a_refused_mark_holds_nothing_and_a_kept_one_goes_on(clerk, supervisor, unit):
    refused = proposed(clerk, unit, field="phone")
    mark_decide(actor=supervisor, mark_id=refused.pk, agreed=False)
    assert withheld(kind=KIND, keys=[refused.key]) == {}
    kept = proposed(clerk, unit, key=refused.key, field="phone")  # a refused mark does not stand in the way of a new one
    mark_decide(actor=supervisor, mark_id=kept.pk, agreed=True)
    mark_lift_propose(actor=clerk, mark_id=kept.pk, reason="x")
    mark_lift_decide(actor=supervisor, mark_id=kept.pk, agreed=False)
    assert withheld(kind=KIND, keys=[kept.key]) == {kept.key: {"phone"}}


def test_one_person_alone_makes_no_mark_and_lifts_none(unit):
    # given somebody with both rights, and a second account of theirs
    both = with_role(Role.CLERK, unit)
    grant_make(both, Role.SUPERVISOR, unit)
    both.personal_number = "066085000001"
    both.save()
    mark = proposed(both, unit)
    # when, then
    with pytest.raises(MarkRefused, match=r"somebody else|người khác"):
        mark_decide(actor=both, mark_id=mark.pk, agreed=True)
    with pytest.raises(DatabaseError), transaction.atomic():
        Mark.objects.filter(pk=mark.pk).update(state="in_force", decided_by=both)


def test_rights_are_asked_and_a_reason(clerk, supervisor, unit):
    stranger = with_role(Role.CLERK, unit_make())
    with pytest.raises(NotAllowed):
        proposed(stranger, unit)
    with pytest.raises(NotAllowed):
        proposed(supervisor, unit)
    with pytest.raises(MarkRefused):
        proposed(clerk, unit, reason="  ")
    mark = proposed(clerk, unit)
    with pytest.raises(MarkRefused, match=r"already|đã có"):
        proposed(clerk, unit, key=mark.key)
    with pytest.raises(NotAllowed):
        mark_decide(actor=stranger, mark_id=mark.pk, agreed=True)
    with pytest.raises(MarkRefused):
        mark_lift_propose(actor=clerk, mark_id=mark.pk, reason="chưa xác nhận")


@pytest.mark.parametrize(
    "statement",
    [
        "delete from workflows_mark",
        "update workflows_mark set reason = 'x'",
        "update workflows_mark set state = 'lifted'",
        "update workflows_mark set key = gen_random_uuid()",
    ],
)
def test_the_table_keeps_what_a_mark_says(clerk, unit, statement):
    proposed(clerk, unit)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
