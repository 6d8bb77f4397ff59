"""An agency as the hub sees it: documents, a signed manifest over them, and the envelope, each part open to forgery."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from exchange.contract import PROFILE_KIND, UNIT_KIND
from orgtree import clock
from planning.schema import ORG_UNIT
from signing_agent.sign import sign_manifest
from tests.registry.people import person, posting
from tests.workflows.certificates import PIN, sign_freely
from workflows import merkle
from workflows.documents import Document, canonical, digest
from workflows.manifest import build_manifest


@dataclass(frozen=True)
class Change:
    """One record as the agency applied it."""

    kind: str
    key: UUID
    document: Document
    base_version: int = 0

    @property
    def op(self) -> str:
        return "update" if self.base_version else "create"

    @property
    def digest(self) -> bytes:
        return digest(canonical(self.document))

    @property
    def leaf(self) -> bytes:
        return merkle.leaf_hash(kind=self.kind, key=self.key, op=self.op, base_version=self.base_version, document_digest=self.digest)

    def again(self, **changes: Any) -> Change:
        """The next version of the record."""
        return Change(self.kind, self.key, {**self.document, **changes}, self.base_version + 1)


@dataclass
class Signed:
    """A request as it was approved: what stands in its envelope."""

    changes: Sequence[Change]
    manifest: bytes
    signature: bytes
    received_at: datetime

    def items(self, indexes: Iterable[int] | None = None) -> list[dict[str, Any]]:
        tree = merkle.levels([one.leaf for one in self.changes])
        return [
            {
                "kind": one.kind,
                "key": str(one.key),
                "op": one.op,
                "base_version": one.base_version,
                "document": one.document,
                "leaf_index": index,
                "proof": [node.hex() for node in merkle.proof(tree, index)],
            }
            for index, one in enumerate(self.changes)
            if indexes is None or index in indexes
        ]

    def envelope(self, indexes: Iterable[int] | None = None, **changes: Any) -> dict[str, Any]:
        return {
            "manifest": base64.b64encode(self.manifest).decode(),
            "signature": base64.b64encode(self.signature).decode(),
            "received_at": self.received_at.isoformat(),
            "items": self.items(indexes),
            **changes,
        }

    def body(self, indexes: Iterable[int] | None = None, **changes: Any) -> bytes:
        return canonical(self.envelope(indexes, **changes))


@dataclass
class Sender:
    """An agency with its key, its tree of two units and as many people as a test asks for."""

    code: str
    p12: bytes
    root: UUID = field(default_factory=uuid4)
    office: UUID = field(default_factory=uuid4)
    people_made: int = 0

    def units(self) -> list[Change]:
        return [self.unit(self.root, code=self.code, name=f"Tỉnh {self.code}", kind="province"), self.unit(self.office, parent=str(self.root))]

    def unit(self, key: UUID | None = None, **changes: Any) -> Change:
        key = key or uuid4()
        blank = {"code": f"{self.code}.{key.int % 10**6 + 1}", "name": f"Đơn vị {key.int % 1000}", "kind": "department", "valid_from": "2025-07-01"}
        return Change(UNIT_KIND, key, ORG_UNIT.merge(None, {**blank, **changes}))

    def person(self, **changes: Any) -> Change:
        self.people_made += 1
        number = (int(self.code[1:]) * 1_000 + self.people_made) % 100_000  # two agencies do not share people
        places: Any = {"agency": SimpleNamespace(pk=self.root), "office": SimpleNamespace(pk=self.office)}
        names = {"citizen_id": f"0661850{number:05d}", "staff_number": f"CB{self.people_made:05d}", "postings": [posting(places["office"])]}
        return Change(PROFILE_KIND, uuid4(), person(places, **{**names, **changes}))

    def sign(
        self,
        *changes: Change,
        excluded: Sequence[int] = (),
        signed_at: datetime | None = None,
        p12: bytes | None = None,
        freely: bool = False,
        **parts: Any,
    ) -> Signed:
        """A manifest over the changes and its signature; `freely` signs what our own agent would refuse to."""
        moment = signed_at or clock.now()
        kinds = {kind: sum(one.kind == kind for one in changes) for kind in sorted({one.kind for one in changes})}
        manifest = build_manifest(
            **{
                "authority": self.code,
                "request": uuid4(),
                "unit": self.root,
                "unit_name": f"Tỉnh {self.code}",
                "title": "Cập nhật hồ sơ",
                "stage": 1,
                "count": len(changes),
                "kinds": kinds,
                "root": merkle.root([one.leaf for one in changes]),
                "excluded": excluded,
                "decider": {"name": "Nguyễn Văn An", "user": "an"},
                "prepared_at": moment,
                **parts,
            }
        )
        key = p12 or self.p12
        signature = sign_freely(key, manifest, signed_at=moment) if freely else sign_manifest(p12=key, pin=PIN, manifest=manifest, signed_at=moment)
        return Signed(changes, manifest, signature, moment)
