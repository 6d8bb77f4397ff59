"""The supervisor: nothing is left behind, nothing dies unnoticed. Real processes, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.embedded.supervisor import ChildFailed, Supervisor

ROOT = Path(__file__).resolve().parents[2]
SLEEPER = [sys.executable, "-c", "import time; print('I sleep', flush=True); time.sleep(600)"]
STUBBORN = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"]


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as supervisor:
        yield supervisor


def running(pid: int) -> bool:
    """Whether the process lives; a zombie that nobody reaped counts as left behind."""
    return psutil.pid_exists(pid)


def says(log: Path, text: str) -> bool:
    return log.exists() and text in log.read_text()


def test_a_child_killed_by_its_pid_is_reaped_and_reported_with_the_end_of_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    other = supervisor.start("steady", SLEEPER, log=tmp_path / "steady.log")
    child = supervisor.start("sleeper", SLEEPER, log=tmp_path / "sleeper.log")
    supervisor.wait_ready(child, lambda: says(child.log, "I sleep"))

    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(ChildFailed, match=r"(?s)sleeper was ended by SIGKILL.*I sleep"):
        supervisor.watch()

    assert not running(child.pid)
    assert running(other.pid)


def test_a_child_that_fails_is_reported_with_its_status(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start("server", [sys.executable, "-c", "print('no such port'); raise SystemExit(3)"], log=tmp_path / "server.log")

    with pytest.raises(ChildFailed, match=r"(?s)server ended with status 3.*no such port"):
        supervisor.wait_ready(child, lambda: False)


def test_a_child_that_is_never_ready_is_reported(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start("sleeper", SLEEPER, log=tmp_path / "sleeper.log")

    with pytest.raises(ChildFailed, match="sleeper was not ready after 0 seconds"):
        supervisor.wait_ready(child, lambda: False, seconds=0.1)


def test_commands_run_together_to_the_end_of_the_last(supervisor: Supervisor, tmp_path: Path) -> None:
    for name in ("one", "two"):
        command = [sys.executable, "-c", f"import pathlib; pathlib.Path({str(tmp_path / name)!r}).touch()"]
        supervisor.start(name, command, log=tmp_path / f"{name}.log")

    supervisor.finish("one", "two")

    assert (tmp_path / "one").exists()
    assert (tmp_path / "two").exists()
    assert supervisor.children == {}


def test_a_server_that_dies_under_a_command_ends_the_wait(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start("command", SLEEPER, log=tmp_path / "command.log")
    server = supervisor.start("server", SLEEPER, log=tmp_path / "server.log")
    os.kill(server.pid, signal.SIGKILL)

    with pytest.raises(ChildFailed, match="server was ended by SIGKILL"):
        supervisor.finish("command")


def test_leaving_ends_every_child_and_its_own_children(tmp_path: Path) -> None:
    spawn = f"import subprocess, sys; print(subprocess.Popen({SLEEPER!r}).pid, flush=True); import time; time.sleep(600)"
    with Supervisor() as supervisor:
        child = supervisor.start("parent", [sys.executable, "-c", spawn], log=tmp_path / "parent.log")
        supervisor.wait_ready(child, lambda: says(child.log, "\n"))
        grandchild = int(child.log.read_text().split()[0])

    assert not running(child.pid)
    psutil.wait_procs([psutil.Process(grandchild)] if running(grandchild) else [], timeout=5)
    assert not running(grandchild) or psutil.Process(grandchild).status() == psutil.STATUS_ZOMBIE  # orphaned: its reaping is init's


def test_a_child_that_ignores_the_request_is_killed(supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.embedded.supervisor._GRACE_SECONDS", 0.2)
    child = supervisor.start("deaf", STUBBORN, log=tmp_path / "deaf.log")
    supervisor.wait_ready(child, lambda: says(child.log, "deaf"))

    supervisor.stop("deaf")

    assert child.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_however_the_supervisor_ends_no_process_is_left(how: signal.Signals, status: int, tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM stop the children in order; after a kill -9 the kernel tells them."""
    program = f"""
        from pathlib import Path
        from config.embedded.supervisor import Interrupted, Supervisor, interruptible
        try:
            with interruptible(), Supervisor() as supervisor:
                for name in ("one", "two"):
                    child = supervisor.start(name, {SLEEPER!r}, log=Path({str(tmp_path)!r}) / name)
                    supervisor.wait_ready(child, lambda: child.log.stat().st_size > 0)
                print(*[child.pid for child in supervisor.children.values()], flush=True)
                supervisor.watch()
        except Interrupted:
            pass
    """
    main = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    children = [psutil.Process(int(pid)) for pid in main.stdout.readline().split()]
    assert len(children) == 2

    main.send_signal(how)

    assert main.wait(20) == status
    main.stdout.close()
    assert [one for one in psutil.wait_procs(children, timeout=10)[1] if one.status() != psutil.STATUS_ZOMBIE] == []
