"""The hub's progress board, the evidence behind each figure, the day's report, and the public page without personal data."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_page
from django.views.decorators.http import require_GET, require_POST

from exchange.choices import BodyKind
from exchange.models import Agency, ExpectedBody, InboundBatch, InboundResult
from exchange.reports import board_pdf, board_xlsx
from exchange.selectors.board import board, day_lines
from exchange.selectors.bodies import missing_names
from exchange.selectors.causes import title_of
from exchange.selectors.sight import operates_line, operates_somewhere
from exchange.services.expectations import expectation_record
from orgtree import clock
from orgtree.pages import page, page_view

SHOWN = 50
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@page_view
@require_GET
def progress(request: HttpRequest) -> HttpResponse:
    _monitors_only(request)
    shown = board(day=_day(request))
    whole, today = operates_line(request.user), clock.today()
    missing = missing_names(shown.of(BodyKind.CENTRAL)) if whole and shown.day == today else None
    return page(request, "exchange/board.html", _("Progress board"), board=shown, today=today, whole=whole, missing=missing)


@page_view
@require_GET
def progress_report(request: HttpRequest, form: str) -> HttpResponse:
    """The board of a day as XLSX or PDF."""
    _monitors_only(request)
    day = _day(request)
    shown = board(day=day)
    body, kind = (board_xlsx(shown), XLSX) if form == "xlsx" else (board_pdf(shown), "application/pdf")
    answer = HttpResponse(body, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="tien-do-{day.isoformat()}.{form}"'
    return answer


@page_view
@require_GET
def progress_body(request: HttpRequest, body_id: int) -> HttpResponse:
    """The evidence of one body's figures: days, batches, refusals by cause, trials, statements of equality, reports."""
    _monitors_only(request)
    body = get_object_or_404(ExpectedBody, pk=body_id)
    agency = Agency.objects.filter(code=body.code).select_related("root").first() if body.code else None
    return page(
        request,
        "exchange/board_body.html",
        body.name,
        body=body,
        agency=agency,
        standing=body.standings.first(),
        today=clock.today(),
        whole=operates_line(request.user),
        **_evidence(agency, body),
    )


@page_view
@require_POST
def expectation_add(request: HttpRequest, body_id: int) -> HttpResponse:
    """Write down how many files a body reports to have."""
    _monitors_only(request)
    if not operates_line(request.user):
        raise Http404
    body = get_object_or_404(ExpectedBody, pk=body_id)
    try:
        day, files = date.fromisoformat(request.POST.get("day", "")), int(request.POST.get("files", "")[:9])
    except ValueError:
        messages.error(request, _("Give the day and a whole number of files."))
        return redirect("exchange:progress_body", body.pk)
    try:
        expectation_record(actor=request.user, body=body, day=day, files=files, source=request.POST.get("source", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("The report is written down."))
    return redirect("exchange:progress_body", body.pk)


@require_GET
@cache_page(60)
def public_status(request: HttpRequest) -> HttpResponse:
    """How far the country is, for everybody: bodies and numbers, nobody's name."""
    if settings.ROLE != "hub":
        raise Http404
    return render(request, "exchange/public_status.html", {"board": board(day=clock.today()), "now": clock.now()})


def _evidence(agency: Agency | None, body: ExpectedBody) -> dict[str, object]:
    reports = list(body.expectations.select_related("actor"))
    if agency is None:
        return {"reports": reports[:SHOWN]}
    refusals = (
        InboundResult.objects.filter(agency=agency, outcome="rejected")
        .order_by()
        .values("code")
        .annotate(count=Count("pk"), last=Max("batch__received_at"))
    )
    return {
        "reports": reports[:SHOWN],
        "days": day_lines(agency=agency, reports=reports, limit=SHOWN),
        "batches": InboundBatch.objects.filter(agency=agency).defer("body").order_by("-received_at")[:SHOWN],
        "refusals": [(title_of(one["code"]), one) for one in refusals.order_by("-count")],
        "trials": agency.trials.order_by("-received_at").defer("report")[:SHOWN],
        "certificates": agency.certificates.defer("statement")[:SHOWN],
    }


def _day(request: HttpRequest) -> date:
    try:
        asked = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return clock.today()
    return min(asked, clock.today())


def _monitors_only(request: HttpRequest) -> None:
    if settings.ROLE != "hub" or not operates_somewhere(request.user):
        raise Http404
