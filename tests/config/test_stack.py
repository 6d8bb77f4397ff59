"""The stack from outside: a second start does nothing again and keeps the data; a dead worker is seen; nobody is left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from config.embedded.keeping import Done
from config.embedded.roles import AGENCY, HUB, ROLES
from config.embedded.stack import Stack
from config.embedded.supervisor import ChildFailed
from tests import stacks


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a stack was started once; a note was left in the hub's database."""
    folder = stacks.begin(tmp_path_factory.mktemp("stack") / "var")
    with Stack(folder, durable=False) as stack, stack.postgres.connect(HUB.database) as connection:
        connection.execute("CREATE TABLE note AS SELECT 'kept' AS text")
    return folder


def test_a_second_start_repeats_nothing_and_keeps_the_data(var: Path) -> None:
    steps: list[str] = []

    with Stack(var, durable=False, report=lambda step, seconds: steps.append(step)) as stack:
        with stack.postgres.connect(HUB.database) as connection:
            assert connection.execute("SELECT text FROM note").fetchall() == [("kept",)]
        migrations = stack.manage(HUB, "showmigrations")
        assert "[X]" in migrations
        assert "[ ]" not in migrations

    assert steps == ["PostgreSQL and Valkey"]


def test_when_the_data_was_removed_what_was_done_is_forgotten(tmp_path: Path) -> None:
    Done(tmp_path).mark("tables", "as they are now")

    done = Done(tmp_path)
    done.forget()

    assert not done.is_done("tables", "as they are now")


def test_nothing_of_the_callers_configuration_passes_through(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://caller")
    monkeypatch.setenv("HOSO_CHANNEL_SECRETS", "national-hub=callers")

    with Stack(var, durable=False) as stack:
        agency, hub = stack.env(AGENCY), stack.env(HUB)

    assert "EMAIL_URL" not in agency
    assert agency["HOSO_CHANNEL_SECRETS"] == f"national-hub={stack.secrets.channel}"
    assert hub["HOSO_CHANNEL_SECRETS"] == ""
    for own in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "HOSO_ROLE", "VAR_DIRECTORY"):
        assert agency[own] != hub[own]


@pytest.mark.long
def test_a_killed_worker_is_reported_started_again_and_nobody_is_left(var: Path) -> None:
    with Stack(var, durable=False) as stack:
        stack.serve()
        assert {stack.health(role)["status"] for role in ROLES} == {"ok"}
        everybody = [psutil.Process(pid) for pid in stack.pids.values()]
        everybody += [child for one in everybody for child in one.children(recursive=True)]

        os.kill(stack.pids["hub-worker"], signal.SIGKILL)
        with pytest.raises(ChildFailed, match="hub-worker was ended by SIGKILL"):
            stack.watch()
        stack.start("hub-worker")
        assert psutil.pid_exists(stack.pids["hub-worker"])

    left = [one for one in everybody if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert left == []
