"""On the hub: count what the progress board says once more from what is never changed."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from exchange.services.tally import tally_differences


class Command(BaseCommand):
    help = "Count the figures of the progress board again, from results, evidence, trials and transfers, and name every difference."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ROLE != "hub":
            raise CommandError("the progress board is kept on the hub: set HOSO_ROLE=hub")
        differences = tally_differences()
        for line in differences:
            self.stderr.write(line)
        if differences:
            raise CommandError(f"{len(differences)} figures of the board are not what was received")
        self.stdout.write("every figure of the board is what was received")
