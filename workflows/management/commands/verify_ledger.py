"""`manage.py verify_ledger`: exit status 0 only when ledger, seals, signatures and live tables agree."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.services.ledger import verify_ledger


class Command(BaseCommand):
    help = "Checks ledger, seals, manifests, signatures and live tables against each other."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
        parser.add_argument("--without-signatures", action="store_true", help="leave out the certificates behind the signatures")
        parser.add_argument("--without-live", action="store_true", help="check the ledger by itself, without the live tables")
        parser.add_argument("--without-witnesses", action="store_true", help="do not ask outside witnesses")

    def handle(self, *args: Any, **options: Any) -> None:
        outcome = verify_ledger(
            signatures=not options["without_signatures"], live=not options["without_live"], witnesses=not options["without_witnesses"]
        )
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(outcome), "ok": outcome.ok}, ensure_ascii=False))
        else:
            self.stdout.write(
                f"{outcome.requests} requests, {outcome.versions} versions, {outcome.documents} documents, {outcome.signatures} signatures, "
                f"{outcome.records} live records; last seal {outcome.last_seal[:16] or 'none'}"
            )
            for damage in outcome.damages:
                self.stdout.write(f"{damage.check}: {damage.place}: {damage.what}")
        if not outcome.ok:
            raise CommandError(f"{len(outcome.damages)} damages found")
