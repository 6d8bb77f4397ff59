"""Shapes of the calls by which the hub's code lists reach the agencies. Shared by both sides, like `contract`.

What is published is what the hub's own gate applied, as it was signed there: each code is one leaf of one signed manifest, so whoever reads it can
check who approved it. `version` of a catalogue is the number of the newest seal of the hub's ledger that touched it; the digest is SHA-256 over
a zero byte and, for every code in the order of the keys, key (16 bytes), version (4, big-endian) and document digest (32), as of a cell in
`contract.DigestAnswer`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from exchange.contract import MAX_MANIFEST, MAX_PROOF, MAX_SIGNATURE, MAX_SIGNED_BEFORE, Count, Digest, Moment, Signed

CODE_KIND: Final = "code_entry"
RANK_KIND: Final = "rank_entry"
STEP_KIND: Final = "step_entry"
RANKS, STEPS = "rank", "salary_step"  # the catalogues that are no code lists; a code list is called as in `code_entry/1`
CATALOGUE_KINDS = (CODE_KIND, RANK_KIND, STEP_KIND)
PAGE = 200  # codes a page
MAX_CATALOGUES = 200
PLACES = 2**17  # leaves of a request are fewer, so a seal's number and a leaf's make one number that only grows

CatalogueName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,29}$", description="A code list, `rank` or `salary_step`")]
CatalogueVersion = Annotated[int, Meta(ge=1, le=2**46)]
Position = Annotated[int, Meta(ge=0, le=2**63 - 1, description="Cursor: grows with every change of a code")]


class CatalogueHead(msgspec.Struct, kw_only=True):
    """One published catalogue as it stands: compare `version` and `digest` with what you hold, and read nothing when they are the same."""

    name: CatalogueName
    title: str
    version: CatalogueVersion
    digest: Digest
    codes: Count
    changed_at: Moment


class Catalogues(msgspec.Struct, kw_only=True):
    """Every published catalogue, by name. `authority` is whose they are: the manifests name it, and so do the certificates."""

    authority: Annotated[str, Meta(min_length=1, max_length=40)]
    catalogues: Annotated[list[CatalogueHead], Meta(max_length=MAX_CATALOGUES)]


class CatalogueHeld(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How far an agency has a catalogue: the version that it read last, how many of its changes are not yet true there, and how many codes
    stay different there because somebody decided so."""

    name: CatalogueName
    version: Annotated[int, Meta(ge=0, le=2**46)]
    waiting: Annotated[int, Meta(ge=0, lt=2**31)]
    kept: Annotated[int, Meta(ge=0, lt=2**31)]


class CataloguesHeld(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What an agency holds of all catalogues that it has read."""

    held: Annotated[list[CatalogueHeld], Meta(max_length=MAX_CATALOGUES)]


class PublishedCode(msgspec.Struct, kw_only=True):
    """A code as it stands at the hub: leaf `leaf_index` of the manifest whose SHA-256 is `manifest`. Its base version is version - 1."""

    kind: Literal["code_entry", "rank_entry", "step_entry"]
    key: UUID
    version: Annotated[int, Meta(ge=1, lt=2**31)]
    position: Position
    document: Annotated[dict[str, Any], Meta(description="code_entry/1, rank_entry/1 or step_entry/1")]
    manifest: Digest
    leaf_index: Annotated[int, Meta(ge=0, lt=100_000)]
    proof: Annotated[list[Digest], Meta(max_length=MAX_PROOF, description="RFC 9162 inclusion proof, lowest sibling first")]


class PublishedManifest(msgspec.Struct, kw_only=True):
    """What was signed of the requests that the page's codes come from, once each; `signed_before` as in Envelope."""

    manifest: Annotated[bytes, Meta(min_length=2, max_length=MAX_MANIFEST, description="Canonical bytes of manifest/1, base64")]
    signature: Annotated[bytes, Meta(min_length=2, max_length=MAX_SIGNATURE, description="CMS/CAdES detached, DER, chain inside, base64")]
    received_at: Moment
    signed_before: Annotated[list[Signed], Meta(max_length=MAX_SIGNED_BEFORE)] = []


class CataloguePage(msgspec.Struct, kw_only=True):
    """Codes that changed after a position, in that order. `next` is the position after which the next page begins, null on the last."""

    name: CatalogueName
    version: CatalogueVersion
    digest: Digest
    codes: Annotated[list[PublishedCode], Meta(max_length=PAGE)]
    manifests: Annotated[list[PublishedManifest], Meta(max_length=PAGE)]
    next: Position | None


decode_catalogues_held = msgspec.json.Decoder(CataloguesHeld).decode
SHAPES = (Catalogues, CataloguesHeld, CataloguePage)


def catalogue_digest(codes: Iterable[tuple[UUID, int, bytes]]) -> bytes:
    """SHA-256 of a catalogue of (key, version, document digest), in whatever order they come."""
    hashed = hashlib.sha256(b"\x00")
    for key, version, digest in sorted(codes, key=lambda one: one[0].bytes):
        hashed.update(key.bytes + version.to_bytes(4, "big") + digest)
    return hashed.digest()


def position_of(*, sequence: int, leaf_index: int) -> int:
    return sequence * PLACES + leaf_index


def json_schemas() -> dict[str, Any]:
    """JSON Schema (2020-12) of every shape here, by name, with references as OpenAPI wants them."""
    return msgspec.json.schema_components(SHAPES, ref_template="#/components/schemas/{name}")[1]
