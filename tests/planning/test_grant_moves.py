"""Rights after a reorganisation: they follow where one unit continues another, and wait for a decision where several do."""

from datetime import timedelta

import pytest
from django.urls import reverse

from orgtree import clock, scope
from orgtree.choices import Action, Role
from orgtree.models import Grant, OrgUnit, UnitPermission
from tests.factories import grant_make, superuser_make, user_make
from tests.workflows.conftest import gate as gate  # the fixture
from workflows.errors import NotAllowed
from workflows.models import AuditEvent, GrantChange, Notice
from workflows.selectors.grant_moves import unclear_for
from workflows.services.grant_moves import grant_successor_propose, grants_follow
from workflows.services.grants import grant_change_confirm, grant_end_propose
from workflows.services.noticing import notices_make
from workflows.services.staging import Proposal


class Place:
    """Units founded for one test, with notes in them, and their end."""

    serial = 40

    def __init__(self, gate):
        self.gate = gate
        self.notes = {}

    def found(self, *names, under=None):
        made = []
        for name in names:
            Place.serial += 1
            patch = {"code": f"H15.{Place.serial}", "name": name, "kind": "division", "valid_from": "2025-07-01"}
            made.append((self.gate.key(), {**patch, "parent": str((under or self.gate.unit).pk)}))
        self.gate.applied(*(Proposal(kind="org_unit", key=key, ref=n, patch=patch) for n, (key, patch) in enumerate(made)))
        return [OrgUnit.objects.get(pk=key) for key, _patch in made]

    def note_in(self, unit):
        key = self.gate.key()
        self.gate.applied(self.gate.proposal(key=key, unit=str(unit.pk)))
        return key

    def end(self, unit, **notes_to):
        """End `unit` today; its notes go to the units given by their numbers."""
        gone = Proposal(kind="org_unit", key=unit.pk, patch={"valid_to": clock.today().isoformat()})
        moves = [Proposal(kind="toy_note", key=key, ref=n, patch={"unit": str(to.pk)}) for n, (key, to) in enumerate(notes_to.get("moves", []), 1)]
        return self.gate.applied(gone, *moves)


@pytest.fixture
def place(gate):
    return Place(gate)


def holders(unit, role=Role.CLERK):
    return {(one.user_id, one.valid_to) for one in Grant.objects.on(clock.today()).filter(unit=unit, role=role)}


def test_where_one_unit_continues_another_roles_follow(place):
    # given
    old, new = place.found("Phòng A", "Phòng B")
    notes = [place.note_in(old), place.note_in(old)]
    lan = user_make()
    held = grant_make(lan, Role.CLERK, old)
    # when
    request = place.end(old, moves=[(key, new) for key in notes])
    assert grants_follow() == (1, 0)
    assert grants_follow() == (0, 0)
    # then the same person holds the same role until the same day, and nothing where nothing is any more
    assert holders(new) == {(lan.pk, held.valid_to)}
    assert holders(old) == set()
    assert scope.can(lan, Action.EDIT, new)
    assert not scope.can(lan, Action.EDIT, old)
    assert not UnitPermission.objects.filter(user=lan, content_object=old, valid_to__gt=clock.today()).exists()
    # made by the system, with its origin
    event = AuditEvent.objects.get(action="grant.moved", request=request)
    changes = GrantChange.objects.filter(user=lan, system="reorganisation").order_by("op")
    assert [(one.op, one.state, one.proposer) for one in changes] == [("end", "confirmed", None), ("give", "confirmed", None)]
    assert str(request.number) in changes[0].reason
    assert event.unit == new
    notices_make()
    assert Notice.objects.filter(user=lan, kind="grant_moved", unit=new).count() == 1


def test_who_holds_the_role_there_already_loses_nothing_and_gains_no_second(place):
    old, new = place.found("Phòng C", "Phòng D")
    note = place.note_in(old)
    lan = user_make()
    grant_make(lan, Role.CLERK, new, days=(-30, 100))
    grant_make(lan, Role.CLERK, old, days=(-30, 300))
    waiting = grant_end_propose(actor=superuser_make(), grant=Grant.objects.get(user=lan, unit=old), reason="Nghỉ")
    place.end(old, moves=[(note, new)])
    grants_follow()
    ends = sorted(Grant.objects.filter(user=lan, unit=new).values_list("valid_to", flat=True))
    assert ends == [clock.today() + timedelta(100), clock.today() + timedelta(300)]
    assert GrantChange.objects.get(pk=waiting.pk).state == "lapsed"


@pytest.mark.parametrize("how", ["divided", "into the unit above", "nobody moved"])
def test_what_is_not_clear_waits_in_the_list_of_those_who_give_there(place, how):
    # given
    above, *_more = place.found("Sở")
    old, one, two = place.found("Phòng E", "Phòng F", "Phòng G", under=above)
    notes = [place.note_in(old), place.note_in(old)]
    lan, giver, other = user_make(), superuser_make(), superuser_make()
    held = grant_make(lan, Role.CLERK, old)
    to = {"divided": [(notes[0], one), (notes[1], two)], "into the unit above": [(key, above) for key in notes], "nobody moved": []}[how]
    # when
    place.end(old, moves=to)
    moved, _unclear = grants_follow()
    # then nobody silently keeps or loses anything
    assert moved == 0
    assert holders(old) == {(lan.pk, held.valid_to)}
    (shown,) = [one for one in unclear_for(giver) if one.unit.pk == old.pk]
    assert {unit.name for unit in shown.candidates} == {"divided": {"Phòng F", "Phòng G"}, "into the unit above": {"Sở"}, "nobody moved": set()}[how]
    assert unclear_for(lan) == []
    assert AuditEvent.objects.filter(action="grant.unclear", unit=old).count() == 1
    # and one chooses, another confirms
    with pytest.raises(NotAllowed):
        grant_successor_propose(actor=lan, grant_id=held.pk, unit=one, reason="x")
    given, ended = grant_successor_propose(actor=giver, grant_id=held.pk, unit=one, reason="QĐ 12")
    for change in (given, ended):
        grant_change_confirm(actor=other, change_id=change.pk)
    assert (holders(one), holders(old)) == ({(lan.pk, held.valid_to)}, set())


def test_mergers_of_mergers_are_followed_and_the_page_leads_through(place, client):
    first, second, third = place.found("Phòng H", "Phòng I", "Phòng K")
    note = place.note_in(first)
    lan = user_make()
    grant_make(lan, Role.CLERK, first)
    place.end(first, moves=[(note, second)])
    place.end(second, moves=[(note, third)])
    grants_follow()
    assert [unit for unit, *_ in Grant.objects.on(clock.today()).filter(user=lan).values_list("unit__name")] == ["Phòng K"]
    # a unit that went nowhere stands on the page; a wrong code is said, a right one proposed
    (gone, goes) = place.found("Phòng L", "Phòng M")
    minh = user_make()
    held = grant_make(minh, Role.CLERK, gone)
    place.end(gone)
    client.force_login(superuser_make())
    there = reverse("workflows:grant_moves")
    assert "Phòng L" in client.get(there).content.decode()
    choose = reverse("workflows:grant_move", args=[held.pk])
    assert client.post(choose, {"code": "Z99", "reason": "x"}).status_code == 422
    assert client.post(choose, {"code": goes.code, "reason": "QĐ 12"}).url == there
    assert GrantChange.objects.filter(user=minh, state="proposed").count() == 2
