import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.demo.main_job import JobFailed, main_job


class Command(BaseCommand):
    help = "Does the main job once, from the commune's workbook to the hub's receipts. Status 0 only when every count adds up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--hub-env", type=Path, required=True, help="JSON file with the environment variables of the hub's processes")

    def handle(self, *args: Any, hub_env: Path, **options: Any) -> None:
        try:
            environment = json.loads(hub_env.read_bytes())
        except (OSError, ValueError) as error:
            raise CommandError(f"{hub_env}: {error}") from error
        try:
            figures, differences = main_job(hub_env=environment, tell=self._tell)
        except JobFailed as failed:
            raise CommandError(str(failed)) from failed
        for difference in differences:
            self.stderr.write(difference)
        self._tell(str(figures))
        if differences:
            raise CommandError(f"{len(differences)} counts do not add up")

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
