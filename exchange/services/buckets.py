"""What one side holds of an agency, as digests that can be compared from the root down (RFC 9162 over 4,096 buckets).

An entry is key, the agency's version number and document digest; a record's place is the beginning of SHA-256 of its key, so that
nobody can crowd a bucket. Bucket digests are stored: after the first time only buckets of records that changed since are made again.
People are read by an index in the order of their places that holds the whole entry (migration `places`): some buckets or cells cost
what they hold, whatever else there is, and all of 200,000 entries 0.6 s.

Used by both sides: `Holding(None)` is everything that an agency holds, `Holding(agency)` what the hub holds of one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from exchange.contract import BUCKETS, FAN, UNIT_KIND
from exchange.models import Agency, BucketDigest, BucketMark
from orgtree import clock
from workflows import merkle
from workflows.targets import target

ENTRY = 52  # bytes: key, version, digest
EMPTY = hashlib.sha256(b"\x00").digest()
# Longer than any transaction can last: what was recorded before it is visible by now.
SETTLED = timedelta(hours=3)
REBUILD_SHARE = 4  # when more than a quarter of the buckets has changed, all are made again


@dataclass(frozen=True)
class Holding:
    """One side's records of one agency; with `below` only those in that unit and all below it."""

    agency: Agency | None
    below: UUID | None = None

    def entries_sql(self, kind: str, *, some: bool) -> tuple[str, dict[str, Any]]:
        """A select of (id, x: the entry's bytes, c: its cell) of every record; with `some` only of those in %(cells)s, a list of cells."""
        one = target(kind)
        unit = "l.id" if kind == UNIT_KIND else f"l.{one.unit_columns[0]}"
        held = f"select l.id, l.version, l.digest, {unit} as unit, hoso_cell(l.id) as c from {one.live._meta.db_table} l"
        # Cells are looked up first, by the index of places; all of an agency's records are better found by its units.
        held = f"materialized ({held} where hoso_cell(l.id) = any(%(cells)s))" if some else f"not materialized ({held})"
        if self.agency is None:
            inside = f"join orgtree_orgunit u on u.id = l.unit {BELOW} " if self.below else ""
            rows = f"select l.id, l.version, l.digest, l.c from held l {inside}where not exists ({GONE})"
        else:
            rows = (
                f"select l.id, coalesce(n.version, l.version) as version, l.digest, l.c from held l "
                f"join orgtree_orgunit u on u.id = l.unit {BELOW if self.below else ''} "
                f"left join ({NUMBERS}) n on n.key = l.id and n.held = l.version "
                "where u.tree_id = (select r.tree_id from exchange_agency a join orgtree_orgunit r on r.id = a.root_id where a.id = %(agency)s)"
            )
        select = f"with held as {held} select id, uuid_send(id) || int4send(version) || digest as x, c from ({rows}) mine"
        return select, {"kind": kind, "agency": self.agency.pk if self.agency else None, "below": self.below}

    def entries(self, kind: str, *, after: UUID | None = None, upto: UUID | None = None, limit: int | None = None) -> bytes:
        """Entries in the order of their keys, of the keys after one and up to another."""
        return self._joined(
            kind,
            "where (%(after)s::uuid is null or id > %(after)s) and (%(upto)s::uuid is null or id <= %(upto)s) order by id limit %(limit)s",
            {"after": after, "upto": upto, "limit": limit},
        )

    def entries_of(self, kind: str, keys: Collection[UUID]) -> bytes:
        """The entries of these records, in the order of their keys."""
        return self._joined(kind, "where id = any(%(keys)s)", {"keys": list(keys)})

    def _joined(self, kind: str, which: str, asked: dict[str, Any]) -> bytes:
        select, values = self.entries_sql(kind, some=False)
        with connection.cursor() as cursor:
            cursor.execute(f"select string_agg(x, '' order by id) from (select id, x from ({select}) entries {which}) chosen", {**values, **asked})
            (joined,) = cursor.fetchone()
        return bytes(joined or b"")


BELOW = "join orgtree_orgunit b on b.id = %(below)s and u.tree_id = b.tree_id and u.lft >= b.lft and u.rght <= b.rght"

# Whose file has passed to another agency is no more among what this one holds.
GONE = "select from workflows_hold g where g.kind = %(kind)s and g.key = l.id and g.final"

# Where the agency's number of the version that the hub holds is not the hub's own (services.numbering): what the agency said last of that version.
NUMBERS = """
select distinct on (key, held) key, held, version from (
  select e.key, e.version as held, e.agency_version as version, 0 as said
  from exchange_inboundevidence e join exchange_agencymanifest m on m.id = e.manifest_id
  where e.kind = %(kind)s and e.agency_version is not null and m.agency_id = %(agency)s
  union all
  select key, held_as, version, id from exchange_setaside where kind = %(kind)s and agency_id = %(agency)s and held_as is not null) numbers
order by key, held, said desc
"""


@dataclass(frozen=True)
class Tree:
    """The digests of all buckets and the tree over them, lowest level first."""

    levels: Sequence[Sequence[bytes]]
    count: int

    @property
    def root(self) -> bytes:
        return self.levels[-1][0]

    @property
    def buckets(self) -> Sequence[bytes]:
        return self.levels[0]

    @property
    def groups(self) -> Sequence[bytes]:
        return next(level for level in self.levels if len(level) == FAN)


def tree_now(holding: Holding, kind: str) -> Tree:
    """Bring the stored buckets up to date and build the tree over them."""
    with transaction.atomic():
        now = clock.now()
        mark = BucketMark.objects.select_for_update().filter(agency=holding.agency, kind=kind).first()
        dirty = None if mark is None else _dirty(holding, kind, mark.marked_at)
        if dirty is None or len(dirty) > BUCKETS // REBUILD_SHARE:
            _rebuild(holding, kind)
        elif dirty:
            _rebuild(holding, kind, dirty)
        BucketMark.objects.update_or_create(agency=holding.agency, kind=kind, defaults={"marked_at": now - SETTLED})
    return tree_stored(holding, kind)


def tree_stored(holding: Holding, kind: str) -> Tree:
    """The tree over the buckets as they are stored."""
    stored = {bucket: (bytes(digest), count) for bucket, digest, count in _rows(holding, kind)}
    leaves = [stored[bucket][0] if bucket in stored else EMPTY for bucket in range(BUCKETS)]
    return Tree(merkle.levels(leaves), sum(count for _digest, count in stored.values()))


def cells_of(buckets: Sequence[int]) -> list[int]:
    """The cells inside some buckets."""
    return [bucket * FAN + child for bucket in sorted(buckets) for child in range(FAN)]


def cell_digests(holding: Holding, kind: str, buckets: Sequence[int]) -> dict[int, list[bytes]]:
    """The 64 cells of each bucket, by bucket."""
    select, values = holding.entries_sql(kind, some=True)
    found: dict[int, list[bytes]] = {bucket: [EMPTY] * FAN for bucket in buckets}
    with connection.cursor() as cursor:
        cursor.execute(
            f"select c, sha256('\\x00'::bytea || string_agg(x, '' order by id)) from ({select}) entries group by 1",
            {**values, "cells": cells_of(buckets)},
        )
        for cell, digest in cursor.fetchall():
            found[cell // FAN][cell % FAN] = bytes(digest)
    return found


def cell_entries(holding: Holding, kind: str, cells: Sequence[int]) -> bytes:
    """The entries of the cells, one after the other in the order of their keys."""
    select, values = holding.entries_sql(kind, some=True)
    with connection.cursor() as cursor:
        cursor.execute(f"select string_agg(x, '' order by id) from ({select}) entries", {**values, "cells": list(cells)})
        (joined,) = cursor.fetchone()
    return bytes(joined or b"")


def entries_read(data: bytes) -> dict[UUID, tuple[int, bytes]]:
    """Version and digest by key, from the bytes of `cell_entries`. Raises ValueError for what is none."""
    if len(data) % ENTRY:
        raise ValueError(f"{len(data)} bytes are not a whole number of entries")
    found = {}
    for start in range(0, len(data), ENTRY):
        key, version, digest = data[start : start + 16], data[start + 16 : start + 20], data[start + 20 : start + ENTRY]
        found[UUID(bytes=key)] = (int.from_bytes(version, "big"), digest)
    return found


def _rows(holding: Holding, kind: str) -> Sequence[tuple[int, bytes, int]]:
    rows = BucketDigest.objects.filter(agency=holding.agency, kind=kind).values_list("bucket", "digest", "count")
    return [(bucket, bytes(digest), count) for bucket, digest, count in rows]


def _dirty(holding: Holding, kind: str, since: datetime) -> list[int] | None:
    """The buckets of what was recorded since; None when everything may have moved, as when the hub's units changed trees."""
    with connection.cursor() as cursor:
        if holding.agency is not None:
            cursor.execute("select exists (select from workflows_recordversion where kind = %s and recorded_at >= %s)", [UNIT_KIND, since])
            if cursor.fetchone()[0]:
                return None
        cursor.execute(
            f"select distinct hoso_cell(key) / {FAN} from ("
            "select key from workflows_recordversion where kind = %(kind)s and recorded_at >= %(since)s union "
            "select key from exchange_setaside where kind = %(kind)s and recorded_at >= %(since)s) touched",
            {"kind": kind, "since": since},
        )
        return [bucket for (bucket,) in cursor.fetchall()]


def _rebuild(holding: Holding, kind: str, dirty: Sequence[int] | None = None) -> None:
    """Make these buckets again, or all; those that are empty now go."""
    select, values = holding.entries_sql(kind, some=dirty is not None)
    stored = BucketDigest.objects.filter(agency=holding.agency, kind=kind)
    (stored if dirty is None else stored.filter(bucket__in=dirty)).delete()
    with connection.cursor() as cursor:
        cursor.execute("set local work_mem = '128MB'")
        cursor.execute("set local jit = off")
        cursor.execute(
            "insert into exchange_bucketdigest(agency_id, kind, bucket, digest, count) "
            f"select %(agency)s, %(kind)s, c / {FAN}, sha256('\\x00'::bytea || string_agg(x, '' order by id)), count(*) "
            f"from ({select}) entries group by c / {FAN}",
            {**values, "cells": cells_of(dirty or ())},
        )
