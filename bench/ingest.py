"""How many signed profiles a second the hub takes in: `python -m bench.ingest`, on servers of the bench's own.

The last line is FIGURES {json}. PEOPLE=, BATCH= choose other sizes, WORKERS= how many processes take batches, as the hub's Celery worker
has two. Receiving (storing the call) and processing (verification, the gate, evidence, receipts) are timed apart.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path
from uuid import UUID, uuid4

from bench.servers import bench_servers

PEOPLE = int(os.environ.get("PEOPLE", "8000"))
BATCH = int(os.environ.get("BATCH", "1000"))
WORKERS = int(os.environ.get("WORKERS", "2"))
CODE = "H77"


def main() -> None:
    with bench_servers() as home:
        print("FIGURES " + json.dumps(ingest(home)))


def ingest(home: Path) -> dict[str, float]:
    from config.demo.pki import DemoAuthority, Person
    from exchange.services.agencies import agency_set
    from exchange.services.intake import batch_receive
    from tests.exchange.sender import Sender
    from tests.workflows.certificates import PIN
    from workflows.services.ledger import verify_ledger

    authority = DemoAuthority(home / "pki")  # the one whose trust folder the bench's province uses
    sender = Sender(CODE, authority.issue(Person("an", "Nguyễn Văn An", "066075001234", CODE, CODE), pin=PIN))
    agency = agency_set(actor=None, code=CODE, name=CODE, client_id="bench", secret="s" * 40)

    def receive(kind: str, body: bytes) -> UUID:
        return batch_receive(agency=agency, kind=kind, idempotency_key=uuid4().hex, body=body).pk

    # The first batch also warms up: rules are compiled once in a process.
    people = [sender.person() for _ in range(PEOPLE + WORKERS * BATCH)]
    units, signed = sender.sign(*sender.units()).body(), sender.sign(*people)
    bodies = [signed.body(range(start, min(start + BATCH, len(people)))) for start in range(0, len(people), BATCH)]
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        pool.map(_process, [receive("org_unit", units)])
        pool.map(_process, [receive("staff_profile", body) for body in bodies[:WORKERS]], chunksize=1)
        begin = time.perf_counter()
        batches = [receive("staff_profile", body) for body in bodies[WORKERS:]]
        received, begin = time.perf_counter() - begin, time.perf_counter()
        pool.map(_process, batches, chunksize=1)
        processed = time.perf_counter() - begin
    verification = verify_ledger()
    if not verification.ok:
        raise RuntimeError(verification.damages[:3])
    return {
        "people": PEOPLE,
        "batch": BATCH,
        "receive_per_second": round(PEOPLE / received),
        "process_per_second": round(PEOPLE / processed),
        "document_bytes": round(sum(map(len, bodies)) / len(people)),
    }


def _process(batch_id: UUID) -> None:
    """In a process of the pool: what the hub's worker does with one batch."""
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
    from exchange.services.intake import batch_process

    done = batch_process(batch_id=batch_id)
    if done.rejected:
        raise RuntimeError([(one.code, one.findings) for one in done.results.exclude(code="")[:3]])


if __name__ == "__main__":
    main()
