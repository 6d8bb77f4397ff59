"""The two roles that the one program plays on this machine, and the commands of their processes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """`authority` is the agency identifier of Decision 20/2020/QĐ-TTg: H15 is Đắk Lắk, G09 the Ministry of Home Affairs."""

    name: str
    authority: str
    redis_number: int
    port_variable: str
    port: int

    @property
    def database(self) -> str:
        return f"hoso_{self.name}"

    @property
    def queue(self) -> str:
        return f"hoso-{self.name}"

    def processes(self, port: int) -> dict[str, Sequence[str]]:
        """Name and command of each long-running process, in the order of starting."""
        celery = [sys.executable, "-m", "celery", "-A", "config"]
        return {
            f"{self.name}-web": [
                *(sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{port}", "--preload"),
                *("--workers", "2", "--worker-class", "gthread", "--threads", "4", "--timeout", "120", "--access-logfile", "-"),
                # The path alone: what people search for by address, a citizen number perhaps, does not belong in a log.
                *("--access-logformat", '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(b)s', "--no-control-socket"),
            ],
            f"{self.name}-worker": [*celery, "worker", "-Q", self.queue, "-n", f"{self.name}@%h", "--concurrency", "2", "--loglevel", "INFO"],
            f"{self.name}-beat": [*celery, "beat", "--pidfile=", "--loglevel", "INFO"],
        }


AGENCY = Role("agency", authority="H15", redis_number=0, port_variable="PORT", port=8000)
HUB = Role("hub", authority="G09", redis_number=1, port_variable="HUB_PORT", port=8001)
ROLES = (AGENCY, HUB)
