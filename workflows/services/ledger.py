"""Proofs on demand, and the verification of ledger, seals, signatures and live tables against each other.

`verify_ledger` trusts nothing that it can recompute: digests of every document, leaves and roots from the items, the chain of
seals from its first link, manifests from their bytes, and the live tables' documents from their columns (not from the digest
beside them, which an intruder would edit as well).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection
from django.db.models import Count

from workflows import merkle
from workflows.choices import ItemState, Verdict
from workflows.cms import SignatureRefused, verify_detached
from workflows.documents import canonical, digest
from workflows.manifest import ManifestInvalid, read_manifest
from workflows.models import ChangeItem, ChangeRequest, Decision, RecordVersion, Seal, Signature, Timestamp
from workflows.selectors.certificates import registration_of
from workflows.services.audit_seals import audit_damages
from workflows.services.certificates import certificate_damages
from workflows.services.leaves import leaves_of, request_leaves
from workflows.services.read_months import month_damages
from workflows.services.revocation import answer_damages
from workflows.services.submission import SUBTREE_LEVEL
from workflows.services.witnessing import witness_damages
from workflows.sqldocs import live_bodies
from workflows.targets import Target, targets
from workflows.timestamps import StampRefused, signature_value, verify_stamp
from workflows.trust import TrustStore

BLOCK = 2**SUBTREE_LEVEL
TOGETHER = 100_000  # items of the requests that are looked at together


@dataclass(frozen=True)
class Damage:
    """One thing that does not fit: the check that found it, the place (table and key), and what is wrong there."""

    check: str
    place: str
    what: str


@dataclass
class Verification:
    """The outcome: what was counted, and every damage found. `ok` only when there is none."""

    documents: int = 0
    versions: int = 0
    requests: int = 0
    signatures: int = 0
    records: int = 0
    last_seal: str = ""
    damages: list[Damage] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.damages


def leaf_proof(request: ChangeRequest, leaf_index: int) -> list[bytes]:
    """Inclusion proof of one leaf from its block of 256 and the stored nodes above; raises IndexError outside the request."""
    if not 0 <= leaf_index < request.count:
        raise IndexError(leaf_index)
    start = leaf_index - leaf_index % BLOCK
    rows = ChangeItem.objects.filter(request=request, leaf_index__gte=start, leaf_index__lt=start + BLOCK).order_by("leaf_index")
    block = [
        merkle.leaf_hash(kind=i.kind, key=i.key, op=i.op, base_version=i.base_version, document_digest=bytes(i.document_id))
        for i in rows.only("kind", "key", "op", "base_version", "document_id")
    ]
    path = merkle.proof(merkle.levels(block), leaf_index - start)
    nodes = bytes(request.subtrees)
    if nodes:
        path += merkle.proof(merkle.levels([nodes[i : i + 32] for i in range(0, len(nodes), 32)]), leaf_index // BLOCK)
    return path


def batch_proofs(request: ChangeRequest, leaf_indexes: Sequence[int]) -> dict[int, list[bytes]]:
    """Proofs of many leaves of one request, from the whole tree built once."""
    tree = merkle.levels(request_leaves(request))
    return {index: merkle.proof(tree, index) for index in leaf_indexes}


def verify_ledger(*, signatures: bool = True, live: bool = True, witnesses: bool = True) -> Verification:
    """Check everything, oldest seal first. Reads only; takes no lock. Found damages are named, not repaired.

    Without `signatures` the certificates behind them are not asked, without `live` the live tables are not compared: what is left is
    the ledger by itself, every document, leaf, root, seal, manifest, version and audit event. Without `witnesses` nobody outside is asked.
    """
    outcome = Verification()
    outcome.damages += _documents(outcome)
    trust = TrustStore.load(settings.TRUST_DIRECTORY) if signatures else None
    outcome.damages += _seals(outcome, trust)
    outcome.damages += _versions(outcome)
    outcome.damages += (Damage("answer", place, what) for place, what in answer_damages())
    outcome.damages += (Damage("certificate", place, what) for place, what in certificate_damages(trust))
    outcome.damages += (Damage("audit", place, what) for place, what in audit_damages())
    outcome.damages += (Damage("reads", place, what) for place, what in month_damages())
    outcome.damages += (Damage("witness", place, what) for place, what in (witness_damages() if witnesses else ()))
    for one in targets() if live else ():
        outcome.damages += _live(one, outcome)
    return outcome


def _documents(outcome: Verification) -> Iterator[Damage]:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from workflows_storeddocument")
        outcome.documents = cursor.fetchone()[0]
        cursor.execute("select encode(digest, 'hex') from workflows_storeddocument where sha256(body) <> digest")
        for (name,) in cursor.fetchall():
            yield Damage("document", f"document {name}", "its bytes are not those of its digest")


@dataclass(frozen=True)
class _Facts:
    """What is stored about some requests, by request: fetched together, since most requests are small."""

    leaves: Mapping[UUID, list[bytes]]
    versions: Mapping[UUID, int]
    decisions: Mapping[UUID, list[Decision]]


def _facts(requests: Sequence[ChangeRequest]) -> _Facts:
    keys = [request.pk for request in requests]
    counted = RecordVersion.objects.filter(request__in=keys).order_by().values_list("request").annotate(count=Count("pk"))
    decisions: dict[UUID, list[Decision]] = {key: [] for key in keys}
    approvals = Decision.objects.filter(stage__request__in=keys, verdict=Verdict.APPROVE)
    found = approvals.select_related("manifest", "signature__timestamp", "stage").prefetch_related("signature__answers")
    for one in found.order_by("stage__number", "pk"):
        decisions[one.stage.request_id].append(one)
    return _Facts(leaves_of(keys), dict(counted), decisions)


def _seals(outcome: Verification, trust: TrustStore | None) -> Iterator[Damage]:
    """The chain from its first link; each seal against its request, and each request's leaves, manifests and signatures."""
    previous: str | None = None
    expected = 1
    for seals in _seals_by_size():
        facts = _facts([seal.request for seal in seals])
        for seal in seals:
            place = f"seal {seal.sequence}"
            body = bytes(seal.body)
            said = msgspec.json.decode(body)
            if seal.sequence != expected:
                yield Damage("seal", place, f"seal {expected} is missing")
            if digest(body) != bytes(seal.digest) or canonical(said) != body:
                yield Damage("seal", place, "its bytes are not those of its digest")
            if said["previous"] != previous or said["sequence"] != seal.sequence or said["request"] != str(seal.request_id):
                yield Damage("seal", place, "it does not follow the seal before it")
            previous, expected = bytes(seal.digest).hex(), seal.sequence + 1
            yield from _request(seal.request, said, facts, trust, outcome)
    outcome.last_seal = previous or ""
    for pk in ChangeRequest.objects.filter(state="applied", seal=None).values_list("pk", flat=True):
        yield Damage("seal", f"request {pk}", "it was applied without a seal")


def _seals_by_size() -> Iterator[list[Seal]]:
    """Seals in order, so many together that their requests hold some 100,000 items."""
    together: list[Seal] = []
    items = 0
    for seal in Seal.objects.select_related("request").defer("request__subtrees").order_by("sequence").iterator(chunk_size=500):
        together.append(seal)
        items += seal.request.count
        if items >= TOGETHER or len(together) == 500:
            yield together
            together, items = [], 0
    if together:
        yield together


def _request(request: ChangeRequest, said: dict[str, object], facts: _Facts, trust: TrustStore | None, outcome: Verification) -> Iterator[Damage]:
    outcome.requests += 1
    place = f"request {request.pk}"
    tree = merkle.levels(facts.leaves.get(request.pk, []))
    root = tree[-1][0] if tree[0] else merkle.EMPTY_ROOT
    if root.hex() != said["root"] or root != bytes(request.root or b"") or request.count != said["count"]:
        yield Damage("items", place, f"its items are not those that were sealed{_where(request, tree)}")
    if (request.evidence or None) != said["evidence"]:
        yield Damage("evidence", place, "what the system stage decided on is not what was sealed")
    applied = facts.versions.get(request.pk, 0)
    if applied != said["applied"]:
        yield Damage("versions", place, f"{applied} versions stand where {said['applied']} were sealed")
    decisions = facts.decisions[request.pk]
    if [bytes(one.manifest_id or b"").hex() for one in decisions] != said["manifests"]:
        yield Damage("decisions", place, "its manifests are not those that were sealed")
    if [bytes(one.signature_id).hex() for one in decisions if one.signature_id] != said["signatures"]:
        yield Damage("decisions", place, "its signatures are not those that were sealed")
    for decision in decisions:
        yield from _decision(decision, root, place, trust, outcome)
    yield from _purposes(request, decisions, place)


def _where(request: ChangeRequest, tree: list[list[bytes]]) -> str:
    """Which blocks of 256 items differ, as far as the stored nodes can tell."""
    stored = bytes(request.subtrees)
    nodes = [stored[start : start + 32] for start in range(0, len(stored), 32)]
    if not nodes or len(tree) <= SUBTREE_LEVEL or len(nodes) != len(tree[SUBTREE_LEVEL]):
        return ""
    blocks = [number for number, (kept, now) in enumerate(zip(nodes, tree[SUBTREE_LEVEL], strict=True)) if kept != now]
    return ": leaves " + ", ".join(f"{number * BLOCK} to {min(number * BLOCK + BLOCK, request.count) - 1}" for number in blocks)


def _decision(decision: Decision, root: bytes, place: str, trust: TrustStore | None, outcome: Verification) -> Iterator[Damage]:
    if decision.manifest is None:
        yield Damage("manifest", place, "an approval names no manifest")
        return
    body = bytes(decision.manifest.body)
    try:
        statement = read_manifest(body)
    except ManifestInvalid as error:
        yield Damage("manifest", place, str(error))
        return
    if digest(body) != bytes(decision.manifest.digest) or statement.root_hash != root or str(statement.request) not in place:
        yield Damage("manifest", place, "it is not the manifest of these items")
    if decision.signature is not None and trust is not None:
        outcome.signatures += 1
        yield from _signature(decision.signature, body, place, trust, seal=decision.stage.seal)


def _purposes(request: ChangeRequest, decisions: Sequence[Decision], place: str) -> Iterator[Damage]:
    """A revocation revokes what its manifests say, and a seal stands on the signatures before it."""
    signed: list[str] = []
    for decision in decisions:
        try:
            statement = read_manifest(bytes(decision.manifest.body)) if decision.manifest else None
        except ManifestInvalid:
            return  # named already
        if statement and (statement.revokes.request if statement.revokes else None) != (request.revokes_id if decision.user_id else None):
            yield Damage("manifest", place, "what it revokes is not what was signed")
        if statement and decision.stage.seal and list(statement.over or ()) != signed:
            yield Damage("manifest", place, "the seal was put on other signatures")
        if decision.signature_id:
            signed.append(bytes(decision.signature_id).hex())


def _signature(signature: Signature, body: bytes, place: str, trust: TrustStore, *, seal: bool) -> Iterator[Damage]:
    """Judged at the receipt time that was stored with it, as on the day (decisions.md 7)."""
    der = bytes(signature.der)
    answers = [bytes(one.der) for one in signature.answers.all()]
    if digest(der) != bytes(signature.digest):
        yield Damage("signature", place, "its bytes are not those of its digest")
    try:
        verified = verify_detached(content=body, signature=der, moment=signature.received_at, trust=trust, responses=answers)
    except SignatureRefused as refused:
        yield Damage("signature", place, f"{refused.code}: {refused}")
        return
    if verified.fingerprint != signature.fingerprint:
        yield Damage("signature", place, "it was made with another certificate than recorded")
    if not seal and verified.personal_number is None and registration_of(signature) is None:
        yield Damage("signature", place, "its certificate carries no personal number, and was not registered for its signer then")
    if stamp := getattr(signature, "timestamp", None):
        yield from _stamp(stamp, der, place, trust)


def _stamp(stamp: Timestamp, der: bytes, place: str, trust: TrustStore) -> Iterator[Damage]:
    try:
        moment = verify_stamp(token=bytes(stamp.token), message=signature_value(der), trust=trust)
    except (StampRefused, SignatureRefused) as refused:
        yield Damage("timestamp", place, f"{refused.code}: {refused}")
        return
    if moment != stamp.stamped_at:
        yield Damage("timestamp", place, "it gives another time than recorded")


def _versions(outcome: Verification) -> Iterator[Damage]:
    """Every version against its item, no gap in a record's versions, and no applied item without its version."""
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from workflows_recordversion")
        outcome.versions = cursor.fetchone()[0]
        cursor.execute(
            "select v.kind, v.key, v.version from workflows_recordversion v "
            "left join workflows_changeitem i on i.request_id = v.request_id and i.leaf_index = v.leaf_index "
            "where i.id is null or i.kind <> v.kind or i.key <> v.key or i.base_version + 1 <> v.version "
            "or i.document_id <> v.document_id or i.state <> %s",
            [ItemState.APPLIED],
        )
        for kind, key, version in cursor.fetchall():
            yield Damage("version", f"{kind} {key} version {version}", "it is not what its request applied")
        cursor.execute(
            "select i.kind, i.key, i.base_version + 1 from workflows_changeitem i left join workflows_recordversion v on v.request_id = i.request_id "
            "and v.leaf_index = i.leaf_index where i.state = %s and v.id is null",
            [ItemState.APPLIED],
        )
        for kind, key, version in cursor.fetchall():
            yield Damage("version", f"{kind} {key} version {version}", "it was applied and is missing")
        cursor.execute("select kind, key from workflows_recordversion group by kind, key having max(version) <> count(*)")
        for kind, key in cursor.fetchall():
            yield Damage("version", f"{kind} {key}", "its versions have a gap")


def _live(one: Target, outcome: Verification) -> Iterator[Damage]:
    """The live tables, turned back into documents by the database, against the ledger's last version of each record.

    Two statements instead of a full join, so that the first, which does the work, can be shared by the database among its processes.
    """
    live = one.live._meta.db_table
    heads = f"(select distinct on (key) key, version, document_id from workflows_recordversion where kind = '{one.kind}' order by key, version desc)"
    with connection.cursor() as cursor:
        cursor.execute(f"select count(*) from {live}")
        outcome.records += cursor.fetchone()[0]
        cursor.execute(
            f"select l.id, h.key is null, sha256(l.body) is distinct from h.document_id or l.digest is distinct from h.document_id "
            f"from ({live_bodies(one)}) l left join {heads} h on h.key = l.id "
            f"where h.key is null or l.version is distinct from h.version or sha256(l.body) is distinct from h.document_id "
            f"or l.digest is distinct from h.document_id"
        )
        for key, unknown, edited in cursor.fetchall():
            what = "stands in no version" if unknown else "was edited" if edited else "has another version number"
            yield Damage("live", f"{one.kind} {key}", f"the live record {what}")
        cursor.execute(
            f"select distinct key from workflows_recordversion v where kind = %s and not exists (select from {live} l where l.id = v.key)", [one.kind]
        )
        for (key,) in cursor.fetchall():
            yield Damage("live", f"{one.kind} {key}", "the live record is missing")


def proof_of(version: RecordVersion) -> list[bytes]:
    return leaf_proof(version.request, version.leaf_index)


def versions_of(kind: str, key: UUID) -> Sequence[RecordVersion]:
    """A record's versions, newest first."""
    return list(RecordVersion.objects.filter(kind=kind, key=key).select_related("request").order_by("-version"))
