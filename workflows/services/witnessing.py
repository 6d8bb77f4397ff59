"""Seals handed to an outside witness, so that a ledger that was cut short or written anew, its own seals with it, is found.

Whoever rules the database can rewrite everything in it, and every seal agrees with what it seals; what such a person cannot reach is what
somebody else has written down. A witness is a file on another volume (WITNESS_FILE) or the hub (WITNESS_CHANNEL, by `exchange.services.witnessing`).
It is told the newest link of both chains, ledger and audit trail; one link stands for everything before it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec
from django.conf import settings
from django.db import transaction

from orgtree import clock
from orgtree.locks import Lock, advisory_lock
from workflows.documents import canonical
from workflows.models import AuditSeal, Seal, SealSeen, SealTold
from workflows.services.audit import audit

logger = logging.getLogger(__name__)

SCHEMA = "witness/1"
AT_LEAST_EVERY = timedelta(hours=24)
LEDGER, AUDIT = "ledger", "audit"
CHAINS: dict[str, type[Seal] | type[AuditSeal]] = {LEDGER: Seal, AUDIT: AuditSeal}
MAX_FILE = 64 * 1024 * 1024


class WitnessSilent(Exception):
    """A witness cannot be told or asked. The message says why, for the operator."""


class SealContradicted(Exception):
    """Where we are the witness: what is told does not go on from what was told before. `code` is SEAL_REWRITTEN or SEAL_BACKWARDS."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Link:
    """One link of a chain of seals: its number and its SHA-256 as hex."""

    chain: str
    sequence: int
    digest: str


class Witness(Protocol):
    """Somebody outside the database. `name` is for people and for the table of what was told."""

    name: str

    def tell(self, body: bytes) -> None:
        """Keep a statement `witness/1`. Raises WitnessSilent, and SealContradicted when the witness knows otherwise."""

    def told(self) -> Iterable[Link]:
        """Every link that the witness keeps of us. Raises WitnessSilent."""


class FileWitness:
    """A file on another volume to which a line is added, and none is ever changed by us."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = f"file {path}"

    def tell(self, body: bytes) -> None:
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                os.write(handle, body + b"\n")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise WitnessSilent(f"{self.path}: {error.strerror}") from error

    def told(self) -> Iterator[Link]:
        try:
            if self.path.stat().st_size > MAX_FILE:
                raise WitnessSilent(f"{self.path} is larger than {MAX_FILE} bytes")
            lines = self.path.read_bytes().splitlines()
        except OSError as error:
            raise WitnessSilent(f"{self.path}: {error.strerror}") from error
        for number, line in enumerate(lines, 1):
            try:
                yield from links_of(line)
            except ValueError as error:
                raise WitnessSilent(f"{self.path}, line {number}: {error}") from error


_others: list[Callable[[], Iterable[Witness]]] = []


def witnesses_also(found: Callable[[], Iterable[Witness]]) -> None:
    """Say where more witnesses come from; called once, when the program starts."""
    if found not in _others:
        _others.append(found)


def witnesses() -> list[Witness]:
    """Everybody who is to be told."""
    own = [FileWitness(settings.WITNESS_FILE)] if settings.WITNESS_FILE else []
    return [*own, *(one for found in _others for one in found())]


def statement_now() -> tuple[bytes, dict[str, Link]]:
    """The statement `witness/1` (canonical JSON: schema, authority, at, ledger, audit) and the newest link of each chain that has one."""
    newest = {name: _newest(name) for name in CHAINS}
    links = {name: link for name, link in newest.items() if link is not None}
    said = {name: {"sequence": link.sequence, "digest": link.digest} if link else None for name, link in newest.items()}
    at = clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return canonical({"schema": SCHEMA, "authority": settings.AUTHORITY, "at": at, **said}), links


def links_of(body: bytes) -> list[Link]:
    """The links that a statement names. Raises ValueError when it is none, or another authority's."""
    try:
        said = msgspec.json.decode(body, type=dict[str, str | dict[str, int | str] | None])
        if said["schema"] != SCHEMA or said["authority"] != settings.AUTHORITY:
            raise ValueError(f"it is not {SCHEMA} of {settings.AUTHORITY}")
        return [Link(name, int(one["sequence"]), str(one["digest"])) for name in CHAINS if isinstance(one := said[name], dict)]
    except (msgspec.DecodeError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"it cannot be read: {error}") from error


def witnesses_tell() -> list[str]:
    """Hand the newest seals to every witness that has not had them, and once a day in any case; returns the names of those told.

    A witness that is away is told by the next run. One that contradicts is told again too: it must be looked into, and the audit trail says so.
    """
    told = []
    body, links = statement_now()
    for witness in witnesses():
        if not links or not _is_due(witness, links):
            continue
        try:
            witness.tell(body)  # outside any transaction: told twice is told once
        except WitnessSilent as silent:
            logger.warning("Witness %s: %s", witness.name, silent)
            continue
        except SealContradicted as contradicted:
            logger.error("Witness %s contradicts: %s %s", witness.name, contradicted.code, contradicted)
            audit(actor=None, action="witness.contradicted", witness=witness.name, code=contradicted.code, what=str(contradicted)[:300])
            continue
        numbers = {name: link.sequence for name, link in links.items()}
        SealTold.objects.create(witness=witness.name[:100], body=body, ledger=numbers.get(LEDGER, 0), audit=numbers.get(AUDIT, 0))
        told.append(witness.name)
    return told


def seconds_since_told() -> dict[str, int | None]:
    """For each witness how long ago it was last told; None for never."""
    latest = {one.name: SealTold.objects.filter(witness=one.name[:100]).order_by("-told_at").first() for one in witnesses()}
    return {name: round((clock.now() - row.told_at).total_seconds()) if row else None for name, row in latest.items()}


def witness_damages() -> Iterator[tuple[str, str]]:
    """(place, what) of everything that a witness was told and that is not so here: cut short, or written anew with its seals."""
    for witness in witnesses():
        try:
            links = list(witness.told())
        except WitnessSilent as silent:
            if SealTold.objects.filter(witness=witness.name[:100]).exists():
                yield witness.name, f"it cannot be asked, so nothing was compared with it: {silent}"
            continue
        for chain in CHAINS:
            yield from _compare(witness.name, chain, [link for link in links if link.chain == chain])


def seals_take(*, authority: str, at: datetime, links: Sequence[Link]) -> None:
    """Where we are the witness: keep what `authority` tells of its chains. Raises SealContradicted; nothing of the statement is kept then."""
    try:
        with transaction.atomic():
            advisory_lock(Lock.WITNESS, authority)
            for link in links:
                _take(authority, at, link)
    except SealContradicted as contradicted:
        audit(actor=None, action="witness.contradicts", authority=authority, code=contradicted.code, what=str(contradicted)[:300])
        raise


def _take(authority: str, at: datetime, link: Link) -> None:
    own = SealSeen.objects.filter(authority=authority, chain=link.chain)
    known = own.filter(sequence=link.sequence).first()
    if known is not None:
        if bytes(known.digest).hex() != link.digest:
            raise SealContradicted("SEAL_REWRITTEN", f"seal {link.sequence} of the {link.chain} was told with another digest on {known.at:%Y-%m-%d}")
        return
    newest = own.order_by("-sequence").first()
    if newest is not None and newest.sequence > link.sequence:
        what = f"seal {newest.sequence} of the {link.chain} was told on {newest.at:%Y-%m-%d}; now its last is said to be {link.sequence}"
        raise SealContradicted("SEAL_BACKWARDS", what)
    SealSeen.objects.create(authority=authority, chain=link.chain, sequence=link.sequence, digest=bytes.fromhex(link.digest), at=at)


def _newest(chain: str) -> Link | None:
    row = CHAINS[chain].objects.order_by("-sequence").first()
    return Link(chain, row.sequence, bytes(row.digest).hex()) if row else None


def _is_due(witness: Witness, links: dict[str, Link]) -> bool:
    last = SealTold.objects.filter(witness=witness.name[:100]).order_by("-told_at").first()
    if last is None or clock.now() - last.told_at > AT_LEAST_EVERY:
        return True
    return any(link.sequence > getattr(last, name) for name, link in links.items() if name == LEDGER)


def _compare(name: str, chain: str, links: Sequence[Link]) -> Iterator[tuple[str, str]]:
    kept = CHAINS[chain].objects.filter(sequence__in={link.sequence for link in links})
    here = {sequence: bytes(digest).hex() for sequence, digest in kept.values_list("sequence", "digest")}
    for link in sorted(links, key=lambda one: one.sequence):
        place = f"seal {link.sequence} of the {chain}"
        if link.sequence not in here:
            yield place, f"the {chain} was cut short: {name} was told of this seal"
        elif here[link.sequence] != link.digest:
            yield place, f"the {chain} was written anew up to here: {name} was told {link.digest[:16]}"
