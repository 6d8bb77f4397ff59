"""The test run's servers and databases.

Only the pytest controller starts PostgreSQL and Valkey (embedded, on private sockets and ports), unless
HOSO_TEST_DATABASE_URL and HOSO_TEST_REDIS_URL name servers to use instead. xdist workers inherit what the controller put
into the environment. One template database is migrated and loaded per run; every worker and every module that commits
for real works on a clone of it, so that nobody ever has to empty a table: TRUNCATE would meet the walls of the gate.

Fixtures for tests:

- `db` (pytest-django's): a transaction on the worker's clone, rolled back.
- `committed_db` (module): a fresh clone that commits, for threads, on-commit hooks and locks.
"""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

from tests import databases

ON_THE_STACK = ("tests/journeys/", "tests/faults/")

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.load_profile("ci")


def pytest_configure(config: pytest.Config) -> None:
    """Name the servers before Django reads its settings; pytest-django sets Django up right after this hook."""
    if hasattr(config, "workerinput"):
        databases.use_own_redis_number(config.workerinput["workerid"])
    else:
        databases.open_servers(config)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    from django.conf import settings

    # Pages are rendered without collectstatic; the manifest is tested by the stack's own tests.
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    settings.STATIC_ROOT = settings.VAR_DIRECTORY
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns of a missing folder, and here a warning is an error
    if config.getoption("numprocesses", None):
        # Workers inherit the environment: with it pytest-django would read the settings before a worker has named its own keys.
        del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        databases.close_servers(config)


class ModulesTogether(LoadFileScheduling):
    """A module stays on one worker; what runs on the shared black-box stack stays on one worker as a whole.

    xdist's own groups (`--dist=loadgroup`) write a private attribute of the item that pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        module = super()._split_scope(nodeid)
        return "stack" if module.startswith(ON_THE_STACK) else module


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes comes first, so that no worker is left with it alone at the end (xdist keeps this order: --no-loadscope-reorder)."""
    items.sort(key=lambda item: not item.nodeid.startswith((*ON_THE_STACK, "tests/config/test_stack.py")))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is loaded by now stays: looking through it again and again was a seventh of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ModulesTogether:
    return ModulesTogether(config, log)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any, worker_id: str) -> Iterator[None]:
    """Replaces pytest-django's: this worker's clone of the template instead of a database migrated for each worker."""
    with django_db_blocker.unblock(), databases.clone(worker_id) as name, databases.default_connection_on(name):
        yield


@pytest.fixture(scope="module")
def committed_db(django_db_setup: None, django_db_blocker: Any, worker_id: str) -> Iterator[str]:
    """A database of this module's own, in which everything commits for real; gives its name. Not to be mixed with `db`."""
    with django_db_blocker.unblock(), databases.clone(f"{worker_id}_{next(_numbers)}") as name, databases.default_connection_on(name):
        yield name


_numbers = itertools.count(1)
