"""Shapes of the calls by which an agency asks what the hub holds of it, and takes it over. Shared by both sides, like `contract`.

First the entries, page by page: key, the agency's own version and document digest, 130 bytes a record. Then, of those that the agency lacks or has
otherwise, the documents with what proves them: each is one leaf of one manifest that the agency's own people signed.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from exchange.contract import MAX_PROOF, MAX_SIGNED_BEFORE, Count, Digest, KindName, Signed

PAGE = 1_000  # entries of a page
MAX_KEYS = 200  # records asked about in one call


class HeldEntry(msgspec.Struct, kw_only=True):
    """One record as the hub holds it: the agency's own number of the version, and the SHA-256 of its canonical document."""

    key: UUID
    version: Annotated[int, Meta(ge=1)]
    digest: Digest


class HeldPage(msgspec.Struct, kw_only=True):
    """Entries in the order of their keys. `next` is the key after which the next page begins, null on the last. `hub` is whose answer it is."""

    hub: str
    kind: KindName
    entries: Annotated[list[HeldEntry], Meta(max_length=PAGE)]
    next: UUID | None


class HeldQuestion(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Records of the asking agency; without `documents` only their entries are told."""

    kind: KindName
    keys: Annotated[list[UUID], Meta(min_length=1, max_length=MAX_KEYS)]
    documents: bool = True


class ProvedRecord(msgspec.Struct, kw_only=True):
    """A record's document: leaf `leaf_index` of the manifest whose SHA-256 is `manifest`. `base_version` is as it stands in the leaf."""

    key: UUID
    document: Annotated[dict[str, Any], Meta(description="org_unit/1 or staff_profile/1")]
    manifest: Digest
    base_version: Count
    leaf_index: Annotated[int, Meta(ge=0, lt=100_000)]
    proof: Annotated[list[Digest], Meta(max_length=MAX_PROOF, description="RFC 9162 inclusion proof, lowest sibling first")]


class SignedOver(Signed, kw_only=True):
    """What was signed of the request that records come from; `signed_before` as in Envelope."""

    signed_before: Annotated[list[Signed], Meta(max_length=MAX_SIGNED_BEFORE)] = []


class HeldRecords(msgspec.Struct, kw_only=True):
    """What the hub holds of the records asked about; one that it does not hold for the agency is left out. `entries` and `records` in the order of
    their keys; `manifests` once each; `places` names the units that the documents mention, by key."""

    hub: str
    kind: KindName
    entries: Annotated[list[HeldEntry], Meta(max_length=MAX_KEYS)]
    records: Annotated[list[ProvedRecord], Meta(max_length=MAX_KEYS)]
    manifests: Annotated[list[SignedOver], Meta(max_length=MAX_KEYS)]
    places: dict[str, str]


decode_held_question = msgspec.json.Decoder(HeldQuestion).decode
SHAPES = (HeldPage, HeldQuestion, HeldRecords)


def json_schemas() -> dict[str, Any]:
    """JSON Schema (2020-12) of every shape here, by name, with references as OpenAPI wants them."""
    return msgspec.json.schema_components(SHAPES, ref_template="#/components/schemas/{name}")[1]
