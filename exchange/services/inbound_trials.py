"""On the hub: a trial runs the very code of the real intake, to the last write, and takes everything back but its report."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from exchange.contract import MAX_TRIAL, PROFILE_KIND, UNIT_KIND, Envelope, Item, ItemFinding, TrialCall, TrialItem, TrialReport, decode_trial, encode
from exchange.models import Agency, InboundBatch, InboundTrial
from exchange.services.intake import BodyInvalid, body_read, process_locked
from exchange.services.tally import day_count
from orgtree import clock
from orgtree.locks import tree_lock
from workflows.documents import canonical, digest
from workflows.services.audit import audit


class _Undone(Exception):
    """Takes back what the trial wrote; never leaves this module."""


def trial_run(*, agency: Agency, body: bytes) -> InboundTrial:
    """Verify a trial as in earnest and keep its report. Raises BodyInvalid for what is no trial of 1 to 10 people."""
    call = body_read(body, decode_trial)
    people = _people(call)
    received_at = clock.now()
    items = _undone(agency, call.envelopes)
    passed = all(one.outcome == "accepted" for one in items)
    trial = InboundTrial(pk=uuid.uuid4(), agency=agency, received_at=received_at, people=people, passed=passed)
    report = TrialReport(
        trial=trial.pk,
        hub=settings.AUTHORITY,
        agency=agency.code,
        received_at=received_at,
        body_digest=digest(body).hex(),
        passed=trial.passed,
        items=items,
    )
    trial.report = encode(report)
    with transaction.atomic():
        trial.save(force_insert=True)
        day_count(agency=agency, at=received_at, trials=1, trials_passed=int(trial.passed))
        audit(actor=None, action="trial.run", agency=agency.code, people=people, passed=trial.passed, trial=str(trial.pk))
    return trial


def _people(call: TrialCall) -> int:
    """How many people the trial holds; every envelope has one kind of record."""
    for number, envelope in enumerate(call.envelopes):
        kind = envelope.items[0].kind
        for index, item in enumerate(envelope.items):
            if item.kind != kind:
                place = f"$.envelopes[{number}].items[{index}].kind"
                raise BodyInvalid(f"an envelope holds one kind of record, not {item.kind} too - at `{place}`", malformed=False)
    people = len({item.key for envelope in call.envelopes for item in envelope.items if item.kind == PROFILE_KIND})
    if not 1 <= people <= MAX_TRIAL:
        raise BodyInvalid(f"a trial holds 1 to {MAX_TRIAL} people, not {people} - at `$.envelopes`", malformed=False)
    return people


def _undone(agency: Agency, envelopes: Sequence[Envelope]) -> list[TrialItem]:
    told: list[TrialItem] = []
    try:
        with transaction.atomic():
            if any(envelope.items[0].kind == UNIT_KIND for envelope in envelopes):
                tree_lock()
            for number, envelope in enumerate(envelopes):
                told += _tried(agency, number, envelope)
            raise _Undone
    except _Undone:
        return told


def _tried(agency: Agency, number: int, envelope: Envelope) -> list[TrialItem]:
    """One envelope as if it had come as a batch."""
    body = encode(envelope)
    batch = InboundBatch(
        agency=agency,
        kind=envelope.items[0].kind,
        idempotency_key=f"trial-{uuid.uuid4().hex}",
        body=body,
        body_digest=digest(body),
        size=len(envelope.items),
    )
    batch.save(force_insert=True)
    with connection.cursor() as cursor:  # the envelope before has set them immediate, as its own commit would have
        cursor.execute("set constraints all deferred")
    process_locked(batch, envelope)
    return [
        TrialItem(
            envelope=number,
            index=one.index,
            kind=one.kind,
            key=one.key,
            version=one.version,
            outcome="accepted" if not one.code else "rejected",
            code=one.code,
            message=str(one.message) or _("It would be accepted."),
            digest=_digest(envelope.items[one.index]),
            findings=[ItemFinding(**finding) for finding in one.findings],
        )
        for one in batch.results.order_by("index")
    ]


def _digest(item: Item) -> str | None:
    try:
        return digest(canonical(item.document)).hex()
    except (TypeError, ValueError, RecursionError):
        return None
