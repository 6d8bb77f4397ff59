"""The gate's tables, one file a subject."""

from workflows.models.absences import Absence, Deputy, StageTerm
from workflows.models.attachments import Attachment
from workflows.models.audit import AuditEvent, AuditSeal
from workflows.models.certificates import RegisteredCertificate
from workflows.models.delegations import Delegation
from workflows.models.documents import StoredDocument
from workflows.models.grants import GrantChange
from workflows.models.holds import Hold
from workflows.models.jobs import JobRun
from workflows.models.ledger import RecordVersion, Seal
from workflows.models.marks import Mark
from workflows.models.notices import Notice, NoticeMail, NoticeMark, NoticeWish
from workflows.models.outbox import OutboxMessage
from workflows.models.reads import ReadEvent
from workflows.models.requests import ChangeItem, ChangeRequest, Contribution, Finding
from workflows.models.reviews import RowReturn, SampleView
from workflows.models.routes import CalendarDay, Decision, Route, Stage
from workflows.models.signatures import Manifest, RevocationAnswer, Signature, Timestamp
from workflows.models.witness import SealSeen, SealTold

__all__ = [
    "Absence",
    "Attachment",
    "AuditEvent",
    "AuditSeal",
    "CalendarDay",
    "ChangeItem",
    "ChangeRequest",
    "Contribution",
    "Decision",
    "Delegation",
    "Deputy",
    "Finding",
    "GrantChange",
    "Hold",
    "JobRun",
    "Manifest",
    "Mark",
    "Notice",
    "NoticeMail",
    "NoticeMark",
    "NoticeWish",
    "OutboxMessage",
    "ReadEvent",
    "RecordVersion",
    "RegisteredCertificate",
    "RevocationAnswer",
    "Route",
    "RowReturn",
    "SampleView",
    "Seal",
    "SealSeen",
    "SealTold",
    "Signature",
    "Stage",
    "StageTerm",
    "StoredDocument",
    "Timestamp",
]
