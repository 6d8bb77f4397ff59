"""import-export's way in: a Dataset becomes an upload, and its Result says what the upload found.

The columns are those that `StaffProfileResource` declares; nothing is saved by import-export. `manage.py import` (our own, which asks for
unit and user) and scripts come here; the admin's import button leads to the page of an upload, which does the same.
"""

from __future__ import annotations

from collections import defaultdict
from io import BytesIO
from typing import Any

import xlsxwriter
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from import_export.results import Error, Result, RowResult
from tablib import Dataset

from orgtree.models import OrgUnit, User
from registry.choices import RowState, UploadState
from registry.models import Upload
from registry.resources import StaffProfileResource
from registry.selectors.uploads import FindingLine, upload_findings
from registry.services.uploads import upload_process, upload_receive, upload_submit
from workflows.choices import Severity

_TYPES = {"create": RowResult.IMPORT_TYPE_NEW, "update": RowResult.IMPORT_TYPE_UPDATE}
NAME = "import.xlsx"
_DAY = "dd/mm/yyyy"


class PeopleImport(StaffProfileResource):
    """`unit` is whose people the rows are, `user` who sends them. `upload` is what became of it."""

    def __init__(self, *, user: User, unit: OrgUnit, **kwargs: Any) -> None:
        super().__init__(user=user, **kwargs)
        self._sender, self._unit = user, unit
        self.upload: Upload | None = None

    def import_data(self, dataset: Dataset, dry_run: bool = False, raise_errors: bool = False, **kwargs: Any) -> Result:
        """Read, check and, unless `dry_run`, submit. With `raise_errors` the first finding that refuses something is raised."""
        file = ContentFile(_workbook(dataset), NAME)
        self.upload = upload_process(upload=upload_receive(actor=self._sender, unit=self._unit, file=file, name=NAME))
        result = _result(self.upload)
        if raise_errors and result.has_errors():
            raise next((one.error for one in result.base_errors), None) or result.row_errors()[0][1][0].error
        if not dry_run and self.upload.state == UploadState.STAGED:
            self.upload = upload_submit(actor=self._sender, upload=self.upload)
        return result


def _workbook(dataset: Dataset) -> bytes:
    """The dataset as a workbook: headings in the first row, numbers and dates as such."""
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": _DAY})
        sheet.write_row(0, 0, [str(one) for one in dataset.headers or ()])
        for number, row in enumerate(dataset, start=1):
            for column, cell in enumerate(row):
                if hasattr(cell, "year"):
                    sheet.write_datetime(number, column, cell, day)
                elif cell not in (None, ""):
                    sheet.write(number, column, cell if isinstance(cell, int | float | str) else str(cell))
    return file.getvalue()


def _result(upload: Upload) -> Result:
    """One RowResult a row, with our findings as its errors; what concerns the whole workbook is a base error."""
    result = Result()
    result.total_rows = upload.read
    found: dict[int, list[FindingLine]] = defaultdict(list)
    for line in upload_findings(upload=upload, severity=Severity.ERROR):
        found[line.sheet_row].append(line)
    for line in found.pop(0, ()):
        result.append_base_error(Error(_error(line)))
    for number, state, op in upload.rows.order_by("sheet_row").values_list("sheet_row", "state", "op"):
        row = RowResult()
        row.number = number
        row.errors = [Error(_error(line), number=number) for line in found.get(number, ())]
        accepted = state in (RowState.STAGED, RowState.SUBMITTED)
        row.import_type = RowResult.IMPORT_TYPE_ERROR if row.errors else _TYPES[op] if accepted else RowResult.IMPORT_TYPE_SKIP
        result.increment_row_result_total(row)
        result.append_row_result(row)
    return result


def _error(line: FindingLine) -> ValidationError:
    where = f"{line.label or line.heading}: " if line.label or line.heading else ""
    return ValidationError(f"{where}{line.message} {line.repair}".strip(), code=line.code)
