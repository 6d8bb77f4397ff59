"""What a stick brings, from the shell: on the hub a package, on an agency the receipts of one."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from exchange.packages import PackageRefused
from exchange.services.carrying import package_take
from exchange.services.packing import receipts_take


class Command(BaseCommand):
    help = "Take a package (on the hub) or the receipts of one (on an agency): all of it or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        if not file.is_file():
            raise CommandError(f"there is no file {file}")
        take = package_take if settings.ROLE == "hub" else receipts_take
        try:
            with file.open("rb") as content:
                package: Any = take(actor=None, file=content, size=file.stat().st_size)
        except PackageRefused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"package {package.sequence} taken")
