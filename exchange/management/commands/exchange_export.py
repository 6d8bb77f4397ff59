"""On an agency without a line: packages for a stick, from the shell. Signing stands between: the server never signs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from exchange.models import IncomingPackage, OutgoingPackage
from exchange.packages import PackageRefused
from exchange.services.carrying import receipts_file, receipts_make
from exchange.services.packing import carried_channel, package_file, package_make
from workflows.errors import GateError


class Command(BaseCommand):
    help = (
        "Put what waits into a package and write its statement, which is signed on the page “Packages to carry”; with --number write a signed "
        "package again. On the hub: with --agency and --number the receipts of a package, their statement first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, required=True, help="folder to write to, for example the stick")
        parser.add_argument("--number", type=int, help="package that was made before")
        parser.add_argument("--agency", help="on the hub: whose package")

    def handle(self, *args: Any, out: Path, number: int | None, agency: str | None, **options: Any) -> None:
        if not out.is_dir():
            raise CommandError(f"{out} is no folder")
        try:
            path = self._receipts(out, agency, number) if settings.ROLE == "hub" else self._package(out, number)
        except (PackageRefused, GateError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"written: {path}")

    def _package(self, out: Path, number: int | None) -> Path:
        channel = carried_channel()
        if channel is None:
            raise CommandError("no channel is carried by hand: channel_set --transport carried sets one up")
        if number is None:
            package = package_make(actor=None, channel=channel)
        else:
            found = OutgoingPackage.objects.filter(channel=channel, sequence=number).first()
            if found is None:
                raise CommandError(f"there is no package {number}")
            package = found
        return _written(
            out, f"package-{settings.AUTHORITY}-{package.sequence:04}", bytes(package.statement), package, package.signature, package_file
        )

    def _receipts(self, out: Path, agency: str | None, number: int | None) -> Path:
        package = IncomingPackage.objects.select_related("agency").filter(agency__code=agency, sequence=number).first()
        if package is None:
            raise CommandError("name a package that was taken: --agency and --number")
        package = receipts_make(actor=None, package=package)
        name = f"receipts-{package.agency.code}-{package.sequence:04}"
        return _written(out, name, bytes(package.receipts or b""), package, package.receipts_signature, receipts_file)


def _written(out: Path, name: str, statement: bytes, package: Any, signature: bytes | memoryview | None, write: Any) -> Path:
    """The zip once it is signed, its statement before."""
    if not signature:
        path = out / f"{name}.json"
        path.write_bytes(statement)
        return path
    path = out / f"{name}.zip"
    with path.open("wb") as file:
        write(actor=None, package=package, file=file)
    return path
