"""The gate's tables, one file a subject."""

from workflows.models.audit import AuditEvent, AuditSeal
from workflows.models.delegations import Delegation
from workflows.models.documents import StoredDocument
from workflows.models.jobs import JobRun
from workflows.models.ledger import RecordVersion, Seal
from workflows.models.outbox import OutboxMessage
from workflows.models.reads import ReadEvent
from workflows.models.requests import ChangeItem, ChangeRequest, Contribution, Finding
from workflows.models.reviews import RowReturn, SampleView
from workflows.models.routes import CalendarDay, Decision, Route, Stage
from workflows.models.signatures import Manifest, Signature

__all__ = [
    "AuditEvent",
    "AuditSeal",
    "CalendarDay",
    "ChangeItem",
    "ChangeRequest",
    "Contribution",
    "Decision",
    "Delegation",
    "Finding",
    "JobRun",
    "Manifest",
    "OutboxMessage",
    "ReadEvent",
    "RecordVersion",
    "Route",
    "RowReturn",
    "SampleView",
    "Seal",
    "Signature",
    "Stage",
    "StoredDocument",
]
