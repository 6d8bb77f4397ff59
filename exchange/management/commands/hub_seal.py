"""On the hub: ask an agency for its own seal."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exchange.models import Agency
from exchange.services.agencies import agency_seal_demand


class Command(BaseCommand):
    help = "Ask an agency for its own seal over its people's signatures, from a day on, or no longer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--code", required=True, help="agency identifier, for example H15")
        choice = parser.add_mutually_exclusive_group(required=True)
        choice.add_argument("--from", dest="since", type=date.fromisoformat, help="first day (YYYY-MM-DD)")
        choice.add_argument("--off", action="store_true")

    def handle(self, *args: Any, code: str, since: date | None, **options: Any) -> None:
        try:
            agency = agency_seal_demand(actor=None, code=code, since=since)
        except Agency.DoesNotExist as error:
            raise CommandError(f"no agency has the code {code}") from error
        self.stdout.write(f"{agency}: " + (f"the seal is needed from {agency.seal_from}" if agency.seal_from else "a person's signature is enough"))
