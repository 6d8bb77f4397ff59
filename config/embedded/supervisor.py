"""Starts processes, knows them by name, reaps every one, and leaves none behind.

Each child leads a session of its own (a Ctrl-C in the terminal reaches the supervisor alone, which then ends the
children, the servers last) and is told by the kernel when the supervisor dies, so that a cut-off run leaves no server on a
port. Nothing is restarted in silence: a child that ends by itself ends the whole, with its name and the end of its log.

Not here: what the children are (`postgres`, `valkey`, `stack`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_GRACE_SECONDS = 20.0
_LOG_LINES = 25


class ChildFailed(Exception):
    """A child ended by itself or never became ready; the message names it and shows the end of its log."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived. Not an Exception, so that no handler on the way swallows it."""


@dataclass
class Child:
    """A process that the supervisor started. `stop_signal` is what asks it to end in good order.

    `wave` orders the end: the children of one wave end together, those of a lower one (the servers, 0) after them.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None
    stop_signal: signal.Signals = signal.SIGTERM
    wave: int = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def obituary(self) -> str:
        """Which child, how it ended, and the last lines that it wrote."""
        code = self.process.returncode
        how = f"was ended by {signal.Signals(-code).name}" if code is not None and code < 0 else f"ended with status {code}"
        return f"{self.name} {how}.{self.last_words()}"

    def last_words(self) -> str:
        return "" if self.log is None else f" The end of {self.log}:\n{tail(self.log)}"


def tail(log: Path, lines: int = _LOG_LINES) -> str:
    """The last lines of a log, indented; says so when there is nothing."""
    try:
        text = log.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        text = []
    return "\n".join(f"    {line}" for line in text) or "    (empty)"


def die_with_parent(parent: int, stop_signal: int = signal.SIGTERM) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends `stop_signal` when the thread that started the child ends."""

    def arrange() -> None:
        if _LIBC.prctl(_PR_SET_PDEATHSIG, stop_signal) != 0 or os.getppid() != parent:
            os._exit(127)

    return arrange


@dataclass
class Supervisor:
    """Use as a context manager: leaving it stops every child, wave by wave."""

    children: dict[str, Child] = field(default_factory=dict)

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop_all()

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path | None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        stdin: bytes | None = None,
        options: Mapping[str, Any] | None = None,
        wave: int = 0,
    ) -> Child:
        """Start `command` as the child `name`, its output appended to `log`, or to our own output where that is None.

        `stdin` is written to it and closed. `options` go to Popen (user and group of a child that may not be root). A dead child
        of the same name is replaced.
        """
        if name in self.children and self.children[name].alive():
            raise ValueError(f"{name} is running already")
        with _output(log) as output:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=output,
                stderr=None if output is None else subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=die_with_parent(os.getpid(), stop_signal),  # noqa: PLW1509  (short, and the only way to ask for this)
                **(options or {}),
            )
        if stdin is not None and process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(stdin)
        self.children.pop(name, None)
        child = self.children[name] = Child(name, process, log, stop_signal, wave)
        return child

    def wait_ready(self, child: Child, ready: Callable[[], bool], *, seconds: float = 30.0, pause: float = 0.02) -> None:
        """Ask `ready` every `pause` seconds until it is true; raises ChildFailed when the child ends first or the time is over."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not child.alive():
                raise ChildFailed(child.obituary())
            if time.monotonic() > deadline:
                raise ChildFailed(f"{child.name} was not ready after {seconds:.0f} seconds.{child.last_words()}")
            time.sleep(pause)

    def finish(self, *names: str) -> None:
        """Wait until these children have ended with status 0; raises ChildFailed when one did not, or another child ended."""
        waiting = set(names)
        while waiting:
            for child in [child for child in self.children.values() if not child.alive()]:
                if child.name not in waiting or child.process.returncode:
                    raise ChildFailed(child.obituary())
                waiting.remove(child.name)
                del self.children[child.name]
            if waiting:
                self._sleep_until_a_child_ends()

    def watch(self) -> None:
        """Block until a child ends by itself (raises ChildFailed) or a signal arrives (raises Interrupted)."""
        while True:
            for child in self.children.values():
                if not child.alive():
                    raise ChildFailed(child.obituary())
            self._sleep_until_a_child_ends()

    def _sleep_until_a_child_ends(self) -> None:
        """Sleep on the children's pidfds: they become readable at the end of a process, whoever ended it."""
        poll = select.poll()
        with contextlib.ExitStack() as stack:
            for child in self.children.values():
                descriptor = os.pidfd_open(child.pid)
                stack.callback(os.close, descriptor)
                poll.register(descriptor, select.POLLIN)
            poll.poll()

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the child's whole process group, and reap it if that ended it."""
        child = self.children[name]
        _signal_group(child.pid, how)
        if how == signal.SIGKILL:
            child.process.wait()

    def stop(self, *names: str) -> None:
        """Ask the children to end in good order, insist after 20 seconds, and take what is left of their groups with them."""
        ending = [self.children.pop(name) for name in names]
        for child in ending:
            if child.alive():
                child.process.send_signal(child.stop_signal)
        deadline = time.monotonic() + _GRACE_SECONDS
        for child in ending:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                print(f"{child.name} did not end within {_GRACE_SECONDS:.0f} seconds and is killed", file=sys.stderr)
            _signal_group(child.pid, signal.SIGKILL)
            child.process.wait()

    def stop_all(self) -> None:
        """Stop every child, the highest wave first, within a wave the last started first. A second Ctrl-C does not break it off."""
        with _signals_ignored():
            for wave in sorted({child.wave for child in self.children.values()}, reverse=True):
                self.stop(*reversed([child.name for child in self.children.values() if child.wave == wave]))


def _output(log: Path | None) -> contextlib.AbstractContextManager[Any]:
    if log is None:
        return contextlib.nullcontext(None)
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("ab")


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM raise Interrupted in the main thread."""

    def interrupt(number: int, _frame: object) -> None:
        raise Interrupted(signal.Signals(number).name)

    with _handlers(interrupt):
        yield


def _signals_ignored() -> contextlib.AbstractContextManager[None]:
    return _handlers(signal.SIG_IGN)


@contextlib.contextmanager
def _handlers(handler: Any) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
