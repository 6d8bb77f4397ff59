"""On the hub: which versions of a record rest on signatures that their agency revoked since.

A revocation comes in like everything else, as an agency's signed manifest that names the request and the root whose signatures it takes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from exchange.models import AgencyManifest, InboundEvidence, SetAside
from workflows.choices import Ground
from workflows.manifest import ManifestInvalid, Statement, read_manifest


@dataclass(frozen=True)
class RevokedAtAgency:
    """When the agency's server received the revocation, and why: its ground in words, and its reason."""

    at: datetime
    ground: str
    reason: str


def revoked_versions(*, kind: str, key: UUID) -> Mapping[int, RevokedAtAgency]:
    """The hub's versions of one record whose signatures were revoked, by number; two queries, and none on an agency."""
    if settings.ROLE != "hub":
        return {}
    held = InboundEvidence.objects.filter(kind=kind, key=key).order_by("version").values_list("version", "manifest_id")
    by_version = dict(held)
    behind = Q(evidence__kind=kind, evidence__key=key) | Q(pk__in=SetAside.objects.filter(kind=kind, key=key).values("manifest"))
    manifests = {one.pk: (one, _read(one)) for one in AgencyManifest.objects.filter(behind).distinct()}
    taken_back: dict[tuple[int, UUID, str], RevokedAtAgency] = {}
    for one, said in manifests.values():
        if said is not None and said.revokes:
            word = str(Ground(said.revokes.ground).label) if said.revokes.ground in Ground.values else said.revokes.ground
            taken_back[one.agency_id, said.revokes.request, said.revokes.root] = RevokedAtAgency(one.received_at, word, said.revokes.reason)
    found = {}
    for version, manifest in by_version.items():
        one, said = manifests[manifest]
        if said is not None and (revoked := taken_back.get((one.agency_id, said.request, said.root))) is not None:
            found[version] = revoked
    return found


def _read(manifest: AgencyManifest) -> Statement | None:
    try:
        return read_manifest(bytes(manifest.body))
    except ManifestInvalid:
        return None  # what the evidence's own verification names
