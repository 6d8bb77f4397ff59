"""What an embedded installation remembers between two starts: its secrets, what has been done already, and who uses it now."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path


class InUse(Exception):
    """Another run works in the same folder; the message names its process."""


@dataclass(frozen=True)
class Secrets:
    """Made once for each folder, and readable by its owner alone. `channel` is the client secret between agency and hub."""

    agency: str
    hub: str
    channel: str

    @classmethod
    def of(cls, folder: Path) -> Secrets:
        file = folder / "secrets.json"
        if file.exists():
            return cls(**json.loads(file.read_text()))
        made = cls(**{item.name: secrets.token_urlsafe(48) for item in fields(cls)})
        write(file, json.dumps(asdict(made), indent=2), mode=0o600)
        return made


class Done:
    """Steps that need not be repeated as long as what they depend on is the same (its fingerprint)."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "state.json"
        self._steps: dict[str, str] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):
            self._steps = json.loads(self._file.read_text())

    def is_done(self, step: str, fingerprint: str = "once") -> bool:
        return self._steps.get(step) == fingerprint

    def forget(self) -> None:
        self._steps = {}

    def mark(self, step: str, fingerprint: str = "once") -> None:
        self._steps[step] = fingerprint
        write(self._file, json.dumps(self._steps, indent=2))


def fingerprint(files: Iterable[Path]) -> str:
    """SHA-256 over the names and contents of the files."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(str(file).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def write(file: Path, text: str, *, mode: int = 0o644) -> None:
    """Replace a file as a whole, so that a cut-off run leaves the old one or the new one."""
    half = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as output:
        output.write(text + "\n")
    half.replace(file)


@contextlib.contextmanager
def used_by_us(folder: Path) -> Iterator[None]:
    """Hold the folder against a second run; the kernel lets go when this process ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise InUse(f"{folder} is in use by another run (process {lock.read().strip()}); stop that one with Ctrl-C first") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
