"""The whole program on one machine: PostgreSQL, Valkey, and for agency and hub each a web server, a worker and a beat.

`make run` and `make demo` are made of it (`console`), and so are the black-box tests:

    with Stack(tmp_path, durable=False) as stack:      # servers up, migrated, areas and codes loaded
        stack.seed()                                   # the demo's logins, certificates, units and people; the hub knows the agency
        stack.serve()                                  # web, worker and beat of both roles, healthy
        stack.url(AGENCY), stack.env(HUB), stack.pids["agency-worker"]
        stack.kill("agency-worker", signal.SIGKILL); stack.start("agency-worker")
        print(stack.manage(AGENCY, "verify_ledger"))
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from config.demo.people import TODAY
from config.embedded.keeping import Done, Secrets, fingerprint, used_by_us, write
from config.embedded.postgres import EmbeddedPostgres
from config.embedded.roles import AGENCY, HUB, ROLES, Role
from config.embedded.supervisor import ChildFailed, Supervisor
from config.embedded.valkey import EmbeddedValkey, free_port
from config.environment import Environment

ROOT = Path(__file__).resolve().parents[2]
CHANNEL = "national-hub"
REGISTERS = ("population", "party")
_LONG_LOG_BYTES = 5_000_000
_LOADERS = ("load_areas", "load_codes")
_DATA_FILES = ("orgtree/data/**/*", "registry/data/**/*", "orgtree/services/areas.py", "registry/services/codes.py")

Report = Callable[[str, float], None]


class PortTaken(Exception):
    """Another program listens on a port that the web server should have; the message says how to choose another."""


def _silent(step: str, seconds: float) -> None:
    """The default report of a stack in a test."""


@dataclass
class Stack:
    """Use as a context manager. `ports` gives the web ports (a role that is missing gets a free one); `report` is told of every step."""

    var: Path
    ports: Mapping[str, int] = field(default_factory=dict)
    durable: bool = True
    report: Report = _silent
    hub_login: str = "quantri"
    authority: str = AGENCY.authority  # which agency this is; another one where several meet
    sandbox_port: int | None = None  # where the other databases are played, if at all; another one when it is taken

    def __post_init__(self) -> None:
        self.var = self.var.absolute()
        self.logs = self.var / "log"
        self.supervisor = Supervisor()
        self._leaving = contextlib.ExitStack()
        self._sandbox_port = _free_or_other(self.sandbox_port) if self.sandbox_port is not None else None
        self._ports = {role.name: self.ports.get(role.name) or free_port() for role in ROLES}
        self._commands = {name: (role, command) for role in ROLES for name, command in role.processes(self._ports[role.name]).items()}

    def __enter__(self) -> Stack:
        for role in ROLES:
            _refuse_taken_port(self._ports[role.name], role)
        with contextlib.ExitStack() as entering:
            entering.enter_context(used_by_us(self.var))
            entering.enter_context(self.supervisor)
            self._start_servers()
            self._prepare()
            self._leaving = entering.pop_all()
        return self

    def __exit__(self, *details: object) -> None:
        self._leaving.close()

    @property
    def pids(self) -> dict[str, int]:
        """Process numbers of the running children, by name."""
        return {name: child.pid for name, child in self.supervisor.children.items()}

    def url(self, role: Role) -> str:
        return f"http://127.0.0.1:{self._ports[role.name]}"

    def env(self, role: Role) -> dict[str, str]:
        """The environment in which this role's processes run; nothing of the caller's own configuration passes through."""
        ours = {item.name.upper() for item in fields(Environment)}
        inherited = {name: value for name, value in os.environ.items() if name not in ours}
        return inherited | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": self.postgres.url(role.database),
            "REDIS_URL": self.valkey.url(role.redis_number),
            "SECRET_KEY": getattr(self.secrets, role.name),
            "HOSO_ROLE": role.name,
            "HOSO_AUTHORITY": self.authority if role is AGENCY else role.authority,
            "HOSO_CHANNEL_SECRETS": self._channel_secrets() if role is AGENCY else "",
            "HOSO_TODAY": TODAY.isoformat(),
            "INSECURE_HTTP": "1",
            "TRUST_DIRECTORY": str(self.var / "trust"),
            "VAR_DIRECTORY": str(self.var if role is AGENCY else self.var / role.name),
        }

    def manage(self, role: Role, *arguments: str, stdin: str | None = None, echo: bool = False, extra: Mapping[str, str] | None = None) -> str:
        """Run a management command to its end and give what it printed (or let it print, with `echo`); raises ChildFailed.

        `extra` is added to the role's environment.
        """
        name, log = self._launch_command(role, arguments, stdin=stdin, echo=echo, extra=extra or {})
        self.supervisor.finish(name)
        return "" if log is None else log.read_text(errors="replace")

    def manage_together(self, commands: Iterable[tuple[Role, Sequence[str]]]) -> None:
        """Run several management commands at the same time, to the end of the last."""
        self.supervisor.finish(*[self._launch_command(role, arguments)[0] for role, arguments in commands])

    def introduce(self) -> None:
        """Agency and hub learn of each other: the hub a client with the channel's secret, the agency the hub's address of today."""
        client = f"{AGENCY.authority}-{CHANNEL}"
        known = f"{self.url(HUB)} {client}"
        if self.done.is_done("introduction", known):
            return
        admit = ("hub_agency", "--code", AGENCY.authority, "--name", "Tỉnh Đắk Lắk", "--client-id", client, "--secret-stdin")
        send = ("channel_set", "--code", CHANNEL, "--url", self.url(HUB), "--client-id", client)
        commands = [self._launch_command(HUB, admit, stdin=self.secrets.channel), self._launch_command(AGENCY, send)]
        self.supervisor.finish(*[name for name, _ in commands])
        self.done.mark("introduction", known)

    def seed(self, *, introduced: bool = True) -> None:
        """The demo's logins, certificates, units and people; agency and hub introduced, if they are to be. What is there already stays.

        The certificates' revocation lists are issued anew at every start, since they expire.
        """
        self._step("revocation lists", lambda: self.manage(AGENCY, "demo_pki"))
        if introduced:
            self._step("agency and hub introduced", self.introduce)
        if not self.done.is_done("demo data"):
            self._step("demo data", lambda: self.manage(AGENCY, "seed_demo"))
            self._step("login of the hub", self._hub_login)
            self.done.mark("demo data")

    def main_job(self) -> None:
        """The demo's main job, from the workbook to the hub's receipts, told line by line; raises ChildFailed unless every count adds up."""
        hub = self.var / "hub-env.json"
        write(hub, json.dumps(self.env(HUB)), mode=0o600)
        self.manage(AGENCY, "demo_run", "--hub-env", str(hub), echo=True)

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self._sandbox_port}"

    def play_registers(self) -> None:
        """Start the sandbox, and have it be the population and Party databases: everybody is compared in the background."""
        self._step("population and Party databases", self._registers_play)

    def demo(self) -> dict[str, Any]:
        """What `seed` wrote for people and tests that want to take part: logins, password, PIN."""
        return json.loads((self.var / "demo.json").read_text())

    def serve(self) -> None:
        """Start web, worker and beat of both roles; returns once `/health` of both says that all is well."""
        begin = time.monotonic()
        for name in self._commands:
            if not name.endswith("-beat"):
                self.start(name)
        for role in ROLES:
            for kind in ("web", "worker"):
                child = self.supervisor.children[f"{role.name}-{kind}"]
                self.supervisor.wait_ready(child, lambda role=role: self.health(role).get("status") == "ok", seconds=120, pause=0.2)
        for role in ROLES:  # last, since nobody waits for it, and it would only make the others slower to start
            self.start(f"{role.name}-beat")
        self.report("web servers and workers", time.monotonic() - begin)

    def health(self, role: Role) -> dict[str, Any]:
        """What `/health` of the role answers, or nothing when it does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url(role)}/health", timeout=5) as answer:  # noqa: S310  (our own address)
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return json.load(error) if error.code == 503 else {}
        except (OSError, ValueError):
            return {}

    def start(self, name: str) -> None:
        """Start one of the processes by its name (again, after `kill` or `stop`)."""
        servers = {"postgres": self.postgres, "valkey": self.valkey}
        if name in servers:
            servers[name].start(self.supervisor)
            return
        role, command = self._commands[name]
        self.supervisor.start(name, command, env=self.env(role), cwd=ROOT, log=self.logs / f"{name}.log", wave=1)

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        self.supervisor.kill(name, how)

    def stop(self, name: str) -> None:
        self.supervisor.stop(name)

    def watch(self) -> None:
        """Block until a child ends by itself or a signal arrives."""
        self.supervisor.watch()

    def _registers_play(self) -> None:
        options = ("--port", str(self._sandbox_port), "--state", str(self.var / "sandbox" / "state.sqlite"))
        command = [sys.executable, "-m", "exchange.sandbox", *options]
        env = {**self.env(AGENCY), "SANDBOX_SECRET": self.secrets.channel}
        child = self.supervisor.start("sandbox", command, env=env, cwd=ROOT, log=self.logs / "sandbox.log", wave=1)
        self.supervisor.wait_ready(child, lambda: _answers(f"{self.sandbox_url}/state.json"))
        if not self.done.is_done("registers", self.sandbox_url):
            self.manage(AGENCY, "register_set", *REGISTERS, "--url", self.sandbox_url, "--client-id", AGENCY.authority)
            self.done.mark("registers", self.sandbox_url)

    def _channel_secrets(self) -> str:
        """The channel's secret, which the sandbox shares where it is played: all of this stays on one machine."""
        codes = (CHANNEL, *REGISTERS) if self._sandbox_port is not None else (CHANNEL,)
        return ",".join(f"{code}={self.secrets.channel}" for code in codes)

    def _start_servers(self) -> None:
        begin = time.monotonic()
        (self.var / HUB.name).mkdir(parents=True, exist_ok=True)
        _put_long_logs_aside(self.logs)
        self.secrets, self.done = Secrets.of(self.var), Done(self.var)
        self.postgres = EmbeddedPostgres(self.var / "postgres", log=self.logs / "postgres.log", durable=self.durable)
        self.valkey = EmbeddedValkey(self.var / "valkey", log=self.logs / "valkey.log", durable=self.durable)
        self.postgres.start(self.supervisor)
        self.valkey.start(self.supervisor)
        if self.postgres.create_database(AGENCY.database):
            self.done.forget()  # somebody removed the data: whatever was done is to be done again
        self.report("PostgreSQL and Valkey", time.monotonic() - begin)

    def _prepare(self) -> None:
        """Tables, static files, areas and code lists; each only when what it is made of has changed.

        At first they are the same for both roles, so the hub's database begins as a copy of the agency's.
        """
        requirements = ROOT / "requirements.txt"
        roles = ROLES if self.postgres.has_database(HUB.database) else (AGENCY,)
        self._unless_done("tables", [requirements, *ROOT.glob("*/migrations/*.py")], "migrate", "--no-input", roles=roles)
        self._collect_static([requirements, *_files("static/**/*"), ROOT / "config" / "settings.py"])
        for loader in _LOADERS:
            self._unless_done(loader.replace("_", " "), _files(*_DATA_FILES), loader, roles=roles)
        self.postgres.create_database(HUB.database, template=AGENCY.database)

    def _hub_login(self) -> None:
        password = {"DJANGO_SUPERUSER_PASSWORD": self.demo()["password"]}
        arguments = ("--no-input", "--username", self.hub_login, "--email", f"{self.hub_login}@hub.invalid")
        self.manage(HUB, "createsuperuser", *arguments, extra=password)

    def _collect_static(self, files: Iterable[Path]) -> None:
        """Static files are the checkout's, not this folder's: every stack of the checkout serves the same."""
        made_of, mark = ROOT / "var" / "static.made-of", fingerprint(files)
        if (ROOT / "var" / "static" / "staticfiles.json").exists() and made_of.exists() and made_of.read_text().strip() == mark:
            return
        self._step("static files", lambda: self.manage(AGENCY, "collectstatic", "--no-input"))
        write(made_of, mark)

    def _unless_done(self, step: str, files: Iterable[Path], *arguments: str, roles: Sequence[Role]) -> None:
        mark = fingerprint(files)
        if self.done.is_done(step, mark):
            return
        self._step(step, lambda: self.manage_together((role, arguments) for role in roles))
        self.done.mark(step, mark)

    def _step(self, step: str, work: Callable[[], object]) -> None:
        begin = time.monotonic()
        work()
        self.report(step, time.monotonic() - begin)

    def _launch_command(
        self,
        role: Role,
        arguments: Sequence[str],
        *,
        stdin: str | None = None,
        echo: bool = False,
        extra: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[str, Path | None]:
        name = f"{role.name} {arguments[0]}"
        log = None if echo else self.logs / f"{role.name}-{arguments[0]}.log"
        if log is not None:
            log.unlink(missing_ok=True)
        secret = None if stdin is None else stdin.encode()
        command = [sys.executable, "manage.py", *arguments]
        self.supervisor.start(name, command, env={**self.env(role), **extra}, cwd=ROOT, log=log, stdin=secret, wave=1)
        return name, log


def _files(*patterns: str) -> list[Path]:
    return [file for pattern in patterns for file in ROOT.glob(pattern) if file.is_file() and "__pycache__" not in file.parts]


def _put_long_logs_aside(logs: Path) -> None:
    """At a start, a log that has grown long becomes the one kept copy of it."""
    for log in logs.glob("*.log"):
        if log.stat().st_size > _LONG_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):  # noqa: S310  (our own address)
            return True
    except OSError:
        return False


def _free_or_other(port: int) -> int:
    """The port, or a free one where another program has it: nobody types the sandbox's address by heart."""
    return port if _is_free(port) else free_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _refuse_taken_port(port: int, role: Role) -> None:
    if not _is_free(port):
        raise PortTaken(
            f"Port {port}, meant for the {role.name}, is used by another program. Choose another: make run {role.port_variable}={port + 10}"
        )


__all__ = ["AGENCY", "HUB", "ChildFailed", "PortTaken", "Stack"]
