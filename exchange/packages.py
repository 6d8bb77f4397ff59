"""Packages for agencies without a line: what a USB stick carries from the agency to the hub, and the receipts that it carries back. Pure.

A package is a zip: `statement.json` (canonical JSON), `statement.p7s` (a detached signature over it) and one file for each batch, the very body that
a call would have. The statement names every file with its length and SHA-256, the package's number, and the digest of the statement before it:
nothing can be left out, added, altered or put in another order. Opening believes nothing that the zip says of itself.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Annotated, Literal, Protocol, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from exchange.catalogue_contract import MAX_CATALOGUES, CatalogueHeld
from exchange.contract import MAX_BODY, MAX_SIGNATURE, BatchStatus, Count, Digest, IdempotencyKey, ItemReceipt, Moment, encode

STATEMENT, SIGNATURE = "statement.json", "statement.p7s"
MAX_BATCHES = 20
MAX_STATEMENT = 64 * 1024
MAX_FILE = MAX_BATCHES * MAX_BODY + MAX_STATEMENT + MAX_SIGNATURE + 64 * 1024
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same package has the same bytes whenever it is written

Code = Annotated[str, Meta(min_length=1, max_length=35)]


class Reason(StrEnum):
    NO_PACKAGE = "NO_PACKAGE"
    TOO_LARGE = "TOO_LARGE"
    OTHER_ENTRIES = "OTHER_ENTRIES"
    STATEMENT_INVALID = "STATEMENT_INVALID"
    SIGNATURE_REFUSED = "SIGNATURE_REFUSED"
    CONTENT_DIFFERS = "CONTENT_DIFFERS"
    WRONG_AGENCY = "WRONG_AGENCY"
    CARRIED_TWICE = "CARRIED_TWICE"
    NUMBER_TAKEN = "NUMBER_TAKEN"
    ONE_MISSING = "ONE_MISSING"
    CHAIN_BROKEN = "CHAIN_BROKEN"
    NOT_PROCESSED = "NOT_PROCESSED"
    NOTHING_TO_CARRY = "NOTHING_TO_CARRY"
    OLDER_LISTS = "OLDER_LISTS"


class PackageRefused(Exception):
    """A package that is not taken, whole: nothing of it was kept. `detail` says what was found."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason.value}: {detail}")


class Part(Struct, forbid_unknown_fields=True, kw_only=True):
    """One file of a package: the body of a batch, or the receipts of one."""

    name: Annotated[str, Meta(pattern="^batches/[0-9]{4}\\.json$")]
    key: IdempotencyKey
    kind: Annotated[str, Meta(max_length=30)]
    items: Count
    length: Annotated[int, Meta(ge=2, le=MAX_BODY)]
    digest: Digest


class Statement(Struct, forbid_unknown_fields=True, kw_only=True):
    """What an agency says of a package. `sequence` counts from 1 without a gap; `previous` is the digest of the statement before it, if any.

    `catalogues` is how far it has the hub's code lists; left out by an agency that never read any.
    """

    schema: Literal["package/1"] = "package/1"
    agency: Code
    sequence: Annotated[int, Meta(ge=1, lt=2**31)]
    previous: Digest | None
    made_at: Moment
    parts: Annotated[list[Part], Meta(min_length=1, max_length=MAX_BATCHES)]
    catalogues: Annotated[list[CatalogueHeld], Meta(max_length=MAX_CATALOGUES)] | UnsetType = UNSET


class ReceiptsStatement(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the hub says back: the receipts of every batch of the package whose statement has the digest `package`."""

    schema: Literal["package_receipts/1"] = "package_receipts/1"
    hub: Code
    agency: Code
    sequence: Annotated[int, Meta(ge=1, lt=2**31)]
    package: Digest
    made_at: Moment
    parts: Annotated[list[Part], Meta(min_length=1, max_length=MAX_BATCHES)]


class BatchAnswer(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the calls for a batch's state and receipts would have answered."""

    status: BatchStatus
    receipts: list[ItemReceipt]


Said = TypeVar("Said", bound=Struct)
Parts = TypeVar("Parts", Statement, ReceiptsStatement)


class File(Protocol):
    """What a statement says of one file of its package."""

    name: str
    length: int
    digest: str


def part_made(number: int, *, key: str, kind: str, items: int, body: bytes) -> Part:
    """`number` counts from 1."""
    return Part(name=f"batches/{number:04}.json", key=key, kind=kind, items=items, length=len(body), digest=hashlib.sha256(body).hexdigest())


def package_write(file: IO[bytes], *, statement: bytes, signature: bytes, bodies: Iterable[tuple[str, bytes]]) -> None:
    """Write a package: the same bytes for the same content."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
        for name, content in ((STATEMENT, statement), (SIGNATURE, signature)):
            package.writestr(_entry(name), content)
        for name, content in bodies:
            package.writestr(_entry(name), content)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
    return entry


@dataclass(frozen=True)
class Opened:
    """A package whose statement can be read; what its parts hold is looked at by `body`."""

    package: zipfile.ZipFile
    statement: bytes
    signature: bytes

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.statement).digest()

    @staticmethod
    def stated(statement: bytes, shape: type[Said]) -> Said:
        """What a statement says. Raises PackageRefused."""
        try:
            said = msgspec.json.decode(statement, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PackageRefused(Reason.STATEMENT_INVALID, str(error)) from error
        if statement_bytes(said) != statement:
            raise PackageRefused(Reason.STATEMENT_INVALID, f"{STATEMENT} is not canonical")
        return said

    def read(self, shape: type[Parts]) -> Parts:
        """The statement; the package holds exactly the parts that it names. Raises PackageRefused."""
        said = self.stated(self.statement, shape)
        names = [one.name for one in said.parts]
        if sorted(self.package.namelist()) != sorted([STATEMENT, SIGNATURE, *names]) or len({one.key for one in said.parts}) < len(names):
            raise PackageRefused(Reason.OTHER_ENTRIES, "the package does not hold exactly the files that its statement names, each once")
        return said

    def body(self, part: File) -> bytes:
        """What a part holds, byte for byte as the statement says. Raises PackageRefused."""
        content = _inside(self.package, part.name, part.length)
        if len(content) != part.length or hashlib.sha256(content).hexdigest() != part.digest:
            raise PackageRefused(Reason.CONTENT_DIFFERS, f"{part.name} is not what the statement says; copy the package again")
        return content


def package_open(file: IO[bytes], *, size: int, most: int = MAX_BATCHES) -> Opened:
    """Open what somebody brought; `size` is the file's length in bytes, `most` how many files may lie beside the statement. Raises PackageRefused."""
    if size > MAX_FILE:
        raise PackageRefused(Reason.TOO_LARGE, f"{size} bytes; a package has at most {MAX_FILE}")
    try:
        package = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise PackageRefused(Reason.NO_PACKAGE, f"this is no package, or was not copied whole: {error}") from error
    if len(package.infolist()) > most + 2:
        raise PackageRefused(Reason.OTHER_ENTRIES, f"{len(package.infolist())} files; a package holds at most {most + 2}")
    return Opened(package, _inside(package, STATEMENT, MAX_STATEMENT), _inside(package, SIGNATURE, MAX_SIGNATURE))


def _inside(package: zipfile.ZipFile, name: str, most: int) -> bytes:
    """The content of one file, of which no more than `most` bytes are unpacked, whatever the zip says."""
    try:
        entry = package.getinfo(name)
        if entry.file_size > most:
            raise PackageRefused(Reason.TOO_LARGE, f"{name} says {entry.file_size} bytes; at most {most} are taken")
        with package.open(entry) as content:
            found = content.read(most + 1)
    except KeyError as error:
        raise PackageRefused(Reason.OTHER_ENTRIES, f"{name} is missing") from error
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, RuntimeError, NotImplementedError, zlib.error) as error:
        raise PackageRefused(Reason.CONTENT_DIFFERS, f"{name} cannot be read ({error}); copy the package again") from error
    if len(found) > most:
        raise PackageRefused(Reason.TOO_LARGE, f"{name} has more than {most} bytes")
    return found


def statement_bytes(said: Struct) -> bytes:
    return encode(said)


def answer_read(content: bytes) -> BatchAnswer:
    """Raises PackageRefused."""
    try:
        return msgspec.json.decode(content, type=BatchAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PackageRefused(Reason.STATEMENT_INVALID, f"receipts: {error}") from error


def chained(statement: bytes | None) -> str | None:
    """What the statement after this one names as the one before."""
    return hashlib.sha256(statement).hexdigest() if statement is not None else None
