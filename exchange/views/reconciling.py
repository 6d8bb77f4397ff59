"""Comparing with the other side: start it, watch it, read what differs, sign that both hold the same. On the hub, the certificates."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from exchange.choices import ChannelKind, DifferenceKind, ReconciliationState
from exchange.connectors import CallFailed
from exchange.contract import PROFILE_KIND, UNIT_KIND
from exchange.models import Channel, EqualityCertificate, Reconciliation
from exchange.selectors.names import record_names
from exchange.selectors.sight import operates_line
from exchange.services.inbound_digests import certificate_sign
from exchange.services.reconciling import reconciliation_sign, reconciliation_start, signatures_exchange
from orgtree.pages import page, page_view
from workflows.documents import digest, parse
from workflows.errors import GateError
from workflows.targets import target

MAX_SIGNATURE = 64 * 1024
PAGE, RUNS = 50, 20


@page_view
@require_http_methods(["GET", "POST"])
def reconciliation_list(request: HttpRequest) -> HttpResponse:
    """At the agency: the runs, and the start of a new one. On the hub: the certificates."""
    _operators_only(request)
    if settings.ROLE == "hub":
        certificates = EqualityCertificate.objects.select_related("agency").defer("statement", "agency_signature")[:RUNS]
        return page(request, "exchange/certificates.html", _("Certificates of equality"), certificates=certificates)
    channel = Channel.objects.filter(active=True, kind=ChannelKind.NATIONAL_HUB).order_by("pk").first()
    if request.method == "POST":
        if channel is None:
            raise Http404
        return redirect("exchange:reconciliation_detail", reconciliation_start(actor=request.user, channel=channel).pk)
    runs = Reconciliation.objects.select_related("channel", "actor").defer("statement")[:RUNS]
    return page(request, "exchange/reconciliations.html", _("Reconciliation"), channel=channel, runs=runs)


@page_view
@require_GET
def reconciliation_detail(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = _run(request, run_id)
    if request.GET.get("part") == "progress":
        return render(request, "exchange/parts/reconciliation_progress.html", {"run": run, "running": _is_running(run)})
    what = request.GET.get("what", "")
    differences = run.differences.filter(what=what) if what in DifferenceKind.values else run.differences.all()
    shown = Paginator(differences.order_by("what", "kind", "key"), PAGE).get_page(request.GET.get("page"))
    counts = dict(run.differences.order_by().values_list("what").annotate(count=Count("pk")))
    rows = list(shown.object_list)
    names = record_names([(one.kind, one.key) for one in rows])
    return page(
        request,
        "exchange/reconciliation_detail.html",
        _("Reconciliation"),
        run=run,
        running=_is_running(run),
        statement=parse(bytes(run.statement)) if run.statement else None,
        digest=digest(bytes(run.statement)).hex(),
        counts=[(one, counts.get(one.value, 0)) for one in DifferenceKind],
        shown=shown,
        rows=[(one, *names[one.kind, one.key], [target(one.kind).label_of(field) for field in one.fields]) for one in rows],
        what=what,
        pulls=_pulls(run),
    )


def _pulls(run: Reconciliation) -> list[tuple[str, str]]:
    """What of the differences can be taken over from the other side: (kind, the button's text), units first."""
    theirs = run.differences.filter(what__in=[DifferenceKind.MISSING_HERE, DifferenceKind.DIFFERS])
    found = dict(theirs.order_by().values_list("kind").annotate(count=Count("pk")))
    texts = {
        UNIT_KIND: ngettext("Take over %d unit as it stands there", "Take over %d units as they stand there", found.get(UNIT_KIND, 0)),
        PROFILE_KIND: ngettext("Take over %d file as it stands there", "Take over %d files as they stand there", found.get(PROFILE_KIND, 0)),
    }
    return [(kind, text % found[kind]) for kind, text in texts.items() if found.get(kind)]


@page_view
@require_GET
def reconciliation_statement(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The canonical bytes that both sides sign."""
    return _statement(bytes(_run(request, run_id).statement))


@page_view
@require_POST
def reconciliation_signature(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Keep our signature and tell the other side; without a file, ask for the other side's."""
    run = _run(request, run_id)
    try:
        if request.POST.get("act") == "fetch" and run.statement:
            run = signatures_exchange(run=run)
            messages.info(request, _("The other side has signed.") if run.hub_signature else _("The other side has not signed yet."))
        elif (signature := _uploaded(request)) is not None:
            reconciliation_sign(actor=request.user, run=run, signature=signature)
            messages.success(request, _("The signature holds and was sent to the other side."))
    except (GateError, CallFailed) as error:
        messages.error(request, str(error))
    return redirect("exchange:reconciliation_detail", run.pk)


@page_view
@require_GET
def certificate_statement(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    _operators_only(request)
    return _statement(bytes(get_object_or_404(EqualityCertificate, pk=certificate_id).statement))


@page_view
@require_POST
def certificate_signature(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    """On the hub: its operator's signature over the statement."""
    _operators_only(request)
    certificate = get_object_or_404(EqualityCertificate, pk=certificate_id)
    if (signature := _uploaded(request)) is not None:
        try:
            certificate_sign(actor=request.user, certificate=certificate, signature=signature)
        except GateError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The signature holds; the agency can fetch it."))
    return redirect("exchange:reconciliation_list")


def _uploaded(request: HttpRequest) -> bytes | None:
    file = request.FILES.get("file")
    if file is None or not 0 < file.size <= MAX_SIGNATURE:
        messages.error(request, _("Choose the signature file (.p7s) that the signing tool made."))
        return None
    return file.read()


def _statement(body: bytes) -> HttpResponse:
    if not body:
        raise Http404
    answer = HttpResponse(body, content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="equality-{digest(body).hex()[:12]}.json"'
    return answer


def _is_running(run: Reconciliation) -> bool:
    return run.state == ReconciliationState.RUNNING


def _run(request: HttpRequest, run_id: UUID) -> Reconciliation:
    _operators_only(request)
    return get_object_or_404(Reconciliation.objects.select_related("channel", "actor"), pk=run_id)


def _operators_only(request: HttpRequest) -> None:
    if not operates_line(request.user):
        raise Http404
