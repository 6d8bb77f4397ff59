"""On the hub: what it holds of an agency, told to that agency alone, so that it can be taken over there: entries, then documents with their evidence.

Every file that leaves is in the read log, under the account of the agency's program, and counts against what the agency may have in a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import OuterRef, Subquery

from exchange.contract import PROFILE_KIND, KindName, Signed
from exchange.holding_contract import PAGE, HeldEntry, HeldPage, HeldQuestion, HeldRecords, ProvedRecord, SignedOver
from exchange.models import Agency, AgencyManifest, InboundEvidence
from exchange.services.buckets import Holding, entries_read
from exchange.services.held_evidence import signed_with
from exchange.services.machine_accounts import machine_account
from exchange.services.quotas import reading_admit
from exchange.services.transfer_files import places_of
from exchange.services.verification import agency_units
from registry.models import StaffProfile
from registry.services.reads import files_export
from workflows.documents import Document, parse
from workflows.models import StoredDocument
from workflows.targets import target


def held_page(*, agency: Agency, kind: KindName, after: UUID | None = None, unit: UUID | None = None) -> HeldPage:
    """A page of entries; with `unit` of that unit and all below it. Raises OrgUnit.DoesNotExist for what is no unit of the agency."""
    if unit is not None:
        agency_units(agency).only("pk").get(pk=unit)
    found = _entries(Holding(agency, unit).entries(kind, after=after, limit=PAGE + 1))
    more = len(found) > PAGE
    return HeldPage(hub=settings.AUTHORITY, kind=kind, entries=found[:PAGE], next=found[PAGE - 1].key if more else None)


def held_records(*, agency: Agency, question: HeldQuestion) -> HeldRecords:
    """What is held of these records, with documents and evidence unless only entries are asked for. Raises quotas.TooMany."""
    kind = question.kind
    entries = _entries(Holding(agency).entries_of(kind, question.keys))
    records: list[ProvedRecord] = []
    manifests: dict[int, AgencyManifest] = {}
    if question.documents and entries:
        reading_admit(agency=agency, records=len(entries))
        evidence = _evidence(kind, [one.key for one in entries])
        bodies = StoredDocument.objects.in_bulk([bytes.fromhex(one.digest) for one in entries])
        for one in entries:
            if (proof := evidence.get(one.key)) is not None and (kept := bodies.get(bytes.fromhex(one.digest))) is not None:
                records.append(_record(one, proof, parse(bytes(kept.body))))
                manifests.setdefault(proof.manifest_id, proof.manifest)
        if kind == PROFILE_KIND:
            _reading_note(agency, [one.key for one in records])
    return HeldRecords(
        hub=settings.AUTHORITY,
        kind=kind,
        entries=entries,
        records=records,
        manifests=[_signed_over(one) for one in manifests.values()],
        places=places_of([one.document for one in records]) if kind == PROFILE_KIND else {},
    )


def _entries(joined: bytes) -> list[HeldEntry]:
    return [HeldEntry(key=key, version=version, digest=held.hex()) for key, (version, held) in entries_read(joined).items()]


def _evidence(kind: str, keys: Sequence[UUID]) -> dict[UUID, InboundEvidence]:
    """Why the hub holds the version of each record that it holds now."""
    newest = target(kind).live._default_manager.filter(pk=OuterRef("key")).order_by().values("version")
    rows = InboundEvidence.objects.select_related("manifest__agency").filter(kind=kind, key__in=keys, version=Subquery(newest))
    return {one.key: one for one in rows}


def _record(entry: HeldEntry, evidence: InboundEvidence, document: Document) -> ProvedRecord:
    proof = bytes(evidence.proof)
    return ProvedRecord(
        key=entry.key,
        document=document,
        manifest=bytes(evidence.manifest.digest).hex(),
        base_version=(evidence.agency_version or evidence.version) - 1,
        leaf_index=evidence.leaf_index,
        proof=[proof[start : start + 32].hex() for start in range(0, len(proof), 32)],
    )


def _signed_over(manifest: AgencyManifest) -> SignedOver:
    *before, (last, _said) = signed_with(manifest)
    return SignedOver(**_signed(last), signed_before=[Signed(**_signed(one)) for one, _statement in before])


def _signed(one: AgencyManifest) -> dict[str, Any]:
    return {
        "manifest": bytes(one.body),
        "signature": bytes(one.signature),
        "received_at": one.received_at,
        "answers": [bytes(answer) for answer in one.answers],
    }


def _reading_note(agency: Agency, keys: Iterable[UUID]) -> None:
    records = list(StaffProfile.objects.filter(pk__in=list(keys)).order_by("pk").values_list("pk", "using_unit"))
    files_export(actor=machine_account(name=f"agency.{agency.code}", label=agency.name), records=records, what="taking over")
