"""Does the tree hold together? MPTT's invariants, each as one set-wise query over the whole table."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

CHECKS = {
    "unreachable": """
        WITH RECURSIVE reached AS (
            SELECT id FROM orgtree_orgunit WHERE parent_id IS NULL
            UNION ALL SELECT u.id FROM orgtree_orgunit u JOIN reached r ON u.parent_id = r.id
        )
        SELECT u.id::text, 'its superiors lead to no root' FROM orgtree_orgunit u WHERE NOT EXISTS (SELECT FROM reached r WHERE r.id = u.id)
    """,
    "not_nested": """
        SELECT u.id::text, format('%s..%s of tree %s is not inside %s..%s of tree %s', u.lft, u.rght, u.tree_id, p.lft, p.rght, p.tree_id)
        FROM orgtree_orgunit u JOIN orgtree_orgunit p ON p.id = u.parent_id
        WHERE NOT (u.tree_id = p.tree_id AND u.lft > p.lft AND u.rght < p.rght)
    """,
    "wrong_level": """
        SELECT u.id::text, format('level %s instead of %s', u.level, coalesce(p.level + 1, 0))
        FROM orgtree_orgunit u LEFT JOIN orgtree_orgunit p ON p.id = u.parent_id WHERE u.level <> coalesce(p.level + 1, 0)
    """,
    "bounds_reversed": "SELECT id::text, format('%s..%s', lft, rght) FROM orgtree_orgunit WHERE lft >= rght",
    "bounds_shared": """
        SELECT min(b.id::text), format('%s units of tree %s share the bound %s', count(*), b.tree_id, b.bound)
        FROM (SELECT id, tree_id, unnest(ARRAY[lft, rght]) AS bound FROM orgtree_orgunit) b GROUP BY b.tree_id, b.bound HAVING count(*) > 1
    """,
    # get_descendant_count reads (rght - lft - 1) / 2: a gap makes it lie.
    "bounds_gapped": """
        SELECT min(id::text), format('tree %s of %s units spans %s..%s', tree_id, count(*), min(lft), max(rght))
        FROM orgtree_orgunit GROUP BY tree_id HAVING min(lft) <> 1 OR max(rght) <> 2 * count(*)
    """,
    "tree_shared": """
        SELECT min(id::text), format('%s roots in tree %s', count(*), tree_id)
        FROM orgtree_orgunit WHERE parent_id IS NULL GROUP BY tree_id HAVING count(*) > 1
    """,
}


@dataclass(frozen=True, order=True)
class TreeProblem:
    """`code` is a key of CHECKS; `unit` the key of (one of) the units concerned."""

    code: str
    unit: str
    detail: str


def tree_problems() -> list[TreeProblem]:
    """Everything that is wrong with the organisation tree; empty when all is well."""
    found: list[TreeProblem] = []
    with connection.cursor() as cursor:
        for code, query in CHECKS.items():
            cursor.execute(query)
            found += [TreeProblem(code, unit, detail) for unit, detail in cursor.fetchall()]
    return sorted(found)
