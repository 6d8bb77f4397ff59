"""Addresses for places that meet over a network: each in a network namespace of its own behind one switch, where this machine lets us
make them (Linux, root, iproute2); loopback addresses otherwise. A cut takes the cable away there; here the relay plays it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

NET = "10.77.0"
LOOPBACK = "127.0.77"


@dataclass(frozen=True)
class Address:
    """`within` goes before a command that is to run there; `cable` takes the link away (False) and gives it back, where it is a link."""

    ip: str
    within: Sequence[str] = ()
    cable: Callable[[bool], None] | None = None


@contextmanager
def addresses(*names: str) -> Iterator[dict[str, Address]]:
    with ExitStack() as leaving:
        try:
            found = _namespaces(names, leaving)
        except (OSError, subprocess.CalledProcessError):
            leaving.close()
            found = {name: Address(f"{LOOPBACK}.{number}") for number, name in enumerate(names, start=1)}
        yield found


def _namespaces(names: Sequence[str], leaving: ExitStack) -> dict[str, Address]:
    """A switch, and one namespace on each of its ports. Raises OSError or CalledProcessError where that cannot be."""
    mark = f"hoso{os.getpid()}"
    switch = _namespace(f"{mark}-switch", leaving)
    _ip("-n", switch, "link", "add", "switch", "type", "bridge")
    _ip("-n", switch, "link", "set", "switch", "up")
    return {name: _port(switch, f"{mark}-{number}", number, leaving) for number, name in enumerate(names, start=1)}


def _port(switch: str, space: str, number: int, leaving: ExitStack) -> Address:
    port, ip = f"port{number}", f"{NET}.{number}"
    _namespace(space, leaving)
    _ip("-n", switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
    _ip("-n", switch, "link", "set", port, "master", "switch", "up")
    _ip("-n", space, "link", "set", "lo", "up")
    _ip("-n", space, "addr", "add", f"{ip}/24", "dev", "eth0")
    _ip("-n", space, "link", "set", "eth0", "up")
    return Address(ip, ("ip", "netns", "exec", space), lambda there: _ip("-n", switch, "link", "set", port, "up" if there else "down"))


def _namespace(name: str, leaving: ExitStack) -> str:
    _ip("netns", "add", name)
    leaving.callback(_ip, "netns", "del", name)
    return name


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
