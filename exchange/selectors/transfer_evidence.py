"""What proves a transfer: who released and who took over, every version of the file on either side of it, and who signed each.

The same shape for both pages: at the hub from what agencies sent, at the old agency from its own ledger. Nothing here says what a file holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.contract import PROFILE_KIND
from exchange.hub_contract import RELEASE_KIND
from exchange.models import AgencyManifest, InboundEvidence, OutgoingTransfer, TransferCase
from exchange.selectors.names import signer_name
from workflows.choices import Verdict
from workflows.manifest import read_manifest
from workflows.models import Decision, RecordVersion


@dataclass(frozen=True)
class Signed:
    """One signature: whose by the certificate, and when the agency's server received it."""

    by: str
    at: datetime


@dataclass(frozen=True)
class EvidenceLine:
    """One version of the file. `version` is the number here, `number` that of its agency, by name; `digest` is the document's, as hex.

    `request` leads to the request here; `address` to the zip, "" where there is none for the reader.
    """

    version: int
    number: int
    agency: str
    digest: str
    recorded_at: datetime
    signed: Sequence[Signed]
    request: UUID
    handed_over: bool
    passing: bool
    address: str


@dataclass(frozen=True)
class TransferEvidence:
    """`released` are the signatures on the release, `release_address` its zip."""

    released: Sequence[Signed]
    release_address: str
    lines: Sequence[EvidenceLine]


Address = Callable[[RecordVersion], str]


def case_evidence(case: TransferCase, *, release_address: str, address: Address) -> TransferEvidence:
    """At the hub. `case` comes with both agencies and its manifest. Five queries."""
    behind = {one.version: one for one in InboundEvidence.objects.select_related("manifest__agency").filter(kind=PROFILE_KIND, key=case.key)}
    signed = _signed_by([case.manifest, *(one.manifest for one in behind.values())])
    lines = []
    for version in RecordVersion.objects.filter(kind=PROFILE_KIND, key=case.key, version__in=behind).order_by("version"):
        evidence = behind[version.version]
        number, agency = evidence.agency_version or evidence.version, evidence.manifest.agency
        line = EvidenceLine(
            version=version.version,
            number=number,
            agency=agency.name,
            digest=bytes(version.document_id).hex(),
            recorded_at=version.recorded_at,
            signed=signed[evidence.manifest_id],
            request=version.request_id,
            handed_over=(agency.pk, number) == (case.from_agency_id, case.version),
            passing=version.version == case.passed_as,
            address=address(version),
        )
        lines.append(line)
    return TransferEvidence(signed[case.manifest_id], release_address, lines)


def release_evidence(transfer: OutgoingTransfer, *, agency: str, address: Address) -> TransferEvidence:
    """At the old agency, whose name is `agency`. `transfer` comes with its release. Two queries."""
    release = transfer.release
    kept = RecordVersion.objects.filter(kind__in=[PROFILE_KIND, RELEASE_KIND], key__in=[release.person, release.pk]).order_by("version")
    versions = list(kept)
    signed = _signed_here(one.request_id for one in versions)
    own = next((one for one in versions if one.kind == RELEASE_KIND), None)
    released = signed[own.request_id] if own is not None else ()
    lines = [
        EvidenceLine(
            version=one.version,
            number=one.version,
            agency=agency,
            digest=bytes(one.document_id).hex(),
            recorded_at=one.recorded_at,
            signed=signed[one.request_id],
            request=one.request_id,
            handed_over=one.version == release.person_version,
            passing=False,
            address=address(one) if signed[one.request_id] else "",
        )
        for one in versions
        if one.kind == PROFILE_KIND
    ]
    return TransferEvidence(released, address(own) if own is not None and released else "", lines)


def _signed_here(requests: Iterable[UUID]) -> Mapping[UUID, Sequence[Signed]]:
    """The signatures of people here, by request, in the order of the stages."""
    decisions = Decision.objects.filter(stage__request__in=set(requests), verdict=Verdict.APPROVE, signature__isnull=False)
    found: defaultdict[UUID, list[Signed]] = defaultdict(list)
    rows = decisions.order_by("stage__number", "pk").values_list("stage__request", "signature__subject", "signature__received_at")
    for request, subject, at in rows:
        found[request].append(Signed(signer_name(subject), at))
    return found


def _signed_by(manifests: Sequence[AgencyManifest]) -> Mapping[int, Sequence[Signed]]:
    """The signatures behind agencies' manifests: of a seal also those that it was put on. One query."""
    under = {one.pk: [bytes.fromhex(name) for name in read_manifest(bytes(one.body)).over or ()] for one in manifests}
    wanted = {name for names in under.values() for name in names}
    agencies = {one.agency_id for one in manifests}
    kept = AgencyManifest.objects.filter(agency__in=agencies, signature_digest__in=wanted).defer("body", "signature") if wanted else []
    known = {(one.agency_id, bytes(one.signature_digest)): one for one in kept}
    return {one.pk: [*(_of(known[one.agency_id, name]) for name in under[one.pk] if (one.agency_id, name) in known), _of(one)] for one in manifests}


def _of(manifest: AgencyManifest) -> Signed:
    return Signed(signer_name(manifest.subject), manifest.received_at)
