"""Delivery in a hundred thousand seeded worlds of faults: `make fault-runs`, on servers of its own. The last line is FIGURES {json}.

RUNS= how many, SEED= the first of them, PROCESSES= how many at once. A run that fails is named by its seed and can be run alone.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import time
from collections import Counter

from bench.servers import bench_servers

RUNS = int(os.environ.get("RUNS", "100000"))
SEED = int(os.environ.get("SEED", "0"))
PROCESSES = int(os.environ.get("PROCESSES", "2"))
REPORTED = 30.0  # seconds between two lines of progress


def main() -> None:
    with bench_servers(durable=False) as home:
        first = _messages(home)
        begin = time.monotonic()
        shares = [(range(SEED + place, SEED + RUNS, PROCESSES), first, place == 0) for place in range(PROCESSES)]
        with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
            parts = pool.map(_share, shares)
    total: Counter[str] = sum((Counter(part) for part in parts), Counter())
    print(f"{total['faults']} faults, {(time.monotonic() - begin) / RUNS * PROCESSES * 1000:.0f} ms a world in each process")
    print("FIGURES " + json.dumps({name: total[name] for name in ("runs", "lost", "twice", "out_of_order")}))
    if total["lost"] or total["twice"] or total["out_of_order"]:
        raise SystemExit(1)


def _messages(home: object) -> int:
    """The messages that every world delivers: two units, two people, one of them in two versions; gives the last id before them."""
    from django.conf import settings

    from config.demo.pki import DemoAuthority, Person
    from tests.exchange.office import Office
    from tests.exchange.sender import Sender
    from tests.factories import superuser_make
    from tests.workflows.certificates import PIN
    from workflows.models import OutboxMessage

    authority = DemoAuthority(settings.VAR_DIRECTORY / "pki")
    authority.publish(settings.TRUST_DIRECTORY)
    p12 = authority.issue(Person("approver", "Nguyễn Văn An", "066075001234", "H99", "H99"), pin=PIN)
    office = Office(superuser_make("author"), superuser_make("approver", personal_number="066075001234"), p12)
    last = OutboxMessage.objects.order_by("-pk").values_list("pk", flat=True)[0]
    sender = Sender("H99", b"")
    office.apply(*sender.units())
    person = sender.person()
    office.apply(person, sender.person())
    office.apply(person.again(phone="0987654321"))
    return last


def _share(share: tuple[range, int, bool]) -> dict[str, int]:
    import django

    django.setup()
    from tests.faults.simulation import quick_connection, run

    seeds, first, reports = share
    counted: Counter[str] = Counter()
    gc.freeze()  # what is imported by now stays; looking through it again and again was a twentieth of the time
    begin = told = time.monotonic()
    with quick_connection():
        for seed in seeds:
            verdict = run(seed, first_message=first)
            counted.update(runs=1, faults=verdict.faults.total(), lost=verdict.lost, twice=verdict.twice, out_of_order=verdict.out_of_order)
            if not verdict.ok:
                print(f"seed {seed}: {verdict}", flush=True)
            if reports and time.monotonic() - told > REPORTED:
                told = time.monotonic()
                print(f"{counted['runs']} runs of {len(seeds)}, {counted['faults']} faults, in {told - begin:.0f} s", flush=True)
    return dict(counted)


if __name__ == "__main__":
    main()
