"""Does our own hub keep the contract? `make conformance`, on servers of its own; the last line is FIGURES {json}.

Every check is printed as it ends. Then the hub is given faults, one after the other, and the kit has to name the checks that find each out.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from bench.servers import bench_servers


def main() -> None:
    os.environ["HOSO_ROLE"] = "hub"
    with bench_servers(durable=False, demo=False) as home:
        figures = examined(home / "trust")
    print("FIGURES " + json.dumps(figures))
    if figures["passed"] < figures["checks"] or not figures["faults_found"]:
        sys.exit(1)


def examined(trust: Any) -> dict[str, Any]:
    """Every check against our hub, then each fault; `faults_found` is whether the kit named all of them."""
    from django.conf import settings

    from config.demo.pki import DemoAuthority
    from exchange.conformance.runner import Result, conformance_run, report
    from tests.exchange.examining import kit_make

    settings.ROOT_URLCONF = "tests.exchange.hub_urls"
    logging.getLogger("django.request").setLevel(logging.ERROR)  # most checks want to be refused
    authority = DemoAuthority(trust.parent / "pki")
    authority.publish(trust)

    def tell(result: Result) -> None:
        print(f"{'ok    ' if result.passed else 'FAILED'}  {result.check.name}", flush=True)

    results = conformance_run(kit_make(authority, 0), tell=tell)
    print(report(results))
    named = []
    for number, (fault, wanted, switched_on) in enumerate(faults(), start=1):
        with switched_on():
            failed = {one.check.name for one in conformance_run(kit_make(authority, number)) if not one.passed}
        named.append(wanted <= failed)
        print(f"with a fault, {fault}: {', '.join(sorted(failed)) or 'nothing failed'}", flush=True)
    return {"checks": len(results), "passed": sum(one.passed for one in results), "faults_found": all(named)}


def faults() -> list[tuple[str, set[str], Callable[[], AbstractContextManager[Any]]]]:
    """What is wrong with the hub, the checks that must find it out, and how it is switched on."""
    from exchange.services import verification

    standings = verification.standings

    def never_a_gap(**named: Any) -> Any:
        return {key: replace(one, reach=10**6) for key, one in standings(**named).items()}

    return [
        (
            "proofs are not verified",
            {"forgery_is_found: document", "forgery_is_found: proof"},
            lambda: patch.object(verification.merkle, "verify", lambda **_: True),
        ),
        ("gaps are taken", {"a_gap_is_refused"}, lambda: patch.object(verification, "standings", never_a_gap)),
    ]


if __name__ == "__main__":
    main()
