"""What one side holds of an agency, as digests that can be compared from the root down (RFC 9162 over 4,096 buckets).

An entry is key, the agency's version number and document digest; a record's place is the beginning of SHA-256 of its key, so that
nobody can crowd a bucket. Bucket digests are stored: after the first time only buckets of records that changed since are made again.
Over a million records the whole takes 2.4 s, 1 % of changed ones under a second.

Used by both sides: `Holding(None)` is everything that an agency holds, `Holding(agency)` what the hub holds of one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
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

PLACE = "(get_byte(h, 0) << 4) | (get_byte(h, 1) >> 4)"
CELL = "((get_byte(h, 0) << 10) | (get_byte(h, 1) << 2) | (get_byte(h, 2) >> 6))"


@dataclass(frozen=True)
class Holding:
    """One side's records of one agency."""

    agency: Agency | None

    def entries_sql(self, kind: str, condition: str = "true") -> tuple[str, dict[str, Any]]:
        """A select of (id, x: the entry's bytes, h: the hash of the key) of every record; `condition` is about id and h."""
        one = target(kind)
        table, values = one.live._meta.db_table, {"kind": kind, "agency": self.agency.pk if self.agency else None}
        if self.agency is None:
            rows = f"select id, version, digest from {table} t where not exists ({GONE})"
        else:
            unit = "l.id" if kind == UNIT_KIND else f"l.{one.unit_columns[0]}"
            rows = (
                f"select l.id, coalesce(n.version, l.version) as version, l.digest from {table} l "
                f"join orgtree_orgunit u on u.id = {unit} left join ({NUMBERS}) n on n.key = l.id "
                "where u.tree_id = (select r.tree_id from exchange_agency a join orgtree_orgunit r on r.id = a.root_id where a.id = %(agency)s)"
            )
        keyed = f"select id, version, digest, sha256(uuid_send(id)) as h from ({rows}) held offset 0"
        return f"select id, uuid_send(id) || int4send(version) || digest as x, h from ({keyed}) keyed where {condition}", values


# Whose file has passed to another agency is no more among what this one holds.
GONE = "select from workflows_hold g where g.kind = %(kind)s and g.key = t.id and g.final"

# Where the agency's number of the version that the hub holds is not the hub's own (services.numbering).
NUMBERS = """
select key, max(version) as version from (
  select e.key, e.agency_version as version from exchange_inboundevidence e join exchange_agencymanifest m on m.id = e.manifest_id
  where e.kind = %(kind)s and e.agency_version is not null and m.agency_id = %(agency)s
  union all
  select key, version from exchange_setaside where kind = %(kind)s and agency_id = %(agency)s and held_as is not null) numbers
group by key
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
            _rebuild(holding, kind, "true", {})
        elif dirty:
            _rebuild(holding, kind, f"{PLACE} = any(%(dirty)s)", {"dirty": dirty})
        BucketMark.objects.update_or_create(agency=holding.agency, kind=kind, defaults={"marked_at": now - SETTLED})
    return tree_stored(holding, kind)


def tree_stored(holding: Holding, kind: str) -> Tree:
    """The tree over the buckets as they are stored."""
    stored = {bucket: (bytes(digest), count) for bucket, digest, count in _rows(holding, kind)}
    leaves = [stored[bucket][0] if bucket in stored else EMPTY for bucket in range(BUCKETS)]
    return Tree(merkle.levels(leaves), sum(count for _digest, count in stored.values()))


def cell_digests(holding: Holding, kind: str, buckets: Sequence[int]) -> dict[int, list[bytes]]:
    """The 64 cells of each bucket, by bucket."""
    select, values = holding.entries_sql(kind, f"{PLACE} = any(%(buckets)s)")
    found: dict[int, list[bytes]] = {bucket: [EMPTY] * FAN for bucket in buckets}
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {CELL}, sha256('\\x00'::bytea || string_agg(x, '' order by id)) from ({select}) entries group by 1",
            {**values, "buckets": list(buckets)},
        )
        for cell, digest in cursor.fetchall():
            found[cell // FAN][cell % FAN] = bytes(digest)
    return found


def cell_entries(holding: Holding, kind: str, cells: Sequence[int]) -> bytes:
    """The entries of the cells, one after the other in the order of their keys."""
    select, values = holding.entries_sql(kind, f"{CELL} = any(%(cells)s)")
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
            f"select distinct {PLACE} from (select sha256(uuid_send(key)) as h from ("
            "select key from workflows_recordversion where kind = %(kind)s and recorded_at >= %(since)s union "
            "select key from exchange_setaside where kind = %(kind)s and recorded_at >= %(since)s) touched) hashed",
            {"kind": kind, "since": since},
        )
        return [bucket for (bucket,) in cursor.fetchall()]


def _rebuild(holding: Holding, kind: str, condition: str, extra: dict[str, Any]) -> None:
    """Make the buckets that `condition` names again; those that are empty now go."""
    select, values = holding.entries_sql(kind, condition)
    stored = BucketDigest.objects.filter(agency=holding.agency, kind=kind)
    (stored.filter(bucket__in=extra["dirty"]) if extra else stored).delete()
    with connection.cursor() as cursor:
        cursor.execute("set local work_mem = '128MB'")
        cursor.execute("set local jit = off")
        cursor.execute(
            "insert into exchange_bucketdigest(agency_id, kind, bucket, digest, count) "
            f"select %(agency)s, %(kind)s, b, sha256('\\x00'::bytea || string_agg(x, '' order by id)), count(*) "
            f"from (select id, x, {PLACE} as b from ({select}) entries) placed group by b",
            {**values, **extra},
        )
