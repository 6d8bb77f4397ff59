"""On the hub: who signed the versions of a record at their agency, and which of them rest on signatures that were revoked since.

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
from exchange.selectors.names import signer_name
from workflows.choices import Ground
from workflows.manifest import ManifestInvalid, Statement, read_manifest


@dataclass(frozen=True)
class RevokedAtAgency:
    """When the agency's server received the revocation, and why: its ground in words, and its reason."""

    at: datetime
    ground: str
    reason: str


@dataclass(frozen=True)
class SignedAtAgency:
    """Which agency sent a version, who signed it there (a name without its number), when, and whether it was revoked since."""

    agency: str
    signer: str
    at: datetime
    revoked: RevokedAtAgency | None


def revoked_versions(*, kind: str, key: UUID) -> Mapping[int, RevokedAtAgency]:
    """The hub's versions of one record whose signatures were revoked, by number; two queries, and none on an agency."""
    return {number: one.revoked for number, one in signed_versions(kind=kind, key=key).items() if one.revoked}


def signed_versions(*, kind: str, key: UUID) -> Mapping[int, SignedAtAgency]:
    """The hub's versions of one record, by number; two queries, and none on an agency."""
    if settings.ROLE != "hub":
        return {}
    held = InboundEvidence.objects.filter(kind=kind, key=key).order_by("version").values_list("version", "manifest_id")
    by_version = dict(held)
    behind = Q(evidence__kind=kind, evidence__key=key) | Q(pk__in=SetAside.objects.filter(kind=kind, key=key).values("manifest"))
    manifests = {one.pk: (one, _read(one)) for one in AgencyManifest.objects.filter(behind).select_related("agency").distinct()}
    taken_back: dict[tuple[int, UUID, str], RevokedAtAgency] = {}
    for one, said in manifests.values():
        if said is not None and said.revokes:
            word = str(Ground(said.revokes.ground).label) if said.revokes.ground in Ground.values else said.revokes.ground
            taken_back[one.agency_id, said.revokes.request, said.revokes.root] = RevokedAtAgency(one.received_at, word, said.revokes.reason)
    found = {}
    for version, manifest in by_version.items():
        one, said = manifests[manifest]
        revoked = taken_back.get((one.agency_id, said.request, said.root)) if said is not None else None
        found[version] = SignedAtAgency(one.agency.name, signer_name(one.subject), one.received_at, revoked)
    return found


def _read(manifest: AgencyManifest) -> Statement | None:
    try:
        return read_manifest(bytes(manifest.body))
    except ManifestInvalid:
        return None  # what the evidence's own verification names
