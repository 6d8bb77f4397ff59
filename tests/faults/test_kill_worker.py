"""What delivers, killed with SIGKILL in the middle of it: nothing is lost, nothing doubled, nothing out of order.

The stack is the one of `make run`: PostgreSQL, Valkey, web, worker and beat of both roles. Workers, the hub's web server, PostgreSQL
and Valkey are killed. A kill waits for a state of the databases (a call under way, a batch being processed), never for a time; which
states, and how far the work has got, comes from a seed. Whoever is killed, or ends because another was, is started again, as a
service manager would. At the end both ledgers are equal, by their rows and by reconciliation.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from config.embedded.roles import Role
from config.embedded.stack import AGENCY, HUB, Stack
from tests import stacks

ROOT = Path(__file__).resolve().parents[2]
FEW, MANY = 170, 1_700  # people, and a second version of every fifth: 206 and 2,042 messages with the units
CLIENT = "agency-under-fire"
NEEDED = ("hub-web", "agency-worker", "hub-worker", "agency-beat", "hub-beat")
PATIENCE = 300.0

LOCKED = "select from pg_locks where relation = '{table}'::regclass and mode = '{mode}' and granted and pid <> pg_backend_pid()"

Question = Callable[[], bool]


class Databases:
    """Both roles' databases, read from outside; a connection that a kill took away is made again."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._open: dict[str, psycopg.Connection] = {}

    def rows(self, role: Role, select: str) -> list[tuple]:
        try:
            return self._connection(role).execute(select).fetchall()
        except psycopg.OperationalError:  # it was open when PostgreSQL was killed, which shows at the first question
            self._open.pop(role.name).close()
            return self._connection(role).execute(select).fetchall()

    def _connection(self, role: Role) -> psycopg.Connection:
        if role.name not in self._open:
            self._open[role.name] = self._stack.postgres.connect(role.database)
        return self._open[role.name]

    def calling(self) -> bool:
        """The agency's worker is in a call: an attempt has begun and not ended."""
        return self._any(AGENCY, "select from exchange_attempt where ended_at is null and started_at > now() - interval '1 second'")

    def awaiting(self) -> bool:
        """The hub has accepted a batch whose receipts the agency does not have yet."""
        return self._any(AGENCY, "select from exchange_batch where state = 'accepted'")

    def processing(self) -> bool:
        """A worker of the hub has locked a batch and is taking it through the gate."""
        return self._any(HUB, LOCKED.format(table="exchange_inboundbatch", mode="RowShareLock"))

    def applying(self) -> bool:
        """The hub's gate is writing its ledger, uncommitted."""
        return self._any(HUB, LOCKED.format(table="workflows_recordversion", mode="RowExclusiveLock"))

    def received(self) -> int:
        return self.rows(AGENCY, "select count(*) from exchange_delivery where state = 'received'")[0][0]

    def unsettled(self) -> int:
        select = "select (select count(*) from workflows_outboxmessage) - (select count(*) from exchange_delivery where state = 'received')"
        return self.rows(AGENCY, select)[0][0]

    def _any(self, role: Role, select: str) -> bool:
        return self.rows(role, f"select exists ({select})")[0][0]


def wait_for(question: Question, what: str, progress: Callable[[], int], *, pause: float = 0.002) -> None:
    """Until the answer is yes, for as long as anything moves: how fast a machine is says nothing about what it does."""
    reached, looked, deadline = -1, 0.0, 0.0
    while not question():
        if time.monotonic() > looked + 1:
            looked = time.monotonic()
            if (now := progress()) != reached:
                reached, deadline = now, looked + PATIENCE
        assert time.monotonic() < deadline, f"never came: {what}; nothing has moved for {PATIENCE:.0f} s, {reached} records were received"
        time.sleep(pause)


@contextmanager
def filled(home: Path, people: int) -> Iterator[Stack]:
    """A stack whose agency has that many people to deliver, and whose workers are not running yet."""
    from config.demo.pki import DemoAuthority

    with Stack(stacks.begin(home / "var"), durable=False) as stack:
        DemoAuthority(home / "pki").publish(stack.var / "trust")
        command = [sys.executable, "-m", "tests.faults.filling", str(people), str(home), stack.url(HUB), CLIENT]
        with subprocess.Popen(command, cwd=ROOT, env=stack.env(AGENCY)) as filling:
            admit = ("--code", AGENCY.authority, "--name", "Đắk Lắk", "--client-id", CLIENT, "--secret-stdin")
            stack.manage(HUB, "hub_agency", *admit, stdin=stack.secrets.channel)
        assert filling.returncode == 0
        yield stack


@dataclass(frozen=True)
class Kill:
    """Who is killed, in which state, and after how many receipts."""

    name: str
    moment: str
    question: Question
    after: int


def moments(databases: Databases) -> list[tuple[str, str, Question]]:
    calling, awaiting = ("a call under way", databases.calling), ("a batch awaiting its receipts", databases.awaiting)
    processing, applying = ("a batch being processed", databases.processing), ("the ledger being written", databases.applying)
    return [
        ("agency-worker", *calling),
        ("agency-worker", *awaiting),
        ("hub-worker", *processing),
        ("hub-worker", *applying),
        ("hub-web", *calling),
        ("hub-web", *awaiting),
        ("valkey", *calling),
        ("valkey", *processing),
        ("postgres", *calling),
        ("postgres", *applying),
    ]


def kills(databases: Databases, seed: int, victims: Sequence[str], people: int) -> list[Kill]:
    """For each victim one of its moments, in an order and at places that the seed decides."""
    chance = random.Random(seed)
    chosen = [chance.choice([one for one in moments(databases) if one[0] == victim]) for victim in chance.sample(victims, len(victims))]
    marks = sorted(chance.sample(range(people // 2), len(chosen)))
    return [Kill(*one, mark) for one, mark in zip(chosen, marks, strict=True)]


def under_fire(stack: Stack, seed: int, victims: Sequence[str], people: int) -> Databases:
    databases = Databases(stack)
    for name in NEEDED:
        stack.start(name)
    for one in kills(databases, seed, victims, people):
        told = f"{one.moment}, after {one.after} receipts"
        wait_for(lambda one=one: restarted(stack) and databases.received() >= one.after and one.question(), told, databases.received)
        stack.kill(one.name)
        stack.supervisor.children.pop(one.name, None)
        stack.start(one.name)
    wait_for(lambda: restarted(stack) and databases.unsettled() == 0, "the end of all deliveries", databases.received, pause=0.2)
    return databases


def restarted(stack: Stack) -> bool:
    """Start again what ended because a server that it needs was killed."""
    for name, child in list(stack.supervisor.children.items()):
        if not child.alive():
            stack.supervisor.children.pop(name)
            stack.start(name)
    return True


def assert_nothing_lost_or_doubled(databases: Databases, stack: Stack, people: int) -> None:
    versions = "select kind, key, version, encode(document_id, 'hex') from workflows_recordversion order by 1, 2, 3"
    here, there = databases.rows(AGENCY, versions), databases.rows(HUB, versions)
    assert len(here) == 2 + people + people // 5
    assert here == there
    receipts = databases.rows(
        AGENCY,
        "select m.kind, m.key, m.version, encode(r.digest, 'hex') from exchange_receipt r "
        "join exchange_delivery d on d.id = r.delivery_id join workflows_outboxmessage m on m.id = d.message_id "
        "where r.outcome = 'accepted' order by 1, 2, 3",
    )
    assert receipts == here
    # a result on the hub for every receipt here: no batch was taken twice under two keys
    results = databases.rows(HUB, "select kind, key, version, encode(digest, 'hex') from exchange_inboundresult order by 1, 2, 3")
    assert results == here
    evidence = databases.rows(HUB, "select kind, key, version from exchange_inboundevidence order by 1, 2, 3")
    assert evidence == [row[:3] for row in here]
    # in order: the hub issued its answers for each record by rising versions
    late = "select a.key from exchange_inboundresult a join exchange_inboundresult b using (kind, key) where a.version < b.version"
    assert databases.rows(HUB, f"{late} and a.sequence > b.sequence") == []
    # each of these fails when anything is damaged, or when the two sides hold different things; now the line has time to answer
    databases.rows(AGENCY, "update exchange_channel set timeout_seconds = 60 returning id")
    verified = [(AGENCY, ("verify_ledger",)), (HUB, ("verify_ledger",)), (HUB, ("verify_evidence",)), (HUB, ("verify_board",))]
    stack.manage_together([*verified, (AGENCY, ("reconcile",))])


@pytest.mark.long
@pytest.mark.parametrize(("seed", "victims"), [(2, ("agency-worker", "hub-worker"))])
def test_killed_workers_lose_and_double_nothing(tmp_path: Path, seed: int, victims: Sequence[str]) -> None:
    with filled(tmp_path, FEW) as stack:
        assert_nothing_lost_or_doubled(under_fire(stack, seed, victims, FEW), stack, FEW)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3, 7))
def test_everything_that_delivers_is_killed_in_the_middle_of_two_thousand_records(tmp_path: Path, seed: int) -> None:
    victims = ["agency-worker", "hub-worker", "hub-web", "valkey", "postgres"] * 2
    with filled(tmp_path, MANY) as stack:
        assert_nothing_lost_or_doubled(under_fire(stack, seed, victims, MANY), stack, MANY)
