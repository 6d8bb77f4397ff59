"""On the hub: handing the file over. Only to the agency to which it is offered, only while the offer is open, and each time into the read log."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from exchange.choices import TRANSFER_OPEN
from exchange.contract import PROFILE_KIND
from exchange.hub_contract import Proof, TransferFile
from exchange.models import Agency, InboundEvidence, TransferCase
from exchange.selectors.signers import signer_told
from exchange.services.machine_accounts import machine_account
from exchange.services.transfers import CaseMoved
from orgtree.models import OrgUnit
from registry.models import StaffProfile
from registry.services.reads import files_export
from workflows.documents import Document, parse
from workflows.models import RecordVersion


def transfer_file(*, agency: Agency, number: UUID) -> TransferFile:
    """The file of an offer with its evidence. Raises TransferCase.DoesNotExist for who it is not offered to, CaseMoved once it has ended."""
    case = TransferCase.objects.select_related("from_agency", "to_agency").get(pk=number, to_agency=agency)
    if case.state not in TRANSFER_OPEN:
        raise CaseMoved(case)
    profile = StaffProfile.objects.get(pk=case.key)
    version = RecordVersion.objects.select_related("document").get(kind=PROFILE_KIND, key=case.key, version=profile.version)
    evidence = InboundEvidence.objects.select_related("manifest__agency", "manifest__named_by__agency").get(
        kind=PROFILE_KIND, key=case.key, version=profile.version
    )
    document = parse(bytes(version.document.body))
    reader = machine_account(name=f"agency.{agency.code}", label=agency.name)
    files_export(actor=reader, records=[(case.key, profile.using_unit_id)], what=f"transfer {case.pk}")
    proof, manifest = bytes(evidence.proof), evidence.manifest
    return TransferFile(
        transfer=case.pk,
        person=case.key,
        document=document,
        digest=bytes(profile.digest).hex(),
        proof=Proof(
            agency=manifest.agency.code,
            manifest=bytes(manifest.body),
            signature=bytes(manifest.signature),
            received_at=manifest.received_at,
            base_version=(evidence.agency_version or evidence.version) - 1,
            leaf_index=evidence.leaf_index,
            proof=[proof[start : start + 32].hex() for start in range(0, len(proof), 32)],
            answers=[bytes(one) for one in manifest.answers],
            named=signer_told(manifest.named_by) if manifest.named_by is not None else None,
        ),
        places=places_of([document]),
    )


def places_of(documents: Iterable[Document]) -> dict[str, str]:
    """The names of the units that these files mention, by key: whoever receives them may not keep those units."""
    keys = {key for document in documents for key in units_named(document) if key}
    named = OrgUnit.objects.filter(pk__in=[UUID(key) for key in keys]).order_by().values_list("pk", "name")
    return {str(key): name for key, name in named}


def units_named(document: Document) -> set[str | None]:
    """Keys of the units that a file mentions; null where a row names none."""
    posts = {row["unit"] for row in document["postings"]} | {row["host_unit"] for row in document["secondments"]}
    return {document["managing_agency"], document["using_unit"], *posts}
