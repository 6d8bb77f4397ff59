"""Upload a workbook from a shell: the same services as the page, with the same rights."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from orgtree import clock
from orgtree.models import OrgUnit, User
from orgtree.text import AgencyCodeInvalid, parse_agency_code
from registry.choices import UploadState
from registry.models import Upload
from registry.reading import WorkbookRefused
from registry.selectors.uploads import upload_findings
from registry.services.uploads import upload_process, upload_receive, upload_submit
from workflows.errors import GateError


class Command(BaseCommand):
    help = "Reads a workbook of staff files for a unit and stages what is right as one change request. Exit status 1 when nothing could be read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workbook", type=Path)
        parser.add_argument("--unit", required=True, metavar="CODE", help="agency identifier of the unit, for example H15.70")
        parser.add_argument("--as", required=True, metavar="USER", dest="username", help="login of the person on whose behalf it is sent")
        parser.add_argument("--submit", action="store_true", help="submit the change request when it is ready")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, workbook: Path, unit: str, username: str, submit: bool, **options: Any) -> None:
        actor, place = _user(username), _unit(unit)
        try:
            with workbook.open("rb") as handle:
                upload = upload_process(upload=upload_receive(actor=actor, unit=place, file=File(handle), name=workbook.name))
            if submit and upload.state == UploadState.STAGED:
                upload = upload_submit(actor=actor, upload=upload)
        except (GateError, WorkbookRefused) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(_("{place} cannot be opened: {value}").format(place=workbook, value=error.strerror)) from error
        self.stdout.write(json.dumps(_report(upload), ensure_ascii=False, indent=2) if options["json"] else _table(upload))
        if upload.state == UploadState.REFUSED:
            raise CommandError(_("Nothing was staged: the workbook was refused."))


def _user(username: str) -> User:
    try:
        return User.objects.get(username=username, is_active=True)
    except User.DoesNotExist:
        raise CommandError(_("There is no active user {value}.").format(value=username)) from None


def _unit(code: str) -> OrgUnit:
    try:
        return OrgUnit.objects.on(clock.today()).get(code=parse_agency_code(code))
    except AgencyCodeInvalid:
        raise CommandError(_("{value} is not an agency identifier; write it as H15.70 or 70.H15.").format(value=code)) from None
    except OrgUnit.DoesNotExist:
        raise CommandError(_("No unit has the code {value}; look it up in the organisation tree.").format(value=code)) from None
    except OrgUnit.MultipleObjectsReturned:
        raise CommandError(_("Several authorities have a unit with the code {value}.").format(value=code)) from None


def _report(upload: Upload) -> dict[str, Any]:
    return {
        "upload": str(upload.pk),
        "request": str(upload.request_id) if upload.request_id else None,
        "request_number": upload.request.number if upload.request else None,
        "state": upload.state,
        "sheet": upload.sheet,
        "heading_row": upload.heading_row,
        "columns": upload.mapping,
        "read": upload.read,
        "staged": upload.staged,
        "returned": upload.returned,
        "unchanged": upload.unchanged,
        "findings": [one.as_json() for one in upload_findings(upload=upload)],
    }


def _table(upload: Upload) -> str:
    counts = _("{name}: {read} rows read, {staged} accepted, {returned} returned, {unchanged} unchanged").format(
        name=upload.name, read=upload.read, staged=upload.staged, returned=upload.returned, unchanged=upload.unchanged
    )
    request = (
        _("Change request {number}: {state}").format(number=upload.request.number, state=upload.request.get_state_display()) if upload.request else ""
    )
    lines = [
        f"{one.sheet_row or '':>6} {one.column:<3} {one.severity:<10} {one.code:<24} {one.message} {one.repair}"
        for one in upload_findings(upload=upload)
    ]
    return "\n".join(line for line in [counts, request, *lines] if line)
