"""Writing the audit trail, in the transaction of the deed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from orgtree.models import OrgUnit, User
from workflows.models import AuditEvent, ChangeRequest


def audit(
    *,
    actor: User | None,
    action: str,
    request: ChangeRequest | None = None,
    unit: OrgUnit | None = None,
    kind: str = "",
    key: UUID | None = None,
    **detail: Any,
) -> AuditEvent:
    """Record that `actor` (None: the program) did `action`; `detail` holds JSON values and no personal data beyond names of fields."""
    return AuditEvent.objects.create(
        actor=actor, action=action, request=request, unit=unit or (request.unit if request else None), kind=kind, key=key, detail=detail
    )


def audit_each(*, actor: User | None, action: str, details: Iterable[Mapping[str, Any]]) -> None:
    """Record that `actor` did `action` once for each of `details`, in their order; one statement, however many they are."""
    AuditEvent.objects.bulk_create([AuditEvent(actor=actor, action=action, detail=dict(detail)) for detail in details])
