"""At an agency: documents that the other side holds, verified before they are kept and shown.

Each must be the one whose digest was told, complete, of a schema that is known here, and a leaf of what this agency's own people signed, in its
name, by a signature that counted when it was received. What does not hold is kept as a cause, and nothing of it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.conf import settings

from exchange.choices import PullWhat
from exchange.contract import UNIT_KIND
from exchange.holding_contract import HeldEntry, HeldRecords, ProvedRecord, SignedOver
from exchange.models import Pull, PullRecord
from exchange.services.proving import Leaf, ProofWrong, leaf_prove, sealed_statements, signature_prove, statement_read
from exchange.services.transfer_files import units_named
from orgtree.models import OrgUnit
from workflows.documents import Document, canonical, digest
from workflows.manifest import Statement
from workflows.models import RegisteredCertificate
from workflows.selectors.live import live_documents
from workflows.targets import target
from workflows.trust import TrustStore

KEPT = ("what", "version_here", "version_there", "digest", "document", "manifest", "name", "place", "changed", "revoked", "cause", "field", "value")


def how_it_stands(version: int | None, held: bytes, there: HeldEntry) -> PullWhat | None:
    """Our version and digest beside theirs. The same document under a higher number there is taken over too, or our next one would be refused."""
    if version is None:
        return PullWhat.MISSING
    if held.hex() == there.digest:
        return PullWhat.COUNTED if there.version > version else None
    return PullWhat.OURS_NEWER if version > there.version else PullWhat.DIFFERS


def some_fetch(pull: Pull, rows: Sequence[PullRecord], told: HeldRecords) -> None:
    """Keep what came for these rows: its document, or why it does not count."""
    signed = _Signed(told.manifests)
    entries, records = {one.key: one for one in told.entries}, {one.key: one for one in told.records}
    here = live_documents((pull.kind, row.key) for row in rows)
    units = _units(pull, told)
    for row in rows:
        version, ours = here.get((pull.kind, row.key), (None, None))
        entry, record = entries.get(row.key), records.get(row.key)
        if entry is None:
            row.cause = "NOT_HELD"
        elif version != row.version_here:
            row.cause = "CHANGED_HERE"
        elif record is None:
            row.cause = "NOT_PROVED"
        else:
            row.version_there, row.digest = entry.version, bytes.fromhex(entry.digest)
            what = how_it_stands(version, b"" if ours is None else digest(canonical(ours)), entry)
            if what is None:
                row.cause = "EQUAL_NOW"
            else:
                row.what = what
                _read(pull, row, record, signed, ours, units)
    PullRecord.objects.bulk_update(rows, KEPT, batch_size=500)


class _Signed:
    """The manifests that came along, each verified once, when it is first needed."""

    def __init__(self, told: Sequence[SignedOver]) -> None:
        self._told = {digest(one.manifest).hex(): one for one in told}
        self._known: dict[str, Statement | ProofWrong] = {}
        self._trust = TrustStore.load(settings.TRUST_DIRECTORY)
        self._ours = set(RegisteredCertificate.objects.exclude(in_force_at=None).values_list("fingerprint", flat=True))  # where they name no agency

    def statement(self, name: str) -> Statement:
        if name not in self._told:
            raise ProofWrong("MANIFEST_MISSING", "")
        if name not in self._known:
            self._known[name] = self._verified(self._told[name])
        if isinstance(found := self._known[name], ProofWrong):
            raise found
        return found

    def _verified(self, one: SignedOver) -> Statement | ProofWrong:
        try:
            statement = statement_read(one.manifest, authority=settings.AUTHORITY)
            before = [each for each, _said in sealed_statements(one, statement, authority=settings.AUTHORITY)]
            for each in (*before, one):
                signature_prove(each, authority=settings.AUTHORITY, trust=self._trust, fingerprints=self._ours)
        except ProofWrong as wrong:
            return wrong
        return statement


def _read(pull: Pull, row: PullRecord, record: ProvedRecord, signed: _Signed, ours: Document | None, units: Mapping[str, str]) -> None:
    one, document = target(pull.kind), record.document
    if (schema := document.get("schema")) != one.schema.identifier:
        row.cause, row.value = "SCHEMA_UNKNOWN", str(schema)[:300]
        return
    if problems := one.schema.problems(document):
        row.cause, row.field, row.value = "DOCUMENT_INVALID", problems[0].field[:100], problems[0].reason[:300]
        return
    body = canonical(document)
    try:
        if digest(body) != bytes(row.digest):
            raise ProofWrong("OTHER_DIGEST", "")
        statement = signed.statement(record.manifest)
        leaf_prove(Leaf(pull.kind, row.key, record.base_version, digest(body), record.leaf_index, record.proof), statement)
    except ProofWrong as wrong:
        row.cause, row.value = wrong.code[:40], str(wrong)[:300]
        return
    row.document, row.manifest, row.revoked = body, bytes.fromhex(record.manifest), bool(statement.revokes)
    row.changed = [] if ours is None else one.schema.changed(ours, document)
    above = str(document["parent" if pull.kind == UNIT_KIND else "using_unit"])
    row.name, row.place = one.title(document)[:250], (units.get(above) or units.get(f"there {above}", ""))[:250]
    if missing := sorted(_missing(pull, document, units)):
        row.cause, row.value = "UNKNOWN_UNIT", ", ".join(missing)[:300]


def _missing(pull: Pull, document: Document, units: Mapping[str, str]) -> set[str]:
    """Names of the units that a person's file mentions and that do not stand here; a unit's superior is the gate's affair, it may come along."""
    if pull.kind == UNIT_KIND:
        return set()
    return {units.get(f"there {key}") or key for key in units_named(document) if key and key not in units}


def _units(pull: Pull, told: HeldRecords) -> dict[str, str]:
    """Names of the units that stand here, by key; of those that do not, what the other side calls them, by "there " and key."""
    keys = {key for one in told.records for key in _mentioned(pull, one.document)}
    known = OrgUnit.objects.filter(pk__in=[key for key in keys if _is_uuid(key)]).order_by().values_list("pk", "name")
    return {**{f"there {key}": name for key, name in told.places.items()}, **{str(key): name for key, name in known}}


def _mentioned(pull: Pull, document: Document) -> set[str]:
    """Keys of units in a document that nobody has looked at yet: one that is no document mentions none."""
    try:
        return {str(document["parent"])} if pull.kind == UNIT_KIND else {str(key) for key in units_named(document)}
    except (KeyError, TypeError):
        return set()


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
