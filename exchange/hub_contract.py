"""Shapes of the calls about cases between agencies (transfers) that go through the hub. Shared by both sides, like `contract`.

A transfer has one number everywhere: the key of the release that the old agency signed.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from exchange.contract import MAX_MANIFEST, MAX_PROOF, MAX_SIGNATURE, MAX_SIGNED_BEFORE, Count, Digest, Moment, Signed

RELEASE_KIND = "transfer_release"
MAX_REASON = 500
PAGE = 200

StateName = Literal["offered", "taken", "completed", "refused", "withdrawn", "expired"]
AgencyCode = Annotated[str, Meta(min_length=1, max_length=35)]


class Offer(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A release as the old agency signed it: one leaf of one manifest, as in `Envelope`. Its key is the transfer's number, in the address."""

    manifest: Annotated[bytes, Meta(min_length=2, max_length=MAX_MANIFEST, description="Canonical bytes of manifest/1, base64")]
    signature: Annotated[bytes, Meta(min_length=2, max_length=MAX_SIGNATURE, description="CMS/CAdES detached, DER, chain inside, base64")]
    received_at: Moment
    signed_before: Annotated[list[Signed], Meta(max_length=MAX_SIGNED_BEFORE, description="As in Envelope")] = []
    document: Annotated[dict[str, Any], Meta(description="transfer_release/1")]
    leaf_index: Annotated[int, Meta(ge=0, lt=100_000)]
    proof: Annotated[list[Digest], Meta(max_length=MAX_PROOF, description="RFC 9162 inclusion proof, lowest sibling first")]


class Act(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why an offer is refused, withdrawn or given back; taking over needs no reason."""

    reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""


class TransferStatus(msgspec.Struct, kw_only=True):
    """Where a transfer stands. While it is open the person belongs to the old agency; `late` is after `due_on` and before its end."""

    transfer: UUID
    state: StateName
    person: UUID
    person_name: str
    version: Annotated[int, Meta(ge=1, description="The old agency's number of the version that it hands over")]
    digest: Digest
    from_agency: AgencyCode
    from_name: str
    to_agency: AgencyCode
    to_name: str
    effective_on: date
    decision_number: str
    decision_date: date
    note: str
    offered_at: Moment
    due_on: date
    expires_on: date
    late: bool
    taken_at: Moment | None
    ended_at: Moment | None
    reason: str


class Transfers(msgspec.Struct, kw_only=True):
    """One page of transfers in the order of their numbers. `next` is the number after which the next page begins, null on the last."""

    transfers: list[TransferStatus]
    next: UUID | None


class Proof(msgspec.Struct, kw_only=True):
    """Why a version is what the old agency signed: the leaf `{kind, key, op, base_version, document_digest}` of its manifest."""

    agency: AgencyCode
    manifest: bytes
    signature: bytes
    received_at: Moment
    base_version: Count
    leaf_index: Count
    proof: list[Digest]


class TransferFile(msgspec.Struct, kw_only=True):
    """The file that is handed over, as the hub holds it, with what proves it. `places` names the units that it mentions, by key."""

    transfer: UUID
    person: UUID
    document: dict[str, Any]
    digest: Digest
    proof: Proof
    places: dict[str, str]


class AgencyName(msgspec.Struct, kw_only=True):
    """An agency that may receive people."""

    code: AgencyCode
    name: str


class Agencies(msgspec.Struct, kw_only=True):
    """Every active agency, by code."""

    agencies: list[AgencyName]


class SealMark(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The newest link of a chain of seals: its number and its SHA-256."""

    sequence: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    digest: Digest


class SealStatement(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What an agency hands to the hub as its witness: the newest seal of its ledger and of its audit trail, null where there is none yet."""

    at: Moment
    ledger: SealMark | None
    audit: SealMark | None


class SealLink(msgspec.Struct, kw_only=True):
    """A seal that the hub was told of."""

    chain: Literal["ledger", "audit"]
    sequence: Count
    digest: Digest
    at: Moment


class Seals(msgspec.Struct, kw_only=True):
    """The seals of an agency that the hub was told of, the newest first."""

    seals: list[SealLink]


decode_offer = msgspec.json.Decoder(Offer).decode
decode_act = msgspec.json.Decoder(Act).decode
decode_seal_statement = msgspec.json.Decoder(SealStatement).decode
SHAPES = (Offer, Act, TransferStatus, Transfers, TransferFile, Agencies, SealStatement, Seals)


def json_schemas() -> dict[str, Any]:
    """JSON Schema (2020-12) of every shape here, by name, with references as OpenAPI wants them."""
    return msgspec.json.schema_components(SHAPES, ref_template="#/components/schemas/{name}")[1]
