"""The grid in which single cells are corrected, and the workbook that is corrected elsewhere and comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from orgtree.pages import page_view
from registry.choices import RowState
from registry.fields import label_of
from registry.models import UploadRow
from registry.returned import returned_workbook
from registry.selectors.upload_grid import TO_FIX, columns_to_fix, fields_to_add, grid_columns, grid_page, grid_rows
from registry.services.upload_added import column_add
from registry.services.upload_fixing import CellEdit, cells_edit, rows_leave_out
from registry.views.uploads import place_of, upload_or_404, upload_page_of
from workflows.errors import GateError

WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LARGEST_BODY, MOST_EDITS = 1024 * 1024, 5_000
SHOWN = {"fix": TO_FIX, "left": (RowState.LEFT_OUT,), "all": tuple(RowState)}


@page_view
@require_GET
def upload_grid(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Rows that somebody must look at, as a grid; by default only the columns in which something was found."""
    upload = upload_or_404(request.user, upload_id)
    show = request.GET.get("show", "fix")
    rows, after = grid_page(upload=upload, after=place_of(request), states=SHOWN.get(show, TO_FIX))
    every = request.GET.get("columns") == "all"
    columns = grid_columns(upload=upload, letters=None if every else columns_to_fix(upload=upload, rows=[row.sheet_row for row in rows]))
    lines = grid_rows(upload=upload, rows=rows, columns=columns)
    fields = fields_to_add(upload=upload)
    added = {"missed": [one for one in fields if one.rows], "addable": [one for one in fields if not one.rows]}
    return upload_page_of(request, upload, "upload_grid.html", "grid", columns=columns, rows=lines, after=after, every=every, show=show, **added)


@page_view
@require_POST
def upload_cells(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Cells as the grid sends them: {"edits": [{"row", "column", "before", "after"}]}. Answers the rows as they now stand, with their verdicts.

    422 for anything else, 409 with a sentence when the upload is not open for corrections.
    """
    upload = upload_or_404(request.user, upload_id)
    edits = _edits(request)
    if edits is None:
        return JsonResponse({"said": _("The correction could not be read. Reload the page.")}, status=422)
    try:
        done = cells_edit(actor=request.user, upload=upload, edits=edits)
    except GateError as error:
        return JsonResponse({"said": str(error)}, status=409)
    rows = list(UploadRow.objects.filter(upload=upload, sheet_row__in={one.row for one in edits}).order_by("sheet_row"))
    lines = grid_rows(upload=done.upload, rows=rows, columns=grid_columns(upload=upload))
    return JsonResponse(
        {
            "rows": {line.number: line.as_json() for line in lines},
            "refused": [{"row": edit.row, "column": edit.column, "here": here, "wanted": edit.after} for edit, here in done.refused],
            "left": done.upload.returned,
            "accepted": done.upload.staged,
        }
    )


@page_view
@require_POST
def upload_column_add(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Add a column that the workbook does not have, perhaps with one value for all rows that miss it."""
    upload = upload_or_404(request.user, upload_id)
    field, text = request.POST.get("field", ""), request.POST.get("text", "")
    try:
        column_add(actor=request.user, upload=upload, field=field, text=text)
        messages.success(request, _("The column “{label}” was added. Fill it in below.").format(label=label_of(field)))
    except KeyError:
        messages.error(request, _("Choose the field that the column is to hold."))
    except GateError as error:
        messages.error(request, str(error))
    return redirect("registry:upload_grid", upload.pk)


@page_view
@require_POST
def upload_row_out(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Leave a row out of everything, or take it in again."""
    upload = upload_or_404(request.user, upload_id)
    row, out = request.POST.get("row", ""), request.POST.get("out") == "1"
    try:
        if row.isdecimal():
            rows_leave_out(actor=request.user, upload=upload, rows=[int(row)], out=out)
            said = _("Row {row} is left out; it stays in the list of rows left out.") if out else _("Row {row} is taken in again.")
            messages.success(request, said.format(row=row))
    except GateError as error:
        messages.error(request, str(error))
    return redirect("registry:upload_grid", upload.pk)


@page_view
@require_GET
def upload_returned(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """The returned rows as a workbook: bad cells coloured, with what to repair beside each; it may be sent back."""
    upload = upload_or_404(request.user, upload_id)
    if not upload.returned:
        raise Http404
    return HttpResponse(
        returned_workbook(upload),
        content_type=WORKBOOK_TYPE,
        headers={"Content-Disposition": f'attachment; filename="tra-lai-{upload.created:%Y%m%d-%H%M}.xlsx"'},
    )


def _edits(request: HttpRequest) -> list[CellEdit] | None:
    try:
        if len(request.body) > LARGEST_BODY:
            return None
        edits = list(_parsed(json.loads(request.body)["edits"]))
    except (RawPostDataException, ValueError, KeyError, TypeError, RecursionError):
        return None
    return edits if 0 < len(edits) <= MOST_EDITS else None


def _parsed(sent: Any) -> Iterator[CellEdit]:
    for one in sent:
        if not isinstance(one["row"], int) or not 0 < one["row"] < 2**31:
            raise ValueError("row")
        yield CellEdit(one["row"], str(one["column"])[:3], str(one["before"]), str(one["after"]).replace("\x00", ""))
