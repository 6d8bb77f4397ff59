"""Shapes of the calls about cases between agencies (transfers, people whom two claim) that go through the hub. Shared by both sides, like `contract`.

A transfer has one number everywhere: the key of the release that the old agency signed.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from exchange.contract import MAX_MANIFEST, MAX_PROOF, MAX_SIGNATURE, MAX_SIGNED_BEFORE, Answers, Count, Digest, Moment, Signed

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
    answers: Answers = []
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


class Named(msgspec.Struct, kw_only=True):
    """By whose word at the hub a certificate that names no agency is one's: two operators', after what `source` says of the agency itself."""

    agency: AgencyCode
    certificate: Annotated[Digest, Meta(description="SHA-256 of the certificate's DER")]
    said_by: str
    confirmed_by: str
    confirmed_at: Moment
    source: str


class Proof(msgspec.Struct, kw_only=True):
    """Why a version is what the old agency signed: the leaf `{kind, key, op, base_version, document_digest}` of its manifest.

    `answers` are what OCSP responders said of the signature's certificates, `named` whose the certificate is where it names no agency.
    """

    agency: AgencyCode
    manifest: bytes
    signature: bytes
    received_at: Moment
    base_version: Count
    leaf_index: Count
    proof: list[Digest]
    answers: Answers = []
    named: Named | None = None


class TransferFile(msgspec.Struct, kw_only=True):
    """The file that is handed over, as the hub holds it, with what proves it. `places` names the units that it mentions, by key."""

    transfer: UUID
    person: UUID
    document: dict[str, Any]
    digest: Digest
    proof: Proof
    places: dict[str, str]


ClaimMatchName = Literal["number", "name_birth"]
ClaimStateName = Literal["asked", "decided", "closed"]
ClaimOutcomeName = Literal["", "transfer", "withdrawn", "corrected", "different"]
ClaimAnswerName = Literal["", "ours", "theirs", "wrong", "different"]


class Claim(msgspec.Struct, kw_only=True):
    """A person whom another agency claims too, as the asking agency sees it: of the other file it hears whose it is and what the two share.

    `answer` is what the asking agency said last. A case is closed when the files no longer say one person or stand with one agency, when the hub
    found two different people, or when an agency gave up its claim as was decided.
    """

    claim: UUID
    match: ClaimMatchName
    person: Annotated[UUID, Meta(description="The key of the asking agency's own file")]
    other_agency: AgencyCode
    other_name: str
    state: ClaimStateName
    due_on: date | None
    late: bool
    answer: ClaimAnswerName
    outcome: ClaimOutcomeName
    keeps: Annotated[AgencyCode | None, Meta(description="Whose the person is, where that was decided")]
    reason: str


class Claims(msgspec.Struct, kw_only=True):
    """One page of cases in the order of their numbers. `next` is the number after which the next page begins, null on the last."""

    claims: list[Claim]
    next: UUID | None


class ClaimSaid(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What an agency says: the person is `ours`, `theirs` (and our claim is given up), our file is `wrong`, or they are two `different` people."""

    answer: Literal["ours", "theirs", "wrong", "different"]
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON)]


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
decode_claim_said = msgspec.json.Decoder(ClaimSaid).decode
decode_seal_statement = msgspec.json.Decoder(SealStatement).decode
SHAPES = (Offer, Act, TransferStatus, Transfers, TransferFile, Agencies, Claim, Claims, ClaimSaid, SealStatement, Seals)


def json_schemas() -> dict[str, Any]:
    """JSON Schema (2020-12) of every shape here, by name, with references as OpenAPI wants them."""
    return msgspec.json.schema_components(SHAPES, ref_template="#/components/schemas/{name}")[1]
