# ruff: noqa: N999 the command is called "import", as import-export calls it
"""`manage.py import` of import-export, for people: it goes the way of an upload, so it asks whose people they are and who sends them.

    manage.py import registry.resources.StaffProfileResource list.xlsx --unit H15.70 --as lan [--dry-run]

Other resources are imported as import-export does it.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import load_command_class
from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from import_export.command_utils import get_format_class, get_resource_class

from registry.importing import PeopleImport
from registry.management.senders import unit_named, user_named
from registry.reading import WorkbookRefused
from registry.resources import StaffProfileResource
from workflows.errors import GateError

# "import" is a word of the language, so their module cannot be named in an import statement.
ImportCommand = type(load_command_class("import_export", "import"))


class Command(ImportCommand):  # type: ignore[misc, valid-type]
    help = "Imports a table. People go through the gate: name their unit with --unit and the sender with --as."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--unit", metavar="CODE", help="agency identifier of the unit whose people they are, for example H15.70")
        parser.add_argument("--as", metavar="USER", dest="username", help="login of the person on whose behalf they are sent")

    def handle(self, *args: Any, **options: Any) -> None:
        if not issubclass(get_resource_class(options["resource"]), StaffProfileResource):
            super().handle(*args, **options)
            return
        if not options["unit"] or not options["username"]:
            raise CommandError(_("People are sent for a unit and by somebody: add --unit CODE and --as USER."))
        resource = PeopleImport(user=user_named(options["username"]), unit=unit_named(options["unit"]))
        reader = get_format_class(options["format"], options["import_file_name"], options["encoding"])
        try:
            dataset = reader.create_dataset(_read(options["import_file_name"], reader))
            result = resource.import_data(dataset, dry_run=options["dry_run"], raise_errors=options["raise_errors"])
        except (GateError, WorkbookRefused, OSError) as error:
            raise CommandError(str(error)) from error
        for one in result.base_errors:
            self.stderr.write(" ".join(one.error.messages))
        for number, errors in result.row_errors():
            for one in errors:
                self.stderr.write(f"{number:>6}  {' '.join(one.error.messages)}")
        self.stdout.write(", ".join(f"{kind}: {times}" for kind, times in result.totals.items() if times))
        if result.has_errors():
            sys.exit(1)


def _read(name: str, reader: Any) -> Any:
    if name == "-":
        return sys.stdin.buffer.read() if reader.is_binary() else sys.stdin.read()
    path = Path(name)
    return path.read_bytes() if reader.is_binary() else path.read_text(encoding=getattr(reader, "encoding", None) or "utf-8-sig")
