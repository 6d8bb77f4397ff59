"""At an agency: the evidence of the hub's codes as zips that anybody can check offline, without this program and without the hub.

A code's zip is that of every version (`workflows.services.evidence`), checked by tools/verify_evidence.py: the document, leaf and proof, what the
hub's people signed with their certificates, and what a seal was put on. The hub's own link of its chain stays with the hub; in its place seal.json
(schema `held/1`) says who holds the evidence for whom. A list's zip holds those of all its codes and what the hub said of the list, so that
tools/verify_list.py also sees that none is missing.
"""

from __future__ import annotations

import io
import zipfile
from functools import cache

from django.conf import settings

from exchange.models import CatalogueCode, CatalogueManifest, CatalogueRead
from exchange.selectors.catalogues import codes_newest
from workflows.documents import canonical
from workflows.manifest import Statement, read_manifest
from workflows.services.evidence import EPOCH, SCHEMA, evidence_zip, receipt_bytes

HELD, LIST = "held/1", "list_evidence/1"
Signed = list[tuple[CatalogueManifest, Statement]]


def code_bundle(code: CatalogueCode) -> bytes:
    """The zip of one version of one code, as the hub published it."""
    return evidence_zip(_files(code, _signed(CatalogueManifest.objects.get(pk=code.manifest_id))))


def list_bundle(read: CatalogueRead) -> bytes:
    """The zip of a list as it was read last: `codes/<key>.zip` for each of its codes, and `list.json`."""
    manifests = {one.pk: one for one in CatalogueManifest.objects.filter(source=read.source_id)}
    signed = cache(lambda pk: _signed(manifests[pk]))
    codes = sorted(codes_newest(read.source, names=[read.name]), key=lambda one: one.key.bytes)
    said = {
        "schema": LIST,
        "authority": read.source.authority,
        "name": read.name,
        "version": read.version,
        "codes": len(codes),
        "digest": bytes(read.digest).hex(),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("list.json", EPOCH), canonical(said))
        for one in codes:
            archive.writestr(zipfile.ZipInfo(f"codes/{one.key}.zip", EPOCH), evidence_zip(_files(one, signed(one.manifest_id))))
    return buffer.getvalue()


def _signed(manifest: CatalogueManifest) -> Signed:
    """All that was signed of one request: what a seal was put on, in the order of the stages, and the manifest itself."""
    said = read_manifest(bytes(manifest.body))
    before = [bytes.fromhex(one) for one in said.over or ()]
    kept = {bytes(one.signature_digest): one for one in CatalogueManifest.objects.filter(source=manifest.source_id, signature_digest__in=before)}
    return [*((kept[one], read_manifest(bytes(kept[one].body))) for one in before), (manifest, said)]


def _files(code: CatalogueCode, signed: Signed) -> dict[str, bytes]:
    said, proof = signed[-1][1], bytes(code.proof)
    leaf = {"kind": code.kind, "key": str(code.key), "op": "update" if code.version > 1 else "create", "base_version": code.version - 1}
    path = [proof[start : start + 32].hex() for start in range(0, len(proof), 32)]
    files = {
        "document.json": bytes(code.document),
        "leaf.json": canonical({**leaf, "document_digest": bytes(code.digest).hex()}),
        "proof.json": canonical({"schema": SCHEMA, "leaf_index": code.leaf_index, "count": said.count, "path": path}),
        "seal.json": canonical(
            {
                "schema": HELD,
                "authority": settings.AUTHORITY,
                "agency": said.authority,
                "root": said.root,
                "skipped": [],  # what the hub's gate did not apply is not published
                "manifests": [bytes(one.digest).hex() for one, _said in signed],
                "signatures": [bytes(one.signature_digest).hex() for one, _said in signed],
                "held": None,
            }
        ),
    }
    for number, (one, stated) in enumerate(signed):
        again = sum(other.stage == stated.stage for _manifest, other in signed[:number])  # a stage that two people decide
        folder = f"stage-{stated.stage}.{again + 1}" if again else f"stage-{stated.stage}"
        files[f"{folder}/manifest.json"] = bytes(one.body)
        files[f"{folder}/signature.p7s"] = bytes(one.signature)
        files[f"{folder}/receipt.json"] = receipt_bytes(one.received_at)
    return files
