"""Sealing the audit trail, so that an event edited, removed or slipped in afterwards is found and named.

A seal covers a range of ids that is settled: under a lock that no writer of events holds, every number given out so far has been
committed or lost, so no event can join the range later. Every applied request's seal names the newest audit seal, so the two chains hold each other.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC

from django.db import OperationalError, connection, transaction
from django.db.models import Max

from orgtree.locks import Lock, advisory_lock
from workflows import merkle
from workflows.documents import canonical, digest, parse
from workflows.models import AuditEvent, AuditSeal
from workflows.services.audit_months import months_gone

ENTRY = 40  # 8 bytes of the event's id and 32 of its hash


def audit_seal() -> AuditSeal | None:
    """Seal all events since the last seal; None when there are none, or when writers were busy (the next call takes them along).

    The lock is waited for half a second at most: whoever wants to write an event waits behind it.
    """
    with transaction.atomic():
        advisory_lock(Lock.AUDIT_CHAIN)
        if not _writers_held():
            return None
        last = AuditSeal.objects.order_by("-sequence").first()
        begin = last.to_id if last else 0
        end = AuditEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0
        hashes = dict(_hashes(begin, end))
        if not hashes:
            return None
        sequence = last.sequence + 1 if last else 1
        body = canonical(
            {
                "schema": "audit-seal/1",
                "sequence": sequence,
                "previous": bytes(last.digest).hex() if last else None,
                "after_id": str(begin),
                "to_id": str(end),
                "count": len(hashes),
                "root": merkle.root(list(hashes.values())).hex(),
            }
        )
        return AuditSeal.objects.create(sequence=sequence, after_id=begin, to_id=end, leaves=_pack(hashes), body=body, digest=digest(body))


def audit_damages() -> Iterator[tuple[str, str]]:
    """(place, what) of everything in the sealed part of the audit trail that is not as it was sealed."""
    previous, expected, begin = None, 1, 0
    gone = _Gone([run for one in months_gone() for run in one.runs])
    for seal in AuditSeal.objects.order_by("sequence").iterator(chunk_size=200):
        place, body, leaves = f"audit seal {seal.sequence}", bytes(seal.body), _unpack(bytes(seal.leaves))
        said = parse(body)
        if seal.sequence != expected or said["sequence"] != expected or said["previous"] != previous or seal.after_id != begin:
            yield place, "it does not follow the audit seal before it"
        if digest(body) != bytes(seal.digest) or said["to_id"] != str(seal.to_id) or said["after_id"] != str(seal.after_id):
            yield place, "its bytes are not those of its digest"
        if merkle.root(list(leaves.values())).hex() != said["root"] or len(leaves) != said["count"]:
            yield place, "its list of events is not the one that was sealed"
        yield from _compare(leaves, dict(_hashes(seal.after_id, seal.to_id)), gone)
        previous, expected, begin = bytes(seal.digest).hex(), seal.sequence + 1, seal.to_id


class _Gone:
    """Ids that went with a month that policy dropped."""

    def __init__(self, runs: Sequence[tuple[int, int]]) -> None:
        self._runs = sorted(runs)

    def __contains__(self, pk: int) -> bool:
        place = bisect_right(self._runs, (pk, sys.maxsize)) - 1
        return place >= 0 and self._runs[place][0] <= pk <= self._runs[place][1]


def _compare(sealed: dict[int, bytes], found: dict[int, bytes], gone: _Gone) -> Iterator[tuple[str, str]]:
    for pk in sorted(sealed.keys() | found.keys()):
        if pk not in found and pk in gone:
            continue
        if pk not in found:
            yield f"audit event {pk}", "it is missing"
        elif pk not in sealed:
            yield f"audit event {pk}", "it was slipped in afterwards"
        elif sealed[pk] != found[pk]:
            yield f"audit event {pk}", "it was edited"


def _hashes(begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """(id, leaf hash) of the events with ids in (begin, end], in order."""
    events = AuditEvent.objects.filter(pk__gt=begin, pk__lte=end).order_by("pk")
    columns = ("pk", "at", "actor_id", "action", "request_id", "unit_id", "kind", "key", "detail")
    for pk, at, actor, action, request, unit, kind, key, detail in events.values_list(*columns).iterator(chunk_size=5_000):
        body = canonical(
            {
                "id": str(pk),
                "at": at.astimezone(UTC).isoformat(),
                "actor": actor,
                "action": action,
                "request": str(request) if request else None,
                "unit": str(unit) if unit else None,
                "kind": kind,
                "key": str(key) if key else None,
                "detail": detail,
            }
        )
        yield pk, digest(b"\x00" + body)


def _writers_held() -> bool:
    """Keep writers of events out until the end of this transaction; False when one was in the way."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("set local lock_timeout = '500ms'")
            cursor.execute("lock table workflows_auditevent in share mode")
    except OperationalError:
        return False
    return True


def _pack(hashes: dict[int, bytes]) -> bytes:
    return b"".join(pk.to_bytes(8, "big") + value for pk, value in hashes.items())


def _unpack(packed: bytes) -> dict[int, bytes]:
    entries = (packed[start : start + ENTRY] for start in range(0, len(packed), ENTRY))
    return {int.from_bytes(entry[:8], "big"): entry[8:] for entry in entries}
