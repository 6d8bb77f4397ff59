"""On the hub: which codes are published. Those whose newest version went through the hub's gate under somebody's signature; no others.

A code of the release that was never decided here is not published: nobody signed it. Nor is a version that a program alone approved; until it is
signed once more the code is left out, and the hub's page says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from exchange.catalogue_contract import PLACES, CatalogueHead, catalogue_digest
from registry.selectors.catalogues import catalogue_title

# Seals are numbered under a lock that is held until commit, so positions become visible in their order and a cursor misses none.
# 131072 is PLACES: a seal's number and a leaf's in one.
PUBLISHED = """
select catalogue, kind, key, version, position, document_id, request_id, leaf_index, sealed_at
from (
    select e.catalogue, e.kind, v.key, v.version, s.sequence * 131072 + v.leaf_index as position, v.document_id, v.request_id, v.leaf_index,
        s.sealed_at
    from (
        select list as catalogue, 'code_entry' as kind, id, version from registry_codeentry
        union all select 'rank', 'rank_entry', id, version from registry_rankentry
        union all select 'salary_step', 'step_entry', id, version from registry_stepentry
    ) e
    join workflows_recordversion v on v.kind = e.kind and v.key = e.id and v.version = e.version
    join workflows_seal s on s.request_id = v.request_id
    where exists (
        select from workflows_decision d join workflows_stage g on g.id = d.stage_id
        where g.request_id = v.request_id and d.verdict = 'approve' and d.manifest_id is not null and d.signature_id is not null
    )
) p
where position > %(after)s and (%(name)s::text is null or catalogue = %(name)s) order by position limit %(limit)s
"""


@dataclass(frozen=True)
class Published:
    """One code as it is published; `request` and `leaf_index` say by what it was signed."""

    catalogue: str
    kind: str
    key: UUID
    version: int
    position: int
    digest: bytes
    request: UUID
    leaf_index: int
    sealed_at: datetime


def published_codes(*, name: str | None = None, after: int = 0, limit: int | None = None) -> list[Published]:
    """Codes in the order in which they changed, after a position; of one catalogue, where it is named."""
    with connection.cursor() as cursor:
        cursor.execute(PUBLISHED, {"after": after, "name": name, "limit": limit})
        return [
            Published(name_, kind, key, version, position, bytes(digest), request, leaf_index, sealed_at)
            for name_, kind, key, version, position, digest, request, leaf_index, sealed_at in cursor.fetchall()
        ]


def head_of(name: str, codes: Sequence[Published]) -> CatalogueHead:
    """What is said of a catalogue, from all its codes."""
    newest = max(codes, key=lambda one: one.position)
    return CatalogueHead(
        name=name,
        title=catalogue_title(name),
        version=newest.position // PLACES,
        digest=catalogue_digest((one.key, one.version, one.digest) for one in codes).hex(),
        codes=len(codes),
        changed_at=newest.sealed_at,
    )


def catalogue_heads() -> list[CatalogueHead]:
    """Every published catalogue, by name: some thousand codes at most, one statement."""
    by_name: dict[str, list[Published]] = defaultdict(list)
    for one in published_codes():
        by_name[one.catalogue].append(one)
    return [head_of(name, codes) for name, codes in sorted(by_name.items())]


def catalogue_head(name: str) -> CatalogueHead | None:
    codes = published_codes(name=name)
    return head_of(name, codes) if codes else None
