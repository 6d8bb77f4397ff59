"""How the hub's own numbers relate to the agency's: versions that the hub set aside are versions of the agency and not of its ledger.

Numbers of an agency are contiguous: each is held, refused or the same as what is held (`SetAside`), and each of the three was
proved by a leaf that the agency signed. The hub's ledger counts what it holds. For nearly every record both are the same.

A person who passed to another agency (`TransferCase`) is counted from one there, while the hub goes on counting: the new agency's numbers
are those of its own evidence, and of what came before it knows none.

An agency that lost what it sent (an older backup, a new installation) takes over what the hub holds as the next version that it has, and counts
on from that number: another *era* of the record (`SetAside.era`). Numbers of before that reach as far are void then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection
from django.db.models import Max

from exchange.choices import TransferState
from exchange.contract import PROFILE_KIND
from exchange.models import Agency, InboundEvidence, SetAside, TransferCase


@dataclass
class _Exceptions:
    """Where the two ways of counting part: hub's version by the agency's, and digests of what was refused by the agency's version."""

    held: dict[int, int] = field(default_factory=dict)
    refused: dict[int, bytes] = field(default_factory=dict)
    alike: int | None = None  # of a record that passed between agencies: up to here the agency's numbers are the hub's
    eras: list[tuple[int, int]] = field(default_factory=list)  # (agency's version, hub's) with which each later era began
    era: int = 0

    def aside(self, version: int, digest: bytes, held_as: int | None, era: int) -> None:
        """Take in a version that was set aside; they come in the order in which they were kept."""
        if era > self.era and held_as is not None:
            self.era = era
            self.eras.append((version, held_as))
            self.held = {theirs: ours for theirs, ours in self.held.items() if theirs < version}
            self.refused = {theirs: known for theirs, known in self.refused.items() if theirs < version}
        if held_as is None:
            self.refused[version] = digest
        else:
            self.held[version] = held_as

    def evidence(self, version: int, ours: int) -> None:
        """Take in a version that the hub holds under another number; after all those that were set aside."""
        if not any(version >= theirs and ours <= held_as for theirs, held_as in self.eras):
            self.held[version] = ours

    def hub_version(self, version: int) -> int | None:
        """The hub's number of the agency's version; None when that one was refused, or is none of this agency's."""
        if version in self.held:
            return self.held[version]
        if self.alike is not None and version > self.alike:
            return None
        if version in self.refused or any(version > known for known in self.held):
            return None
        return version


@dataclass(frozen=True)
class Standing:
    """A record as the hub has it, asked about one version of the agency's.

    `base`: the hub's last version, 0 for none. `head`: the agency's number of it. `reach`: the last number such that everything
    between `head` and it was refused: any version up to the next one may come. `digest`: of the asked version, where it is held;
    `refused`: of the asked version, where it was refused. `newest`: the digest of the hub's last version; `era`: how often the agency took the
    record over and counted on from there.
    """

    base: int
    head: int
    reach: int
    digest: bytes | None
    refused: bytes | None
    newest: bytes | None = None
    era: int = 0


def standings(*, agency: Agency, kind: str, versions: Mapping[UUID, int]) -> dict[UUID, Standing]:
    """How each record stands, asked about the agency's version that is named. Four or five queries, whatever the number of records."""
    parted = _exceptions(agency, kind, list(versions))
    none = _Exceptions()
    asked = {key: parted.get(key, none).hub_version(version) or 0 for key, version in versions.items()}
    return {key: _standing(parted.get(key, none), *found, versions[key]) for key, found in _ledger(kind, asked).items()}


def _standing(one: _Exceptions, base: int, newest: bytes | None, held: bytes | None, version: int) -> Standing:
    head = max(one.held, default=base if one.alike is None else one.alike)
    reach = head
    while reach + 1 in one.refused:
        reach += 1
    return Standing(base, head, reach, held, one.refused.get(version), newest, one.era)


def _exceptions(agency: Agency, kind: str, keys: Sequence[UUID]) -> dict[UUID, _Exceptions]:
    parted: dict[UUID, _Exceptions] = defaultdict(_Exceptions)
    if kind == PROFILE_KIND:
        for key, alike in _passed(agency, keys).items():
            parted[key].alike = alike
    aside = SetAside.objects.filter(agency=agency, kind=kind, key__in=keys).order_by("pk")
    for key, version, digest, held_as, era in aside.values_list("key", "version", "digest", "held_as", "era"):
        parted[key].aside(version, bytes(digest), held_as, era)
    renumbered = InboundEvidence.objects.filter(kind=kind, key__in=keys, agency_version__isnull=False, manifest__agency=agency)
    for key, theirs, ours in renumbered.values_list("key", "agency_version", "version"):
        if theirs is not None:
            parted[key].evidence(theirs, ours)
    return parted


def _passed(agency: Agency, keys: Sequence[UUID]) -> dict[UUID, int]:
    """Of those people who passed between agencies, or are about to: the last number that is the same for `agency` and the hub, 0 for none."""
    passed = TransferCase.objects.filter(key__in=keys, state__in=[TransferState.TAKEN, TransferState.COMPLETED]).values_list("key", flat=True)
    found = dict.fromkeys(passed, 0)
    if found:
        own = InboundEvidence.objects.filter(kind=PROFILE_KIND, key__in=list(found), agency_version=None, manifest__agency=agency)
        found |= dict(own.order_by().values_list("key").annotate(last=Max("version")))
    return found


def _ledger(kind: str, asked: Mapping[UUID, int]) -> dict[UUID, tuple[int, bytes | None, bytes | None]]:
    """The hub's last version of each record with its digest, and the digest of the one that is asked about."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select x.key, coalesce(h.version, 0), h.document_id, v.document_id from unnest(%(keys)s::uuid[], %(versions)s::int[]) x(key, version) "
            "left join lateral (select n.version, n.document_id from workflows_recordversion n where n.kind = %(kind)s and n.key = x.key "
            "order by n.version desc limit 1) h on true "
            "left join workflows_recordversion v on v.kind = %(kind)s and v.key = x.key and v.version = x.version",
            {"kind": kind, "keys": list(asked), "versions": list(asked.values())},
        )
        return {key: (version, _bytes(newest), _bytes(held)) for key, version, newest, held in cursor.fetchall()}


def _bytes(found: memoryview | bytes | None) -> bytes | None:
    return None if found is None else bytes(found)
