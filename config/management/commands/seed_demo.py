from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.demo import seed


class Command(BaseCommand):
    help = "Loads the demonstration (Đắk Lắk province, 2,000 people, logins with certificates) through the gate. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--hub-url", default="", help="address of the national hub's API; registers the channel national-hub")
        parser.add_argument("--hub-client", default="", help="client id that the hub gave this agency")
        parser.add_argument("--force", action="store_true", help="even where neither DEBUG nor INSECURE_HTTP is set (never over other people's data)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["hub_url"] and not options["hub_client"]:
            raise CommandError("--hub-url needs --hub-client: the hub knows this agency by it")
        try:
            made = seed.demo_seed(tell=self.stdout.write, force=options["force"], hub_url=options["hub_url"], hub_client=options["hub_client"])
        except seed.SeedRefused as refused:
            raise CommandError(str(refused)) from refused
        if not made:
            self.stdout.write("The demo is already there; nothing was changed.")
        for one in seed.logins():
            self.stdout.write(f"  {one.username:<9} {one.name:<20} {one.task}")
        self.stdout.write(f"password of all: {seed.PASSWORD}   PIN of the certificates: {seed.PIN}")
