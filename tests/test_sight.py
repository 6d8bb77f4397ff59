"""What people see is what their grants say, on every list and every page: trees, people and grants are generated, the expected is a walk up the tree.

Files and requests are made once, through the gate; each example then moves the units into another tree and gives other grants, and is undone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from orgtree import clock
from orgtree.choices import ROLE_ACTIONS, Action, Role
from orgtree.models import Grant, OrgUnit, User
from orgtree.services.grants import permissions_derive
from tests.factories import grants_lifted, superuser_make, unit_make, unit_row, units_make, user_make
from tests.pages import Office
from workflows.models import ChangeRequest

UNITS = 5
UUIDS = r"([0-9a-f]{8}-[0-9a-f-]{27})"
PERIODS = {"now": (-9, 9), "over": (-9, 0), "later": (1, 9)}

# address -> (right it takes on the unit, which record of the unit it is about)
PAGES: dict[str, tuple[Action, str]] = {
    "registry:staff_detail": (Action.VIEW, "key"),
    "registry:staff_print": (Action.VIEW, "key"),
    "registry:staff_edit": (Action.EDIT, "key"),
    "admin:registry_staffprofile_history": (Action.VIEW, "object_id=key"),
    "registry:unit_children": (Action.VIEW, "unit_id"),
    "admin:orgtree_orgunit_change": (Action.VIEW, "object_id=unit_id"),
    "workflows:request_detail": (Action.VIEW, "request_id"),
    "workflows:request_progress": (Action.VIEW, "request_id"),
    "workflows:rights_unit": (Action.VIEW, "unit_id"),
    "workflows:why_unit": (Action.VIEW, "unit_id"),
    "workflows:why_request": (Action.VIEW, "request_id"),
}


@dataclass(frozen=True)
class Place:
    """A unit with one file and one request under review."""

    unit_id: UUID
    key: UUID
    request_id: UUID


@dataclass(frozen=True)
class Case:
    """Superiors as indexes (None for a root); for each person grants as (unit index, role, period)."""

    parents: Sequence[int | None]
    people: Sequence[Sequence[tuple[int, Role, str]]]

    def sees(self, person: int, action: Action) -> set[int]:
        granted = {unit for unit, role, period in self.people[person] if action in ROLE_ACTIONS[role] and period == "now"}
        return {unit for unit in range(UNITS) if granted & set(self.up(unit))}

    def up(self, unit: int | None) -> Iterator[int]:
        while unit is not None:
            yield unit
            unit = self.parents[unit]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    parents = [draw(st.none() | st.integers(0, index - 1)) if index else None for index in range(UNITS)]
    grant = st.tuples(st.integers(0, UNITS - 1), st.sampled_from(list(Role)), st.sampled_from(["now", "now", *PERIODS]))
    people = draw(st.lists(st.lists(grant, max_size=3, unique_by=lambda one: one[:2]), min_size=2, max_size=2))
    return Case(parents, people)


@pytest.fixture(scope="module")
def places(committed_db) -> list[Place]:
    units = [unit_make(f"Đơn vị {number}", code=f"H{number + 11}") for number in range(UNITS)]
    root = superuser_make("root")
    office = Office({}, {"root": root, "clerk": root})
    made = []
    for unit in units:
        office.units = dict.fromkeys(("agency", "office"), unit)
        profile = office.hired(birth_name=f"Nguyễn Thị {'ABCDE'[len(made)]}")
        made.append(Place(unit.pk, profile.pk, office.submitted(office.document(), title=f"Đề nghị {unit.code}", actor="root").pk))
    return made


# Not shrunk: an example takes half a second, and says by itself which address shows too much or too little.
WITHOUT_SHRINKING = (Phase.explicit, Phase.generate)


FOREST = Case([None, 0, 1, 0, None], [[(1, Role.CLERK, "now"), (3, Role.CLERK, "later")], [(0, Role.SUPERVISOR, "over"), (3, Role.OPERATOR, "now")]])


@settings(max_examples=3, phases=WITHOUT_SHRINKING, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(FOREST)
@given(cases())
def test_lists_and_pages_show_what_the_grants_say(places, case):
    check(places, case)


@pytest.mark.long
@settings(max_examples=80, phases=WITHOUT_SHRINKING, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases())
def test_lists_and_pages_show_what_the_grants_say_at_length(places, case):
    check(places, case)


def check(places: list[Place], case: Case) -> None:
    with transaction.atomic():
        move(places, case)
        users = [person(places, grants) for grants in case.people]
        for number, user in enumerate(users):
            client = Client()
            client.force_login(user)
            seen = {action: case.sees(number, action) for action in Action}
            check_lists(client, places, seen[Action.VIEW])
            check_pages(client, places, seen)
            check_people(client, case, users, number)
        transaction.set_rollback(True)


def move(places: list[Place], case: Case) -> None:
    rows = []
    for place, parent in zip(places, case.parents, strict=True):
        unit = OrgUnit.objects.get(pk=place.unit_id)
        fields = {name: getattr(unit, name) for name in ("code", "kind", "valid_from")}
        above = None if parent is None else places[parent].unit_id
        rows.append(unit_row(unit.name, parent=above, id=unit.pk, base_version=unit.version, **fields))
    units_make(rows)


def person(places: list[Place], grants: Sequence[tuple[int, Role, str]]) -> User:
    user = user_make()
    with grants_lifted():
        for index, role, period in grants:
            start, end = (clock.today() + timedelta(offset) for offset in PERIODS[period])
            unit = OrgUnit.objects.get(pk=places[index].unit_id)
            Grant.objects.create(user=user, role=role, unit=unit, valid_from=start, valid_to=end, giver=User.objects.get(username="root"))
            permissions_derive(user, unit)
    return user


def check_lists(client: Client, places: list[Place], seen: set[int]) -> None:
    lists = {
        "key": (reverse("registry:staff_list"), rf"/staff/{UUIDS}/"),
        "request_id": (reverse("workflows:request_list") + "?show=all", rf"/requests/{UUIDS}/"),
        "unit_id": (reverse("admin:orgtree_orgunit_changelist"), rf"/orgunit/{UUIDS}/change/"),
    }
    for what, (address, pattern) in lists.items():
        shown = {UUID(one) for one in re.findall(pattern, client.get(address).content.decode())}
        assert shown == {one for index in seen for one in expected(places[index], what)}, address


def expected(place: Place, what: str) -> set[UUID]:
    """What a list shows of a unit; two requests, since the file came by one."""
    if what == "request_id":
        return set(ChangeRequest.objects.filter(unit=place.unit_id).values_list("pk", flat=True))
    return {getattr(place, what)}


def check_pages(client: Client, places: list[Place], seen: dict[Action, set[int]]) -> None:
    for name, (action, record) in PAGES.items():
        argument, _equals, field = record.partition("=")
        let_in = {
            index for index, place in enumerate(places) if is_let_in(client.get(reverse(name, kwargs={argument: getattr(place, field or argument)})))
        }
        assert let_in == seen[action], name


def check_people(client: Client, case: Case, users: list[User], number: int) -> None:
    """The page of somebody's rights: one's own always; another's, where a grant of theirs lies in a unit that one sees, or above one."""
    sees = case.sees(number, Action.VIEW)
    for other, user in enumerate(users):
        known = {unit for unit, _role, _period in case.people[other] if unit in sees or any(unit in case.up(one) for one in sees)}
        answer = client.get(reverse("workflows:rights_person", args=[user.pk]))
        assert (answer.status_code == 200) == (other == number or bool(known))


def is_let_in(answer: HttpResponse) -> bool:
    """A page, or a way on to one of ours; the admin sends those who may not see an object home."""
    return answer.status_code == 200 or (answer.status_code == 302 and answer.url != reverse("admin:index"))
