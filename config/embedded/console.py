"""What `make run` and `make demo` say and do at the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from config.embedded.keeping import InUse, used_by_us
from config.embedded.postgres import Lodging, LodgingMissing
from config.embedded.roles import AGENCY, HUB, ROLES
from config.embedded.stack import ROOT, PortTaken, Stack
from config.embedded.supervisor import ChildFailed, Interrupted, interruptible

_MAIN_JOB = "main job"
SANDBOX_PORT = 8002
_EXPECTED = (ChildFailed, InUse, LodgingMissing, PortTaken)


class PortInvalid(Exception):
    """PORT or HUB_PORT is not a port number."""


def run() -> int:
    """Serve agency and hub until Ctrl-C; on a first start load the demo and do the main job once."""
    return _calmly(_run)


def demo() -> int:
    """Do the main job in a folder of its own that begins empty; the status is the main job's."""
    return _calmly(_demo)


def _run() -> int:
    ports = {role.name: _port(role.port_variable, role.port) for role in ROLES}
    print("Hồ Sơ is starting; its data is kept in var/")
    with Stack(ROOT / "var", ports=ports, report=_report, sandbox_port=_port("SANDBOX_PORT", SANDBOX_PORT)) as stack:
        stack.seed()
        stack.serve()
        if not stack.done.is_done(_MAIN_JOB):
            print("\nFirst start: the main job runs once, from the workbook to the hub's receipts.\n", flush=True)
            stack.main_job()
            stack.done.mark(_MAIN_JOB)
        stack.play_registers()
        print(_addresses(stack), flush=True)
        stack.watch()
    return 0


def _demo() -> int:
    var = ROOT / "var" / "demo"
    _discard(var)
    print("Hồ Sơ, the main job without a browser, in var/demo")
    with Stack(var, durable=False, report=_report) as stack:
        stack.seed()
        stack.serve()
        print(flush=True)
        stack.main_job()
    return 0


def _calmly(work: Callable[[], int]) -> int:
    """Run it; what can be expected to go wrong is said in plain words, without a traceback."""
    try:
        with interruptible():
            return work()
    except Interrupted:
        print("\nStopped.")
        return 0 if work is _run else 130
    except (*_EXPECTED, PortInvalid) as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1


def _discard(var: Path) -> None:
    """Remove what an earlier demo left, and refuse while it is still running."""
    with used_by_us(var):
        shutil.rmtree(Lodging.find().place(var / "postgres"), ignore_errors=True)
    shutil.rmtree(var)


def _port(name: str, default: int) -> int:
    text = os.environ.get(name, "") or str(default)
    if not text.isdigit() or not 0 < int(text) < 65_536:
        raise PortInvalid(f"{name}={text} is not a port number (1 to 65535)")
    return int(text)


def _report(step: str, seconds: float) -> None:
    print(f"  {step:<28} {seconds:6.1f} s", flush=True)


def _addresses(stack: Stack) -> str:
    """Where to go, and who one may be there."""
    demo = stack.demo()
    lines = [
        "",
        f"  agency  {stack.url(AGENCY)}   Đắk Lắk province",
        f"  hub     {stack.url(HUB)}   Ministry of Home Affairs",
        f"  sandbox {stack.sandbox_url}   population and Party databases, with faults to switch on",
        "",
        f"  logins of the agency; password {demo['password']}, PIN of the certificates {demo['pin']}",
    ]
    lines += [f"    {one['username']:<9} {one['name']:<22} {one['task']}" for one in demo["logins"]]
    lines += [f"  login of the hub: {stack.hub_login} with the same password", "", "  Ctrl-C stops everything; the data stays in var/."]
    return "\n".join(lines)
