"""The columns of an upload as a person decides them: chosen, remembered for the unit and its headings, carried from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import User
from registry.choices import UploadState
from registry.mapping import ColumnMapping, Part
from registry.messages import message_of, repair_of
from registry.models import SenderMapping, SourceProgram, Upload
from registry.reading import column_letter
from registry.services.programs import program_remember
from registry.services.uploads import upload_move, upload_queue, upload_taken
from workflows.errors import GateError, NotAllowed, WrongState
from workflows.services.audit import audit

OPEN = (UploadState.MAPPING, UploadState.STAGED, UploadState.EMPTY)


class MappingUnusable(GateError):
    code = "MAPPING_UNUSABLE"

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))


def mapping_choose(*, actor: User, upload: Upload, choices: Mapping[str, tuple[str | None, Part]], program: SourceProgram | None = None) -> Upload:
    """Read the workbook with these columns: by column letter the field (None: not read) and the part of it that the column holds.

    `program` is the one whose codes its cells hold; None where they hold ours. What was chosen is remembered for the unit and its set of
    headings. Raises MappingUnusable when it cannot be read with, WrongState when rows have been submitted already, NotAllowed, KeyError for
    a field that no column may hold.
    """
    with transaction.atomic():
        upload = upload_taken(upload.pk)
        _allowed(actor, upload)
        mapping = mapping_now(upload)
        for one in mapping.columns:
            if (choice := choices.get(column_letter(one.index))) is not None and choice != (one.field, one.part):
                mapping = mapping.chosen(one.index, *choice)
        mapping = _settled(mapping)
        _refuse_unusable(upload, mapping)
        _remember(actor, upload, mapping)
        program_remember(actor=actor, unit=upload.unit, signature=upload.signature, program=program)
        return _read_again(actor, upload, mapping, program)


def mapping_import(*, actor: User, upload: Upload, exported: Any) -> ColumnMapping:
    """A mapping that was exported, on the columns of this upload: by heading, wherever they stand. Raises MappingInvalid."""
    _allowed(actor, upload)
    return ColumnMapping.from_json(exported).applied_to(_columns(upload))


def mapping_now(upload: Upload) -> ColumnMapping:
    return ColumnMapping.from_json({"version": 1, "columns": upload.mapping})


def _allowed(actor: User, upload: Upload) -> None:

    if not scope.can(actor, Action.EDIT, upload.unit):
        raise NotAllowed
    if upload.state not in OPEN or upload.counts.get("submitted"):
        raise WrongState(state=upload.state)


def _settled(mapping: ColumnMapping) -> ColumnMapping:
    """A person has looked at every column: what was only likely is now meant, and a rival that was left ignored is ignored."""
    for one in mapping.columns:
        if one.rival or one.confidence < 1:
            mapping = mapping.chosen(one.index, one.field, one.part)
    return mapping


def _refuse_unusable(upload: Upload, mapping: ColumnMapping) -> None:
    problems = []
    for one in mapping.problems(numberless=True):
        words = {"place": upload.sheet, "field": one.field}
        value = ", ".join(column_letter(index) for index in one.columns) or str(upload.heading_row)
        problems.append(
            f"{message_of(one.code, value=value, field=one.field, params=words)} {repair_of(one.code, value=value, field=one.field, params=words)}"
        )
    if problems:
        raise MappingUnusable(problems)


def _remember(actor: User, upload: Upload, mapping: ColumnMapping) -> None:
    SenderMapping.objects.update_or_create(unit=upload.unit, signature=upload.signature, defaults={"columns": mapping.to_json(), "actor": actor})


def _read_again(actor: User, upload: Upload, mapping: ColumnMapping, program: SourceProgram | None) -> Upload:
    samples = {one["column"]: one.get("samples", []) for one in upload.mapping}
    letters = [(column_letter(one.index), one) for one in mapping.columns]
    lines = [{**one.to_json(), "column": letter, "samples": samples.get(letter, [])} for letter, one in letters]
    upload = upload_move(upload, UploadState.PROCESSING, mapping=lines, program=program)
    audit(actor=actor, action="upload.columns_matched", unit=upload.unit, upload=str(upload.pk), program=program.code if program else "")
    upload_queue(upload=upload, actor=actor)
    return upload


class _Heading:
    """A column of an upload as `registry.mapping` looks at it."""

    def __init__(self, line: Mapping[str, Any]) -> None:
        self.index, self.heading, self.samples = int(line["index"]), str(line["heading"]), tuple(line.get("samples", ()))
        self.lines = tuple(self.heading.split(" / "))


def _columns(upload: Upload) -> list[_Heading]:
    return [_Heading(line) for line in upload.mapping]
