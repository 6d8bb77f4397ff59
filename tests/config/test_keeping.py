"""What an embedded installation remembers: secrets, done steps, and that one run at a time uses a folder."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded.keeping import Done, InUse, Secrets, fingerprint, used_by_us

ROOT = Path(__file__).resolve().parents[2]


def test_secrets_are_made_once_and_belong_to_their_owner(tmp_path: Path) -> None:
    made = Secrets.of(tmp_path)

    assert Secrets.of(tmp_path) == made
    assert len({made.agency, made.hub, made.channel}) == 3
    assert min(len(made.agency), len(made.hub), len(made.channel)) >= 50
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_a_step_is_done_until_what_it_is_made_of_changes(tmp_path: Path) -> None:
    source = tmp_path / "0001_initial.py"
    source.write_text("one")
    Done(tmp_path).mark("tables", fingerprint([source]))

    assert Done(tmp_path).is_done("tables", fingerprint([source]))
    source.write_text("two")
    assert not Done(tmp_path).is_done("tables", fingerprint([source]))
    assert not Done(tmp_path).is_done("static files", fingerprint([source]))


def test_a_state_file_cut_off_in_the_middle_means_that_nothing_is_done(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"tables": "ab')

    assert not Done(tmp_path).is_done("tables", "ab")


def test_a_second_run_in_the_same_folder_is_refused_and_names_the_first(tmp_path: Path) -> None:
    program = f"from pathlib import Path; from config.embedded.keeping import used_by_us; used_by_us(Path({str(tmp_path)!r})).__enter__()"
    with used_by_us(tmp_path):
        other = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert f"process {os.getpid()}" in other.stderr

    with used_by_us(tmp_path), pytest.raises(InUse), used_by_us(tmp_path):
        pass
