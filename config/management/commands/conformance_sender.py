"""Does a program that sends keep the contract? It is pointed at the sandbox, which plays the hub, has faults and judges what it sees."""

import json
import secrets
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from exchange.conformance.senders.judging import Examined, SenderResult, judged, sender_report
from exchange.conformance.senders.watching import Watched
from exchange.sandbox.serving import served
from workflows.trust import TrustStore

LOOK = 2.0  # seconds between two looks at what has become of the checks


class Command(BaseCommand):
    help = "Examine a program that sends: serves a hub with faults until every check was judged or Ctrl-C; the last line is FIGURES {json}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("authority", help="agency identifier of the program under examination, for example H15")
        parser.add_argument("--port", type=int, default=8003)
        parser.add_argument("--trust", type=Path, help="trust store for its signatures; this installation's own when left out")
        parser.add_argument("--hang", type=float, default=60.0, help="seconds for which one call is not answered: longer than the program waits")

    def handle(self, *args: Any, authority: str, port: int, trust: Path | None, hang: float, **options: Any) -> None:
        watched = Watched(secrets.token_urlsafe(24), hang=hang)
        store = TrustStore.load(trust or settings.TRUST_DIRECTORY)
        ended = threading.Event()
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, lambda *_: ended.set())
        with served(watched.sandbox, port=port) as address:
            self.stdout.write(f"hub for the examination: {address}, any client ID, secret {watched.secret}")
            self.stdout.write(
                "Let the program send units, about twenty people in calls of few, and one person once more with a change. Ctrl-C ends it."
            )
            results = self._until_judged(watched, authority, store, ended)
        passed, open_ = sum(one.passed for one in results), sum(bool(one.unseen) for one in results)
        self.stdout.write(sender_report(results))
        self.stdout.write("FIGURES " + json.dumps({"checks": len(results), "passed": passed, "unseen": open_}))
        if passed < len(results):
            raise CommandError(f"{len(results) - passed - open_} of {len(results)} checks failed, {open_} could not be judged")

    def _until_judged(self, watched: Watched, authority: str, store: TrustStore, ended: threading.Event) -> list[SenderResult]:
        """Tell of each check once when it is judged first; the last word is that of the whole log."""
        told: set[str] = set()
        while True:
            stopped = ended.wait(LOOK)
            calls = len(watched.log.calls)
            results = judged(Examined(watched.log, authority, store))
            for one in results:
                if not one.unseen and one.check.name not in told:
                    told.add(one.check.name)
                    self.stdout.write(f"judged  {one.check.name}")
            if stopped or (len(told) == len(results) and all(one.passed for one in results) and calls == len(watched.log.calls)):
                return results
