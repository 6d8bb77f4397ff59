"""What the national platform holds of this agency, beside what stands here: asked for, looked at, and put into requests of the own gate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from exchange.choices import PullState
from exchange.contract import PROFILE_KIND, UNIT_KIND
from exchange.models import Pull, Reconciliation
from exchange.selectors.pull_shown import pull_progress, pull_remedy, pull_shown, pulls_seen, units_to_ask
from exchange.selectors.pulling import asks_somewhere, may_ask, may_stage
from exchange.services.pull_staging import AT_ONCE, pull_stage
from exchange.services.pulling import pull_again, pull_ask, pull_drive
from exchange.services.transfer_line import hub_channel
from orgtree.models import OrgUnit
from orgtree.pages import page, page_view
from orgtree.selectors.units import indented
from workflows.errors import GateError, NotAllowed

UNITS = 300  # in a list to choose from; more are named by their code
RUNS = 20


@page_view
@require_http_methods(["GET", "POST"])
def pull_list(request: HttpRequest) -> HttpResponse:
    """The runs, and the start of one: `kind`, `unit` (key or code, none for the whole agency) or `reconciliation`."""
    if settings.ROLE == "hub" or not asks_somewhere(request.user):
        raise Http404
    problem = ""
    if request.method == "POST":
        try:
            return redirect("exchange:pull_detail", _ask(request).pk)
        except OrgUnit.DoesNotExist:
            problem = _("There is no unit with this code among yours. Look it up in the organisation tree.")
        except NotAllowed:
            problem = _("You may ask for the units that you work in; choose one of them.")
        except GateError as error:
            problem = str(error)
    units = units_to_ask(request.user, at_most=UNITS)
    return page(
        request,
        "exchange/pulls.html",
        _("Fetch from the national platform"),
        channel=hub_channel(),
        runs=pulls_seen(request.user)[:RUNS],
        units=indented(units) if units else [],
        whole=may_ask(request.user, None),
        kinds=[(UNIT_KIND, _("Units")), (PROFILE_KIND, _("Staff profiles"))],
        kind=request.POST.get("kind", UNIT_KIND),
        chosen=request.POST.get("unit", ""),
        problem=problem,
    )


@page_view
@require_GET
def pull_detail(request: HttpRequest, pull_id: UUID) -> HttpResponse:
    """One run; with `?what=` or `?cannot=1` a part of its records."""
    pull = _pull(request, pull_id)
    running = pull.state in (PullState.RUNNING, PullState.STAGING)
    progress: dict[str, Any] = {"pull": pull, "running": running, "remedy": pull_remedy(pull), "progress": pull_progress(pull) if running else None}
    if request.GET.get("part") == "progress":
        return render(request, "exchange/parts/pull_progress.html", progress)
    what, cannot = request.GET.get("what", ""), request.GET.get("cannot") == "1"
    return page(
        request,
        "exchange/pull_detail.html",
        _("Units as the national platform holds them") if pull.kind == UNIT_KIND else _("People as the national platform holds them"),
        **progress,
        of_units=pull.kind == UNIT_KIND,
        part=None if running else pull_shown(pull, what=what, cannot=cannot, number=request.GET.get("page")),
        what=what,
        cannot=cannot,
        may_stage=may_stage(request.user, pull),
    )


@page_view
@require_POST
def pull_act(request: HttpRequest, pull_id: UUID) -> HttpResponse:
    """`act`: all (what is offered), chosen (`keys`), or again (go on with what failed)."""
    pull = _pull(request, pull_id)
    act = request.POST.get("act")
    try:
        if act == "again":
            pull_again(actor=request.user, pull=pull)
        elif act in ("all", "chosen"):
            return _stage(request, pull, keys=_keys(request) if act == "chosen" else None)
    except GateError as error:
        messages.error(request, str(error))
    return redirect("exchange:pull_detail", pull.pk)


def _ask(request: HttpRequest) -> Pull:
    found = request.POST.get("reconciliation", "")
    reconciliation = get_object_or_404(Reconciliation, pk=_uuid(found)) if found else None
    kind, named = request.POST.get("kind", ""), request.POST.get("unit", "").strip()
    unit = None
    if named and reconciliation is None:
        key = _uuid(named)
        unit = OrgUnit.objects.get(pk=key) if key else OrgUnit.objects.get(code=named)
    return pull_ask(actor=request.user, kind=kind, unit=unit, reconciliation=reconciliation)


def _stage(request: HttpRequest, pull: Pull, *, keys: list[UUID] | None) -> HttpResponse:
    """A few records are put into their request while the person waits, who is then led to it."""
    chosen = pull_stage(actor=request.user, pull=pull, keys=keys)
    if chosen <= AT_ONCE:
        if pull_drive(pull_id=pull.pk).state != PullState.READY:
            return redirect("exchange:pull_detail", pull.pk)
        last = pull.records.exclude(request=None).select_related("request").order_by("-request__created_at").first()
        if last is not None and last.request is not None and last.request.author_id == request.user.pk:
            messages.success(request, _("The request is ready. Look at it once more, then submit it."))
            return redirect("workflows:request_detail", last.request.pk)
        messages.error(request, _("None of it could be put into a request. Each record says why."))
    return redirect("exchange:pull_detail", pull.pk)


def _keys(request: HttpRequest) -> list[UUID]:
    return [key for key in map(_uuid, request.POST.getlist("keys")) if key is not None]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _pull(request: HttpRequest, pull_id: UUID) -> Pull:
    if settings.ROLE == "hub":
        raise Http404
    return get_object_or_404(pulls_seen(request.user), pk=pull_id)
