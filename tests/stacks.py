"""Stacks of black-box tests begin from one image: a stack that was started once, so that tables are migrated once in a run.

Where the run's own servers are made from the image (`tests.databases`), it is there already; else the first test that asks makes it.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from config.embedded.postgres import Lodging
from config.embedded.stack import Stack

IMAGE = "HOSO_STACK_IMAGE"  # the folder, for all workers of the run


def image_make(folder: Path) -> Path:
    """Start a stack in the folder and stop it: migrated, with areas and code lists, nobody in it."""
    with Stack(folder, durable=False):
        return folder


def begin(folder: Path, run: pytest.TempPathFactory | None = None) -> Path:
    """A copy of the image, for a stack of the test's own to start in. `run` tells where an image for the whole run may stand."""
    image = Path(os.environ[IMAGE]) if run is None or IMAGE in os.environ else _made_by_the_first(_of_all_workers(run))
    lodging = Lodging.find()
    _copy(image, folder)
    if lodging.place(folder / "postgres") != folder / "postgres":
        _copy(lodging.place(image / "postgres"), lodging.place(folder / "postgres"))
    return folder


def _of_all_workers(run: pytest.TempPathFactory) -> Path:
    own = run.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def _made_by_the_first(shared: Path) -> Path:
    with (shared / "image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        image = shared / "image"
        if not (shared / "image.made").exists():
            image_make(image)
            (shared / "image.made").touch()
    return image


def _copy(source: Path, target: Path) -> None:
    """With owners and modes, since PostgreSQL looks at them."""
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)
