"""The hub's intake: a call is stored and answered at once; a worker then verifies it and takes it through the hub's own gate.

`batch_process` is one transaction from verification to results: the gate's request, its seal, the evidence and the answers
commit together or not at all, so a worker may be killed anywhere and the batch is simply processed again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import F
from psycopg.types.json import Jsonb

from exchange.choices import InboundState, Outcome
from exchange.contract import PROFILE_KIND, UNIT_KIND, Envelope, decode_envelope
from exchange.copying import rows_copy
from exchange.models import Agency, InboundBatch, InboundResult
from exchange.services.asking import NOBODY, AskedFor, responders_asked
from exchange.services.taking import Taking, take
from exchange.services.tally import day_count, late_count
from exchange.services.verification import BatchRefused, Refusal, items_check, manifest_verify
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.locks import tree_lock
from orgtree.models import User
from workflows.dispatch import send_on_commit
from workflows.documents import digest
from workflows.errors import NotAllowed, WrongState
from workflows.services.audit import audit

PROCESS_TASK = "exchange.process"
MAX_FAILURES = 10
NO_FINDINGS = Jsonb([])

Shape = TypeVar("Shape")


class BodyInvalid(Exception):
    """The body is not an envelope. `malformed`: it is not even JSON. The message names the place."""

    def __init__(self, message: str, *, malformed: bool) -> None:
        self.malformed = malformed
        super().__init__(message)


class KeyReused(Exception):
    """The idempotency key already names another body."""


def batch_receive(*, agency: Agency, kind: str, idempotency_key: str, body: bytes) -> InboundBatch:
    """Store a call and send it to the workers. The same key with the same body gives the same batch.

    Raises KeyReused for another body under a known key, BodyInvalid for what is no envelope of `kind`.
    """
    if (known := _known(agency, idempotency_key, body)) is not None:
        return known
    envelope = envelope_read(body, kind)
    batch = InboundBatch(agency=agency, kind=kind, idempotency_key=idempotency_key, body=body, body_digest=digest(body), size=len(envelope.items))
    with transaction.atomic():
        # The sweep leaves a new batch alone for as long as its own message usually needs.
        batch.not_before = clock.now() + timedelta(seconds=10)
        # Two calls with one key at the same moment: the second insert waits for the first and does nothing.
        InboundBatch.objects.bulk_create([batch], ignore_conflicts=True)
        stored = InboundBatch.objects.defer("body").get(agency=agency, idempotency_key=idempotency_key)
        if bytes(stored.body_digest) != batch.body_digest:
            raise KeyReused
        send_on_commit(PROCESS_TASK, str(stored.pk))
    return stored


def _known(agency: Agency, idempotency_key: str, body: bytes) -> InboundBatch | None:
    known = InboundBatch.objects.filter(agency=agency, idempotency_key=idempotency_key).defer("body").first()
    if known is not None and bytes(known.body_digest) != digest(body):
        raise KeyReused
    return known


def body_read(body: bytes, decode: Callable[[bytes], Shape]) -> Shape:
    """A body as the shape that `decode` makes of it; raises BodyInvalid."""
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        raise BodyInvalid(str(error), malformed=False) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyInvalid(str(error), malformed=True) from error


def envelope_read(body: bytes, kind: str) -> Envelope:
    """Parse strictly; raises BodyInvalid with the place of the first thing that is wrong."""
    envelope = body_read(body, decode_envelope)
    for index, item in enumerate(envelope.items):
        if item.kind != kind:
            raise BodyInvalid(f"this address takes {kind} only, not {item.kind} - at `$.items[{index}].kind`", malformed=False)
    return envelope


def batch_process(*, batch_id: UUID) -> InboundBatch:
    """Verify a stored batch and take what holds through the gate; every item gets a result. Doing so twice changes nothing.

    A batch that another worker is processing is left to it.
    """
    asked = batch_ask(batch_id=batch_id)  # over the network, so before anything is locked
    with transaction.atomic():
        # The one row lock taken before an advisory one: nobody ever waits for it.
        mine = InboundBatch.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).filter(pk=batch_id, state=InboundState.RECEIVED)
        batch = mine.first()
        if batch is None:
            return InboundBatch.objects.defer("body").get(pk=batch_id)
        if batch.kind == UNIT_KIND:
            tree_lock()
        return process_locked(batch, envelope_read(bytes(batch.body), batch.kind), asked)


def batch_ask(*, batch_id: UUID) -> AskedFor:
    """What responders say now of the signatures in a stored batch, where the hub may ask any and the agency sent no answers along."""
    if not settings.OCSP_RESPONDERS:
        return NOBODY
    batch = InboundBatch.objects.filter(pk=batch_id, state=InboundState.RECEIVED).first()
    return responders_asked(envelope_read(bytes(batch.body), batch.kind), agency_id=batch.agency_id) if batch else NOBODY


def process_locked(batch: InboundBatch, envelope: Envelope, asked: AskedFor = NOBODY) -> InboundBatch:
    """What `batch_process` does with a batch that is its own, inside its transaction; a trial does the same and undoes it."""
    agency = Agency.objects.select_related("root").get(pk=batch.agency_id)
    try:
        manifest, statement = manifest_verify(agency=agency, envelope=envelope, asked=asked)
    except BatchRefused as refused:
        return _finish(batch, envelope, {}, dict.fromkeys(range(len(envelope.items)), refused.refusal))
    checked = items_check(agency=agency, envelope=envelope, statement=statement)
    taking = Taking(batch, agency, manifest, statement.title, checked, statement.revokes.reason if statement.revokes else "")
    take(taking)
    batch = _finish(batch, envelope, taking.accepted, taking.refusals, taking.set_aside)
    _tally(batch, taking, envelope)
    return batch


def _tally(batch: InboundBatch, taking: Taking, envelope: Envelope) -> None:
    """What the batch brought, on the board of the day."""
    at = batch.processed_at or clock.now()
    founded = [one.item.kind for one in taking.founded]
    kinds = [one.item.kind for index, one in taking.fresh.items() if index in taking.accepted]  # said once more is not late once more
    day_count(
        agency=taking.agency,
        at=at,
        files=founded.count(PROFILE_KIND),
        units=founded.count(UNIT_KIND),
        late=late_count(kinds=kinds, signed_at=envelope.received_at, received_at=batch.received_at or at),
    )


def batch_fail(*, batch_id: UUID, error: Exception) -> InboundBatch:
    """Note that processing broke off, and when to try again; after `MAX_FAILURES` it waits for the operator."""
    batch = InboundBatch.objects.defer("body").get(pk=batch_id)
    failures = batch.failures + 1
    state = InboundState.FAILED if failures >= MAX_FAILURES else InboundState.RECEIVED
    waiting = clock.now() + timedelta(seconds=min(2**failures, 600))
    InboundBatch.objects.filter(pk=batch_id, state=InboundState.RECEIVED).update(
        failures=failures, state=state, not_before=waiting, error=f"{type(error).__name__}: {error}"[:2_000].replace("\x00", "\ufffd")
    )
    batch.refresh_from_db(fields=["state", "failures", "not_before"])
    return batch


def batch_resume(*, actor: User, batch: InboundBatch) -> None:
    """Process a failed batch again, its cause being mended. Raises NotAllowed for all but superusers, WrongState unless it failed."""
    if not scope.can(actor, Action.OPERATE, None):
        raise NotAllowed
    with transaction.atomic():
        failed = InboundBatch.objects.filter(pk=batch.pk, state=InboundState.FAILED)
        if not failed.update(state=InboundState.RECEIVED, failures=0, not_before=clock.now()):
            raise WrongState
        audit(actor=actor, action="inbound.resumed", batch=str(batch.pk), agency=batch.agency.code)
        send_on_commit(PROCESS_TASK, str(batch.pk))


def _finish(
    batch: InboundBatch, envelope: Envelope, accepted: Mapping[int, bytes], refusals: Mapping[int, Refusal], set_aside: Collection[int] = ()
) -> InboundBatch:
    """Write the results under the agency's lock, so that the cursor never passes a result that commits later."""
    agency = Agency.objects.select_for_update(no_key=True, of=("self",)).get(pk=batch.agency_id)
    size = len(envelope.items)
    answers = (_answer(accepted.get(index), refusals.get(index)) for index in range(size))
    rows_copy(
        InboundResult,
        RESULT_COLUMNS,
        (
            (agency.pk, agency.issued + 1 + index, batch.pk, index, item.kind, item.key, item.version, *answer, index in set_aside)
            for index, (item, answer) in enumerate(zip(envelope.items, answers, strict=True))
        ),
    )
    Agency.objects.filter(pk=agency.pk).update(issued=F("issued") + size)
    batch.state, batch.accepted, batch.rejected, batch.error = InboundState.PROCESSED, len(accepted), len(refusals), ""
    batch.processed_at = clock.now()
    batch.save(update_fields=["state", "accepted", "rejected", "processed_at", "request", "error"])
    day_count(agency=agency, at=batch.processed_at, batches=1, accepted=len(accepted), refused=len(refusals))
    return batch


RESULT_COLUMNS = {
    "agency_id": "int8", "sequence": "int8", "batch_id": "uuid", "index": "int4", "kind": "text", "key": "uuid", "version": "int4",
    "outcome": "text", "digest": "bytea", "code": "text", "message": "text", "findings": "jsonb", "set_aside": "bool",
}  # fmt: skip


def _answer(accepted: bytes | None, refusal: Refusal | None) -> tuple[str, bytes | None, str, str, Jsonb]:
    """Outcome, digest, code, message and findings."""
    if refusal is None:
        return str(Outcome.ACCEPTED), accepted, "", "", NO_FINDINGS
    return str(Outcome.REJECTED), None, refusal.code.value, refusal.message, Jsonb([msgspec.to_builtins(one) for one in refusal.findings])
