"""The list of people as a file: choosing columns, watching it being written, fetching it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from orgtree import clock, scope
from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.pages import page, page_view
from registry.choices import ListFormat, Section
from registry.errors import ExportRefused
from registry.exporting import export_write
from registry.fields import FIELDS, SECTION_LISTS
from registry.masking import CLASS_A
from registry.models import ListExport
from registry.selectors.filters import filter_read
from registry.selectors.staff import staff_list
from registry.services.exports import export_ask, export_file, export_get, export_job, export_queue
from workflows.choices import JobState, ReadReason
from workflows.errors import PurposeMissing

AT_ONCE = 500  # people that are written while the reader waits; more go to a worker
CONTENT_TYPES = {ListFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ListFormat.CSV: "text/csv; charset=utf-8"}
# What a list begins with; the rest is a click away.
USUAL = ("birth_name", "birth_date", "gender", "staff_number", "using_unit", "posting.title", "rank_code", "step", "coefficient", "personnel_type")


@page_view
@require_http_methods(["GET", "POST"])
def staff_export(request: HttpRequest) -> HttpResponse:
    """The choices, for the list as it is filtered in the address."""
    wanted, _strange = filter_read(user=request.user, data=request.GET)
    people = staff_list(user=request.user, wanted=wanted)
    problem = ""
    if request.method == "POST":
        try:
            export = _ask(request, wanted.query, people.order_by()[: AT_ONCE + 1].count())
        except (ExportRefused, PurposeMissing) as error:
            problem = str(error)
        else:
            return redirect("registry:export_detail", export.pk)
    may_reveal = request.user.is_superuser or bool(scope.intervals(request.user, Action.EDIT))
    context = {**_choices(request), "wanted": wanted, "count": people.order_by().count(), "problem": problem}
    context["reasons"] = ReadReason.choices if may_reveal else ()
    return page(request, "registry/staff_export.html", _("Export the list"), status=422 if problem else 200, **context)


@page_view
@require_GET
def export_detail(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """How far it is, and the link while it lasts."""
    export = _or_404(request, export_id)
    job = export_job(export)
    return page(
        request,
        "registry/export_detail.html",
        job.title,
        export=export,
        job=job,
        running=job.state in (JobState.QUEUED, JobState.RUNNING),
        ready=export_file(export) is not None,
    )


@page_view
@require_GET
def export_download(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """The file, for the person who asked for it, until the link has ended."""
    export = _or_404(request, export_id)
    path = export_file(export)
    if path is None:
        raise Http404
    name = f"danh-sach-{export.created_at.astimezone(clock.ZONE):%Y%m%d-%H%M}.{export.format}"
    response = FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type=CONTENT_TYPES[ListFormat(export.format)])
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _ask(request: HttpRequest, query: dict[str, str], count: int) -> ListExport:
    sent = request.POST
    export, _job = export_ask(
        actor=request.user,
        format_=ListFormat(sent.get("format", "")) if sent.get("format") in ListFormat.values else ListFormat.XLSX,
        columns=sent.getlist("column"),
        lists=sent.getlist("list"),
        query=query,
        title=_("List of people"),
        whole=sent.get("whole") == "1",
        reason=sent.get("reason", ""),
        note=sent.get("note", ""),
        address=ip_of(request),
    )
    if count <= AT_ONCE:
        return export_write(export)
    export_queue(export)
    return export


def _choices(request: HttpRequest) -> dict[str, Any]:
    """Columns and lists by section, with what is ticked."""
    sent = request.POST
    ticked = set(sent.getlist("column")) if request.method == "POST" else set(USUAL)
    lists = set(sent.getlist("list"))
    sections = [
        (
            section.label,
            [(one.name, one.label, one.name in ticked, one.name in CLASS_A) for one in FIELDS if one.section == section],
            [(one.name, one.label, one.name in lists, one.name in CLASS_A) for one in SECTION_LISTS[section]],
        )
        for section in Section
    ]
    return {"sections": sections, "formats": ListFormat.choices, "sent": sent or {"format": ListFormat.XLSX.value}}


def _or_404(request: HttpRequest, export_id: UUID) -> ListExport:
    try:
        return export_get(user=request.user, export_id=export_id)
    except ListExport.DoesNotExist:
        raise Http404 from None
