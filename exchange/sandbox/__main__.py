"""`python -m exchange.sandbox`: the other side, on this machine. The secret of its clients comes from SANDBOX_SECRET."""

import argparse
import contextlib
import os
import signal
import sys
from pathlib import Path

from exchange.sandbox.app import Sandbox
from exchange.sandbox.faults import Fault, Faults, fault_read
from exchange.sandbox.serving import served
from exchange.sandbox.store import Store

DEFAULT_SECRET = "sandbox"  # noqa: S105 - known to everybody, and of use on this machine only


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m exchange.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8002)
    parser.add_argument("--tls-port", type=int, help="a second port over TLS, with a certificate that ended yesterday")
    parser.add_argument("--state", type=Path, help="SQLite file that keeps what was received; memory when left out")
    parser.add_argument("--seed", type=int, default=2026, help="the same seed invents the same people and strikes with the same faults")
    parser.add_argument("--hang", type=float, default=60.0, help="seconds for which the fault “timeout” keeps silent")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that a call takes at least")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[=SHARE]", help=f"switched on from the start: {', '.join(Fault)}")
    parser.add_argument("--gateway-header", action="append", metavar="NAME", help="what the gateway wants; repeat for several")
    options = parser.parse_args()
    try:
        faults = Faults(options.seed, dict(fault_read(text) for text in options.fault))
    except ValueError as error:
        parser.error(str(error))
    more = {"gateway_headers": [one.lower() for one in options.gateway_header]} if options.gateway_header else {}
    secret = os.environ.get("SANDBOX_SECRET", "") or DEFAULT_SECRET
    sandbox = Sandbox(secret, Store(options.state), faults, options.hang, options.seed, options.latency, **more)
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(served(sandbox, port=options.port))
        sys.stdout.write(f"sandbox on {address}\n")
        if options.tls_port:
            sys.stdout.write(f"  expired certificate on {stack.enter_context(served(sandbox, port=options.tls_port, expired_tls=True))}\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main())
