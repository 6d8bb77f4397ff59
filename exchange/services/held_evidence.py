"""On the hub: the evidence of what it holds for agencies, as zips that anybody can check offline with tools/verify_evidence.py.

What stands behind a version of a person's file is what its agency signed: document, leaf and proof, and every manifest with its signature as they
came. The agency's own link of its chain stays with the agency; in its place seal.json (schema `held/1`) says who holds the evidence for whom, over
which root, manifests and signatures, and what the hub's own link says that names them. A release (`transfer_release/1`) has no link here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings

from exchange.contract import PROFILE_KIND
from exchange.hub_contract import RELEASE_KIND
from exchange.models import AgencyManifest, AgencySigner, InboundEvidence, TransferCase
from exchange.selectors.signers import signer_told
from workflows.documents import canonical, digest, parse
from workflows.manifest import Statement, read_manifest
from workflows.models import RecordVersion, Seal
from workflows.services.evidence import SCHEMA, evidence_zip, receipt_bytes

HELD, NAMED = "held/1", "named/1"


def release_bundle(case: TransferCase) -> bytes:
    """The zip of the release by which the old agency let the person go."""
    body = bytes(case.document)
    leaf = _leaf(RELEASE_KIND, case.pk, 1, body)
    return evidence_zip(_files(body, leaf, case.manifest, case.leaf_index, bytes(case.proof), seal=None))


def version_bundle(*, key: UUID, version: int) -> bytes:
    """The zip of one version of a person's file, by the hub's number. Raises InboundEvidence.DoesNotExist for what the hub does not hold."""
    return evidence_zip(_version_files(_evidence(key).get(version=version)))


def signed_with(manifest: AgencyManifest) -> Sequence[tuple[AgencyManifest, Statement]]:
    """All that was signed of one request: what a seal was put on, in the order of the stages, and the manifest itself."""
    said = read_manifest(bytes(manifest.body))
    before = [bytes.fromhex(one) for one in said.over or ()]
    kept = {bytes(one.signature_digest): one for one in AgencyManifest.objects.filter(agency=manifest.agency_id, signature_digest__in=before)}
    return [*((kept[one], read_manifest(bytes(kept[one].body))) for one in before), (manifest, said)]


def _evidence(key: UUID) -> Any:
    return InboundEvidence.objects.select_related("manifest__agency").filter(kind=PROFILE_KIND, key=key)


def _version_files(evidence: InboundEvidence) -> dict[str, bytes]:
    held = RecordVersion.objects.select_related("document").get(kind=evidence.kind, key=evidence.key, version=evidence.version)
    body, number = bytes(held.document.body), evidence.agency_version or evidence.version
    seal = parse(bytes(Seal.objects.get(request=held.request_id).body))
    files = _files(body, _leaf(evidence.kind, evidence.key, number, body), evidence.manifest, evidence.leaf_index, bytes(evidence.proof), seal=seal)
    if (revoking := _revoking(evidence)) is not None:
        files |= {f"revocation/{name}": part for name, part in _version_files(revoking).items()}
    return files


def _revoking(evidence: InboundEvidence) -> InboundEvidence | None:
    """The version by which the agency revoked what it had signed for this one, where there is one."""
    mine = read_manifest(bytes(evidence.manifest.body))
    later = _evidence(evidence.key).filter(version__gt=evidence.version, manifest__agency=evidence.manifest.agency_id)
    for one in later.order_by("version"):
        said = read_manifest(bytes(one.manifest.body)).revokes
        if said and said.request == mine.request:
            return one
    return None


def _files(document: bytes, leaf: bytes, manifest: AgencyManifest, leaf_index: int, proof: bytes, *, seal: dict[str, Any] | None) -> dict[str, bytes]:
    signed = signed_with(manifest)
    path = [proof[start : start + 32].hex() for start in range(0, len(proof), 32)]
    files = {
        "document.json": document,
        "leaf.json": leaf,
        "proof.json": canonical({"schema": SCHEMA, "leaf_index": leaf_index, "count": signed[-1][1].count, "path": path}),
        "seal.json": canonical(
            {
                "schema": HELD,
                "authority": settings.AUTHORITY,
                "agency": manifest.agency.code,
                "root": signed[-1][1].root,
                "skipped": [],  # of what the agency signed this was taken, or it would not be here
                "manifests": [bytes(one.digest).hex() for one, _said in signed],
                "signatures": [bytes(one.signature_digest).hex() for one, _said in signed],
                "held": seal,
            }
        ),
    }
    for number, (one, said) in enumerate(signed):
        again = sum(other.stage == said.stage for _manifest, other in signed[:number])  # a stage that two people decide
        folder = f"stage-{said.stage}.{again + 1}" if again else f"stage-{said.stage}"
        files[f"{folder}/manifest.json"] = bytes(one.body)
        files[f"{folder}/signature.p7s"] = bytes(one.signature)
        files[f"{folder}/receipt.json"] = receipt_bytes(one.received_at)
        if one.named_by is not None:
            files[f"{folder}/agency.json"] = _named(one.named_by)
        files |= {f"{folder}/ocsp-{place}.der": bytes(answer) for place, answer in enumerate(one.answers)}
    return files


def _named(signer: AgencySigner) -> bytes:
    """Who said of which agency the certificate is, which names none, and where the agency itself says so."""
    return canonical({"schema": NAMED, **msgspec.to_builtins(signer_told(signer))})


def _leaf(kind: str, key: UUID, number: int, document: bytes) -> bytes:
    """The leaf that the agency signed, `number` being its own number of the version."""
    said = {"kind": kind, "key": str(key), "op": "update" if number > 1 else "create", "base_version": number - 1}
    return canonical({**said, "document_digest": digest(document).hex()})
