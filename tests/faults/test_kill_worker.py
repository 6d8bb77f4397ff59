"""Real workers of agency and hub, killed with SIGKILL in the middle of delivering: nothing is lost, nothing is doubled.

The stack is the one of `make run`: PostgreSQL, Valkey, web, worker and beat of both roles. A kill waits for a state of the
databases (a call under way, a batch being processed), never for a time; which states, and how far the work has got, comes
from a seed.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded.stack import AGENCY, HUB, Stack
from tests import stacks

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 170  # and a second version of every fifth: 206 messages with the units
CLIENT = "agency-under-fire"
NEEDED = ("hub-web", "agency-worker", "hub-worker", "agency-beat", "hub-beat")
PATIENCE = 120.0

LOCKED = "select from pg_locks where relation = '{table}'::regclass and mode = '{mode}' and granted and pid <> pg_backend_pid()"

Question = Callable[[], bool]


class Databases:
    """Both roles' databases, read from outside."""

    def __init__(self, stack: Stack) -> None:
        self.agency = psycopg.connect(stack.postgres.url(AGENCY.database), autocommit=True)
        self.hub = psycopg.connect(stack.postgres.url(HUB.database), autocommit=True)

    def calling(self) -> bool:
        """The agency's worker is in a call: an attempt has begun and not ended."""
        return _any(self.agency, "select from exchange_attempt where ended_at is null and started_at > now() - interval '1 second'")

    def awaiting(self) -> bool:
        """The hub has accepted a batch whose receipts the agency does not have yet."""
        return _any(self.agency, "select from exchange_batch where state = 'accepted'")

    def processing(self) -> bool:
        """A worker of the hub has locked a batch and is taking it through the gate."""
        return _any(self.hub, LOCKED.format(table="exchange_inboundbatch", mode="RowShareLock"))

    def applying(self) -> bool:
        """The hub's gate is writing its ledger, uncommitted."""
        return _any(self.hub, LOCKED.format(table="workflows_recordversion", mode="RowExclusiveLock"))

    def received(self) -> int:
        return self.agency.execute("select count(*) from exchange_delivery where state = 'received'").fetchone()[0]

    def unsettled(self) -> int:
        return self.agency.execute(
            "select (select count(*) from workflows_outboxmessage) - (select count(*) from exchange_delivery where state = 'received')"
        ).fetchone()[0]


def _any(connection: psycopg.Connection, select: str) -> bool:
    return connection.execute(f"select exists ({select})").fetchone()[0]


def wait_for(question: Question, what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not question():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.002)


@pytest.fixture
def filled(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose agency has some 200 messages to deliver, and whose workers are not running yet."""
    from config.demo.pki import DemoAuthority

    with Stack(stacks.begin(tmp_path / "var", tmp_path_factory), durable=False) as stack:
        DemoAuthority(tmp_path / "pki").publish(stack.var / "trust")
        command = [sys.executable, "-m", "tests.faults.filling", str(PEOPLE), str(tmp_path), stack.url(HUB), CLIENT]
        with subprocess.Popen(command, cwd=ROOT, env=stack.env(AGENCY)) as filling:
            admit = ("--code", AGENCY.authority, "--name", "Đắk Lắk", "--client-id", CLIENT, "--secret-stdin")
            stack.manage(HUB, "hub_agency", *admit, stdin=stack.secrets.channel)
        assert filling.returncode == 0
        yield stack


def kills(databases: Databases, seed: int, count: int) -> list[tuple[str, str, Question, int]]:
    """Who is killed in which state, and after how many receipts: `count` of a shuffle of every kind of moment."""
    chance = random.Random(seed)
    moments = [
        ("agency-worker", "a call under way", databases.calling),
        ("agency-worker", "a batch awaiting its receipts", databases.awaiting),
        ("hub-worker", "a batch being processed", databases.processing),
        ("hub-worker", "the ledger being written", databases.applying),
    ]
    chosen = chance.sample(moments, count)
    marks = sorted(chance.sample(range(PEOPLE // 2), count))
    return [(worker, what, question, mark) for (worker, what, question), mark in zip(chosen, marks, strict=True)]


def under_fire(stack: Stack, seed: int, count: int) -> Databases:
    databases = Databases(stack)
    for name in NEEDED:
        stack.start(name)
    for worker, what, question, mark in kills(databases, seed, count):
        wait_for(lambda question=question, mark=mark: databases.received() >= mark and question(), f"{what}, after {mark} receipts")
        stack.kill(worker)
        stack.supervisor.children.pop(worker, None)
        stack.start(worker)
    wait_for(lambda: databases.unsettled() == 0, "the end of all deliveries")
    return databases


def assert_nothing_lost_or_doubled(databases: Databases, stack: Stack) -> None:
    versions = "select kind, key, version, encode(document_id, 'hex') from workflows_recordversion order by 1, 2, 3"
    here, there = databases.agency.execute(versions).fetchall(), databases.hub.execute(versions).fetchall()
    assert len(here) == 2 + PEOPLE + PEOPLE // 5
    assert here == there
    receipts = databases.agency.execute(
        "select m.kind, m.key, m.version, encode(r.digest, 'hex') from exchange_receipt r "
        "join exchange_delivery d on d.id = r.delivery_id join workflows_outboxmessage m on m.id = d.message_id "
        "where r.outcome = 'accepted' order by 1, 2, 3"
    ).fetchall()
    assert receipts == here
    # a result on the hub for every receipt here: no batch was taken twice under two keys
    results = databases.hub.execute("select kind, key, version, encode(digest, 'hex') from exchange_inboundresult order by 1, 2, 3").fetchall()
    assert results == here
    evidence = databases.hub.execute("select kind, key, version from exchange_inboundevidence order by 1, 2, 3").fetchall()
    assert evidence == [row[:3] for row in here]
    # each of these fails when anything is damaged
    stack.manage_together([(AGENCY, ("verify_ledger",)), (HUB, ("verify_ledger",)), (HUB, ("verify_evidence",))])


@pytest.mark.parametrize(
    ("seed", "count"),
    [(2, 2), *(pytest.param(seed, 4, marks=pytest.mark.long) for seed in range(3, 8))],
)
def test_killed_workers_lose_and_double_nothing(filled: Stack, seed: int, count: int) -> None:
    assert_nothing_lost_or_doubled(under_fire(filled, seed, count), filled)
