"""Real processes that are killed while they ask what the national platform holds: the next one goes on, and nothing is staged twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from uuid import uuid4
from zlib import crc32

import psycopg
import pytest
from django.conf import settings

from exchange import connectors
from exchange.contract import PROFILE_KIND, UNIT_KIND
from exchange.models import Batch, Channel, Delivery, Pull
from exchange.sandbox.app import Sandbox
from exchange.sandbox.faults import Faults
from exchange.sandbox.serving import served
from exchange.selectors.pulling import pulls_due
from exchange.services.channels import channel_drive
from exchange.services.forming import deliveries_fan_out
from exchange.services.pull_staging import pull_stage
from exchange.services.pulling import pull_ask, pull_drive
from exchange.services.receipts import receipts_collect
from orgtree import clock
from orgtree.locks import Lock
from tests import databases
from tests.exchange.office import Office
from tests.factories import superuser_make
from workflows.models import ChangeItem

pytestmark = pytest.mark.long
SECRET = "s" * 40
PEOPLE = 450  # three questions of 200
PATIENCE = 90


@dataclass
class Slow(Sandbox):
    """A hub that, once it is armed, keeps the second question about documents waiting."""

    armed: bool = False
    asked: int = 0
    reached: threading.Event = field(default_factory=threading.Event)

    def __call__(self, environ, start):
        if self.armed and environ["PATH_INFO"].endswith("/held"):
            self.asked += 1
            if self.asked == 2:
                self.reached.set()
                threading.Event().wait(PATIENCE)
        return super().__call__(environ, start)


def manage(database, *asked):
    """`manage.py` in a process of its own, on that database."""
    own = {
        "DATABASE_URL": databases.server_url(database),
        "TRUST_DIRECTORY": str(settings.TRUST_DIRECTORY),
        "HOSO_CHANNEL_SECRETS": f"national-hub={SECRET}",
    }
    return subprocess.Popen([sys.executable, "manage.py", *asked, "--skip-checks"], env={**os.environ, **own}, cwd=settings.BASE_DIR)


def delivered(channel):
    """Everything that the channel owes, waiting skipped."""
    for _round in range(40):
        deliveries_fan_out()
        channel_drive(channel_id=channel.pk)
        Batch.objects.filter(channel=channel).update(not_before="2020-01-01T00:00Z")
        receipts_collect(channel_id=channel.pk)
        Channel.objects.filter(pk=channel.pk).update(paused_until=None)
        if not Delivery.objects.filter(channel=channel).exclude(state="received").exists():
            return
    raise AssertionError(set(Delivery.objects.filter(channel=channel).values_list("state", "error_code", "error_text")))


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)


def until(true):
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_killed_while_it_asks_and_while_it_stages(office, sender, channel, settings, monkeypatch):
    # given: units and people whom the hub holds, and an installation that has only the units
    monkeypatch.setattr(connectors, "_tokens", {})
    settings.CHANNEL_SECRETS = {channel.code: SECRET, "national-hub": SECRET}
    hub = Slow(SECRET, faults=Faults(seed=3))
    people = [sender.person() for _ in range(PEOPLE)]
    with served(hub) as address, databases.clone(f"killed_{uuid4().hex[:6]}") as database:
        Channel.objects.filter(pk=channel.pk).update(base_url=address, fanned_below=0, batch_size=500, timeout_seconds=30)
        office.apply(*people)
        delivered(channel)
        assert len(hub.store.holdings("hub")) == PEOPLE + 2
        with databases.default_connection_on(database):
            here = Office(superuser_make("author"), superuser_make("approver", personal_number="066075001234"), office.p12)
            Channel.objects.create(code="national-hub", name="Nền tảng quốc gia", base_url=address, client_id="x", timeout_seconds=30)
            units = pull_drive(pull_id=pull_ask(actor=here.author, kind=UNIT_KIND).pk)
            pull_stage(actor=here.author, pull=units)
            pull_drive(pull_id=units.pk)
            here.carry(units.records.first().request)

            # when: a process asks for the people, and dies while the hub answers
            hub.armed = True
            process = manage(database, "pull", "people")
            assert hub.reached.wait(PATIENCE)
            kill(process)
            pull = Pull.objects.get(kind=PROFILE_KIND)
            fetched = pull.records.exclude(document=None).count()
            # then: what was reached stays, and nobody else takes it up before its term ends
            assert (pull.state, pull.stage, fetched) == ("running", "fetching", 200)
            assert pulls_due() == []

            # when: another one goes on, and dies while it puts them into a request
            Pull.objects.filter(pk=pull.pk).update(claimed_until=clock.now())
            with psycopg.connect(databases.server_url(database), autocommit=True) as held:
                about = crc32(str(pull.channel_id).encode()) - 2**31
                held.execute("select pg_advisory_lock(%s, %s)", [int(Lock.PULLING), about])
                process = manage(database, "pull", "people", "--take", "author")
                waits = "select exists(select from pg_locks where locktype = 'advisory' and not granted and classid = %s)"
                until(lambda: held.execute(waits, [int(Lock.PULLING)]).fetchone()[0])
                kill(process)
            pull.refresh_from_db()
            assert (pull.state, pull.records.count(), pull.records.exclude(request=None).count()) == ("staging", PEOPLE, 0)
            # then: the sweep's worker ends it, once
            Pull.objects.filter(pk=pull.pk).update(claimed_until=clock.now())
            assert pulls_due() == [pull.pk]
            assert pull_drive(pull_id=pull.pk).state == "ready"
            items = list(ChangeItem.objects.filter(kind=PROFILE_KIND).values_list("key", flat=True))
            assert sorted(items) == sorted(one.key for one in people)
            assert pull_drive(pull_id=pull_ask(actor=here.author, kind=PROFILE_KIND).pk).records.exclude(cause="WAITING").count() == 0
