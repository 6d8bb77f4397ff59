"""The rows that came back, as a workbook to repair and send again: the columns as they were sent, and before them the reasons."""

from __future__ import annotations

from collections import defaultdict
from io import BytesIO

import xlsxwriter
from django.utils.translation import gettext as _

from registry.choices import RowState
from registry.models import Upload, UploadRow
from registry.selectors.uploads import upload_findings
from workflows.choices import Severity

CHUNK = 5_000


def returned_workbook(upload: Upload) -> bytes:
    """An .xlsx file: a row number, the reasons, then the cells as text. Everything is written as text, never as a formula."""
    reasons: dict[int, list[str]] = defaultdict(list)
    for one in upload_findings(upload=upload, severity=Severity.ERROR):
        reasons[one.sheet_row].append(" ".join(part for part in (f"{one.label}:" if one.label else "", one.message, one.repair) if part))
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(_("Returned rows")[:31])
        bold, text = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "@", "text_wrap": False})
        sheet.set_column(0, 0, 8)
        sheet.set_column(1, 1, 60)
        sheet.set_column(2, 2 + len(upload.mapping), 22, text)
        sheet.freeze_panes(1, 2)
        for column, heading in enumerate([_("Row in the file"), _("What to repair"), *(one["heading"] for one in upload.mapping)]):
            sheet.write_string(0, column, heading, bold)
        rows = UploadRow.objects.filter(upload=upload, state=RowState.RETURNED).order_by("sheet_row")
        for line, row in enumerate(rows.iterator(chunk_size=CHUNK), start=1):
            sheet.write_number(line, 0, row.sheet_row)
            sheet.write_string(line, 1, "\n".join(reasons[row.sheet_row]))
            for column, one in enumerate(upload.mapping, start=2):
                sheet.write_string(line, column, row.raw.get(one["column"], ""), text)
    return file.getvalue()
