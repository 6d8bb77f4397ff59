import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config.demo import workbook


class Command(BaseCommand):
    help = "Writes the demo's workbook and what is expected of it (demo/expected.json). The same bytes every time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--directory", type=Path, default=settings.BASE_DIR / "demo")

    def handle(self, *args: Any, directory: Path, **options: Any) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        workbook.workbook_write(directory / workbook.NAME)
        expected = json.dumps(workbook.expected_counts(), ensure_ascii=False, indent=1)
        (directory / "expected.json").write_text(expected + "\n", encoding="utf-8")
        for one in workbook.expected():
            self.stdout.write(f"| {one.sheet_row} | {one.column} | {one.code} | {one.story} |")
