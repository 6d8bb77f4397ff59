from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.demo import seed


class Command(BaseCommand):
    help = "Loads the demonstration (Đắk Lắk province, 2,000 people, logins with certificates) through the gate. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true", help="even where neither DEBUG nor INSECURE_HTTP is set (never over other people's data)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = seed.demo_seed(tell=self.stdout.write, force=options["force"])
        except seed.SeedRefused as refused:
            raise CommandError(str(refused)) from refused
        if not made:
            self.stdout.write("The demo is already there; nothing was changed.")
        for one in seed.logins():
            self.stdout.write(f"  {one.username:<9} {one.name:<20} {one.task}")
        self.stdout.write(f"password of all: {seed.PASSWORD}   PIN of the certificates: {seed.PIN}")
