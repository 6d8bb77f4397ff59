"""What the sandbox keeps: batches by their key, what each database holds of a person, and what it was called with. One SQLite file, or memory.

No body of a call is kept in the log, only its size: what is played with may be real people.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TABLES = """
create table if not exists batch(key text primary key, side text not null, answer text not null);
create table if not exists body(key text primary key, body blob not null);
create table if not exists held(side text, number text, fields text not null, primary key (side, number));
create table if not exists fact(sequence integer primary key autoincrement, number text not null, fields text not null, unique (number, fields));
create table if not exists receipt(sequence integer primary key autoincrement, batch text not null, told text not null);
create index if not exists receipt_batch on receipt(batch);
create table if not exists call(
    id integer primary key autoincrement, at text not null, side text not null, what text not null, size integer not null, status integer not null,
    faults text not null);
"""
KEPT_CALLS = 2_000
OF_ALL = "select sequence, batch, told from receipt where sequence > ? order by sequence limit ?"
OF_BATCH = "select sequence, batch, told from receipt where sequence > ? and batch = ? order by sequence limit ?"


class Store:
    """`path` None keeps everything in memory. One connection behind one lock: a sandbox has little to do."""

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(str(path) if path is not None else ":memory:", check_same_thread=False, isolation_level=None)
        self._lock = threading.RLock()
        self._database.executescript(TABLES)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def batch(self, side: str, key: str) -> Any | None:
        """What was answered under a key."""
        found = self._one("select answer from batch where side = ? and key = ?", side, key)
        return json.loads(found[0]) if found else None

    def batch_keep(self, side: str, key: str, answer: Any) -> None:
        self._do("insert or ignore into batch(key, side, answer) values (?, ?, ?)", key, side, json.dumps(answer))

    def body(self, key: str) -> Any:
        """What was sent under a key."""
        found = self._one("select body from body where key = ?", key)
        return json.loads(found[0]) if found else None

    def body_keep(self, key: str, body: bytes) -> None:
        self._do("insert or ignore into body(key, body) values (?, ?)", key, body)

    def batch_forget(self, side: str, key: str) -> None:
        self._do("delete from batch where side = ? and key = ?", side, key)

    def batch_before(self, side: str, key: str) -> Any | None:
        """The answer of another batch, as a side that mixes its callers up would give it."""
        found = self._one("select answer from batch where side = ? and key <> ? order by rowid desc limit 1", side, key)
        return json.loads(found[0]) if found else None

    def held(self, side: str, number: str) -> dict[str, Any] | None:
        """What a side holds of the person with this number."""
        found = self._one("select fields from held where side = ? and number = ?", side, number)
        return json.loads(found[0]) if found else None

    def hold(self, side: str, number: str, fields: Mapping[str, Any]) -> None:
        self._do("insert or replace into held(side, number, fields) values (?, ?, ?)", side, number, json.dumps(fields))

    def let_go(self, side: str, number: str) -> None:
        self._do("delete from held where side = ? and number = ?", side, number)

    def holdings(self, side: str) -> list[tuple[str, dict[str, Any]]]:
        return [(number, json.loads(fields)) for number, fields in self._all("select number, fields from held where side = ? order by number", side)]

    def fact_add(self, number: str, fields: Mapping[str, Any]) -> None:
        """Something that the Party database has to tell; the same once."""
        self._do("insert or ignore into fact(number, fields) values (?, ?)", number, json.dumps(fields, sort_keys=True))

    def facts(self, after: int, limit: int) -> list[dict[str, Any]]:
        rows = self._all("select sequence, number, fields from fact where sequence > ? order by sequence limit ?", after, limit)
        return [{"sequence": sequence, "citizen_id": number, "fields": json.loads(fields)} for sequence, number, fields in rows]

    def receipts_issue(self, batch: str, told: Sequence[Mapping[str, Any]]) -> None:
        """Receipts of one batch, numbered in the order in which they are issued."""
        with self._lock:
            self._database.executemany("insert into receipt(batch, told) values (?, ?)", [(batch, json.dumps(one)) for one in told])

    def receipts_forget(self, batch: str) -> None:
        self._do("delete from receipt where batch = ?", batch)

    def receipts(self, batch: str, after: int, limit: int) -> list[dict[str, Any]]:
        """Receipts after a place, in their order: of one batch, or of all (an empty `batch`)."""
        which = OF_BATCH if batch else OF_ALL
        rows = self._all(which, after, *((batch,) if batch else ()), limit)
        return [{"sequence": sequence, "batch": of, **json.loads(told)} for sequence, of, told in rows]

    def call_note(self, side: str, what: str, size: int, status: int, faults: Sequence[str]) -> None:
        self._do(
            "insert into call(at, side, what, size, status, faults) values (?, ?, ?, ?, ?, ?)",
            *(datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"), side, what, size, status, ", ".join(faults)),
        )
        self._do("delete from call where id <= (select max(id) from call) - ?", KEPT_CALLS)

    def calls(self, limit: int = 60) -> list[tuple[str, str, str, int, int, str]]:
        """(time in UTC, side, method and path, bytes received, status, faults that struck), the latest first."""
        return self._all("select at, side, what, size, status, faults from call order by id desc limit ?", limit)

    def _one(self, statement: str, *values: Any) -> tuple[Any, ...] | None:
        with self._lock:
            return self._database.execute(statement, values).fetchone()

    def _all(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    def _do(self, statement: str, *values: Any) -> None:
        with self._lock:
            self._database.execute(statement, values)
