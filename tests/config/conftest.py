"""The demo's province for tests that look at it or go on from it: loaded once in a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from tests import databases


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: Any, worker_id: str, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A database of the module's own with the demo in it, on the demo's own day; gives the folder of its files."""
    from config.demo.people import TODAY

    var = Path(os.environ["VAR_DIRECTORY"]) / "demo"
    what = f"{worker_id}_{request.module.__name__.rpartition('.')[2]}"
    with override_settings(VAR_DIRECTORY=var, TRUST_DIRECTORY=var / "trust", PINNED_TODAY=TODAY.isoformat()), django_db_blocker.unblock():
        source = databases.demo_template(_seed)
        with databases.clone(what, source) as name, databases.default_connection_on(name):
            yield var


def _seed() -> None:
    from config.demo import seed

    assert seed.demo_seed() is True
