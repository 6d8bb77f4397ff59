"""The statement that an approver signs: canonical bytes, schema `manifest/1`.

It names the request by its Merkle root, so one signature covers every item and each item can be proved alone
(`workflows.merkle`). `excluded` lists the leaves that this decision leaves out; the root never changes for it.

Pure, and free of Django on purpose: the signing agent on the approver's machine reads manifests with this very module,
so what the person is shown and what the server checks cannot drift apart. Stored manifests are `workflows.models`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from workflows.documents import canonical

SCHEMA = "manifest/1"
# A person approves, or revokes what was signed before; the organisation seals what its people signed. A system stage accepts (the hub, after
# it verified an agency's signature) and signs nothing.
Purpose = Literal["approve", "revoke", "seal", "accept"]
SIGNED: frozenset[str] = frozenset({"approve", "revoke", "seal"})
MAX_BYTES = 1024 * 1024  # 100,000 excluded indexes of 6 digits and their commas are 0.7 MB

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})  # Unicode categories: control, format, surrogate, private use

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.\-]{1,40}\Z")]
Kind = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{0,39}\Z")]
Count = Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
Index = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Hashes = Annotated[list[Hash], msgspec.Meta(min_length=1, max_length=50)]


class ManifestInvalid(Exception):
    """The bytes are not a canonical, total manifest/1; the message says which part."""


class Decider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is asked to sign: the name as people write it, and the login."""

    name: Text
    user: Text


class Revoked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a revocation takes back: the applied request, its root, and the manifests (SHA-256) whose signatures no longer count, and why."""

    request: UUID
    root: Hash
    manifests: Hashes
    ground: Kind
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a manifest says. Field for field the signed JSON object; `root` is 64 lower-case hexadecimal digits."""

    schema: Literal["manifest/1"]
    purpose: Purpose
    authority: Code
    request: UUID
    unit: UUID | None
    unit_name: Text | None
    title: Text
    stage: Count
    count: Count
    kinds: Annotated[dict[Kind, Count], msgspec.Meta(min_length=1, max_length=50)]
    root: Hash
    excluded: list[Index]
    decider: Decider
    prepared_at: datetime
    effective_on: date | msgspec.UnsetType = msgspec.UNSET  # stands there only when the changes take effect on a day of their own
    revokes: Revoked | msgspec.UnsetType = msgspec.UNSET  # in a revocation, and in the seal on one
    over: Hashes | msgspec.UnsetType = msgspec.UNSET  # in a seal: the signatures (SHA-256 of their DER) that it is put on, in the order of the stages

    @property
    def root_hash(self) -> bytes:
        return bytes.fromhex(self.root)

    @property
    def covered(self) -> int:
        """How many items this signature approves."""
        return self.count - len(self.excluded)


_decode = msgspec.json.Decoder(Statement).decode


def build_manifest(
    *,
    purpose: Purpose = "approve",
    authority: str,
    request: UUID,
    unit: UUID | None,
    unit_name: str | None = None,
    title: str,
    stage: int,
    count: int,
    kinds: Mapping[str, int],
    root: bytes,
    excluded: Iterable[int] = (),
    decider: Mapping[str, str],
    prepared_at: datetime,
    effective_on: date | None = None,
    revokes: Mapping[str, Any] | None = None,
    over: Iterable[str] = (),
) -> bytes:
    """Canonical bytes of a manifest.

    `authority` is the installation's agency identifier; `unit` is null only while an authority is being founded; `stage`
    the stage's number, from 1; `count` the leaves under `root` (32 bytes), the excluded ones included; `kinds` the same
    leaves counted by kind of record; `decider` is {name, user}; `prepared_at` an aware time, kept to the second;
    `effective_on` the day on which the changes take effect, left out when they do so once approved; `revokes` the parts of a
    `Revoked`; `over` the digests of the signatures that a seal is put on. Texts lose what no eye can see (`visible`). Raises
    ManifestInvalid when the parts do not make a manifest.
    """
    if prepared_at.tzinfo is None:
        raise ManifestInvalid("prepared_at has no time zone")
    parts = {
        "schema": SCHEMA,
        "purpose": purpose,
        "authority": authority,
        "request": str(request),
        "unit": str(unit) if unit else None,
        "unit_name": visible(unit_name) or None if unit_name is not None else None,
        "title": visible(title),
        "stage": stage,
        "count": count,
        "kinds": dict(kinds),
        "root": root.hex(),
        "excluded": sorted(excluded),
        "decider": {"name": visible(decider["name"]), "user": visible(decider["user"])},
        "prepared_at": prepared_at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z",
    }
    if effective_on is not None:
        parts["effective_on"] = effective_on.isoformat()
    if revokes is not None:
        parts["revokes"] = {**revokes, "request": str(revokes["request"]), "reason": visible(revokes["reason"])}
    if signatures := list(over):
        parts["over"] = signatures
    body = canonical(parts)
    read_manifest(body)
    return body


def read_manifest(body: bytes) -> Statement:
    """What the bytes say. Raises ManifestInvalid unless they are exactly what `build_manifest` would have written."""
    if len(body) > MAX_BYTES:
        raise ManifestInvalid(f"a manifest has at most {MAX_BYTES} bytes")
    try:
        statement = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestInvalid(str(error)) from error
    if problem := next(_problems(statement), None):
        raise ManifestInvalid(problem)
    if canonical(statement) != body:
        raise ManifestInvalid("the bytes are not in canonical form (RFC 8785)")
    return statement


def visible(text: str) -> str:
    """`text` in NFC without control and format characters: a right-to-left mark could make a title read as another one."""
    kept = "".join(" " if ch.isspace() else ch for ch in text if ch.isspace() or unicodedata.category(ch) not in UNSEEN)
    return " ".join(unicodedata.normalize("NFC", kept).split())


def _problems(statement: Statement) -> Iterator[str]:
    if statement.prepared_at.utcoffset() != timedelta(0) or statement.prepared_at.microsecond:
        yield "prepared_at is not a UTC time in whole seconds"
    if any(later <= earlier for earlier, later in zip(statement.excluded, statement.excluded[1:], strict=False)):
        yield "excluded is not sorted, or names a leaf twice"
    if statement.excluded and statement.excluded[-1] >= statement.count:
        yield "excluded names a leaf outside the request"
    if statement.covered < 1:
        yield "every item is excluded: there is nothing to approve"
    if sum(statement.kinds.values()) != statement.count:
        yield "the counts by kind do not add up to count"
    if statement.revokes and statement.purpose not in ("revoke", "seal"):
        yield "revokes stands in a revocation, and in the seal on one"
    if statement.purpose == "revoke" and not statement.revokes:
        yield "a revocation says what it revokes"
    if (statement.purpose == "seal") != bool(statement.over):
        yield "over names the signatures that a seal is put on, and stands in a seal alone"
    if statement.over and len(set(statement.over)) != len(statement.over):
        yield "over names a signature twice"
    texts = {
        "revokes.reason": statement.revokes.reason if statement.revokes else None,
        "title": statement.title,
        "unit_name": statement.unit_name,
        "decider.name": statement.decider.name,
        "decider.user": statement.decider.user,
    }
    for name, text in texts.items():
        if text is not None and visible(text) != text:
            yield f"{name} holds characters that cannot be seen"
