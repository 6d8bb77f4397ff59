"""Files of evidence on disk: named after what is in them, stored once, outside the web root; nobody's name is ever a path.

Not here: which request they belong to (`services.attachments`) and who may see them.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files import File

from orgtree import clock
from workflows.choices import AttachmentKind
from workflows.errors import EvidenceRefused

MEGABYTE = 1024 * 1024
HEAD, TAIL = 1024, 2048
YOUNG = timedelta(days=1)  # a file may wait this long for the row that names it
_NAME = re.compile(r"[0-9a-f]{64}")
_keepers: list[Callable[[], Iterable[str]]] = []


@dataclass(frozen=True)
class Kept:
    """A file that is on disk now."""

    sha256: str
    kind: AttachmentKind
    size: int


def folder() -> Path:
    return settings.VAR_DIRECTORY / "evidence"


def path_of(sha256: str) -> Path:
    """Where the file with that hash stands; raises ValueError for anything that is no hash."""
    if not _NAME.fullmatch(sha256):
        raise ValueError("not a SHA-256 in hexadecimal")
    return folder() / sha256[:2] / sha256


def file_keep(file: File) -> Kept:
    """Store the bytes, once however often they come. Raises EvidenceRefused for an empty, too large or foreign file."""
    if not file.size:
        raise EvidenceRefused.empty()
    if file.size > settings.EVIDENCE_MAX_BYTES:
        raise EvidenceRefused.too_large(settings.EVIDENCE_MAX_BYTES // MEGABYTE)
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder(), prefix="new-")
    try:
        with os.fdopen(handle, "wb") as out:
            sha256, head, tail, size = _copy(file.chunks(), out)
        kind = sniffed(head, tail)
        place = path_of(sha256)
        place.parent.mkdir(mode=0o700, exist_ok=True)
        os.replace(temporary, place)  # the same bytes or none: replacing is harmless, and makes the file young again
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return Kept(sha256, kind, size)


def sniffed(head: bytes, tail: bytes) -> AttachmentKind:
    """What the bytes are, by their beginning and end. Raises EvidenceRefused for anything but a whole PDF, JPEG or PNG."""
    if head.startswith(b"%PDF-") and b"%%EOF" in tail:
        return AttachmentKind.PDF
    if head.startswith(b"\xff\xd8\xff") and b"\xff\xd9" in tail:
        return AttachmentKind.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n") and b"IEND\xaeB`\x82" in tail:
        return AttachmentKind.PNG
    raise EvidenceRefused.foreign()


def keep_named_by(names: Callable[[], Iterable[str]]) -> None:
    """An app above asks, in its ready(), that the files whose hashes `names` gives are kept, too."""
    _keepers.append(names)


def named_above() -> set[str]:
    """The hashes that apps above name."""
    return {sha256 for names in _keepers for sha256 in names()}


def files_sweep(*, named: Iterable[str]) -> int:
    """Delete files that no row names and that are older than a day, and what a broken upload left; returns how many."""
    kept, oldest, swept = set(named), (clock.now() - YOUNG).timestamp(), 0
    for path in folder().glob("**/*") if folder().is_dir() else ():
        if path.is_file() and path.name not in kept and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
            swept += 1
    return swept


def _copy(chunks: Iterable[bytes], out: object) -> tuple[str, bytes, bytes, int]:
    """Hash, first and last bytes and size of what was written; the size that the sender claimed is not believed."""
    hashed, head, tail, size = hashlib.sha256(), b"", b"", 0
    for chunk in chunks:
        size += len(chunk)
        if size > settings.EVIDENCE_MAX_BYTES:
            raise EvidenceRefused.too_large(settings.EVIDENCE_MAX_BYTES // MEGABYTE)
        hashed.update(chunk)
        out.write(chunk)  # type: ignore[attr-defined]
        head = (head + chunk)[:HEAD] if len(head) < HEAD else head
        tail = (tail + chunk)[-TAIL:]
    return hashed.hexdigest(), head, tail, size
