"""The tree as the projection writes it, and what finds damage to it."""

import random
from datetime import date
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orgtree import projection
from orgtree.locks import Lock, LockOutsideTransaction, advisory_lock, tree_lock
from orgtree.models import OrgUnit
from orgtree.projection import TreeBroken, UnitsChanged, rebuild_tree
from orgtree.selectors.integrity import CHECKS, tree_problems
from tests.factories import gate_lifted, opened_units, unit_make, unit_row, units_make


def outline() -> list[str]:
    """The whole tree as an indented list, in the order of its bounds."""
    return ["." * unit.level + unit.name for unit in OrgUnit.objects.order_by("tree_id", "lft")]


def changed(unit: OrgUnit, **fields) -> dict:
    """The opened row that changes `unit` at its live version."""
    unit.refresh_from_db()
    kept = {name: getattr(unit, name) for name in ("code", "name", "short_name", "kind", "area_id", "order_no", "valid_from", "valid_to")}
    return unit_row(**{"id": unit.pk, "base_version": unit.version, "parent": unit.parent_id, **kept, **fields})


@pytest.fixture
def tree(db):
    """A (> B > C, D) and E."""
    made = {"A": unit_make("A")}
    for name, above in (("B", "A"), ("C", "B"), ("D", "A")):
        made[name] = unit_make(name, parent=made[above])
    made["E"] = unit_make("E")
    return made


def test_new_units_are_nested_in_one_go_whatever_their_order(db):
    rows = [unit_row("province", code="H15")]
    rows += [unit_row("commune", code="H15.2", parent=rows[0]["id"]), unit_row("agency", code="H15.1", parent=rows[0]["id"])]
    rows += [unit_row("school", code="H15.2.1", parent=rows[1]["id"])]

    units_make(rows[::-1])

    assert outline() == ["province", ".agency", ".commune", "..school"]
    assert list(OrgUnit.objects.order_by("lft").values_list("lft", "rght", "version")) == [(1, 8, 1), (2, 3, 1), (4, 7, 1), (5, 6, 1)]
    assert tree_problems() == []


def test_siblings_stand_by_order_number_then_in_vietnamese_order(db):
    root = unit_make("root")

    units_make([unit_row(name, parent=root.pk) for name in ("Ưng", "Đức", "Dũng", "Ân", "An")])
    units_make([unit_row(name, parent=root.pk, order_no=number) for name, number in (("second", 2), ("first", 1))])

    assert outline() == ["root", ".first", ".second", ".An", ".Ân", ".Dũng", ".Đức", ".Ưng"]


def test_content_version_and_digest_are_written(tree):
    units_make([changed(tree["D"], name="Dê", short_name="D.", order_no=7, valid_to=date(2027, 1, 1), digest=b"\7" * 32)])

    unit = OrgUnit.objects.get(pk=tree["D"].pk)
    assert (unit.name, unit.short_name, unit.order_no, unit.valid_to, unit.version) == ("Dê", "D.", 7, date(2027, 1, 1), 2)
    assert bytes(unit.digest) == b"\7" * 32
    assert (unit.name_search, unit.sort_key) == ("de", "FI ")


def test_a_subtree_moves_within_its_tree(tree):
    units_make([changed(tree["B"], parent=tree["D"].pk)])

    assert outline() == ["A", ".D", "..B", "...C", "E"]
    assert tree_problems() == []


def test_a_subtree_moves_to_another_tree(tree):
    units_make([changed(tree["B"], parent=tree["E"].pk)])

    assert outline() == ["A", ".D", "E", ".B", "..C"]
    assert tree_problems() == []


def test_a_root_moves_below_another_root(tree):
    units_make([changed(tree["E"], parent=tree["D"].pk)])

    assert outline() == ["A", ".B", "..C", ".D", "..E"]
    assert tree_problems() == []


def test_a_unit_becomes_a_root_with_a_number_of_its_own(tree):
    numbers = dict(OrgUnit.objects.filter(parent=None).values_list("name", "tree_id"))

    units_make([changed(tree["B"], parent=None)])

    assert outline() == ["A", ".D", "E", "B", ".C"]
    assert dict(OrgUnit.objects.filter(name__in="AE").values_list("name", "tree_id")) == numbers
    assert tree_problems() == []


def test_a_root_and_its_child_change_places(tree):
    units_make([changed(tree["B"], parent=None), changed(tree["A"], parent=tree["B"].pk)])

    assert sorted(outline()) == sorted(["B", ".A", "..D", ".C", "E"])
    assert tree_problems() == []


def test_a_new_root_renumbers_no_other_tree(tree):
    """With order_insertion_by, MPTT would shift every tree to the right of the new one."""
    before = list(OrgUnit.objects.order_by("pk").values_list("pk", "tree_id", "lft", "rght"))

    newcomer = unit_make("0 first by name")

    assert OrgUnit._mptt_meta.order_insertion_by == []
    assert list(OrgUnit.objects.exclude(pk=newcomer.pk).order_by("pk").values_list("pk", "tree_id", "lft", "rght")) == before


def test_other_trees_are_not_read_or_written(tree):
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text FROM orgtree_orgunit WHERE id = %s", [tree["E"].pk])
        before = cursor.fetchone()
        units_make([changed(tree["C"], parent=tree["A"].pk)])
        cursor.execute("SELECT xmin::text FROM orgtree_orgunit WHERE id = %s", [tree["E"].pk])
        assert cursor.fetchone() == before


def test_mptt_reads_what_the_projection_wrote(tree):
    root = OrgUnit.objects.get(pk=tree["A"].pk)

    assert [unit.name for unit in root.get_descendants()] == ["B", "C", "D"]
    assert root.get_descendant_count() == 3
    assert [unit.name for unit in OrgUnit.objects.get(pk=tree["C"].pk).get_ancestors()] == ["A", "B"]


def test_a_stale_version_is_refused_and_nothing_is_written(tree):
    stale = changed(tree["D"], name="late") | {"base_version": 5}

    with pytest.raises(UnitsChanged):
        units_make([unit_row("new", parent=tree["A"].pk), stale])

    assert outline() == ["A", ".B", "..C", ".D", "E"]


def test_a_circle_is_refused_and_nothing_is_written(tree):
    with pytest.raises(TreeBroken):
        units_make([changed(tree["A"], parent=tree["C"].pk)])

    assert outline() == ["A", ".B", "..C", ".D", "E"]


def test_units_may_exchange_codes_but_not_share_one(tree):
    b, d = (OrgUnit.objects.get(pk=tree[name].pk) for name in "BD")

    units_make([changed(b, code=d.code), changed(d, code=b.code)])

    assert dict(OrgUnit.objects.filter(name__in="BD").values_list("name", "code")) == {"B": d.code, "D": b.code}
    with pytest.raises(IntegrityError, match="orgunit_code_unique_in_tree"):
        units_make([changed(b, code=b.code)])


def test_a_code_passes_to_the_successor_on_the_day_the_unit_ends(tree):
    end = date(2026, 1, 1)
    heir = unit_row("heir", parent=tree["A"].pk, code=tree["D"].code, valid_from=end)

    units_make([changed(tree["D"], valid_to=end), heir])

    assert OrgUnit.objects.on(date(2025, 12, 31)).get(code=tree["D"].code).name == "D"
    assert OrgUnit.objects.on(end).get(code=tree["D"].code).name == "heir"


def test_the_table_is_closed_to_everybody_else(tree):
    with pytest.raises(DatabaseError, match="written only by applying an approved change request"), transaction.atomic():
        OrgUnit.objects.filter(name="E").update(name="F")
    with pytest.raises(DatabaseError, match="written only by applying an approved change request"), transaction.atomic():
        OrgUnit.objects.create(name="mptt's own insert", code="H99", kind="other", valid_from=date(2026, 1, 1))
    refused = pytest.raises(DatabaseError, match="written only by applying an approved change request")
    with opened_units([unit_row("outside the gate")]) as table, refused, transaction.atomic():
        projection.write_units(table)


def test_locks_are_refused_outside_a_transaction(committed_db):
    for take in (tree_lock, lambda: advisory_lock(Lock.UPLOAD, uuid4()), lambda: projection.write_units("none")):
        with pytest.raises(LockOutsideTransaction):
            take()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**9))
def test_any_series_of_moves_keeps_the_tree_whole(db, seed):
    dice = random.Random(seed)
    with transaction.atomic():
        for _ in range(3):
            units = list(OrgUnit.objects.all())
            news = [unit_row() for _ in range(dice.randint(0, 6))]
            for position, row in enumerate(news):
                above = [unit.pk for unit in units] + [one["id"] for one in news[:position]]
                row["parent_id"] = dice.choice([None, *above])
            moves = [changed(unit, parent=_elsewhere(dice, unit, units)) for unit in dice.sample(units, min(len(units), 1))]
            units_make([*news, *moves])
            assert tree_problems() == []
            assert OrgUnit.objects.count() == len(units) + len(news)
        transaction.set_rollback(True)


def _elsewhere(dice, unit, units):
    below = set(unit.get_descendants(include_self=True).values_list("pk", flat=True))
    return dice.choice([None, *(one.pk for one in units if one.pk not in below)])


DAMAGE = {
    "unreachable": "UPDATE orgtree_orgunit u SET parent_id = c.id FROM orgtree_orgunit c WHERE u.name = 'B' AND c.name = 'C'",
    "not_nested": "UPDATE orgtree_orgunit SET rght = rght + 100 WHERE name = 'C'",
    "wrong_level": "UPDATE orgtree_orgunit SET level = 5 WHERE name = 'D'",
    "bounds_shared": "UPDATE orgtree_orgunit SET lft = lft - 1 WHERE name = 'C'",
    "bounds_gapped": "UPDATE orgtree_orgunit SET rght = rght + 2 WHERE name = 'A'",
    "tree_shared": "UPDATE orgtree_orgunit e SET tree_id = a.tree_id, lft = 90, rght = 91 FROM orgtree_orgunit a WHERE e.name = 'E' AND a.name = 'A'",
    "bounds_reversed": "UPDATE orgtree_orgunit SET lft = rght, rght = lft WHERE name = 'C'",
}


def test_every_check_has_its_damage():
    assert DAMAGE.keys() == CHECKS.keys()


@pytest.mark.parametrize("code", DAMAGE)
def test_check_orgtree_finds_planted_damage(tree, code):
    with transaction.atomic(), gate_lifted("orgtree_orgunit"), connection.cursor() as cursor:
        if code == "bounds_reversed":
            cursor.execute("ALTER TABLE orgtree_orgunit DROP CONSTRAINT orgunit_bounds_ordered")
        cursor.execute(DAMAGE[code])
        assert cursor.rowcount == 1

    assert code in {problem.code for problem in tree_problems()}
    with pytest.raises(CommandError):
        call_command("check_orgtree", stderr=StringIO())


def test_check_orgtree_is_content_with_a_good_tree(tree):
    output = StringIO()

    call_command("check_orgtree", stdout=output)

    assert "5 units, all in order" in output.getvalue()


@pytest.mark.parametrize("code", sorted(DAMAGE.keys() - {"unreachable", "bounds_reversed"}))
def test_rebuilding_repairs_damaged_bounds(tree, code):
    before = sorted(outline())
    with transaction.atomic(), gate_lifted("orgtree_orgunit"), connection.cursor() as cursor:
        cursor.execute(DAMAGE[code])
        rebuild_tree([tree["A"].pk, tree["E"].pk])

    assert tree_problems() == []
    assert sorted(outline()) == before


def test_rebuilding_one_tree_leaves_the_number_of_another(tree):
    with transaction.atomic(), gate_lifted("orgtree_orgunit"):
        OrgUnit.objects.update(tree_id=F("tree_id"))
        rebuild_tree([tree["E"].pk])

    assert outline() == ["A", ".B", "..C", ".D", "E"]


def test_fourteen_thousand_units_take_as_many_statements_as_one(db, django_assert_max_num_queries):
    """The upper tree of the whole state: 34 provinces of 100 communes with three bodies each. About 3 s on 2 cores."""
    rows = []
    for province in range(34):
        rows.append(root := unit_row(f"Tỉnh {province}", code=f"H{province + 10}"))
        for commune in range(100):
            rows.append(above := unit_row(f"Xã {commune}", parent=root["id"], code=f"H{province + 10}.{commune + 1}"))
            rows += [unit_row(f"Phòng {body}", parent=above["id"], code=f"H{province + 10}.{commune + 1}.{body}") for body in range(1, 4)]

    with transaction.atomic(), gate_lifted("orgtree_orgunit"), opened_units(rows) as table, django_assert_max_num_queries(9):
        written = projection.write_units(table)

    assert written == OrgUnit.objects.count() == len(rows) == 13_634
    assert tree_problems() == []
