"""The exchange archive: what was said to whom and when, kept whatever came of it.

Calls of ours are noted in memory by whichever thread makes them and written by the thread that works with the database, one insert for
a wave of calls. Calls of others are noted by `exchange.middleware`, the one place that every interface passes.

Not here: the bodies (digest and length only), and secrets (a header that holds one keeps its name).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import Any

import psycopg
from django.db import transaction
from psycopg.types.json import Jsonb

from exchange.choices import Transport, Way
from exchange.copying import rows_copy
from exchange.models import ArchivedExchange
from orgtree.locks import Lock
from workflows.services.months import MonthlyTable

ARCHIVE = MonthlyTable("exchange_archivedexchange", make="hoso_archive_month", ahead=3, lock=Lock.ARCHIVE_MONTHS, columns="*")
OK = "ok"
HIDDEN = "•••"
SECRETS = re.compile("authorization|cookie|secret|token|password|credential|signature|api-?key", re.IGNORECASE)
MOST_HEADERS, LONGEST = 40, 200


@dataclass(frozen=True, kw_only=True)
class Said:
    """One half of an exchange: headers as they may be kept, digest and length of the body."""

    headers: Mapping[str, str] = field(default_factory=dict)
    digest: bytes | None = None
    length: int = 0

    @classmethod
    def of(cls, headers: Mapping[str, str], body: bytes, *, secret: bool = False) -> Said:
        """`secret`: the body is one (a token), so not even its digest is kept."""
        return cls(headers=headers_kept(headers), digest=None if secret or not body else sha256(body).digest(), length=len(body))


def headers_kept(headers: Mapping[str, str], secret_names: Iterable[str] = ()) -> dict[str, str]:
    """Headers as the archive keeps them: in lower case, shortened, and without what could be a secret."""
    hidden = {name.lower() for name in secret_names}
    kept: dict[str, str] = {}
    for name, value in list(headers.items())[:MOST_HEADERS]:
        secret = SECRETS.search(name) is not None or name.lower() in hidden
        kept[name.lower()[:LONGEST]] = HIDDEN if secret else value[:LONGEST].replace("\0", "")
    return kept


@dataclass
class Archive:
    """What one connector exchanged and what is not written down yet. Calls come from several threads; `write` from one.

    A worker killed between a call and `write` leaves no entry of it; that the call was made stands in its attempt, which is written before.
    """

    transport: str = Transport.DIRECT
    entries: list[ArchivedExchange] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def note(self, **values: Any) -> None:
        """Remember one exchange; the values are fields of `ArchivedExchange`, `request` and `answer` are `Said`."""
        entry = entry_made(way=Way.OUT, transport=self.transport, **values)
        with self._lock:
            self.entries.append(entry)

    def write(self, *, channel_id: int | None) -> None:
        """Write down what was noted since the last time: one statement. A channel that is nowhere kept (None) has no archive."""
        with self._lock:
            entries, self.entries = self.entries, []
        if channel_id is None:
            return
        for entry in entries:
            entry.channel_id = channel_id
        exchanges_keep(entries)


def entry_made(*, request: Said, answer: Said, at: datetime, method: str, address: str, reference: str = "", code: str = "", **values: Any) -> Any:
    """An entry whose texts fit their columns."""
    return ArchivedExchange(
        at=at,
        method=method[:8],
        address=address[:500],
        reference=reference[:128],
        code=code[:40],
        request_headers=dict(request.headers),
        request_digest=request.digest,
        request_length=request.length,
        answer_headers=dict(answer.headers),
        answer_digest=answer.digest,
        answer_length=answer.length,
        **values,
    )


def exchanges_keep(entries: list[ArchivedExchange]) -> None:
    """Insert entries, in one statement."""
    if not entries:
        return
    rows = [[_written(name, getattr(entry, name)) for name in COLUMNS] for entry in entries]
    try:
        with transaction.atomic():
            rows_copy(ArchivedExchange, COLUMNS, rows)
    except psycopg.IntegrityError as error:
        # Nobody made this month, because the scheduler stood still: make it and write again.
        if "no partition" not in str(error):
            raise
        ARCHIVE.prepare()
        rows_copy(ArchivedExchange, COLUMNS, rows)


def _written(name: str, value: Any) -> Any:
    """A value as COPY takes it. PostgreSQL keeps no NUL, and anybody can write one into an address."""
    if isinstance(value, dict):
        return Jsonb(value)
    if name == "caller" and value is not None:
        return ip_address(value)
    return _kept(value) if isinstance(value, str) else value


def _kept(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


COLUMNS = {
    "at": "timestamptz", "milliseconds": "int4", "way": "text", "channel_id": "int8", "agency_id": "int8", "client": "text", "transport": "text",
    "method": "text", "address": "text", "reference": "text", "status": "int2", "outcome": "text", "code": "text", "request_headers": "jsonb",
    "request_digest": "bytea", "request_length": "int4", "answer_headers": "jsonb", "answer_digest": "bytea", "answer_length": "int4",
    "caller": "inet",
}  # fmt: skip
