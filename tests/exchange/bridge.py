"""Both sides in one process, each on a database of its own: a `Connector` that crosses over to the hub's for the time of a call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from exchange.connectors import CallFailed
from exchange.contract import (
    PROFILE_KIND,
    UNIT_KIND,
    Accepted,
    BatchStatus,
    Certificate,
    DigestAnswer,
    DigestQuestion,
    Documents,
    DocumentsQuestion,
    ErrorKind,
    Receipts,
    TrialReport,
    encode,
)
from exchange.models import Agency, InboundTrial
from exchange.selectors.inbound import batch_status, receipts_page
from exchange.services.inbound_digests import NotEqual, certificate_take, digests_tell, documents_tell
from exchange.services.inbound_trials import trial_run
from exchange.services.intake import batch_process, batch_receive
from tests import databases
from tests.exchange.office import OneLine


@dataclass
class Bridge(OneLine):
    """`database` is the hub's. `received` counts bytes as the real connector does."""

    database: str
    code: str = "H15"
    received: int = 0

    def __call__(self, channel: Any) -> Bridge:
        return self

    @contextmanager
    def over(self) -> Iterator[Agency]:
        """Be the hub; gives the agency as the hub knows it."""
        with databases.default_connection_on(self.database):
            yield Agency.objects.select_related("root").get(code=self.code)

    def send(self, *, method: str, path: str, idempotency_key: str, body: bytes) -> Accepted:
        with self.over() as agency:
            kind = UNIT_KIND if path == "/org-units" else PROFILE_KIND
            batch = batch_receive(agency=agency, kind=kind, idempotency_key=idempotency_key, body=body)
            batch_process(batch_id=batch.pk)
            return Accepted(batch=batch.pk, items=batch.size)

    def find(self, *, idempotency_key: str) -> BatchStatus | None:
        with self.over() as agency:
            return batch_status(agency=agency, idempotency_key=idempotency_key)

    def status(self, *, batch: UUID) -> BatchStatus:
        with self.over() as agency:
            found = batch_status(agency=agency, batch_id=batch)
        assert found is not None
        return found

    def receipts(self, *, batch: UUID | None, after: int) -> Receipts:
        with self.over() as agency:
            return receipts_page(agency=agency, batch_id=batch, after=after)

    def trial(self, *, body: bytes) -> TrialReport:
        with self.over() as agency:
            return msgspec.json.decode(bytes(trial_run(agency=agency, body=body).report), type=TrialReport)

    def trial_report(self, *, trial: UUID) -> TrialReport:
        with self.over():
            return msgspec.json.decode(bytes(InboundTrial.objects.get(pk=trial).report), type=TrialReport)

    def digests(self, question: DigestQuestion) -> DigestAnswer:
        with self.over() as agency:
            return self._counted(digests_tell(agency=agency, question=question))

    def documents(self, question: DocumentsQuestion) -> Documents:
        with self.over() as agency:
            return self._counted(documents_tell(agency=agency, question=question))

    def certificate(self, sent: Certificate) -> Certificate:
        with self.over() as agency:
            try:
                return self._counted(certificate_take(agency=agency, sent=sent))
            except NotEqual as error:
                raise CallFailed(ErrorKind.SCHEMA, "NOT_EQUAL", str(error), status=409) from error

    def _counted(self, answer: Any) -> Any:
        self.received += len(encode(answer))
        return answer
