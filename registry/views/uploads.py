"""Sending a workbook, watching it being read, and what became of its rows."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from orgtree.pages import page, page_view
from registry.choices import UploadState
from registry.models import Upload
from registry.reading import WorkbookRefused
from registry.returned import returned_workbook
from registry.selectors.uploads import upload_findings, upload_get, upload_job
from registry.services.uploads import upload_queue, upload_receive, upload_submit
from workflows.errors import GateError

SHOWN_FINDINGS = 300  # the whole list is in the workbook of the returned rows
COLUMN_IGNORED = "COLUMN_IGNORED"  # told in one sentence, from the mapping
WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def upload_or_404(user: User, upload_id: UUID) -> Upload:
    try:
        return upload_get(user=user, upload_id=upload_id)
    except Upload.DoesNotExist:
        raise Http404 from None


@page_view
@require_http_methods(["GET", "POST"])
def upload_new(request: HttpRequest) -> HttpResponse:
    """The form; a workbook that is refused at the door (empty, too large) comes back to it with the reason."""
    units = list(scope.units(request.user, Action.EDIT).on(clock.today()).order_by("tree_id", "lft"))
    if not units:
        raise Http404
    problem, chosen = "", request.POST.get("unit") or request.GET.get("unit") or str(units[0].pk)
    if request.method == "POST":
        unit, file = next((one for one in units if str(one.pk) == chosen), None), request.FILES.get("file")
        if unit is None:
            problem = _("Choose the unit whose people the workbook lists.")
        elif file is None:
            problem = _("Choose a workbook (.xlsx) first.")
        else:
            try:
                upload = upload_receive(actor=request.user, unit=unit, file=file, name=file.name)
            except (GateError, WorkbookRefused) as error:
                problem = str(error)
            else:
                upload_queue(upload=upload)
                return redirect("registry:upload_detail", upload.pk)
    context = {"units": _indented(units), "chosen": chosen, "problem": problem}
    return page(request, "registry/upload_new.html", _("Upload a workbook"), status=422 if problem else 200, **context)


@page_view
@require_GET
def upload_detail(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    upload = upload_or_404(request.user, upload_id)
    found = list(upload_findings(upload=upload, limit=SHOWN_FINDINGS + 1))
    return page(
        request,
        "registry/upload_detail.html",
        upload.name,
        upload=upload,
        running=upload.state in (UploadState.RECEIVED, UploadState.PROCESSING),
        job=upload_job(upload=upload),
        whole=[one for one in found if not one.sheet_row and one.code != COLUMN_IGNORED],
        ignored=[one for one in upload.mapping if not one["field"]],
        rows=[one for one in found[:SHOWN_FINDINGS] if one.sheet_row],
        more=len(found) > SHOWN_FINDINGS,
        read_columns=[one for one in upload.mapping if one["field"]],
        may_submit=upload.state == UploadState.STAGED and upload.uploader_id == request.user.pk,
    )


@page_view
@require_POST
def upload_hand_in(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Submit the request that the workbook became."""
    upload = upload_or_404(request.user, upload_id)
    try:
        upload = upload_submit(actor=request.user, upload=upload)
    except GateError as error:
        messages.error(request, str(error))
        return redirect("registry:upload_detail", upload.pk)
    messages.success(request, _("The request has been submitted. Its approver finds it under “Waiting for my decision”."))
    return redirect("workflows:request_detail", upload.request_id)


@page_view
@require_GET
def upload_returned(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """The returned rows as a workbook, with what to repair beside each."""
    upload = upload_or_404(request.user, upload_id)
    if not upload.returned:
        raise Http404
    return HttpResponse(
        returned_workbook(upload),
        content_type=WORKBOOK_TYPE,
        headers={"Content-Disposition": f'attachment; filename="tra-lai-{upload.created:%Y%m%d-%H%M}.xlsx"'},
    )


def _indented(units: list[OrgUnit]) -> list[tuple[OrgUnit, str]]:
    """(unit, its name set in by its depth below the topmost unit of the list), for a select."""
    top = min(one.level for one in units)
    return [(one, "\u2003" * (one.level - top) + one.name) for one in units]
