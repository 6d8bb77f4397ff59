"""People whom two agencies claim: on the hub the queue and each case with both files side by side, at an agency what it is asked."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from exchange.choices import ClaimAnswer, ClaimMatch, ClaimOutcome, ClaimState
from exchange.connectors import CallFailed
from exchange.contract import PROFILE_KIND
from exchange.models import ClaimNotice, DoubleClaim
from exchange.selectors.arrivals import receives
from exchange.selectors.claims import claims_listed, files_of, is_late, last_answers, names_of, side_by_side
from exchange.selectors.sight import operates_line
from exchange.services.claim_notices import claim_say
from exchange.services.claims import ClaimRefused, claim_ask, claim_decide
from orgtree import clock
from orgtree.caller import ip_of
from orgtree.pages import page, page_view
from registry.models import StaffProfile
from workflows.choices import ReadAction
from workflows.services.reads import read_record

PAGE = 50


@page_view
@require_GET
def claim_list(request: HttpRequest) -> HttpResponse:
    """On the hub the queue of cases; at an agency those of which the hub told it."""
    if settings.ROLE != "hub":
        return _notices(request)
    _operators_only(request)
    show = request.GET.get("show", "open")
    shown = Paginator(claims_listed(show), PAGE).get_page(request.GET.get("page"))
    names = names_of(shown.object_list)
    lines = [(one, names.get(one.key_one, ""), is_late(one)) for one in shown.object_list]
    return page(request, "exchange/claims.html", _("People claimed by two agencies"), shown=shown, lines=lines, show=show)


@page_view
@require_GET
def claim_case(request: HttpRequest, number: UUID) -> HttpResponse:
    """Both files side by side, what each agency says, and what can be done."""
    _operators_only(request)
    claims = DoubleClaim.objects.select_related("agency_one", "agency_two", "keeps", "refused")
    return _case(request, get_object_or_404(claims, pk=number))


@page_view
@require_POST
def claim_act(request: HttpRequest, number: UUID) -> HttpResponse:
    """Ask both agencies, or decide."""
    _operators_only(request)
    claim = get_object_or_404(DoubleClaim.objects.select_related("agency_one", "agency_two"), pk=number)
    sent = request.POST
    try:
        if sent.get("act") == "ask":
            claim_ask(actor=request.user, claim=claim)
            messages.success(request, _("Both agencies will be told within the hour, and asked to answer."))
        else:
            outcome, _sep, keeps = sent.get("outcome", "").partition(":")
            if outcome not in ClaimOutcome.values:
                raise ClaimRefused(_("Choose what the case comes to."))
            kept = {"one": claim.agency_one, "two": claim.agency_two}.get(keeps)
            claim_decide(actor=request.user, claim=claim, outcome=ClaimOutcome(outcome), keeps=kept, reason=sent.get("reason", ""))
            messages.success(request, _("The decision is kept, and both agencies will see it."))
    except ClaimRefused as error:
        messages.error(request, str(error))
    return redirect("exchange:claim_case", number)


@page_view
@require_http_methods(["GET", "POST"])
def claim_notice(request: HttpRequest, number: UUID) -> HttpResponse:
    """At an agency: one person whom another agency claims too, and this agency's answer."""
    if settings.ROLE == "hub" or not receives(request.user):
        raise Http404
    notice = get_object_or_404(ClaimNotice.objects.select_related("channel"), pk=number)
    if request.method == "POST":
        return _answered(request, notice)
    profile = StaffProfile.objects.filter(pk=notice.person).first()
    return page(
        request,
        "exchange/claim_notice.html",
        _("Claimed by another agency too"),
        one=notice,
        profile=profile,
        late=notice.state != ClaimState.CLOSED and notice.due_on is not None and notice.due_on < clock.today(),
        answers=[one for one in ClaimAnswer if one != ClaimAnswer.DIFFERENT or notice.match != ClaimMatch.NUMBER],
        ours=notice.keeps == settings.AUTHORITY,
    )


def _answered(request: HttpRequest, notice: ClaimNotice) -> HttpResponse:
    answer, reason = request.POST.get("answer", ""), request.POST.get("reason", "").strip()
    if answer not in ClaimAnswer.values or not reason:
        messages.error(request, _("Choose an answer, and say in a sentence why."))
        return redirect("exchange:claim_notice", notice.pk)
    try:
        claim_say(actor=request.user, notice=notice, answer=ClaimAnswer(answer), reason=reason)
    except CallFailed as failure:
        messages.error(request, _("The national platform did not take the answer, so nothing is kept: %s Try again later.") % failure.detail)
    else:
        messages.success(request, _("The answer is with the national platform."))
    return redirect("exchange:claim_notice", notice.pk)


def _notices(request: HttpRequest) -> HttpResponse:
    if not receives(request.user):
        raise Http404
    shown = Paginator(ClaimNotice.objects.order_by("-state", "due_on", "pk"), PAGE).get_page(request.GET.get("page"))
    names = dict(StaffProfile.objects.filter(pk__in=[one.person for one in shown.object_list]).values_list("pk", "birth_name"))
    today = clock.today()
    lines = [(one, names.get(one.person, ""), one.state != ClaimState.CLOSED and one.due_on and one.due_on < today) for one in shown.object_list]
    return page(request, "exchange/claim_notices.html", _("Claimed by another agency too"), shown=shown, lines=lines)


def _case(request: HttpRequest, claim: DoubleClaim) -> HttpResponse:
    files = files_of(claim)
    read = [(one.pk, one.using_unit_id) for one in files.values()]
    read_record(actor=request.user, action=ReadAction.OPEN, kind=PROFILE_KIND, records=read, what="claim", address=ip_of(request))
    said = last_answers(claim)
    return page(
        request,
        "exchange/claim_case.html",
        _("Claimed by two agencies"),
        claim=claim,
        late=is_late(claim),
        pairs=side_by_side(claim, files),
        said=[(one, said.get(one.pk)) for one in (claim.agency_one, claim.agency_two)],
        steps=claim.steps.select_related("agency", "actor"),
        outcomes=_outcomes(claim),
        asking=claim.state == ClaimState.OPEN,
        deciding=claim.state in (ClaimState.ASKED, ClaimState.DECIDED),
    )


def _outcomes(claim: DoubleClaim) -> list[tuple[str, str]]:
    """What the case may come to, as the form sends it, in words that name the agencies."""
    one, two = claim.agency_one.name, claim.agency_two.name
    possible = [
        ("withdrawn:one", _("%(keeps)s keeps the person, %(other)s gives up its claim") % {"keeps": one, "other": two}),
        ("withdrawn:two", _("%(keeps)s keeps the person, %(other)s gives up its claim") % {"keeps": two, "other": one}),
        ("transfer:two", _("The person passes from %(other)s to %(keeps)s, by offer and acceptance") % {"keeps": two, "other": one}),
        ("transfer:one", _("The person passes from %(other)s to %(keeps)s, by offer and acceptance") % {"keeps": one, "other": two}),
        ("corrected", _("One of the files is wrong, and its agency corrects it")),
        ("different", _("Two different people")),
    ]
    # Of two files with one number the hub holds the first alone: it cannot give up its claim, only pass; the second cannot pass.
    impossible = {"withdrawn:two", "transfer:one", "different"} if claim.match == ClaimMatch.NUMBER else set()
    return [(value, text) for value, text in possible if value not in impossible]


def _operators_only(request: HttpRequest) -> None:
    if settings.ROLE != "hub" or not operates_line(request.user):
        raise Http404
