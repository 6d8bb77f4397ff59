"""On the hub: does every version still rest on what its agency signed?

`workflows.services.ledger` verifies the hub's own chain. This verifies what that chain stands on: each agency's manifest and
signature at the time it was received, and for every version the proof that leads from its leaf to the manifest's root.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef

from exchange.models import AgencyManifest, SetAside
from workflows import merkle
from workflows.cms import SignatureRefused, TrustStore, bind_to_agency, verify_detached
from workflows.documents import digest
from workflows.manifest import ManifestInvalid, Statement, read_manifest
from workflows.models import RecordVersion, Seal
from workflows.services.ledger import Damage
from workflows.targets import targets


@dataclass
class EvidenceVerification:
    """What was counted, and every damage found."""

    manifests: int = 0
    versions: int = 0
    set_aside: int = 0
    damages: list[Damage] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.damages


def verify_evidence() -> EvidenceVerification:
    """Check every agency manifest and every version's proof. Reads only; damages are named, not repaired."""
    outcome = EvidenceVerification()
    statements: dict[int, Statement] = {}
    trust = TrustStore.load(settings.TRUST_DIRECTORY)
    for manifest in AgencyManifest.objects.select_related("agency", "named_by").order_by("pk").iterator(chunk_size=200):
        outcome.manifests += 1
        outcome.damages += _manifest(manifest, trust, statements)
    outcome.damages += _versions(outcome, statements)
    outcome.damages += _aside(outcome, statements)
    outcome.damages += _seals()
    outcome.damages += _sealed(statements)
    return outcome


def _manifest(manifest: AgencyManifest, trust: TrustStore, statements: dict[int, Statement]) -> Iterator[Damage]:
    place = f"manifest {bytes(manifest.digest).hex()}"
    body, signature = bytes(manifest.body), bytes(manifest.signature)
    if digest(body) != bytes(manifest.digest) or digest(signature) != bytes(manifest.signature_digest):
        yield Damage("evidence", place, "its bytes are not those of its digest")
    try:
        statements[manifest.pk] = read_manifest(body)
        verified = verify_detached(
            content=body,
            signature=signature,
            moment=manifest.received_at,
            trust=trust,
            responses=[bytes(one) for one in manifest.answers],
            asked_at=manifest.asked_at,
        )
        said = manifest.named_by
        named = [said.fingerprint] if said is not None and said.agency_id == manifest.agency_id and said.decided_at is not None else []
        bind_to_agency(verified, organization_identifier=manifest.agency.code, fingerprints=named)
    except ManifestInvalid as error:
        yield Damage("evidence", place, str(error))
    except SignatureRefused as refused:
        yield Damage("evidence", place, f"{refused.code.value}: {refused.reason}")


def _sealed(statements: dict[int, Statement]) -> Iterator[Damage]:
    """Every signature on which an agency put its seal is kept."""
    kept = {(agency, bytes(one).hex()) for agency, one in AgencyManifest.objects.values_list("agency_id", "signature_digest")}
    for manifest in AgencyManifest.objects.only("agency_id", "digest").order_by("pk").iterator(chunk_size=2_000):
        statement = statements.get(manifest.pk)
        for one in (statement.over or ()) if statement else ():
            if (manifest.agency_id, one) not in kept:
                yield Damage("evidence", f"manifest {bytes(manifest.digest).hex()}", "a signature that its seal was put on is not kept")


def _versions(outcome: EvidenceVerification, statements: dict[int, Statement]) -> Iterator[Damage]:
    """Every version of what agencies send has its evidence, and the evidence proves that very document under that very version.

    What stays here (codes that the hub's own people decided) has their signatures, which `verify_ledger` verifies.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select v.kind, v.key, coalesce(e.agency_version, v.version), v.document_id, e.manifest_id, e.leaf_index, e.proof "
            "from workflows_recordversion v "
            "left join exchange_inboundevidence e on e.kind = v.kind and e.key = v.key and e.version = v.version "
            "where v.kind <> all(%s) order by v.id",
            [_staying()],
        )
        while rows := cursor.fetchmany(5_000):
            for kind, key, version, document, manifest, leaf_index, proof in rows:
                outcome.versions += 1
                place = f"{kind} {key} version {version}"
                if manifest is None:
                    yield Damage("evidence", place, "no agency's signature stands behind it")
                    continue
                leaf = _leaf(kind, key, version, bytes(document))
                if manifest in statements and not _proves(statements[manifest], leaf, leaf_index, bytes(proof)):
                    yield Damage("evidence", place, "its proof does not lead to the root that the agency signed")


def _aside(outcome: EvidenceVerification, statements: dict[int, Statement]) -> Iterator[Damage]:
    """Every version that was set aside is what its agency signed, byte for byte."""
    for one in SetAside.objects.order_by("pk").iterator(chunk_size=1_000):
        outcome.set_aside += 1
        place = f"set aside {one.kind} {one.key} version {one.version}"
        if digest(bytes(one.document)) != bytes(one.digest):
            yield Damage("evidence", place, "its bytes are not those of its digest")
        leaf = _leaf(one.kind, one.key, one.version, bytes(one.digest))
        if one.manifest_id in statements and not _proves(statements[one.manifest_id], leaf, one.leaf_index, bytes(one.proof)):
            yield Damage("evidence", place, "its proof does not lead to the root that the agency signed")


def _leaf(kind: str, key: UUID, version: int, document_digest: bytes) -> bytes:
    """The leaf that an agency signed for its version of a record."""
    op = "create" if version == 1 else "update"
    return merkle.leaf_hash(kind=kind, key=key, op=op, base_version=version - 1, document_digest=document_digest)


def _proves(statement: Statement, leaf: bytes, index: int, proof: bytes) -> bool:
    path = [proof[start : start + 32] for start in range(0, len(proof), 32)]
    return index not in statement.excluded and merkle.verify(
        leaf=leaf, index=index, count=statement.count, path=path, expected_root=statement.root_hash
    )


def _staying() -> list[str]:
    return [one.kind for one in targets() if one.stays_here]


def _seals() -> Iterator[Damage]:
    """Every sealed request names a manifest and a signature that are kept."""
    kept = {(bytes(one).hex(), bytes(two).hex()) for one, two in AgencyManifest.objects.values_list("digest", "signature_digest")}
    brought = Exists(RecordVersion.objects.filter(request=OuterRef("request")).exclude(kind__in=_staying()))
    sealed = Seal.objects.filter(brought).order_by("sequence").values_list("sequence", "request__evidence")
    for sequence, said in sealed.iterator(chunk_size=2_000):
        if (said.get("manifest"), said.get("signature")) not in kept:
            yield Damage("evidence", f"seal {sequence}", "the agency's manifest that it names is not kept")
