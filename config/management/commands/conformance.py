"""Does a hub keep the contract? Sixty and more checks against any hub, with an agency that was admitted for nothing else."""

import json
import logging
import sys
from argparse import ArgumentParser
from datetime import datetime
from getpass import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exchange.conformance.kit import Kit
from exchange.conformance.runner import Result, conformance_run, report
from signing_agent.sign import sign_manifest


class Command(BaseCommand):
    help = "Examine a hub: prints each check, what failed with an example and how to mend it; the last line is FIGURES {json}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="for example https://hub.example.vn")
        parser.add_argument("--code", required=True, help="agency identifier of the examining agency, of which the hub holds nothing yet")
        parser.add_argument("--client-id", required=True)
        parser.add_argument("--p12", required=True, type=Path, help="certificate of that agency, which the hub trusts")
        parser.add_argument("--secrets-stdin", action="store_true", help="read client secret and PIN from standard input, a line each")

    def handle(self, *args: Any, url: str, code: str, client_id: str, p12: Path, secrets_stdin: bool, **options: Any) -> None:
        secret, pin = (sys.stdin.readline().strip() if secrets_stdin else getpass(f"{what}: ") for what in ("Client secret", "PIN"))
        key = p12.read_bytes()
        logging.getLogger("httpx").setLevel(logging.WARNING)

        def sign(manifest: bytes, moment: datetime) -> bytes:
            return sign_manifest(p12=key, pin=pin, manifest=manifest, signed_at=moment)

        results = conformance_run(Kit(url, code, client_id, secret, sign), tell=self._tell)
        passed = sum(one.passed for one in results)
        self.stdout.write(report(results))
        self.stdout.write("FIGURES " + json.dumps({"checks": len(results), "passed": passed}))
        if passed < len(results):
            raise CommandError(f"{len(results) - passed} of {len(results)} checks failed")

    def _tell(self, result: Result) -> None:
        self.stdout.write(f"{'ok    ' if result.passed else 'FAILED'}  {result.check.name}")
