"""Stacks of black-box tests, and the run's own servers, begin from one image: tables are migrated once, not for each of them.

`python -m tests.stacks` makes the image (`make test` does so beside the checks).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psutil

from config.embedded.keeping import fingerprint
from config.embedded.postgres import Lodging
from config.embedded.stack import ROOT, Stack

IMAGE = "HOSO_STACK_IMAGE"  # the folder, for all workers of the run
KEPT = ROOT / "var" / "test-images"
MEMORY, PLENTY = Path("/dev/shm"), 8 * 1024**3
MADE_OF = (
    "requirements.txt",
    "*/migrations/*.py",
    "workflows/guards.py",
    "workflows/grant_guards.py",
    "workflows/walls.py",
    "orgtree/services/areas.py",
    "registry/services/codes.py",
    "orgtree/data/*",
    "registry/data/*",
)


def made_of() -> str:
    """Sixteen hexadecimal digits that are others when the tables, areas or code lists may be."""
    return fingerprint(file for pattern in MADE_OF for file in ROOT.glob(pattern) if file.is_file())[:16]


def image() -> Path:
    """The checkout's image: a stack that was started and stopped, migrated, with areas and code lists, nobody in it.

    It stays until what it is made of changes. Whoever asks first makes it; the others wait.
    """
    folder = KEPT / made_of()
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            for old in KEPT.iterdir():
                if old.is_dir():
                    _remove(old)
            with Stack(folder, durable=False):
                pass
            (folder / "made").touch()
    return folder


def quick_folder(what: str) -> tempfile.TemporaryDirectory[str]:
    """A folder for servers of tests, in memory where there is plenty: every edit has fifty temporary tables, and each of them is a file."""
    room = MEMORY if os.access(MEMORY, os.W_OK) and min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available) > PLENTY else None
    return tempfile.TemporaryDirectory(prefix=f"hoso-{what}-", dir=room)


def begin(folder: Path) -> Path:
    """A copy of the image, for a stack of the test's own to start in."""
    source = Path(os.environ[IMAGE]) if IMAGE in os.environ else image()
    lodging = Lodging.find()
    _copy(source, folder)
    if lodging.place(folder / "postgres") != folder / "postgres":
        _copy(lodging.place(source / "postgres"), lodging.place(folder / "postgres"))
    return folder


def _copy(source: Path, target: Path) -> None:
    """With owners and modes, since PostgreSQL looks at them."""
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)


def _remove(folder: Path) -> None:
    for part in (Lodging.find().place(folder / "postgres"), folder):
        subprocess.run(["rm", "-rf", str(part)], check=True)


if __name__ == "__main__":
    image()
