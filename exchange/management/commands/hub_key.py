"""On the hub: the life of an agency's keys, from the shell: list, request, activate, retire."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from exchange.models import Agency, AgencyKey
from exchange.services.keys import key_activate, key_request, key_retire
from workflows.errors import GateError

ACTS = ("list", "request", "activate", "retire")


class Command(BaseCommand):
    help = "List the keys of an agency, or request, activate or retire one by its client id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=ACTS)
        parser.add_argument("--code", required=True, help="agency identifier, for example H15")
        parser.add_argument("--client-id", help="the key; not needed to list them")
        parser.add_argument("--secret-stdin", action="store_true", help="read the secret of a requested key from standard input")

    def handle(self, *args: Any, act: str, code: str, client_id: str | None, **options: Any) -> None:
        agency = Agency.objects.filter(code=code).first()
        if settings.ROLE != "hub" or agency is None:
            raise CommandError(f"this installation knows no agency {code}; agencies are admitted on the hub by hub_agency")
        if act != "list" and not client_id:
            raise CommandError("name the key: --client-id")
        try:
            self._do(act, agency, client_id or "")
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        except GateError as error:
            raise CommandError(str(error)) from error
        for key in agency.keys.select_related("application"):
            self.stdout.write(
                f"{key.application.client_id}  {key.state}" + (f"  until {key.usable_until:%Y-%m-%d %H:%M}" if key.usable_until else "")
            )

    def _do(self, act: str, agency: Agency, client_id: str) -> None:
        if act == "request":
            key_request(actor=None, agency=agency, client_id=client_id, secret=sys.stdin.readline().strip())
        elif act != "list":
            key = AgencyKey.objects.filter(agency=agency, application__client_id=client_id).first()
            if key is None:
                raise CommandError(f"{agency.code} has no key {client_id}")
            (key_activate if act == "activate" else key_retire)(actor=None, key=key)
