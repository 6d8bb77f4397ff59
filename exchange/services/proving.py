"""Is what the other side tells what somebody signed? At an agency: code lists, files that are handed over, records that are taken over.

A manifest is read and its authority compared, its signature verified for the moment at which it was received, what it was put on compared with it,
and each document led from its leaf to the root. Nothing is kept here; every caller keeps what it needs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.utils.translation import gettext as _

from exchange.contract import Signed
from workflows import merkle
from workflows.cms import SignatureRefused, VerifiedSignature, bind_to_agency, verify_detached
from workflows.documents import digest
from workflows.manifest import SIGNED, ManifestInvalid, Statement, read_manifest
from workflows.trust import TrustStore


class ProofWrong(Exception):
    """What the other side told is not what somebody signed, or does not fit together. `code` names the cause, `str()` says it."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class SignedBytes(Protocol):
    """A manifest with its signature, and when the signer's server received that."""

    manifest: bytes
    signature: bytes
    received_at: datetime


class Sealed(SignedBytes, Protocol):
    """With what people signed before their organisation put its seal on it."""

    signed_before: list[Signed]


@dataclass(frozen=True)
class Leaf:
    """A document's place in a manifest's tree; `path` are the nodes of its proof, lowest first."""

    kind: str
    key: UUID
    base_version: int
    document_digest: bytes
    index: int
    path: Sequence[str]


def statement_read(manifest: bytes, *, authority: str) -> Statement:
    """What a manifest says, when it approves something in the name of `authority`. Raises ProofWrong."""
    try:
        statement = read_manifest(manifest)
    except ManifestInvalid as error:
        raise ProofWrong("MANIFEST_INVALID", str(error)) from error
    if statement.purpose not in SIGNED or statement.authority != authority:
        text = _("A manifest is of %(other)s; expected was one of %(code)s.")
        raise ProofWrong("MANIFEST_INVALID", text % {"other": statement.authority, "code": authority})
    return statement


def sealed_statements(told: Sealed, seal: Statement, *, authority: str) -> list[tuple[Signed, Statement]]:
    """What people signed before the seal was put on it: the very signatures that the seal names, over the same records. Raises ProofWrong."""
    if [digest(one.signature).hex() for one in told.signed_before] != list(seal.over or ()):
        raise ProofWrong("SIGNATURES_MISSING", _("The signatures that came along are not those on which the seal was put."))
    found = [(one, statement_read(one.manifest, authority=authority)) for one in told.signed_before]
    for _one, before in found:
        if any(getattr(before, name) != getattr(seal, name) for name in ("request", "root", "count", "revokes")):
            raise ProofWrong("SIGNATURES_MISSING", _("The seal was put on something else than people signed."))
        if not set(before.excluded) <= set(seal.excluded):
            raise ProofWrong("SIGNATURES_MISSING", _("The seal was put on records that people left out."))
    return found


def signature_prove(signed: SignedBytes, *, authority: str, trust: TrustStore, fingerprints: Collection[str] = ()) -> VerifiedSignature:
    """The signature as of the moment at which it was received, made in the name of `authority`: its certificate says so, or is one of those with
    these `fingerprints`. Raises ProofWrong."""
    try:
        verified = verify_detached(
            content=signed.manifest,
            signature=signed.signature,
            moment=signed.received_at,
            trust=trust,
            responses=tuple(getattr(signed, "answers", ())),
        )
        bind_to_agency(verified, organization_identifier=authority, fingerprints=fingerprints)
    except SignatureRefused as refused:
        raise ProofWrong("SIGNATURE_REFUSED", f"{refused.code.value}: {refused.message}") from refused
    return verified


def leaf_prove(leaf: Leaf, statement: Statement) -> None:
    """The document is one of those that the manifest covers. Raises ProofWrong."""
    op = "update" if leaf.base_version else "create"
    found = merkle.leaf_hash(kind=leaf.kind, key=leaf.key, op=op, base_version=leaf.base_version, document_digest=leaf.document_digest)
    path = [bytes.fromhex(node) for node in leaf.path]
    proved = merkle.verify(leaf=found, index=leaf.index, count=statement.count, path=path, expected_root=statement.root_hash)
    if not proved or leaf.index in statement.excluded:
        text = _("%(kind)s %(key)s is not what was signed: its proof does not lead to the signed root.")
        raise ProofWrong("PROOF_INVALID", text % {"kind": leaf.kind, "key": leaf.key})
