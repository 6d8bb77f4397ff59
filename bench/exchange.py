"""What the exchange can do: `make bench-exchange`, on servers of the bench's own. The last line is FIGURES {json}.

PEOPLE= how many go through the hub's intake, RECORDS= how many are reconciled on either side, SINGLES= how many messages go one a call.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from bench.servers import bench_servers

RECORDS = int(os.environ.get("RECORDS", "1000000"))
SINGLES = int(os.environ.get("SINGLES", "1500"))
LATENCY = 0.020
WORKERS = 2  # processes that deliver, as the worker has
DIFFERENCES = {"missing there": 40, "missing here": 30, "differs": 30}
HUB, INTAKE = "bench_hub", "bench_intake"


def main() -> None:
    with bench_servers() as home:
        figures = ingest(home) | board() | reconciliation() | single()
    print("FIGURES " + json.dumps(figures))


def ingest(home: Path) -> dict[str, float]:
    """Signed profiles through the hub's gate, in a database of their own: they are not what is reconciled."""
    from django.db import connection

    from bench.ingest import ingest as taken
    from tests.databases import default_connection_on

    bench = os.environ["DATABASE_URL"]
    name = connection.settings_dict["NAME"]
    with default_connection_on("postgres"), connection.cursor() as cursor:
        cursor.execute(f"create database {INTAKE} template {name}")
    os.environ["DATABASE_URL"] = bench.replace(f"/{name}?", f"/{INTAKE}?")  # for the processes that take batches
    try:
        with default_connection_on(INTAKE):
            return {"ingest_per_s": taken(home)["process_per_second"]}
    finally:
        os.environ["DATABASE_URL"] = bench


def board() -> dict[str, float]:
    """The hub's board with 62 agencies and a year of days, as a browser gets it: the median of nine calls."""
    from django.conf import settings
    from django.test import Client
    from django.urls import reverse

    from exchange.models import AgencyDay, ExpectedBody
    from exchange.services.agencies import agency_set
    from orgtree import clock
    from tests.factories import superuser_make

    settings.ROLE = "hub"
    for number, body in enumerate(ExpectedBody.objects.all()):
        body.code = body.code or f"K{number:02}"
        body.save()
        agency = agency_set(actor=None, code=body.code, name=body.name, client_id=f"bench-{number}", secret="s" * 40)
        AgencyDay.objects.bulk_create(
            [AgencyDay(agency=agency, day=clock.today() - timedelta(days=day), files=40, accepted=60, refused=2) for day in range(365)]
        )
    client = Client()
    client.force_login(superuser_make("bench-monitor"))
    times = []
    for _ in range(9):
        begin = time.perf_counter()
        if client.get(reverse("exchange:progress")).status_code != 200:
            raise RuntimeError("the board gave no page")
        times.append(time.perf_counter() - begin)
    settings.ROLE = "agency"
    return {"board_ms": round(statistics.median(times) * 1000)}


def reconciliation() -> dict[str, float]:
    """RECORDS against RECORDS with a hundred differences: from nothing stored to the list of what differs."""
    from django.db import connection

    from config.demo.province import ROOT_CODE
    from exchange.choices import DifferenceKind
    from exchange.models import Channel, Difference
    from exchange.services.agencies import agency_set
    from exchange.services.reconciling import reconcile
    from orgtree.models import OrgUnit
    from tests.databases import default_connection_on
    from tests.exchange.bridge import Bridge

    root = OrgUnit.objects.get(code=ROOT_CODE)
    code = root.code
    agency = agency_set(actor=None, code=code, name=code, client_id="bench-reconcile", secret="s" * 40)
    type(agency).objects.filter(pk=agency.pk).update(root=root)
    _multiply()
    name = connection.settings_dict["NAME"]
    connection.close()
    with default_connection_on("postgres"), connection.cursor() as cursor:
        cursor.execute(f"create database {HUB} template {name}")
    expected = _differ(HUB)
    channel = Channel.objects.create(code="bench", name="bench", base_url="http://bench.invalid", client_id="bench")
    bridge = Bridge(HUB, code=code)
    begin = time.perf_counter()
    run = reconcile(actor=None, channel=channel, connector=bridge)
    seconds = time.perf_counter() - begin
    found = {(one.key, DifferenceKind(one.what)) for one in Difference.objects.filter(reconciliation=run)}
    again = time.perf_counter()
    reconcile(actor=None, channel=channel, connector=bridge)
    print(f"again, with the buckets stored: {time.perf_counter() - again:.1f} s")
    Channel.objects.filter(pk=channel.pk).update(active=False)
    return {
        "records": run.records,
        "reconcile_s": round(seconds, 1),
        "reconcile_mb": round(run.received_bytes / 1e6, 2),
        "found": len(found & expected),
        "false": len(found - expected),
    }


def _multiply() -> None:
    """RECORDS files, copies of the demo's first one but for key, digest and numbers; behind the walls, since they are only compared."""
    from django.db import connection, transaction

    from registry.models import StaffProfile

    table = StaffProfile._meta.db_table
    made = {"id": "md5('bench' || i)::uuid", "digest": "sha256(i::text::bytea)", "citizen_id": "lpad(i::text, 12, '9')", "staff_number": "'B' || i"}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        cursor.execute(
            "select indexname from pg_indexes where tablename = %s and indexdef not like '%%UNIQUE%%' and indexdef not like '%%hoso_cell%%'", [table]
        )
        for (index,) in cursor.fetchall():
            cursor.execute(f"drop index {index}")
        cursor.execute(
            "select column_name from information_schema.columns where table_name = %s and is_generated = 'NEVER' and is_identity = 'NO'", [table]
        )
        names = [name for (name,) in cursor.fetchall()]
        values = ", ".join(made.get(name, f"p.{name}") for name in names)
        missing = RECORDS - StaffProfile.objects.count()
        cursor.execute(
            f"insert into {table}({', '.join(names)}) select {values} from generate_series(1, %s) i, (select * from {table} order by id limit 1) p",
            [missing],
        )
    with connection.cursor() as cursor:  # what autovacuum does some minutes after a load
        cursor.execute(f"vacuum analyze {table}")


def _differ(database: str) -> set[Any]:
    """Make the hub's copy differ in a hundred records; gives which, in what way."""
    from django.db import connection, transaction

    from exchange.choices import DifferenceKind
    from registry.models import StaffProfile
    from tests.databases import default_connection_on

    table = StaffProfile._meta.db_table
    with default_connection_on(database), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        cursor.execute(f"select id from {table} where staff_number like 'B%%' order by sha256(digest) limit %s", [sum(DIFFERENCES.values()) + 30])
        keys = [key for (key,) in cursor.fetchall()]
        gone, moved, altered = keys[:40], keys[40:70], keys[70:100]
        cursor.execute(f"delete from {table} where id = any(%s)", [gone])
        # what is missing here is a copy under another key
        cursor.execute(f"update {table} set id = md5('here' || id)::uuid where id = any(%s) returning id", [moved])
        new = [key for (key,) in cursor.fetchall()]
        cursor.execute(f"update {table} set digest = sha256(digest) where id = any(%s)", [altered])
    with transaction.atomic(), connection.cursor() as cursor:  # and those are gone from the agency, so that nothing else differs
        cursor.execute("set local session_replication_role = replica")
        cursor.execute(f"delete from {table} where id = any(%s)", [moved])
    expected = {(key, DifferenceKind.MISSING_THERE) for key in gone} | {(key, DifferenceKind.MISSING_HERE) for key in new}
    return expected | {(key, DifferenceKind.DIFFERS) for key in altered}


def single() -> dict[str, float]:
    """One record a call, over HTTP to a sandbox that takes its time, by as many processes as a worker has."""
    from exchange.choices import DeliveryState
    from exchange.models import Channel, Delivery
    from exchange.services.forming import deliveries_fan_out
    from workflows.models import OutboxMessage

    last = list(OutboxMessage.objects.filter(kind="staff_profile").order_by("-pk").values_list("pk", flat=True)[: SINGLES + 1])
    os.environ["HOSO_CHANNEL_SECRETS"] = "single=sandbox"  # for the processes that deliver
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(WORKERS + 1)
    with _sandbox() as address:
        channel = Channel.objects.create(code="single", name="s", base_url=address, client_id="s", batch_size=1, fanned_below=last[-1])
        deliveries_fan_out()
        workers = [context.Process(target=_work, args=(channel.pk, ready)) for _ in range(WORKERS)]
        for one in workers:
            one.start()
        ready.wait()
        begin = time.perf_counter()
        for one in workers:
            one.join()
        seconds = time.perf_counter() - begin
    states = Counter(Delivery.objects.filter(channel=channel).values_list("state", flat=True))
    if states != {DeliveryState.RECEIVED.value: SINGLES}:
        raise RuntimeError(f"not all was received: {states}")
    return {"single_per_s": round(SINGLES / seconds)}


@contextmanager
def _sandbox() -> Iterator[str]:
    """The sandbox in a process of its own; gives its address."""
    command = [sys.executable, "-m", "exchange.sandbox", "--port", "0", "--latency", str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().rpartition(" ")[2].strip()
        finally:
            process.terminate()


def _work(channel_id: int, ready: Barrier) -> None:
    """In a process of its own: the task that delivers, again and again until everything is received."""
    import django

    django.setup()
    from exchange.choices import DeliveryState
    from exchange.models import Delivery
    from exchange.services.channels import channel_work

    waiting = Delivery.objects.filter(channel=channel_id, state__in=[DeliveryState.WAITING, DeliveryState.SENT])
    ready.wait()
    while waiting.exists():
        channel_work(channel_id=channel_id)


if __name__ == "__main__":
    main()
