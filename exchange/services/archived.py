"""What an archived exchange belongs to, and whether what is kept of it is still what crossed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from exchange.choices import Transport, Way
from exchange.models import ArchivedExchange, Batch, InboundBatch, RegisterBatch
from exchange.selectors.archive import references_of
from exchange.services.envelopes import BatchUnsendable, envelope_bytes
from workflows.documents import digest


@dataclass(frozen=True)
class Beside:
    """What an exchange belongs to, and whether what is kept of it is still what crossed: None where that cannot be told."""

    batch: Batch | None = None
    received: InboundBatch | None = None
    register: RegisterBatch | None = None
    same: bool | None = None


def beside(entry: ArchivedExchange) -> Beside:
    """The batch of an exchange. What was sent is made again from the ledger and compared with the digest of then."""
    if not entry.reference:
        return Beside()
    if entry.way == Way.IN:
        received = InboundBatch.objects.defer("body").filter(agency=entry.agency, idempotency_key=entry.reference).first()
        if received is None or entry.request_digest is None:
            return Beside(received=received)
        return Beside(received=received, same=bytes(received.body_digest) == bytes(entry.request_digest))
    names = references_of(entry.reference)
    batch = (
        Batch.objects.select_related("channel").filter(Q(idempotency_key__in=names) | Q(remote_id__in=_uuids(names)), channel=entry.channel).first()
    )
    if batch is None:
        return Beside(register=RegisterBatch.objects.filter(pk__in=_uuids(names), channel=entry.channel).first())
    if entry.request_digest is None or entry.method == "GET" or entry.transport == Transport.AGENT_NODE:
        return Beside(batch=batch)
    try:
        return Beside(batch=batch, same=digest(envelope_bytes(batch)) == bytes(entry.request_digest))
    except BatchUnsendable:
        return Beside(batch=batch)


def _uuids(names: Sequence[str]) -> list[UUID]:
    found = []
    for name in names:
        try:
            found.append(UUID(name))
        except ValueError:
            continue
    return found
