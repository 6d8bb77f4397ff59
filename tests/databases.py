"""Where the tests' databases come from: servers, one template per run, clones of it. Used by `tests/conftest.py` alone.

Names are `hoso_test_<run>_<what>`, with a random run identifier, so that several runs can share one server. On a server that is
there to stay, the template stays too, named after what it is made of, and the next run with the same migrations begins at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from config.embedded.roles import AGENCY
from tests import stacks

ROOT = Path(__file__).resolve().parent.parent
LOADERS = ("load_areas", "load_codes")
TODAY = "2026-11-02"  # ages, terms and certificates of the tests do not rot as days pass
TIMEOUTS = "-c lock_timeout=15s -c statement_timeout=120s"

_servers = pytest.StashKey[ExitStack]()


def open_servers(config: pytest.Config) -> None:
    """Start what is not given, and put into the environment what Django's settings and the xdist workers read."""
    stack = config.stash[_servers] = ExitStack()
    given = os.environ.get("HOSO_TEST_DATABASE_URL"), os.environ.get("HOSO_TEST_REDIS_URL")
    if not all(given) and not config.option.collectonly:
        given = tuple(mine or started for mine, started in zip(given, _embedded(stack), strict=True))
    database_url, redis_url = (url or fallback for url, fallback in zip(given, ("postgresql:///none", "redis://127.0.0.1:1/0"), strict=True))
    os.environ |= {
        "HOSO_TEST_RUN": uuid.uuid4().hex[:10],
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "tests-" + "k" * 50,
        "INSECURE_HTTP": "1",
        "DEBUG": "0",
        "HOSO_ROLE": "agency",
        "HOSO_TODAY": TODAY,
        "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
        "LOG_LEVEL": "WARNING",
        "DJANGO_ALLOW_ASYNC_UNSAFE": "true",  # Playwright keeps an event loop in the thread of the tests
    }
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hoso-tests-"))
    os.environ |= {"VAR_DIRECTORY": folder, "TRUST_DIRECTORY": f"{folder}/trust"}


def use_own_redis_number(worker: str) -> None:
    """An xdist worker's keys are its own: gw0 has database 0, gw1 database 1. A server that was named is used as it was named."""
    if "HOSO_TEST_REDIS_URL" not in os.environ:
        os.environ["REDIS_URL"] = urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{int(worker.removeprefix('gw')) % 16}"))


def close_servers(config: pytest.Config) -> None:
    """Drop every database of this run, then stop what was started."""
    with config.stash.get(_servers, ExitStack()):
        if os.environ.get("HOSO_TEST_RUN") and os.environ["DATABASE_URL"] == os.environ.get("HOSO_TEST_DATABASE_URL"):
            with maintenance() as connection:
                for (name,) in connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_name("")]).fetchall():
                    drop(connection, name)


def _embedded(stack: ExitStack) -> tuple[str, str]:
    """Servers on a copy of the image from which the black-box tests begin, too: tables are migrated once in a run."""
    from config.embedded.postgres import EmbeddedPostgres
    from config.embedded.supervisor import Supervisor
    from config.embedded.valkey import EmbeddedValkey

    home = Path(stack.enter_context(stacks.quick_folder("servers")))
    os.environ[stacks.IMAGE] = str(stacks.image())
    supervisor = stack.enter_context(Supervisor())
    stacks.begin(home / "copy")
    postgres = EmbeddedPostgres(home / "copy" / "postgres", log=home / "postgres.log", durable=False)
    valkey = EmbeddedValkey(home / "valkey", log=home / "valkey.log", durable=False)
    postgres.start(supervisor)
    valkey.start(supervisor)
    return postgres.url("postgres"), valkey.url(0)


def server_url(database: str) -> str:
    """The URL of a database on the tests' server."""
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}"))


@contextmanager
def maintenance() -> Iterator[psycopg.Connection]:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        yield connection


def _name(what: str) -> str:
    return f"hoso_test_{os.environ['HOSO_TEST_RUN']}_{what}"


@cache
def _template_name() -> str:
    if "HOSO_TEST_DATABASE_URL" not in os.environ:
        return _name("template")
    return f"hoso_template_{stacks.made_of()}"


def template() -> str:
    """The template database: migrated, with areas and code lists."""
    return _made_once(_template_name(), _make_template)


def demo_template(make: Callable[[], None]) -> str:
    """The template with the demo in it, which `make` loads over Django's default connection. Made anew in every run: its files are the run's."""

    def fill(connection: psycopg.Connection, name: str) -> None:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template())))
        with default_connection_on(name):
            make()

    return _made_once(_name("demo"), fill)


def _made_once(name: str, make: Callable[[psycopg.Connection, str], None]) -> str:
    """A database to clone, made by whichever worker asks first; the others wait for it."""
    with maintenance() as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        ready = connection.execute("SELECT NOT datallowconn FROM pg_database WHERE datname = %s", [name]).fetchone()
        if ready is None or not ready[0]:
            drop(connection, name)
            make(connection, name)
            # Nobody may connect from now on: cloning fails while anyone is in the source.
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
    return name


def _make_template(connection: psycopg.Connection, name: str) -> None:
    if stacks.IMAGE in os.environ:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(AGENCY.database)))
        return
    made_of = {str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest()[:12] for file in sorted(ROOT.glob("*/migrations/*.py"))}
    begun = _template_of_fewer(connection, made_of)
    connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(begun)))
    _fill(server_url(name))
    connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(json.dumps(made_of))))


def _template_of_fewer(connection: psycopg.Connection, made_of: dict[str, str]) -> str:
    """The kept template that lacks the fewest of these migrations and has no other: only what is new has to be migrated."""
    kept = connection.execute(
        "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname LIKE 'hoso\\_template\\_%' AND NOT datallowconn"
    ).fetchall()
    parts = [(len(had), name) for name, told in kept if told and (had := json.loads(told)).items() <= made_of.items()]
    return max(parts, default=(0, "template1"))[1]


def _fill(url: str) -> None:
    """Migrate, then load areas and code lists. In processes of their own, so that no connection stays behind."""
    from django.core.management import get_commands

    for command in ("migrate", *(one for one in LOADERS if one in get_commands())):
        done = subprocess.run(
            [sys.executable, "manage.py", command, "--skip-checks"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {command} failed on the template database:\n{done.stdout[-2_000:]}\n{done.stderr[-4_000:]}")


@contextmanager
def clone(what: str, source: str = "") -> Iterator[str]:
    """A database with the template's content, or that of another `source`; dropped at the end, whoever is still connected."""
    source, name = source or template(), _name(what)
    with maintenance() as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(name), sql.Identifier(source)))
    yield name
    with maintenance() as connection:
        drop(connection, name)


def drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def default_connection_on(name: str) -> Iterator[None]:
    """Django's default connection, in this thread and those that tests start, leads to the database `name`.

    It moves the whole process: two threads that did it at once would each work on the other's database.
    """
    from django.db import connections

    assert threading.current_thread() is threading.main_thread(), "another thread may be using the default connection"
    settings = connections.settings["default"]
    before = settings["NAME"]
    connections.close_all()
    settings["NAME"] = name
    if TIMEOUTS not in settings["OPTIONS"]["options"]:
        settings["OPTIONS"]["options"] += f" {TIMEOUTS}"
    try:
        yield
    finally:
        connections.close_all()
        settings["NAME"] = before
