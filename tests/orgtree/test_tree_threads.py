"""Concurrent writers of the tree, with real threads that commit."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction

from orgtree import projection
from orgtree.locks import tree_lock
from orgtree.models import OrgUnit
from orgtree.selectors.integrity import tree_problems
from tests.factories import opened_units, unit_row, units_make

WRITERS, ROUNDS, BRANCHES = 4, 8, 6


@pytest.fixture
def forest(committed_db):
    """A tree of six branches with a leaf each. The gate's trigger is off: nothing but the tree lock orders the writers."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER IF EXISTS hoso_gate ON orgtree_orgunit")
    rows = [unit_row("root")]
    rows += [unit_row(f"branch {number}", parent=rows[0]["id"]) for number in range(BRANCHES)]
    rows += [unit_row(f"leaf {number}", parent=rows[1 + number]["id"]) for number in range(BRANCHES)]
    units_make(rows)
    return [row["id"] for row in rows]


def test_concurrent_writers_never_damage_the_tree(forest):
    start = Barrier(WRITERS)
    root, branches = forest[0], forest[1 : BRANCHES + 1]

    def write(number: int) -> None:
        dice = random.Random(number)
        try:
            start.wait()
            for _ in range(ROUNDS):
                with transaction.atomic(), opened_units([unit_row(parent=dice.choice([root, *branches])), unit_row()]) as table:
                    projection.write_units(table)
                with transaction.atomic():
                    _move_a_leaf(dice, branches)
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))

    assert OrgUnit.objects.count() == len(forest) + WRITERS * ROUNDS * 2
    assert OrgUnit.objects.filter(name__startswith="leaf", version__gt=1).exists()
    assert tree_problems() == []


def _move_a_leaf(dice: random.Random, branches: list) -> None:
    tree_lock()  # before reading the version that the move is based on
    leaf = OrgUnit.objects.get(name=f"leaf {dice.randrange(BRANCHES)}")
    row = unit_row(leaf.name, id=leaf.pk, code=leaf.code, parent=dice.choice(branches), base_version=leaf.version)
    with opened_units([row]) as table:
        projection.write_units(table)
