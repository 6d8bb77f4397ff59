"""The envelope between an agency and the hub: its shapes, its limits, its error codes. Shared by both sides.

A batch carries one manifest with its signature (certificate chain inside) and up to 1,000 items that are leaves of that
manifest's tree, each with its document and its inclusion proof. Documents are objects, not bytes: their canonical bytes
(RFC 8785) are recomputed by the receiver, so that there is one representation only.

Not here: how it travels (connectors, api), and what is done with it (services.intake, services.delivery).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from django.utils.translation import gettext_lazy as _
from msgspec import Meta

MAX_ITEMS = 1_000
MAX_TRIAL = 10  # people in a trial, as the Ministry asks (API M51)
MAX_TRIAL_ENVELOPES = 100

# Reconciliation: records fall into 64 groups of 64 buckets of 64 cells, by the first bits of SHA-256 of their key.
FAN = 64
BUCKETS = FAN * FAN
MAX_INSIDE = 512  # nodes asked about in one call
MAX_DOCUMENTS = 200
MAX_BODY = 16 * 1024 * 1024
MAX_MANIFEST = 1024 * 1024  # what workflows.manifest reads
MAX_SIGNATURE = 64 * 1024  # what workflows.cms reads
MAX_SIGNED_BEFORE = 10
MAX_ANSWER = 32 * 1024  # what workflows.ocsp reads
MAX_ANSWERS = 6  # certificates of a signer's path
MAX_PROOF = 17  # levels above the leaves of a request, which holds at most 100,000 items
SCOPE = "exchange"

# How far the receipt time carried in an envelope may lie from the hub's clock (decisions.md 7).
RECEIVED_AT_FUTURE = timedelta(minutes=10)
RECEIVED_AT_PAST = timedelta(days=90)  # unless the hub granted the agency a longer one (Agency.late_days)

UNIT_KIND: Final = "org_unit"
PROFILE_KIND: Final = "staff_profile"
# Which call carries which kind of record: method and path below the API's address.
ROUTES: dict[str, tuple[str, str]] = {UNIT_KIND: ("PUT", "/org-units"), PROFILE_KIND: ("POST", "/profiles")}

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="SHA-256 in lower-case hex")]
IdempotencyKey = Annotated[
    str, Meta(pattern="^[A-Za-z0-9_-]{16,128}$", description="The sender's own name for a batch, the same for every repetition")
]
Moment = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=0)]
Answers = Annotated[
    list[Annotated[bytes, Meta(min_length=2, max_length=MAX_ANSWER, description="OCSPResponse, DER, base64")]], Meta(max_length=MAX_ANSWERS)
]


class Item(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One record as it became true at the agency: leaf `leaf_index` of the manifest's tree; its version is base_version + 1."""

    kind: Literal["org_unit", "staff_profile"]
    key: UUID
    op: Literal["create", "update"]
    base_version: Annotated[int, Meta(ge=0, lt=2**31 - 1)]
    document: dict[str, Any]
    leaf_index: Annotated[int, Meta(ge=0, lt=100_000)]
    proof: Annotated[list[Digest], Meta(max_length=MAX_PROOF, description="RFC 9162 inclusion proof, lowest sibling first")]

    @property
    def version(self) -> int:
        return self.base_version + 1


class Signed(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What an earlier stage signed of the same request: its own manifest, its signature, and when the agency's server received that.

    `answers` are what OCSP responders (RFC 6960) said of the signature's certificates at that moment; the receiver judges by the same ones.
    """

    manifest: Annotated[bytes, Meta(min_length=2, max_length=MAX_MANIFEST, description="Canonical bytes of manifest/1, base64")]
    signature: Annotated[bytes, Meta(min_length=2, max_length=MAX_SIGNATURE, description="CMS/CAdES detached, DER, chain inside, base64")]
    received_at: Moment
    answers: Answers = []


class Envelope(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A batch. `received_at` is when the agency's server received the signature: its validity is judged at that moment.

    Where the agency puts its seal (purpose `seal`) on what people signed, the seal is `manifest` and `signature`, and `signed_before` carries
    the signatures that it names in `over`, in that order. `answers` as in Signed.
    """

    manifest: Annotated[bytes, Meta(min_length=2, max_length=MAX_MANIFEST, description="Canonical bytes of manifest/1, base64")]
    signature: Annotated[bytes, Meta(min_length=2, max_length=MAX_SIGNATURE, description="CMS/CAdES detached, DER, chain inside, base64")]
    received_at: Moment
    answers: Answers = []
    signed_before: Annotated[list[Signed], Meta(max_length=MAX_SIGNED_BEFORE)] = []
    items: Annotated[list[Item], Meta(min_length=1, max_length=MAX_ITEMS)]


class Accepted(msgspec.Struct, kw_only=True):
    """Answer to a batch: it is stored; its results come as receipts. The same for every repetition."""

    batch: UUID
    items: Count


BatchStateName = Literal["received", "processed", "failed"]
OutcomeName = Literal["accepted", "rejected"]


class BatchStatus(msgspec.Struct, kw_only=True):
    """What the hub knows of a batch. `failed` means that the hub could not process it and its operator was told."""

    batch: UUID
    idempotency_key: IdempotencyKey
    state: BatchStateName
    items: Count
    accepted: Count
    rejected: Count
    received_at: Moment
    processed_at: Moment | None


class ItemFinding(msgspec.Struct, kw_only=True):
    """What a rule, or the document's own shape, has against a record."""

    code: str
    field: str
    value: str
    message: str


class ItemReceipt(msgspec.Struct, kw_only=True):
    """The hub's answer for one item. When accepted, `digest` is that of the document the hub holds as this version."""

    sequence: Annotated[int, Meta(ge=1, description="Cursor: counts up without gaps in one agency")]
    batch: UUID
    index: Annotated[int, Meta(ge=0, description="Place of the item in its batch")]
    kind: str
    key: UUID
    version: Annotated[int, Meta(ge=1)]
    outcome: OutcomeName
    code: str
    message: str
    digest: Digest | None
    findings: list[ItemFinding]
    set_aside: Annotated[bool, Meta(description="Refused for what it says, and kept with its proof as refused: the version after it may follow")] = (
        False
    )


class Receipts(msgspec.Struct, kw_only=True):
    """One page of receipts in the order in which they were issued. `next` is the cursor of the next page, null on the last."""

    receipts: list[ItemReceipt]
    next: Count | None


class TrialCall(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What would be sent for 1 to 10 people, in the order of sending: the envelopes of their units first, then theirs."""

    envelopes: Annotated[list[Envelope], Meta(min_length=1, max_length=MAX_TRIAL_ENVELOPES)]


class TrialItem(msgspec.Struct, kw_only=True):
    """What the real call would answer for one item. `digest` is that of the document as it was received, computed by the hub."""

    envelope: Count
    index: Count
    kind: str
    key: UUID
    version: Annotated[int, Meta(ge=1)]
    outcome: OutcomeName
    code: str
    message: str
    digest: Digest | None
    findings: list[ItemFinding]


class TrialReport(msgspec.Struct, kw_only=True):
    """The result of a trial: everything was verified as in earnest, and nothing but this report was kept."""

    trial: UUID
    hub: str
    agency: str
    received_at: Moment
    body_digest: Digest
    passed: Annotated[bool, Meta(description="Would every item be accepted?")]
    items: list[TrialItem]


KindName = Literal["org_unit", "staff_profile"]
DepthName = Literal["groups", "buckets", "cells", "entries"]
NodeNumber = Annotated[int, Meta(ge=0, lt=FAN**3)]


class DigestQuestion(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the hub holds of the asking agency, one step down: the buckets inside groups, the cells inside buckets, the entries inside cells.

    A bucket is the first 12 bits of SHA-256 over the key's 16 bytes, its group the first 6 of them; a cell is the first 18 bits. With depth
    `groups` nothing is asked inside, and the hub brings its digests up to date first.
    """

    kind: KindName
    depth: DepthName
    inside: Annotated[list[NodeNumber], Meta(max_length=MAX_INSIDE)] = []


class DigestAnswer(msgspec.Struct, kw_only=True):
    """`data` is binary. Of nodes: 32 bytes a child, 64 children for each asked node, in order. Of entries: 52 bytes each.

    An entry is key (16), the agency's version (4, big-endian) and document digest (32). The digest of a cell or bucket is SHA-256 over a
    zero byte and its entries in the order of their keys; groups and root are nodes of an RFC 9162 tree over the buckets.
    """

    kind: KindName
    depth: DepthName
    hub: str
    root: Digest
    count: Count
    data: bytes


class DocumentsQuestion(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Records of the asking agency whose documents it wants to see as the hub holds them."""

    kind: KindName
    keys: Annotated[list[UUID], Meta(min_length=1, max_length=MAX_DOCUMENTS)]


class Documents(msgspec.Struct, kw_only=True):
    """By key; a record that the hub does not hold for the agency is left out."""

    documents: dict[str, dict[str, Any]]


class Certificate(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Both sides hold the same: `statement` is canonical JSON `equality/1`; a signature is CMS detached over it, empty while there is none."""

    statement: Annotated[bytes, Meta(min_length=2, max_length=64 * 1024)]
    agency_signature: Annotated[bytes, Meta(max_length=MAX_SIGNATURE)] = b""
    hub_signature: Annotated[bytes, Meta(max_length=MAX_SIGNATURE)] = b""


class Problem(msgspec.Struct, kw_only=True):
    """Why a call was refused: a code of `CallCode`, a message, and the place in the request, where there is one."""

    code: str
    message: str
    place: str = ""


class CallCode(StrEnum):
    """Why a whole call was refused."""

    MALFORMED = "MALFORMED"
    INVALID = "INVALID"
    KEY_MISSING = "KEY_MISSING"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    KEY_REUSED = "KEY_REUSED"
    LENGTH_REQUIRED = "LENGTH_REQUIRED"
    TOO_LARGE = "TOO_LARGE"
    UNSUPPORTED_TYPE = "UNSUPPORTED_TYPE"
    NOT_EQUAL = "NOT_EQUAL"
    TOO_MANY = "TOO_MANY"
    WRONG_STATE = "WRONG_STATE"
    NOT_HELD = "NOT_HELD"
    SEAL_REWRITTEN = "SEAL_REWRITTEN"
    SEAL_BACKWARDS = "SEAL_BACKWARDS"


class ItemCode(StrEnum):
    """Why one item was refused."""

    MANIFEST_INVALID = "MANIFEST_INVALID"
    WRONG_AGENCY = "WRONG_AGENCY"
    SEAL_MISSING = "SEAL_MISSING"
    TIME_OUT_OF_BOUNDS = "TIME_OUT_OF_BOUNDS"
    SIGNATURE_REFUSED = "SIGNATURE_REFUSED"
    TWICE_IN_BATCH = "TWICE_IN_BATCH"
    DOCUMENT_INVALID = "DOCUMENT_INVALID"
    LEAF_EXCLUDED = "LEAF_EXCLUDED"
    PROOF_INVALID = "PROOF_INVALID"
    OP_INVALID = "OP_INVALID"
    VERSION_GAP = "VERSION_GAP"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    SUPERSEDED = "SUPERSEDED"
    WRONG_OWNER = "WRONG_OWNER"
    IN_TRANSFER = "IN_TRANSFER"
    RULE = "RULE"
    CONFLICT = "CONFLICT"


class ErrorKind(StrEnum):
    """What a failure asks for. The one vocabulary of attempts, deliveries and pages."""

    TRANSIENT = "transient"  # try again later
    THROTTLED = "throttled"  # try again when told
    AUTH = "auth"  # a person repairs the credentials; the channel pauses
    CONFIG = "config"  # a person repairs the address or certificate; the channel pauses
    SCHEMA = "schema"  # the two programs disagree on the contract; the batch is parked
    BUSINESS = "business"  # the record has to change; the delivery is rejected
    AMBIGUOUS = "ambiguous"  # nobody knows whether it arrived: ask before sending again


ERROR_KIND_LABELS = {
    ErrorKind.TRANSIENT: _("The other side cannot be reached at the moment"),
    ErrorKind.THROTTLED: _("The other side asks to slow down"),
    ErrorKind.AUTH: _("The other side refuses our credentials"),
    ErrorKind.CONFIG: _("The channel's address or certificate is wrong"),
    ErrorKind.SCHEMA: _("The other side does not understand the message"),
    ErrorKind.BUSINESS: _("The other side refuses the record"),
    ErrorKind.AMBIGUOUS: _("It is not known whether the message arrived"),
}

# Failures by what the other side answered: an HTTP status, or a code of an item. What is not listed is told by `kind_of`.
KINDS: dict[int | str, ErrorKind] = {
    400: ErrorKind.SCHEMA,
    401: ErrorKind.AUTH,
    403: ErrorKind.AUTH,
    404: ErrorKind.CONFIG,
    405: ErrorKind.CONFIG,
    408: ErrorKind.AMBIGUOUS,
    409: ErrorKind.SCHEMA,
    411: ErrorKind.SCHEMA,
    413: ErrorKind.SCHEMA,
    415: ErrorKind.SCHEMA,
    422: ErrorKind.SCHEMA,
    425: ErrorKind.TRANSIENT,
    429: ErrorKind.THROTTLED,
    500: ErrorKind.AMBIGUOUS,
    502: ErrorKind.AMBIGUOUS,
    503: ErrorKind.THROTTLED,
    504: ErrorKind.AMBIGUOUS,
    ItemCode.MANIFEST_INVALID: ErrorKind.SCHEMA,
    ItemCode.PROOF_INVALID: ErrorKind.SCHEMA,
    ItemCode.WRONG_AGENCY: ErrorKind.CONFIG,
    ItemCode.CONFLICT: ErrorKind.TRANSIENT,
}


def kind_of(answer: int | str) -> ErrorKind:
    """The kind of a failure from an HTTP status or an item's code. A redirect is a wrong address; an unknown 5xx is ambiguous."""
    if answer in KINDS:
        return KINDS[answer]
    if isinstance(answer, str):
        return ErrorKind.BUSINESS
    if answer >= 500:
        return ErrorKind.AMBIGUOUS
    return ErrorKind.SCHEMA if answer >= 400 else ErrorKind.CONFIG


decode_envelope = msgspec.json.Decoder(Envelope).decode
decode_trial = msgspec.json.Decoder(TrialCall).decode
decode_digest_question = msgspec.json.Decoder(DigestQuestion).decode
decode_documents_question = msgspec.json.Decoder(DocumentsQuestion).decode
decode_certificate = msgspec.json.Decoder(Certificate).decode
encode = msgspec.json.Encoder(order="sorted").encode


def json_schemas() -> dict[str, Any]:
    """JSON Schema (2020-12) of every shape, by name, with references as OpenAPI wants them."""
    shapes = [
        *(Envelope, Accepted, BatchStatus, Receipts, TrialCall, TrialReport),
        *(DigestQuestion, DigestAnswer, DocumentsQuestion, Documents, Certificate, Problem),
    ]
    return msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")[1]
