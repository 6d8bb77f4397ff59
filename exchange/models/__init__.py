"""The exchange's tables: what an agency sends, and what the hub receives."""

from exchange.models.archive import ArchivedExchange
from exchange.models.board import AgencyDay, BodyStanding, Expectation, ExpectedBody
from exchange.models.catalogues import (
    AgencyCatalogue,
    CatalogueChoice,
    CatalogueCode,
    CatalogueManifest,
    CatalogueRead,
    CatalogueSource,
    CatalogueTaking,
)
from exchange.models.channels import Channel
from exchange.models.claims import ClaimNotice, DoubleClaim, DoubleClaimMark, DoubleClaimStep
from exchange.models.deliveries import Attempt, Batch, Delivery, Receipt
from exchange.models.hours import BulkHours
from exchange.models.inbound import Agency, AgencyManifest, InboundBatch, InboundEvidence, InboundResult, SetAside
from exchange.models.keys import AgencyKey
from exchange.models.mapping import CodeGap, CodePair
from exchange.models.matching import MatchDispute, OutcomeCode, PopulationMatch
from exchange.models.packages import CarriedBatch, IncomingPackage, OutgoingPackage, PackagedBatch
from exchange.models.party import PartyCursor, PartyFact
from exchange.models.pulling import Pull, PullRecord
from exchange.models.reconciliation import BucketDigest, BucketMark, Difference, EqualityCertificate, Reconciliation
from exchange.models.registers import RegisterBatch, RegisterEntry, RegisterLane
from exchange.models.sharing import Consent, HookMessage, SharingAgreement, SharingClient, SharingDay, Webhook
from exchange.models.signers import AgencySigner
from exchange.models.transfers import IncomingTransfer, OpenedTransferRelease, OutgoingTransfer, TransferCase, TransferRelease, TransferStep
from exchange.models.trials import InboundTrial, Trial

__all__ = [
    "Agency",
    "AgencyCatalogue",
    "AgencyDay",
    "AgencyKey",
    "AgencyManifest",
    "AgencySigner",
    "ArchivedExchange",
    "Attempt",
    "Batch",
    "BodyStanding",
    "BucketDigest",
    "BucketMark",
    "BulkHours",
    "CarriedBatch",
    "CatalogueChoice",
    "CatalogueCode",
    "CatalogueManifest",
    "CatalogueRead",
    "CatalogueSource",
    "CatalogueTaking",
    "Channel",
    "ClaimNotice",
    "CodeGap",
    "CodePair",
    "Consent",
    "Delivery",
    "Difference",
    "DoubleClaim",
    "DoubleClaimMark",
    "DoubleClaimStep",
    "EqualityCertificate",
    "Expectation",
    "ExpectedBody",
    "HookMessage",
    "InboundBatch",
    "InboundEvidence",
    "InboundResult",
    "InboundTrial",
    "IncomingPackage",
    "IncomingTransfer",
    "MatchDispute",
    "OpenedTransferRelease",
    "OutcomeCode",
    "OutgoingPackage",
    "OutgoingTransfer",
    "PackagedBatch",
    "PartyCursor",
    "PartyFact",
    "PopulationMatch",
    "Pull",
    "PullRecord",
    "Receipt",
    "Reconciliation",
    "RegisterBatch",
    "RegisterEntry",
    "RegisterLane",
    "SetAside",
    "SharingAgreement",
    "SharingClient",
    "SharingDay",
    "TransferCase",
    "TransferRelease",
    "TransferStep",
    "Trial",
    "Webhook",
]
