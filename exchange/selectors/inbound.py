"""The hub's answers: what became of a batch, and the receipts in the order in which they were issued."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from exchange.contract import MAX_ITEMS, BatchStateName, BatchStatus, ItemFinding, ItemReceipt, OutcomeName, Receipts
from exchange.models import Agency, InboundBatch, InboundResult

PAGE = MAX_ITEMS  # the receipts of a batch fit into one answer


def batch_status(*, agency: Agency, batch_id: UUID | None = None, idempotency_key: str | None = None) -> BatchStatus | None:
    """The agency's batch by id or by its own key; None when it has none (another agency's is none)."""
    batches = InboundBatch.objects.filter(agency=agency).defer("body")
    batch = (batches.filter(pk=batch_id) if batch_id is not None else batches.filter(idempotency_key=idempotency_key)).first()
    if batch is None:
        return None
    return BatchStatus(
        batch=batch.pk,
        idempotency_key=batch.idempotency_key,
        state=cast(BatchStateName, batch.state),
        items=batch.size,
        accepted=batch.accepted,
        rejected=batch.rejected,
        received_at=batch.received_at,
        processed_at=batch.processed_at,
    )


def receipts_page(*, agency: Agency, batch_id: UUID | None, after: int, limit: int = PAGE) -> Receipts:
    """At most `limit` receipts with a sequence above `after`, of one batch or of all."""
    results = InboundResult.objects.filter(agency=agency, sequence__gt=after).order_by("sequence")
    if batch_id is not None:
        results = results.filter(batch=batch_id)
    rows = list(results[: limit + 1])
    shown = rows[:limit]
    return Receipts(receipts=[_receipt(row) for row in shown], next=shown[-1].sequence if len(rows) > limit else None)


def _receipt(row: InboundResult) -> ItemReceipt:
    return ItemReceipt(
        sequence=row.sequence,
        batch=row.batch_id,
        index=row.index,
        kind=row.kind,
        key=row.key,
        version=row.version,
        outcome=cast(OutcomeName, row.outcome),
        code=row.code,
        message=row.message,
        digest=bytes(row.digest).hex() if row.digest is not None else None,
        findings=[ItemFinding(**one) for one in row.findings],
        set_aside=row.set_aside,
    )
