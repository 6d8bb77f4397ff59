"""A PostgreSQL and a Valkey of the bench's own, a database with the demo's province in it, and Django set up on them."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from config.embedded.postgres import EmbeddedPostgres
from config.embedded.supervisor import Supervisor
from config.embedded.valkey import EmbeddedValkey


@contextmanager
def bench_servers(*, durable: bool = True, demo: bool = True) -> Iterator[Path]:
    """Yields the bench's folder, with Django ready and migrated, areas and code lists loaded, and (`demo`) 700 units and 2,000 people in."""
    with tempfile.TemporaryDirectory(prefix="hoso-bench-") as name, Supervisor() as supervisor:
        home = Path(name)
        postgres = EmbeddedPostgres(home / "postgres", log=home / "postgres.log", durable=durable)
        valkey = EmbeddedValkey(home / "valkey", log=home / "valkey.log", durable=False)
        postgres.start(supervisor)
        valkey.start(supervisor)
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            connection.execute("create database bench")
        os.environ |= {
            "DATABASE_URL": postgres.url("bench"),
            "REDIS_URL": valkey.url(0),
            "SECRET_KEY": secrets.token_urlsafe(64),
            "INSECURE_HTTP": "1",
            "HOSO_TODAY": "2026-10-15",
            "VAR_DIRECTORY": str(home),
            "TRUST_DIRECTORY": str(home / "trust"),
            "LOG_LEVEL": "ERROR",
            "ALLOWED_HOSTS": "testserver",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        # Pages are measured without the manifest of static files, which collectstatic would have to write first.
        settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
        call_command("migrate", verbosity=0)
        with open(os.devnull, "w") as nowhere:
            for command in ("load_areas", "load_codes", *(("seed_demo",) if demo else ())):
                call_command(command, stdout=nowhere)
        yield home
