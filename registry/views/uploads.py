"""Sending a workbook, the list of those sent, one of them as a whole, and handing it in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User
from orgtree.pages import page, page_view
from orgtree.selectors.units import indented
from registry.choices import UPLOAD_OPEN, UPLOAD_WITH_THE_WORKERS, UploadState
from registry.models import SourceProgram, Upload
from registry.reading import WorkbookRefused
from registry.selectors.upload_causes import cause_lines, other_lines
from registry.selectors.upload_changes import ASKED
from registry.selectors.upload_pairs import pairs_in_use, programs_offered, unpaired_count
from registry.selectors.uploads import upload_findings, upload_get, upload_job, upload_outcome, upload_page, upload_submissions
from registry.services.uploads import AT_ONCE, upload_queue, upload_receive, upload_recheck, upload_submit, upload_wait
from workflows.choices import RequestState
from workflows.errors import GateError

SHOWN_FINDINGS = 50  # the grid and the workbook of the returned rows have them all
COLUMN_IGNORED = "COLUMN_IGNORED"  # told in one sentence, from the mapping
LONGEST_PLACE = 18
TABS = {
    "columns": gettext_lazy("Columns"),
    "causes": gettext_lazy("Repair by cause"),
    "people": gettext_lazy("Who is who"),
    "grid": gettext_lazy("Correct cells"),
    "changes": gettext_lazy("What will change"),
    "missing": gettext_lazy("Not in the workbook"),
    "undo": gettext_lazy("Take the workbook back"),
}


def upload_or_404(user: User, upload_id: UUID) -> Upload:
    try:
        return upload_get(user=user, upload_id=upload_id)
    except Upload.DoesNotExist:
        raise Http404 from None


def place_of(request: HttpRequest, name: str = "after") -> int:
    """Where a page of a list begins, 0 for anything but a number."""
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) <= LONGEST_PLACE else 0


def program_of(request: HttpRequest, programs: Sequence[SourceProgram]) -> SourceProgram | None:
    """The program that a form names; None for national codes, and for one that is not offered."""
    return next((one for one in programs if one.code == request.POST.get("program")), None)


def upload_page_of(request: HttpRequest, upload: Upload, template: str, tab: str, **context: Any) -> HttpResponse:
    """One of the pages of an upload, with the row of tabs above it; below the workbook's own page each has a title of its own."""
    status, title = context.pop("status", 200), TABS.get(tab, upload.name)
    return page(request, f"registry/{template}", title, status=status, upload=upload, tab=tab, is_open=upload.state in UPLOAD_OPEN, **context)


@page_view
@require_GET
def upload_list(request: HttpRequest) -> HttpResponse:
    """Uploads of my units, newest first; mine alone when asked."""
    mine = request.GET.get("show") == "mine"
    rows, before = upload_page(user=request.user, before=place_of(request, "before") or None, mine=mine)
    if not rows and not scope.units(request.user, Action.EDIT).exists():
        raise Http404
    return page(request, "registry/upload_list.html", _("Workbooks sent"), rows=rows, before=before, mine=mine, later="before" in request.GET)


@page_view
@require_http_methods(["GET", "POST"])
def upload_new(request: HttpRequest) -> HttpResponse:
    """The form; a workbook that is refused at the door (empty, too large) comes back to it with the reason."""
    units = list(scope.units(request.user, Action.EDIT).on(clock.today()).order_by("tree_id", "lft"))
    if not units:
        raise Http404
    problem, chosen = "", request.POST.get("unit") or request.GET.get("unit") or str(units[0].pk)
    programs = list(programs_offered())
    program = program_of(request, programs)
    if request.method == "POST":
        unit, file = next((one for one in units if str(one.pk) == chosen), None), request.FILES.get("file")
        if unit is None:
            problem = _("Choose the unit whose people the workbook lists.")
        elif file is None:
            problem = _("Choose a workbook first.")
        else:
            try:
                upload = upload_receive(actor=request.user, unit=unit, file=file, name=file.name, program=program)
            except (GateError, WorkbookRefused) as error:
                problem = str(error)
            else:
                upload_queue(upload=upload)
                return redirect("registry:upload_detail", upload.pk)
    context = {"units": indented(units), "chosen": chosen, "problem": problem, "programs": programs, "program": program}
    return page(request, "registry/upload_new.html", _("Upload a workbook"), status=422 if problem else 200, **context)


@page_view
@require_GET
def upload_detail(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """What came of a workbook, and what is to be done next."""
    upload = upload_or_404(request.user, upload_id)
    if upload.state == UploadState.MERGED and upload.corrects_id:
        return redirect("registry:upload_detail", upload.corrects_id)
    if upload.state == UploadState.MAPPING:
        return redirect("registry:upload_columns", upload.pk)
    submissions = upload_submissions(upload=upload)
    found = list(upload_findings(upload=upload, limit=SHOWN_FINDINGS + 1, alone=True))
    submitted, others = upload.counts.get("submitted", 0), other_lines(upload=upload)
    waiting = upload.staged - submitted
    is_mine = upload.uploader_id == request.user.pk
    return upload_page_of(
        request,
        upload,
        "upload_detail.html",
        "detail",
        running=upload.state in UPLOAD_WITH_THE_WORKERS,
        job=upload_job(upload=upload),
        whole=[one for one in found if not one.sheet_row and one.code not in (COLUMN_IGNORED, "SAME_FILE")],
        ignored=[one for one in upload.mapping if not one["field"]],
        rows=[one for one in found[:SHOWN_FINDINGS] if one.sheet_row],
        more=len(found) > SHOWN_FINDINGS,
        causes=cause_lines(upload=upload),
        unpaired=unpaired_count(upload=upload),
        pairs=pairs_in_use(upload=upload),
        others=others,
        asked=sum(one.cells for one in others if one.code in ASKED),
        submissions=submissions,
        outcome=upload_outcome(upload=upload, submissions=submissions),
        applied=any(one.request.state == RequestState.APPLIED and not one.undoes for one in submissions),
        same=upload.same_as if upload.same_as_id else None,
        waiting=waiting,
        submitted=submitted,
        may_submit=is_mine and waiting > 0 and upload.state in (UploadState.STAGED, UploadState.PARTLY),
    )


@page_view
@require_POST
def upload_hand_in(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Submit the accepted rows now and keep the rest, or wait until every row is right: what the clerk chose."""
    upload = upload_or_404(request.user, upload_id)
    waits = request.POST.get("how") == "wait"
    try:
        if waits:
            upload_wait(actor=request.user, upload=upload, waits=True)
            messages.success(request, _("Nothing has been submitted. The button waits here until every row is right."))
            return redirect("registry:upload_detail", upload.pk)
        upload = upload_submit(actor=request.user, upload=upload, at_once=upload.staged <= AT_ONCE)
    except GateError as error:
        messages.error(request, str(error))
        return redirect("registry:upload_detail", upload.pk)
    if upload.state == UploadState.SUBMITTING:
        return redirect("registry:upload_detail", upload.pk)
    if upload.request_id is None:
        messages.warning(request, _("No row could be submitted: the files on hand have changed meanwhile. Look at what was found."))
        return redirect("registry:upload_detail", upload.pk)
    messages.success(request, _("The request has been submitted. Its approver finds it under “Waiting for my decision”."))
    return redirect("workflows:request_detail", upload.request_id)


@page_view
@require_POST
def upload_check(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Check every open row again."""
    upload = upload_or_404(request.user, upload_id)
    try:
        upload_recheck(actor=request.user, upload=upload)
    except GateError as error:
        messages.error(request, str(error))
    return redirect("registry:upload_detail", upload.pk)
