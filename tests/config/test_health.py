"""`/health`: what it tells, when it says 503, and what it keeps to itself."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from config import health, heartbeat


@pytest.fixture
def worker_alive(db: None) -> None:
    cache.set(heartbeat.KEY, time.time(), 60)


def ask(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/health")
    return answer.status_code, answer.json()


def test_all_is_well(client: Client, worker_alive: None) -> None:
    status, body = ask(client)

    assert status == 200
    assert body["status"] == "ok"
    assert body["role"] == "agency"
    assert {name: detail["ok"] for name, detail in body["checks"].items()} == dict.fromkeys(health.CHECKS, True)
    assert body["checks"]["migrations"]["pending"] == 0
    assert body["checks"]["deliveries"]["oldest_due_seconds"] is None


@pytest.mark.parametrize("age", [61, None], ids=["silent for a minute", "never heard of"])
def test_a_silent_worker(client: Client, db: None, age: int | None) -> None:
    cache.delete(heartbeat.KEY)
    if age is not None:
        cache.set(heartbeat.KEY, time.time() - age, 60)

    status, body = ask(client)

    assert (status, body["status"], body["checks"]["worker"]) == (503, "failing", {"ok": False, "seconds_since_heartbeat": age})
    assert body["checks"]["database"]["ok"]


def test_the_worker_writes_its_heartbeat_once_in_ten_seconds(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.delete(heartbeat.KEY)
    monkeypatch.setattr(heartbeat, "_last_beat", -1_000.0)

    heartbeat.heartbeat_sent.send(sender=None)
    first = cache.get(heartbeat.KEY)
    heartbeat.heartbeat_sent.send(sender=None)

    assert heartbeat.seconds_since_beat() < 5
    assert cache.get(heartbeat.KEY) == first


def test_a_migration_that_is_not_applied(client: Client, worker_alive: None) -> None:
    MigrationRecorder(connection).record_unapplied("orgtree", "0001_initial")

    status, body = ask(client)

    assert (status, body["checks"]["migrations"]) == (503, {"ok": False, "pending": 1})


def test_a_database_that_is_away_is_told_without_its_address(client: Client, worker_alive: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def refuse() -> dict[str, Any]:
        raise OperationalError("connection to server at db.secret.example failed: password authentication failed for user hoso")

    monkeypatch.setitem(health.CHECKS, "database", refuse)

    status, body = ask(client)

    assert (status, body["checks"]["database"]) == (503, {"ok": False})
    assert "secret" not in json.dumps(body)


def test_a_broker_that_is_away(client: Client, db: None, settings: Any) -> None:
    away = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": away}

    status, body = ask(client)

    assert status == 503
    assert body["checks"]["broker"] == {"ok": False}
    assert body["checks"]["worker"] == {"ok": False}
    assert body["checks"]["database"]["ok"]


def test_deliveries_that_wait_are_told_and_do_not_count(client: Client, worker_alive: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    from orgtree import clock

    monkeypatch.setattr(health, "oldest_due", lambda: clock.now() - timedelta(hours=2))

    status, body = ask(client)

    assert status == 200
    assert body["checks"]["deliveries"]["oldest_due_seconds"] == pytest.approx(7_200, abs=60)


def test_it_is_open_to_everybody_and_never_cached(client: Client, worker_alive: None) -> None:
    answer = client.get("/health")

    assert "no-store" in answer["Cache-Control"]
    assert client.post("/health").status_code == 405


def test_load_balancers_may_ask_over_plain_http(client: Client, worker_alive: None, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert client.get("/health").status_code == 200
    assert client.get("/").status_code == 301
