"""Which reader opens a file: the first bytes decide, never the name that its sender gave it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from registry.reading.dense import dense_sources
from registry.reading.errors import WorkbookRefused
from registry.reading.limits import Limits
from registry.reading.package import judge
from registry.reading.sheets import SheetSource
from registry.reading.text import text_source
from registry.reading.xlsx import xlsx_sources

_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # a workbook of today with a password is such a container
_KNOWN_OTHERS = (b"%PDF", b"{\\rtf", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf", b"<!DOCTYPE", b"<html", b"<?xml")


def book_sources(path: Path, *, name: str, limits: Limits) -> tuple[str, Sequence[SheetSource], tuple[str, ...]]:
    """The format, its sheets, and remarks on what is not read (codes of messages.REMARKS). Raises WorkbookRefused."""
    with path.open("rb") as handle:
        start = handle.read(16)
    if not start:
        raise WorkbookRefused("FILE_EMPTY", name)
    if start.startswith(_OLE):
        if _contains(path, _ENCRYPTED):
            raise WorkbookRefused("LOCKED", name)
        return "xls", dense_sources(path, kind="xls", name=name, limits=limits), ()
    if start.startswith(b"PK"):
        package = judge(path, name=name, limits=limits)
        if package.kind == "xlsx":
            return "xlsx", xlsx_sources(package, name=name), package.notes
        return package.kind, dense_sources(path, kind=package.kind, name=name, limits=limits), package.notes
    if start.lstrip().startswith(_KNOWN_OTHERS):
        raise WorkbookRefused("NOT_A_WORKBOOK", name)
    return "csv", [text_source(path, name=name, limits=limits)], ()


def _contains(path: Path, wanted: bytes) -> bool:
    tail = b""
    with path.open("rb") as handle:
        while piece := handle.read(1024 * 1024):
            if wanted in tail + piece:
                return True
            tail = piece[-len(wanted) :]
    return False
