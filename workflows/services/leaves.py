"""The leaves of requests, hashed by the database: a leaf's canonical bytes are few and fixed, and 100,000 of them need not cross the wire.

`workflows.merkle.leaf_hash` says what a leaf is; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import connection

from workflows.models import ChangeRequest

HASH = 32
# Kind, op, key and digest need no escaping in JSON; one that an intruder made otherwise has another hash, which is what counts.
LEAF = (
    "sha256('\\x00'::bytea || convert_to('{\"base_version\":' || base_version || ',\"document_digest\":\"' || encode(document_id, 'hex') "
    '|| \'","key":"\' || key || \'","kind":"\' || kind || \'","op":"\' || op || \'"}\', \'UTF8\'))'
)


def request_leaves(request: ChangeRequest) -> list[bytes]:
    """Leaf hashes (32 bytes) of every item in leaf order, recomputed from what is stored."""
    return leaves_of([request.pk]).get(request.pk, [])


def leaves_of(request_ids: Collection[UUID]) -> dict[UUID, list[bytes]]:
    """The same for some requests, in one query; a request without items is missing. 100,000 leaves are 3.2 MB."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select request_id, string_agg({LEAF}, ''::bytea order by leaf_index) from workflows_changeitem where request_id = any(%s) group by 1",
            [list(request_ids)],
        )
        return {pk: [leaves[start : start + HASH] for start in range(0, len(leaves), HASH)] for pk, leaves in cursor.fetchall()}
