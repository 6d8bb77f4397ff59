"""The hub under examination, over HTTP, and the agency that examines it: documents, signed requests and envelopes, each open to forgery."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from exchange.contract import PROFILE_KIND, SCOPE, UNIT_KIND
from workflows import merkle
from workflows.documents import Document, canonical, digest
from workflows.manifest import build_manifest
from workflows.targets import target

PATIENCE = 30.0  # seconds for a batch to be processed
Sign = Callable[[bytes, datetime], bytes]


class Failed(Exception):
    """A check that the hub did not pass; the message says what was seen."""


@dataclass(frozen=True)
class Change:
    """One record as the examining agency applied it."""

    kind: str
    key: UUID
    document: Document
    base_version: int = 0

    @property
    def op(self) -> str:
        return "update" if self.base_version else "create"

    @property
    def version(self) -> int:
        return self.base_version + 1

    @property
    def digest(self) -> str:
        return digest(canonical(self.document)).hex()

    @property
    def leaf(self) -> bytes:
        return merkle.leaf_hash(
            kind=self.kind, key=self.key, op=self.op, base_version=self.base_version, document_digest=digest(canonical(self.document))
        )

    def again(self, **changes: Any) -> Change:
        return replace(self, document={**self.document, **changes}, base_version=self.base_version + 1)


@dataclass
class Answer:
    """What came back: the JSON of the body, or None."""

    status: int
    headers: httpx.Headers
    body: Any
    raw: bytes

    def __str__(self) -> str:
        return f"{self.status} {self.raw[:300].decode(errors='replace')}"


@dataclass
class Kit:
    """`sign` makes a detached CMS over a manifest, in the agency's name; `code` is its agency identifier."""

    url: str
    code: str
    client_id: str
    secret: str
    sign: Sign
    root: UUID = field(default_factory=uuid4)
    office: UUID = field(default_factory=uuid4)
    serial: int = field(default_factory=lambda: int(time.time()) % 100_000)
    token: str = ""
    receipts_seen: list[dict[str, Any]] = field(default_factory=list)
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, follow_redirects=False, trust_env=False))

    def call(
        self, method: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None, token: str | None = None, **more: Any
    ) -> Answer:
        """One call of the API; `body` is JSON or bytes, `token` another one than ours ("" for none)."""
        sent = {"accept": "application/json", **(headers or {})}
        used = self.token if token is None else token
        if used:
            sent.setdefault("authorization", f"Bearer {used}")
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("content-type", "application/json")
        answer = self.client.request(method, f"{self.url.rstrip('/')}/api/v1{path}", content=content, headers=sent, **more)
        return Answer(answer.status_code, answer.headers, _json(answer.content), answer.content)

    def token_ask(self, *, client_id: str | None = None, secret: str | None = None, **form: str) -> Answer:
        wanted = {"grant_type": "client_credentials", "scope": SCOPE, **form}
        auth = (client_id or self.client_id, secret or self.secret)
        answer = self.client.post(f"{self.url.rstrip('/')}/o/token/", data=wanted, auth=auth)
        return Answer(answer.status_code, answer.headers, _json(answer.content), answer.content)

    def unit(self, key: UUID | None = None, **changes: Any) -> Change:
        made = key or uuid4()
        values = {
            "code": f"{self.code}.{made.int % 10**7}",
            "name": f"Đơn vị kiểm thử {made.int % 1000}",
            "kind": "department",
            "valid_from": "2025-07-01",
        }
        return Change(UNIT_KIND, made, target(UNIT_KIND).schema.merge(None, {**values, **changes}))

    def tree(self) -> list[Change]:
        return [self.unit(self.root, code=self.code, name=f"Cơ quan {self.code}", kind="province"), self.unit(self.office, parent=str(self.root))]

    def person(self, **changes: Any) -> Change:
        self.serial += 1
        values = {
            "managing_agency": str(self.root),
            "using_unit": str(self.office),
            "staff_number": f"KT{self.serial:06}",
            "birth_name": "Nguyễn Thị Hoa",
            "gender": "2",
            "birth_date": "1985-08-15",
            "birth_place": "Xã Ea Kao, tỉnh Đắk Lắk",
            "home_town": "Xã Hòa Xuân, tỉnh Đắk Lắk",
            "ethnicity": "01",
            "religion": "99",
            "citizen_id": f"066185{self.serial:06}",
            "citizen_id_date": "2021-05-10",
            "current_address": "12 Lê Duẩn, phường Buôn Ma Thuột",
            "first_recruit_date": "2008-09-01",
            "recruiting_agency": "Ủy ban nhân dân thành phố Buôn Ma Thuột",
            "current_agency_date": "2025-07-01",
            "personnel_type": "CC",
            "general_education": "22",
            "postings": [self._posting()],
        }
        return Change(PROFILE_KIND, uuid4(), target(PROFILE_KIND).schema.merge(None, {**values, **changes}))

    def _posting(self) -> Document:
        blank = dict.fromkeys(("unit_name", "valid_to", "position_group", "movement", "decision_number", "decision_date"))
        return {**blank, "title": "Chuyên viên", "unit": str(self.office), "valid_from": "2025-07-01"}

    def envelope(
        self, changes: Sequence[Change], *, indexes: Sequence[int] | None = None, moment: datetime | None = None, **parts: Any
    ) -> dict[str, Any]:
        """A signed request over `changes` as its envelope; `parts` change what the manifest says."""
        moment = moment or datetime.now(UTC) - timedelta(seconds=5)
        kinds = {kind: sum(one.kind == kind for one in changes) for kind in sorted({one.kind for one in changes})}
        said = {
            "authority": self.code,
            "request": uuid4(),
            "unit": self.root,
            "title": "Kiểm thử kết nối",
            "stage": 1,
            "count": len(changes),
            "kinds": kinds,
            "root": merkle.root([one.leaf for one in changes]),
            "decider": {"name": "Kiểm thử", "user": "kiemthu"},
            "prepared_at": moment,
            **parts,
        }
        manifest = build_manifest(**said)
        tree = merkle.levels([one.leaf for one in changes])
        chosen = range(len(changes)) if indexes is None else indexes
        return {
            "manifest": base64.b64encode(manifest).decode(),
            "signature": base64.b64encode(self.sign(manifest, moment)).decode(),
            "received_at": moment.isoformat(),
            "items": [
                {
                    "kind": changes[index].kind,
                    "key": str(changes[index].key),
                    "op": changes[index].op,
                    "base_version": changes[index].base_version,
                    "document": changes[index].document,
                    "leaf_index": index,
                    "proof": [node.hex() for node in merkle.proof(tree, index)],
                }
                for index in chosen
            ],
        }

    def send(self, envelope: dict[str, Any], *, key: str | None = None, kind: str = PROFILE_KIND) -> Answer:
        method, path = ("PUT", "/org-units") if kind == UNIT_KIND else ("POST", "/profiles")
        return self.call(method, path, body=envelope, headers={"idempotency-key": key or uuid4().hex})

    def judged(self, envelope: dict[str, Any], *, kind: str = PROFILE_KIND) -> list[dict[str, Any]]:
        """Send a batch and give its receipts in the order of its items. Raises Failed when it is not taken or never processed."""
        answer = self.send(envelope, kind=kind)
        if answer.status != 202:
            raise Failed(f"the batch was answered with {answer}")
        batch, deadline = answer.body["batch"], time.monotonic() + PATIENCE
        while self.call("GET", f"/batches/{batch}").body["state"] == "received":
            if time.monotonic() > deadline:
                raise Failed(f"batch {batch} was not processed within {PATIENCE:.0f} seconds")
            time.sleep(0.05)
        told = sorted(self.call("GET", f"/receipts?batch={batch}").body["receipts"], key=lambda one: one["index"])
        self.receipts_seen += told
        return told

    def outcome(self, changes: Sequence[Change], **parts: Any) -> list[str]:
        """ "accepted", or the code of the refusal, of each change."""
        told = self.judged(self.envelope(changes, **parts), kind=changes[0].kind)
        return ["accepted" if one["outcome"] == "accepted" else one["code"] for one in told]


def expect(seen: Any, wanted: Any, what: str) -> None:
    """Raises Failed unless both are the same."""
    if seen != wanted:
        raise Failed(f"{what}: expected {wanted}, seen {seen}")


def refused(answer: Answer, status: int, code: str) -> None:
    """Raises Failed unless the call was refused in this way, with a Problem."""
    problem = answer.body if isinstance(answer.body, dict) else {}
    if answer.status != status or problem.get("code") != code or not problem.get("message"):
        raise Failed(f"expected {status} with code {code} and a message, seen {answer}")


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
