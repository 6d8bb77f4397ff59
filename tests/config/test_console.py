"""What `make run` and `make demo` say when they cannot begin: plain words, status 1, and nothing started."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded import console
from config.embedded.keeping import used_by_us
from config.embedded.roles import AGENCY, HUB
from config.embedded.stack import PortTaken, Stack

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_port_that_is_none_is_told_at_the_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "config.embedded", "run"], cwd=ROOT, env=os.environ | {"PORT": "web"}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "PORT=web is not a port number (1 to 65535)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["0", "70000", "-1", "80 "])
def test_what_is_no_port(text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_PORT", text)

    assert console.run() == 1
    assert f"HUB_PORT={text} is not a port number" in capsys.readouterr().err


@pytest.mark.parametrize(("role", "variable"), [(AGENCY, "PORT"), (HUB, "HUB_PORT")])
def test_a_taken_port_is_named_with_the_remedy_before_anything_starts(role: object, variable: str, taken: int, tmp_path: Path) -> None:
    stack = Stack(tmp_path / "var", ports={role.name: taken})

    with pytest.raises(PortTaken, match=rf"Port {taken}, meant for the {role.name}, is used by another program.*make run {variable}={taken + 10}"):
        stack.__enter__()

    assert not (tmp_path / "var").exists()


def test_an_expected_failure_is_told_without_a_traceback(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "ROOT", tmp_path)

    with used_by_us(tmp_path / "var" / "demo"):
        status = console.demo()

    assert status == 1
    assert "is in use by another run" in capsys.readouterr().err


def test_a_demo_that_still_runs_is_not_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "ROOT", tmp_path)
    kept = tmp_path / "var" / "demo" / "demo.json"

    with used_by_us(kept.parent):
        kept.write_text("{}")
        console.demo()

    assert kept.exists()
