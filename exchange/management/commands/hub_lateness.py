"""On the hub: allow one agency older signatures for a time, as a first delivery of everything may need."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from exchange.models import Agency
from exchange.services.lateness import lateness_grant


class Command(BaseCommand):
    help = "Allow one agency to send signatures older than 90 days, until a day, for a reason that is kept in the audit trail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--code", required=True, help="agency identifier, for example H15")
        parser.add_argument("--days", required=True, type=int, help="how old a signature's receipt time may be")
        parser.add_argument("--until", required=True, type=date.fromisoformat, help="the last day of the longer limit, as YYYY-MM-DD")
        parser.add_argument("--reason", required=True)

    def handle(self, *args: Any, code: str, days: int, until: date, reason: str, **options: Any) -> None:
        agency = Agency.objects.filter(code=code).first()
        if settings.ROLE != "hub" or agency is None:
            raise CommandError(f"this installation knows no agency {code}; agencies are admitted on the hub by hub_agency")
        try:
            lateness_grant(actor=None, agency=agency, days=days, until=until, reason=reason)
        except ValidationError as error:
            raise CommandError("; ".join(f"{field}: {' '.join(told)}" for field, told in error.message_dict.items())) from error
        self.stdout.write(f"{agency} may send signatures up to {days} days old until {until}")
