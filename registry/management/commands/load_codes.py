"""Load or refresh the code lists."""

from typing import Any

from django.core.management.base import BaseCommand

from registry.services.codes import codes_load


class Command(BaseCommand):
    help = "Loads code lists, rank codes and the salary scale from registry/data. Running it again refreshes them."

    def handle(self, *args: Any, **options: Any) -> None:
        counts = codes_load()
        self.stdout.write(", ".join(f"{name}: {count}" for name, count in counts.items()))
