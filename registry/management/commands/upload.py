"""Upload a workbook from a shell: the same services as the page, with the same rights."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from orgtree.models import User
from registry.choices import UploadState
from registry.management.senders import unit_named, user_named
from registry.models import SourceProgram, Upload
from registry.reading import WorkbookRefused
from registry.selectors.upload_causes import cause_lines
from registry.selectors.upload_pairs import programs_offered
from registry.selectors.uploads import upload_findings
from registry.services.upload_fixing import repair_agree
from registry.services.upload_mapping import mapping_choose, mapping_import
from registry.services.uploads import upload_process, upload_receive, upload_submit
from workflows.errors import GateError

READY = (UploadState.STAGED, UploadState.PARTLY)


class Command(BaseCommand):
    help = "Reads a workbook of staff files for a unit and checks it; --submit sends what is right. Exit status 1 when nothing could be read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workbook", type=Path)
        parser.add_argument("--unit", required=True, metavar="CODE", help="agency identifier of the unit, for example H15.70")
        parser.add_argument("--as", required=True, metavar="USER", dest="username", help="login of the person on whose behalf it is sent")
        parser.add_argument("--submit", action="store_true", help="submit the accepted rows; the others stay with the upload")
        parser.add_argument("--columns", metavar="FILE", type=Path, help="a matching of columns as the page saves it; “-” takes what is suggested")
        parser.add_argument("--program", metavar="CODE", help="the program it comes from, whose codes are translated by pairs")
        parser.add_argument("--repair", action="store_true", help="make the repairs that lose and guess nothing (dates with dots, old encodings)")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, workbook: Path, unit: str, username: str, submit: bool, **options: Any) -> None:
        actor, place = user_named(username), unit_named(unit)
        program = _program(options["program"])
        try:
            with workbook.open("rb") as handle:
                upload = upload_receive(actor=actor, unit=place, file=File(handle), name=workbook.name, program=program)
            upload = upload_process(upload=upload)
            if upload.state == UploadState.MAPPING and options["columns"]:
                upload = _matched(actor, upload, options["columns"])
            if options["repair"]:
                upload = _repaired(actor, upload)
            if submit and upload.state in READY:
                upload = upload_submit(actor=actor, upload=upload)
        except (GateError, WorkbookRefused) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(_("{place} cannot be opened: {value}").format(place=workbook, value=error.strerror)) from error
        except ValueError as error:
            raise CommandError(_("{place} is not a saved matching of columns.").format(place=options["columns"])) from error
        self.stdout.write(json.dumps(_report(upload), ensure_ascii=False, indent=2) if options["json"] else "\n".join(_table(upload)))
        if upload.state == UploadState.REFUSED:
            raise CommandError(_("Nothing was staged: the workbook was refused."))
        if upload.state == UploadState.MAPPING:
            raise CommandError(_("Some columns are not sure: match them on the page of the upload, or add --columns."))


def _program(code: str | None) -> SourceProgram | None:
    """Raises CommandError."""
    known = {one.code: one for one in programs_offered()}
    if code and code not in known:
        named = ", ".join(known) or "–"
        raise CommandError(_("There is no program {value}. Known are: {suggestion}.").format(value=code, suggestion=named))
    return known.get(code or "")


def _matched(actor: User, upload: Upload, columns: Path) -> Upload:
    """The workbook read with a saved matching, or with what was suggested."""
    choices = {}
    if str(columns) != "-":
        mapping = mapping_import(actor=actor, upload=upload, exported=json.loads(columns.read_bytes()))
        letters = {one["index"]: one["column"] for one in upload.mapping}
        choices = {letters[one.index]: (one.field, one.part) for one in mapping.columns}
    return upload_process(upload=mapping_choose(actor=actor, upload=upload, choices=choices, program=upload.program))


def _repaired(actor: User, upload: Upload) -> Upload:
    for one in cause_lines(upload=upload):
        if one.certain:
            repair_agree(actor=actor, upload=upload, field=one.field, cause=one.cause, op=one.op)
    return upload_process(upload=Upload.objects.select_related("unit", "uploader", "request").get(pk=upload.pk))


def _report(upload: Upload) -> dict[str, Any]:
    return {
        "upload": str(upload.pk),
        "request": str(upload.request_id) if upload.request_id else None,
        "request_number": upload.request.number if upload.request else None,
        "requests": [{"number": one.request.number, "rows": one.rows} for one in upload.submissions.select_related("request")],
        "state": upload.state,
        "sheet": upload.sheet,
        "heading_row": upload.heading_row,
        "columns": upload.mapping,
        "read": upload.read,
        "staged": upload.staged,
        "returned": upload.returned,
        "unchanged": upload.unchanged,
        "left_out": upload.left_out,
        **upload.counts,
        "program": upload.program.code if upload.program else None,
        "paired": upload.paired,
        "repairs": [{"field": one.field, "cause": one.cause, "cells": one.cells, "certain": one.certain} for one in cause_lines(upload=upload)],
        "findings": [one.as_json() for one in upload_findings(upload=upload)],
    }


def _table(upload: Upload) -> Iterator[str]:
    yield _("{name}: {read} rows read, {staged} accepted, {returned} returned, {unchanged} unchanged").format(
        name=upload.name, read=upload.read, staged=upload.staged, returned=upload.returned, unchanged=upload.unchanged
    )
    if upload.staged:
        counts = {name: upload.counts.get(name, 0) for name in ("new", "changed", "fill", "overwrite", "missing")}
        said = _("{new} new files, {changed} changed: {fill} cells fill a blank, {overwrite} overwrite; {missing} people are not in the workbook")
        yield said.format(**counts)
    if upload.request:
        yield _("Change request {number}: {state}").format(number=upload.request.number, state=upload.request.get_state_display())
    for one in cause_lines(upload=upload):
        yield f"{one.cells:>6} × {one.words} ({one.label})"
    for line in upload_findings(upload=upload, alone=True):
        named = f"{line.label}: " if line.label else ""
        yield f"{line.sheet_row or '':>6} {line.column:<3} {line.severity:<10} {line.code:<24} {named}{line.message} {line.repair}"
