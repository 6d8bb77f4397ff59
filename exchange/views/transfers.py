"""Transfers between agencies: letting somebody go, taking somebody over, and the hub's list of cases. What happens next is said in words."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from exchange.models import IncomingTransfer, TransferCase
from exchange.selectors.arrivals import arrivals, receives
from exchange.selectors.sight import operates_somewhere
from exchange.selectors.transfer_words import PAGE, arrival_story, case_story, cases_listed, release_story, releases_seen
from exchange.selectors.transfers import release_of
from exchange.services.acceptance import Place
from exchange.services.arrivals import arrival_propose, arrival_wish
from exchange.services.claim_notices import claims_waiting
from exchange.services.releases import release_propose, release_withdraw
from exchange.services.transfer_line import agencies_to_choose
from orgtree import clock, scope
from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.models import OrgUnit
from orgtree.pages import page, page_view
from registry.models import StaffProfile
from registry.services.reads import file_open
from workflows.errors import GateError
from workflows.selectors.findings import finding_line
from workflows.services.holds import holds_of
from workflows.services.staging import Staged
from workflows.targets import target

KIND = "staff_profile"


@page_view
@require_GET
def transfer_list(request: HttpRequest) -> HttpResponse:
    """On an agency who comes and who leaves; on the hub the cases."""
    if settings.ROLE == "hub":
        return _cases(request)
    receiving, leaving = receives(request.user), releases_seen(request.user)
    if not receiving and not leaving.exists() and not scope.intervals(request.user, Action.EDIT):
        raise Http404
    return page(
        request,
        "exchange/transfers.html",
        _("Transfers between agencies"),
        receiving=receiving,
        claimed=claims_waiting() if receiving else 0,
        coming=[(one, arrival_story(one)) for one in arrivals()[:PAGE]] if receiving else [],
        leaving=[(one, release_story(one)) for one in leaving[:PAGE]],
    )


@page_view
@require_http_methods(["GET", "POST"])
def transfer_new(request: HttpRequest, key: UUID) -> HttpResponse:
    """The clerk's form to let one person go."""
    seen = scope.scoped(StaffProfile.objects.select_related("using_unit"), request.user, Action.EDIT, "using_unit")
    profile = get_object_or_404(seen, pk=key)
    if settings.ROLE == "hub":
        raise Http404
    if holds_of(kind=KIND, keys=[key]):  # on the way already, or gone: the list says where
        return redirect("exchange:transfer_list")
    agencies, told = agencies_to_choose()
    problems: list[str] = []
    if request.method == "POST":
        made, problems = _release(request, profile, dict(agencies))
        if made is not None and made.request is not None:
            messages.success(request, _("The release is ready. Attach the decision if you like, then submit it."))
            return redirect("workflows:request_detail", made.request.pk)
    else:
        file_open(actor=request.user, profile=profile, what="transfer", address=ip_of(request))
    values = request.POST.dict() or {"effective_on": clock.today().isoformat(), "decision_date": clock.today().isoformat()}
    context = {"profile": profile, "agencies": agencies, "told": told, "problems": problems, "values": values}
    return page(request, "exchange/transfer_new.html", _("Transfer to another agency"), status=422 if problems else 200, **context)


def _release(request: HttpRequest, profile: StaffProfile, agencies: dict[str, str]) -> tuple[Staged | None, list[str]]:
    sent = request.POST
    to, day, signed = sent.get("to_agency", ""), _day(sent.get("effective_on", "")), _day(sent.get("decision_date", ""))
    problems = []
    if to not in agencies:
        problems.append(_("Choose the agency to which the person goes."))
    if day is None or signed is None:
        problems.append(_("Give both days."))
    if not sent.get("decision_number", "").strip():
        problems.append(_("Give the number of the decision on which the transfer stands."))
    if problems or day is None or signed is None:
        return None, problems
    try:
        staged = release_propose(
            actor=request.user,
            profile=profile,
            to_agency=to,
            to_agency_name=agencies[to],
            effective_on=day,
            decision_number=sent["decision_number"][:50],
            decision_date=signed,
            note=sent.get("note", "")[:500],
        )
    except GateError as error:
        return None, [str(error)]
    return staged, _sentences(staged, "transfer_release")


@page_view
@require_http_methods(["GET", "POST"])
def transfer_out(request: HttpRequest, number: UUID) -> HttpResponse:
    """One release as the old agency follows it; it can be withdrawn until it is taken up."""
    transfer = get_object_or_404(releases_seen(request.user), pk=number)
    may_edit = scope.can(request.user, Action.EDIT, transfer.release.unit)
    if request.method == "POST":
        if not may_edit:
            raise Http404
        try:
            release_withdraw(actor=request.user, transfer=transfer, reason=request.POST.get("reason", ""))
        except GateError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The withdrawal is noted and goes to the national platform. This page will say what came of it."))
        return redirect("exchange:transfer_out", number)
    context = {"one": transfer, "release": transfer.release, "story": release_story(transfer), "may_edit": may_edit}
    return page(request, "exchange/transfer_out.html", transfer.release.person_name, **context)


@page_view
@require_GET
def transfer_in(request: HttpRequest, number: UUID) -> HttpResponse:
    """One offer as the new agency deals with it."""
    return _arrival(request, _coming(request, number))


@page_view
@require_POST
def transfer_wish(request: HttpRequest, number: UUID) -> HttpResponse:
    """Take up, refuse or give back."""
    arrival, wish = _coming(request, number), request.POST.get("wish", "")
    if wish not in ("take", "refuse", "give-back"):
        raise Http404
    try:
        arrival_wish(actor=request.user, arrival=arrival, wish=wish, reason=request.POST.get("reason", ""))
    except GateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Noted. The national platform is being told; this page goes on by itself."))
    return redirect("exchange:transfer_in", number)


@page_view
@require_POST
def transfer_accept(request: HttpRequest, number: UUID) -> HttpResponse:
    """The person's place here, as a request of this agency's gate."""
    arrival, sent = _coming(request, number), request.POST
    unit = _units(request).filter(pk=_uuid(sent.get("unit", ""))).first()
    if unit is None or not sent.get("title", "").strip():
        return _arrival(request, arrival, problems=[_("Choose the unit and write the post.")])
    place = Place(managing_agency=_managing(unit), unit=unit, title=sent["title"], staff_number=sent.get("staff_number", "")[:20])
    try:
        staged = arrival_propose(actor=request.user, arrival=arrival, place=place)
    except GateError as error:
        return _arrival(request, arrival, problems=[str(error)])
    if staged.request is None:
        return _arrival(request, arrival, problems=_sentences(staged, KIND))
    messages.success(request, _("The request is ready. Look at it once more, then submit it."))
    return redirect("workflows:request_detail", staged.request.pk)


@page_view
@require_GET
def transfer_case(request: HttpRequest, number: UUID) -> HttpResponse:
    """One case as the hub keeps it, with every step."""
    _monitors_only(request)
    case = get_object_or_404(TransferCase.objects.select_related("from_agency", "to_agency", "manifest"), pk=number)
    return page(
        request,
        "exchange/transfer_case.html",
        release_of(case)["person_name"],
        case=case,
        release=release_of(case),
        story=case_story(case),
        steps=case.steps.select_related("agency", "actor"),
    )


def _cases(request: HttpRequest) -> HttpResponse:
    _monitors_only(request)
    show = request.GET.get("show", "open")
    shown = Paginator(cases_listed(show), PAGE).get_page(request.GET.get("page"))
    lines = [(one, release_of(one), case_story(one)) for one in shown.object_list]
    return page(request, "exchange/transfer_cases.html", _("Transfers between agencies"), shown=shown, lines=lines, show=show)


def _arrival(request: HttpRequest, arrival: IncomingTransfer, problems: list[str] | None = None) -> HttpResponse:
    context: dict[str, Any] = {"one": arrival, "story": arrival_story(arrival), "problems": problems or [], "values": request.POST}
    if arrival.state == "taken" and arrival.document is not None:
        context["units"] = _units(request)[:2_000]
    return page(request, "exchange/transfer_in.html", arrival.person_name, status=422 if problems else 200, **context)


def _units(request: HttpRequest) -> Any:
    return scope.units(request.user, Action.EDIT).filter(valid_to=None).order_by("tree_id", "lft")


def _managing(unit: OrgUnit) -> OrgUnit:
    """The authority to which the unit belongs: the nearest above it that is no division of one."""
    above = OrgUnit.objects.filter(tree_id=unit.tree_id, lft__lte=unit.lft, rght__gte=unit.rght).order_by("-lft")
    return above.exclude(kind__in=["division", "other"]).first() or above.last() or unit


def _coming(request: HttpRequest, number: UUID) -> IncomingTransfer:
    if settings.ROLE == "hub" or not receives(request.user):
        raise Http404
    return get_object_or_404(IncomingTransfer.objects.select_related("request", "channel"), pk=number)


def _monitors_only(request: HttpRequest) -> None:
    if settings.ROLE != "hub" or not operates_somewhere(request.user):
        raise Http404


def _sentences(staged: Staged, kind: str) -> list[str]:
    one = target(kind)
    found = [each for part in staged.returned.values() for each in part]
    lines = [finding_line(one, code=each.code, severity=each.severity, field=each.field, value=each.value) for each in found]
    return [f"{line.label}: {line.message} {line.repair}" if line.label else f"{line.message} {line.repair}" for line in lines]


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
