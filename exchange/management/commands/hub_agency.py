"""On the hub: admit an agency and its client credentials."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from exchange.services.agencies import agency_set


class Command(BaseCommand):
    help = "Admit an agency that may send to this hub, or give it new credentials."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--code", required=True, help="agency identifier, for example H15")
        parser.add_argument("--name", required=True)
        parser.add_argument("--client-id", required=True)
        parser.add_argument("--secret-stdin", action="store_true", required=True, help="read the client secret from standard input")

    def handle(self, *args: Any, code: str, name: str, client_id: str, **options: Any) -> None:
        if settings.ROLE != "hub":
            raise CommandError("agencies are admitted on the hub: set HOSO_ROLE=hub")
        try:
            agency = agency_set(actor=None, code=code, name=name, client_id=client_id, secret=sys.stdin.readline().strip())
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(f"{agency} may send with the client id {client_id}")
