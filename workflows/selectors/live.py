"""Records as they are now, as documents."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from workflows.documents import Document, parse
from workflows.targets import target


def live_documents(records: Iterable[tuple[str, UUID]]) -> dict[tuple[str, UUID], tuple[int, Document]]:
    """Version and document of each of these records that exists now; one query for each kind."""
    keys: dict[str, list[UUID]] = {}
    for kind, key in records:
        keys.setdefault(kind, []).append(key)
    found: dict[tuple[str, UUID], tuple[int, Document]] = {}
    with connection.cursor() as cursor:
        for kind, members in keys.items():
            cursor.execute(
                f"select l.id, l.version, d.body from {target(kind).live._meta.db_table} l "
                f"join workflows_storeddocument d on d.digest = l.digest where l.id = any(%s)",
                [members],
            )
            found |= {(kind, key): (version, parse(bytes(body))) for key, version, body in cursor.fetchall()}
    return found
