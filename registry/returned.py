"""The rows that came back, as a workbook to repair and send again: the columns as they were sent, bad cells coloured, with a comment.

A hidden sheet says which upload it is from and what every cell held when it was written, so that what comes back is merged cell by cell
(`services.upload_corrections`), both ways at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO

import xlsxwriter
from django.utils.translation import gettext as _
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from registry.models import Upload, UploadRow
from registry.selectors.upload_grid import TO_FIX, Shown
from registry.selectors.uploads import FindingLine, upload_findings
from registry.services.upload_corrections import HIDDEN_SHEET, MARK
from workflows.choices import Severity

CHUNK = 5_000
WIDTH, REASONS_WIDTH = 22, 60
Found = Mapping[int, Sequence[FindingLine]]


def returned_workbook(upload: Upload) -> bytes:
    """An .xlsx file: a row number, the reasons, then the cells as text. Everything is written as text, never as a formula."""
    found: dict[int, list[FindingLine]] = defaultdict(list)
    for one in upload_findings(upload=upload):
        if one.severity != Severity.SUGGESTION and one.sheet_row:
            found[one.sheet_row].append(one)
    file = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet, hidden = book.add_worksheet(_("Returned rows")[:31]), book.add_worksheet(HIDDEN_SHEET)
        hidden.very_hidden()
        looks = _looks(book)
        _write_headings(sheet, hidden, upload, looks)
        texts = Shown(upload)
        rows = UploadRow.objects.filter(upload=upload, state__in=TO_FIX).order_by("sheet_row")
        for line, row in enumerate(rows.iterator(chunk_size=CHUNK), start=1):
            cells = texts.of_row(row, upload.mapping)
            _write_row(sheet, line, row, cells, upload, found.get(row.sheet_row, ()), looks)
            hidden.write_row(line + 1, 0, [str(row.sheet_row), str(row.version), *(cells[one["column"]] for one in upload.mapping)])
    return file.getvalue()


def _looks(book: xlsxwriter.Workbook) -> dict[str, Format]:
    text = {"num_format": "@", "valign": "top"}
    return {
        "heading": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "row": book.add_format({"font_color": "#777777", "valign": "top", "num_format": "0"}),
        "reasons": book.add_format({"text_wrap": True, "valign": "top", "font_color": "#9C2A10"}),
        "text": book.add_format(text),
        Severity.ERROR: book.add_format({**text, "bg_color": "#FDE2DC", "border": 1, "border_color": "#D9644A"}),
        Severity.WARNING: book.add_format({**text, "bg_color": "#FFF2CC", "border": 1, "border_color": "#C98A10"}),
    }


def _write_headings(sheet: Worksheet, hidden: Worksheet, upload: Upload, looks: Mapping[str, Format]) -> None:
    sheet.set_column(0, 0, 8)
    sheet.set_column(1, 1, REASONS_WIDTH)
    sheet.set_column(2, 2 + len(upload.mapping), WIDTH, looks["text"])
    sheet.freeze_panes(1, 2)
    for column, heading in enumerate([_("Row in the file"), _("What to repair"), *(one["heading"] for one in upload.mapping)]):
        sheet.write_string(0, column, heading, looks["heading"])
    hidden.write_row(0, 0, [MARK, str(upload.pk)])
    hidden.write_row(1, 0, [one["column"] for one in upload.mapping])


def _write_row(
    sheet: Worksheet, line: int, row: UploadRow, cells: Mapping[str, str], upload: Upload, found: Iterable[FindingLine], looks: Mapping[str, Format]
) -> None:
    by_column: dict[str, list[FindingLine]] = defaultdict(list)
    for one in found:
        by_column[one.column].append(one)
    sheet.write_number(line, 0, row.sheet_row, looks["row"])
    sheet.write_string(line, 1, "\n".join(_said(one, labelled=True) for lines in by_column.values() for one in lines), looks["reasons"])
    for column, one in enumerate(upload.mapping, start=2):
        lines = by_column.get(one["column"], [])
        grade = min((line.severity for line in lines), default="text")  # "error" sorts before "warning"
        sheet.write_string(line, column, cells[one["column"]], looks[grade])
        if lines:
            sheet.write_comment(line, column, " ".join(_said(each) for each in lines)[:1_000], {"x_scale": 2})


def _said(one: FindingLine, *, labelled: bool = False) -> str:
    start = f"{one.label or one.heading}:" if labelled and (one.label or one.heading) else ""
    return " ".join(part for part in (start, one.message, one.repair) if part)
