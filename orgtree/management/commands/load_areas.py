from typing import Any

from django.core.management.base import BaseCommand

from orgtree.services.areas import areas_load


class Command(BaseCommand):
    help = "Loads the administrative areas, present and former, and what became of each. May be run again."

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = areas_load()
        self.stdout.write(f"{loaded.areas} areas, {loaded.successions} successions, {loaded.written} written")
