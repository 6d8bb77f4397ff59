"""Reading the tree for the pages."""

from datetime import date
from uuid import uuid4

import pytest

from orgtree.choices import Role
from orgtree.models import OrgUnit
from orgtree.selectors.units import unit_get, unit_paths, unit_search, unit_tree
from tests.factories import grant_make, superuser_make, unit_row, units_make, user_make


@pytest.fixture
def province(db):
    root = unit_row("Tỉnh Đắk Lắk", code="H15")
    office = unit_row("Sở Nội vụ", code="H15.02", parent=root["id"], short_name="SNV")
    commune = unit_row("Xã Ea Knốp", code="H15.50", parent=root["id"])
    room = unit_row("Văn phòng Sở", code="H15.02.01", parent=office["id"])
    closed = unit_row("Phòng Tôn giáo", code="H15.02.02", parent=office["id"], valid_to=date(2026, 1, 1))
    desk = unit_row("Tổ Văn thư", code="H15.02.01.1", parent=room["id"])
    other = unit_row("Tỉnh An Giang", code="H20")
    units_make([root, office, commune, room, closed, desk, other])
    return {unit.code: unit for unit in OrgUnit.objects.all()}


def shown(lines):
    return ["." * line.depth + line.unit.code for line in lines]


def test_a_superuser_unfolds_from_the_authorities(province):
    lines = unit_tree(user=superuser_make())

    assert shown(lines) == ["H20", "H15", ".H15.02", ".H15.50"]
    assert [line.has_below for line in lines] == [False, True, True, False]


def test_a_clerk_unfolds_from_the_units_granted(province):
    clerk = user_make()
    grant_make(clerk, Role.CLERK, province["H15.02"])
    grant_make(clerk, Role.CLERK, province["H15.02.01"])  # inside the other
    grant_make(clerk, Role.CLERK, province["H15.50"])

    assert shown(unit_tree(user=clerk)) == ["H15.02", ".H15.02.02", ".H15.02.01", "H15.50"]
    assert shown(unit_tree(user=clerk, levels=3)) == ["H15.02", ".H15.02.02", ".H15.02.01", "..H15.02.01.1", "H15.50"]


def test_unfolding_a_unit_shows_what_is_below_and_only_to_who_may_see_it(province):
    clerk, stranger = user_make(), user_make()
    grant_make(clerk, Role.CLERK, province["H15.02.01"])
    grant_make(stranger, Role.CLERK, province["H20"])

    assert shown(unit_tree(user=superuser_make(), below=province["H15.02"], levels=1)) == ["H15.02.02", "H15.02.01"]
    assert shown(unit_tree(user=clerk, below=province["H15"])) == ["H15.02.01"]
    assert unit_tree(user=stranger, below=province["H15.02"]) == []
    assert unit_tree(user=user_make()) == []


def test_units_that_have_ended_are_marked(province):
    lines = unit_tree(user=superuser_make(), below=province["H15.02"], levels=1)

    assert {line.unit.code: line.current for line in lines} == {"H15.02.01": True, "H15.02.02": False}


@pytest.mark.parametrize("code", ["H15.02", "h15.02", "000.00.02.H15"])
def test_a_unit_is_found_by_either_form_of_its_code(province, code):
    assert unit_get(code=code).name == "Sở Nội vụ"


def test_a_code_is_looked_up_with_a_day(province):
    assert unit_get(code="H15.02.02", on=date(2025, 12, 31)).name == "Phòng Tôn giáo"
    for code, day in (("H15.02.02", date(2026, 1, 1)), ("H15.02.02", None), ("H99", None), ("not a code", None)):
        with pytest.raises(OrgUnit.DoesNotExist):
            unit_get(code=code, on=day)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("so noi", ["H15.02"]),
        ("PHÒNG", ["H15.02.02", "H15.02.01"]),
        ("sở văn", ["H15.02.01"]),  # every word, in any order
        ("snv", ["H15.02"]),
        ("h15.02", ["H15.02.02", "H15.02", "H15.02.01", "H15.02.01.1"]),
        ("an giang", ["H20"]),
        ("50%", []),
        ("  ", []),
    ],
)
def test_search(province, text, found):
    assert {unit.code for unit in unit_search(user=superuser_make(), text=text)} == set(found)


def test_search_finds_nothing_outside_the_scope(province):
    clerk = user_make()
    grant_make(clerk, Role.CLERK, province["H15.02"])

    assert {unit.code for unit in unit_search(user=clerk, text="h")} == {"H15.02", "H15.02.01", "H15.02.02", "H15.02.01.1"}
    assert list(unit_search(user=clerk, text="an giang")) == []


def test_paths_come_in_one_query(province, django_assert_num_queries):
    with django_assert_num_queries(1):
        paths = unit_paths([province["H15.02.01"].pk, province["H20"].pk, uuid4()])

    assert paths == {province["H15.02.01"].pk: "Tỉnh Đắk Lắk › Sở Nội vụ › Văn phòng Sở", province["H20"].pk: "Tỉnh An Giang"}
