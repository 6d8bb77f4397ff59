"""The evidence of one version: a zip that anybody can check offline with tools/verify_evidence.py, without this program.

Files: document.json (canonical bytes), leaf.json, proof.json, one folder a decision (stage-2, its second decider's stage-2.2) with
manifest.json and, where it was signed, signature.p7s (chain inside) and timestamp.tst (RFC 3161) and ocsp-*.der (what responders
said of its certificates, RFC 6960), where there are any, and holder/, seal.json, trust/*.crl as this installation holds them.
holder/ is there where the certificate does not carry the signer's number: the registration by which it counted as theirs, with the proof
that they hold its key.
Where the signature was revoked since, the same of the version that revoked it stands below
revocation/. The verifier brings its own trust anchor.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from datetime import datetime

from django.conf import settings

from workflows.choices import Verdict
from workflows.documents import canonical
from workflows.models import Decision, RecordVersion, Seal, Signature
from workflows.selectors.certificates import registration_of
from workflows.selectors.revoking import revoking_version
from workflows.services.ledger import leaf_proof

SCHEMA = "evidence/1"
EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's earliest time: the same evidence is the same bytes


def evidence_bundle(version: RecordVersion) -> bytes:
    """The zip for `version`. Raises LookupError when no person signed it here (on the hub its evidence is the agency's)."""
    return evidence_zip(_files(version))


def _files(version: RecordVersion) -> dict[str, bytes]:
    decisions = list(
        Decision.objects.filter(stage__request=version.request, verdict=Verdict.APPROVE)
        .select_related("manifest", "signature__timestamp", "stage")
        .order_by("stage__number", "pk")
    )
    if not any(decision.signature for decision in decisions):
        raise LookupError(f"no person's signature stands behind {version.kind} {version.key} version {version.version}")
    files = {"document.json": bytes(version.document.body), "leaf.json": _leaf(version), "proof.json": _proof(version)}
    met: Counter[int] = Counter()
    for decision in decisions:
        number = decision.stage.number
        met[number] += 1
        folder = f"stage-{number}" if met[number] == 1 else f"stage-{number}.{met[number]}"
        if decision.manifest is not None:  # the database knows no approval without one
            files[f"{folder}/manifest.json"] = bytes(decision.manifest.body)
        if decision.signature is None:
            continue
        files |= {f"{folder}/{name}": body for name, body in _signed(decision.signature).items()}
    files["seal.json"] = bytes(Seal.objects.get(request=version.request).body)
    if (revoking := revoking_version(version)) is not None:
        files |= {f"revocation/{name}": body for name, body in _files(revoking).items()}
    return files


def _signed(signature: Signature) -> dict[str, bytes]:
    files = {"signature.p7s": bytes(signature.der), "receipt.json": receipt_bytes(signature.received_at)}
    for answer in signature.answers.order_by("certificate"):
        files[f"ocsp-{answer.certificate[:16]}.der"] = bytes(answer.der)
    if stamp := getattr(signature, "timestamp", None):
        files["timestamp.tst"] = bytes(stamp.token)
    if (held := registration_of(signature)) is not None and held.proof is not None and held.proved_at is not None:
        files |= {f"holder/ocsp-{number}.der": bytes(one) for number, one in enumerate(held.answers)}
        files["holder/registration.json"], files["holder/signature.p7s"] = bytes(held.statement), bytes(held.proof)
        files["holder/receipt.json"] = receipt_bytes(held.proved_at)
    return files


def receipt_bytes(moment: datetime) -> bytes:
    """receipt.json: when the server received a signature."""
    return canonical({"received_at": moment.strftime("%Y-%m-%dT%H:%M:%SZ")})


def _certificates() -> dict[str, bytes]:
    return {f"trust/{path.name}": path.read_bytes() for path in sorted(settings.TRUST_DIRECTORY.glob("*.crl"))}


def _leaf(version: RecordVersion) -> bytes:
    base = version.version - 1
    return canonical(
        {
            "kind": version.kind,
            "key": str(version.key),
            "op": "update" if base else "create",
            "base_version": base,
            "document_digest": bytes(version.document_id).hex(),
        }
    )


def _proof(version: RecordVersion) -> bytes:
    path = [node.hex() for node in leaf_proof(version.request, version.leaf_index)]
    return canonical({"schema": SCHEMA, "leaf_index": version.leaf_index, "count": version.request.count, "path": path})


def evidence_zip(files: dict[str, bytes]) -> bytes:
    """The zip of `files` with the revocation lists of this installation; the same files are the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in (files | _certificates()).items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), body, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
