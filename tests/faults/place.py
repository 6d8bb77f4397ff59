"""One place of the exchange - an agency, or the hub - in a process of its own, with servers of its own, at an address of its own.

`python -m tests.faults.place SOCKET` serves calls from the test until it is told to end: a `Place` here, a `Far` there. It may stand in a
network namespace: the socket is a file, and reaches through.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from config.embedded.roles import HUB, ROLES
from config.embedded.stack import Stack
from tests import stacks
from tests.faults.line import Line, Weather

ROOT = Path(__file__).resolve().parents[2]
HERE = "127.0.0.1"
ROLE = {role.name: role for role in ROLES}
READY = 60.0


class Place:
    """What the test may ask for. Everything that goes in and comes out can be pickled."""

    def __init__(self) -> None:
        self.stack: Stack
        self.lines: dict[str, Line] = {}

    def secret(self) -> str:
        return self.stack.secrets.channel

    def start(self, *names: str) -> None:
        for name in names:
            self.stack.start(name)

    def manage(self, role: str, *arguments: str, stdin: str | None = None) -> str:
        return self.stack.manage(ROLE[role], *arguments, stdin=stdin)

    def act(self, role: str, module: str, *arguments: str) -> None:
        """Run a module in the role's environment."""
        subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, env=self.stack.env(ROLE[role]), check=True)

    def rows(self, role: str, select: str) -> list[tuple]:
        with self.stack.postgres.connect(ROLE[role].database) as connection:
            return connection.execute(select).fetchall()

    def listen(self, name: str, address: str) -> tuple[str, int]:
        """Let an agency in at the hub's address; gives where."""
        port = int(self.stack.url(HUB).rsplit(":", 1)[1])
        return address, self._line(name, Line(address, (HERE, port), HERE))

    def connect(self, name: str, address: str, hub: tuple[str, int], seed: int) -> str:
        """The agency's end of its line to the hub, from its own address; gives the URL by which this agency reaches the hub."""
        return f"http://{HERE}:{self._line(name, Line(HERE, hub, address, seed))}"

    def weather(self, name: str, weather: Weather) -> None:
        self.lines[name].turn(weather)

    def counted(self, name: str) -> dict[str, int]:
        line = self.lines[name]
        return {"carried": line.carried, "lost": line.lost, "refused": line.refused}

    def _line(self, name: str, line: Line) -> int:
        self.lines[name] = line
        return line.port


class Far:
    """A place as the test has it: `far.rows("hub", "select 1")` is carried out there. What fails there is raised here."""

    def __init__(self, line: Connection) -> None:
        self._line = line

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._call, name)

    def _call(self, name: str, *arguments: Any, **named: Any) -> Any:
        self._line.send((name, arguments, named))
        answer, error = self._line.recv()
        if error is not None:
            raise error
        return answer


@contextmanager
def place(home: Path, authority: str, trust: Path, within: Sequence[str] = ()) -> Iterator[Far]:
    """A place whose servers are up. `within` is put before the command: how to get into its network namespace."""
    home.mkdir(parents=True)
    socket = home / "s"
    command = [*within, sys.executable, "-m", "tests.faults.place", str(socket), str(home), authority, str(trust)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            with _reached(socket, process) as line:
                yield Far(line)
                line.send(None)
        except BaseException:
            process.terminate()
            raise


def _reached(socket: Path, process: subprocess.Popen[bytes]) -> Connection:
    deadline = time.monotonic() + READY
    while True:
        try:
            return Client(str(socket), "AF_UNIX")
        except (FileNotFoundError, ConnectionRefusedError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the place did not open (status {process.returncode})") from None
            time.sleep(0.05)


def serve(socket: str, home: str, authority: str, trust: str) -> None:
    here, folder = Place(), stacks.begin(Path(home) / "var")
    (folder / "trust").mkdir(exist_ok=True)
    for file in Path(trust).iterdir():
        (folder / "trust" / file.name).write_bytes(file.read_bytes())
    with Stack(folder, durable=False, authority=authority) as here.stack, Listener(socket, "AF_UNIX") as listener, listener.accept() as line:
        while (asked := line.recv()) is not None:
            name, arguments, named = asked
            try:
                line.send((getattr(here, name)(*arguments, **named), None))
            except Exception as error:  # noqa: BLE001 (it is raised where the question came from)
                line.send((None, RuntimeError(f"{authority}, {name}: {type(error).__name__}: {error}")))


if __name__ == "__main__":
    serve(*sys.argv[1:])
