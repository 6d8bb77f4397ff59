"""How many signed profiles a second one worker of the hub takes in: `python -m bench.ingest`, on servers of the bench's own.

The last line is FIGURES {json}. PEOPLE=, BATCH= choose other sizes. Receiving (storing the call) and processing (verification,
the gate, evidence, receipts) are timed apart.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from pathlib import Path
from uuid import uuid4

from bench.servers import bench_servers

PEOPLE = int(os.environ.get("PEOPLE", "4000"))
BATCH = int(os.environ.get("BATCH", "200"))
CODE = "H77"


def main() -> None:
    with bench_servers() as home:
        print("FIGURES " + json.dumps(ingest(home)))


def ingest(home: Path) -> dict[str, float]:
    from config.demo.pki import DemoAuthority, Person
    from exchange.services.agencies import agency_set
    from exchange.services.intake import batch_process, batch_receive
    from tests.exchange.sender import Sender
    from tests.workflows.certificates import PIN
    from workflows.services.ledger import verify_ledger

    authority = DemoAuthority(home / "pki")  # the one whose trust folder the bench's province uses
    sender = Sender(CODE, authority.issue(Person("an", "Nguyễn Văn An", "066075001234", CODE, CODE), pin=PIN))
    agency = agency_set(actor=None, code=CODE, name=CODE, client_id="bench", secret="s" * 40)

    def send(kind: str, body: bytes) -> tuple[float, float]:
        begin = time.perf_counter()
        batch = batch_receive(agency=agency, kind=kind, idempotency_key=uuid4().hex, body=body)
        stored = time.perf_counter()
        done = batch_process(batch_id=batch.pk)
        if done.rejected:
            raise RuntimeError([(one.code, one.findings) for one in done.results.exclude(code="")[:3]])
        return stored - begin, time.perf_counter() - stored

    send("org_unit", sender.sign(*sender.units()).body())
    people = [sender.person() for _ in range(PEOPLE)]
    signed = sender.sign(*people)
    bodies = [signed.body(range(start, min(start + BATCH, PEOPLE))) for start in range(0, PEOPLE, BATCH)]
    times = [send("staff_profile", body) for body in bodies]
    received, processed = (sum(column) for column in zip(*times, strict=True))
    verification = verify_ledger()
    if not verification.ok:
        raise RuntimeError(verification.damages[:3])
    return {
        "people": PEOPLE,
        "batch": BATCH,
        "receive_per_second": round(PEOPLE / received),
        "process_per_second": round(PEOPLE / processed),
        "batch_median_seconds": round(statistics.median(one for _stored, one in times), 3),
        "document_bytes": round(sum(map(len, bodies)) / PEOPLE),
    }


if __name__ == "__main__":
    main()
