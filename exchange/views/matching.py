"""Population matching: the work queue of one's units, one person's story, and what people do about a difference."""

from __future__ import annotations

import json
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from exchange.choices import ChannelKind, MatchOutcome, MatchOwner
from exchange.models import MatchDispute, RegisterEntry
from exchange.reports_matching import FILE_TYPE, matches_xlsx
from exchange.selectors.matching import PAGE, WORK, disputes_of, lines, match_line, match_sentence, population_channel, queue, standing, story
from exchange.services.match_cases import Corrected, dispute_drop, matches_ask_again, matches_correct, matches_dispute, may_work
from exchange.services.match_reads import answer_reveal, matches_export
from orgtree import clock, scope
from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.models import OrgUnit
from orgtree.pages import page, page_view
from registry.selectors.filters import filter_read
from registry.services.reads import file_open, may_reveal
from registry.views.staff import profile_or_404
from workflows.choices import AttachmentKind, ReadAction, ReadReason
from workflows.errors import GateError, PurposeMissing
from workflows.evidence_files import path_of
from workflows.services.reads import read_record
from workflows.views.evidence import CONTENT_TYPES, POLICY

MOST_AT_ONCE = 500
UNITS = 8  # shown at once of the units below


@page_view
@require_GET
def match_list(request: HttpRequest) -> HttpResponse:
    """`?unit=` a subtree, `?outcome=` a cause (or everybody who has an outcome), `?owner=` whose turn it is, `?overdue=1`."""
    if settings.ROLE == "hub":  # each agency compares its own people
        raise Http404
    unit, outcome, owner, overdue = _asked(request)
    figures = standing(user=request.user, unit=unit)
    shown = Paginator(queue(user=request.user, unit=unit, outcome=outcome, owner=owner, overdue=overdue), PAGE).get_page(request.GET.get("page"))
    units = [(one, _query({}, unit=str(one.unit.pk))) for one in figures.units]
    asked = {"unit": str(unit.pk) if unit else "", "outcome": outcome, "owner": owner, "overdue": "1" if overdue else ""}
    return page(
        request,
        "exchange/matching.html",
        _("Population matching"),
        figures=figures,
        causes=[(one, count, _query(asked, outcome=one.value, owner="", overdue="")) for one, count in figures.outcomes if one in WORK and count],
        units=units[:UNITS],
        more_units=units[UNITS:],
        owners=[(one, figures.owners.get(one, 0), _query(asked, owner=one.value)) for one in (MatchOwner.AGENCY, MatchOwner.POLICE)],
        everything=_query(asked, outcome="", owner="", overdue=""),
        matched=_query(asked, outcome=MatchOutcome.MATCHED.value, owner="", overdue=""),
        unchecked=_query(asked, outcome=MatchOutcome.NOT_CHECKED.value, owner="", overdue=""),
        late=_query(asked, overdue="1"),
        not_checked=dict(figures.outcomes)[MatchOutcome.NOT_CHECKED],
        shown=shown,
        lines=lines(user=request.user, matches=list(shown.object_list)),
        unit=unit,
        outcome=outcome,
        owner=owner,
        overdue=overdue,
        here=_query(asked),
        channel=population_channel(),
        may_edit=request.user.is_superuser or bool(scope.intervals(request.user, Action.EDIT)),
        days=settings.MATCH_DISPUTE_DAYS,
    )


@page_view
@require_POST
def match_act(request: HttpRequest) -> HttpResponse:
    """What is done about the ticked people, or about one: correct, dispute, ask again. Only those whose files the reader may edit."""
    keys = [key for text in request.POST.getlist("key")[:MOST_AT_ONCE] if (key := _uuid(text)) is not None]
    back = _back(request)
    if not keys:
        messages.error(request, _("Tick the people first."))
        return redirect(back)
    act = request.POST.get("act", "")
    try:
        if act == "correct":
            return _corrected(request, keys, back)
        if act == "dispute":
            count = matches_dispute(actor=request.user, keys=keys, reason=request.POST.get("reason", ""), file=request.FILES.get("file"))
            text = ngettext(
                "%(count)d dispute is open; the person is compared every day.",
                "%(count)d disputes are open; the people are compared every day.",
                count,
            )
            messages.success(request, text % {"count": count})
        elif act == "again":
            count = matches_ask_again(actor=request.user, keys=keys)
            text = ngettext("%(count)d person will be compared again in a moment.", "%(count)d people will be compared again in a moment.", count)
            messages.success(request, text % {"count": count})
        elif act == "drop":
            dispute_drop(actor=request.user, key=keys[0])
            messages.success(request, _("The dispute is given up; it is your turn again."))
    except GateError as refused:
        messages.error(request, str(refused))
    return redirect(back)


@page_view
@require_GET
def match_detail(request: HttpRequest, key: UUID) -> HttpResponse:
    """One person beside the population database: what differs, what can be done, and all that was asked and answered."""
    profile = profile_or_404(request.user, key)
    file_open(actor=request.user, profile=profile, what="population", address=ip_of(request))
    line = match_line(user=request.user, profile=profile)
    return page(
        request,
        "exchange/match_detail.html",
        profile.birth_name,
        profile=profile,
        line=line,
        sentence=match_sentence(line.match if line else None),
        story=story(profile=profile),
        disputes=disputes_of(profile),
        reasons=ReadReason.choices if may_reveal(request.user, profile.using_unit) else (),
        may_work=may_work(request.user, profile.using_unit),
        days=settings.MATCH_DISPUTE_DAYS,
        channel=population_channel(),
        today=clock.today(),
    )


@page_view
@require_POST
def match_answer(request: HttpRequest, key: UUID, entry_id: UUID) -> HttpResponse:
    """The question and the answer as they went over the line, for a reason; the read log keeps who looked."""
    profile = profile_or_404(request.user, key)
    entry = get_object_or_404(RegisterEntry, pk=entry_id, staff=profile, batch__channel__kind=ChannelKind.POPULATION)
    asked = {"reason": request.POST.get("reason", ""), "note": request.POST.get("note", "")}
    if not may_reveal(request.user, profile.using_unit):
        raise Http404
    try:
        shown = answer_reveal(actor=request.user, profile=profile, entry=entry, **asked, address=ip_of(request))
    except PurposeMissing as error:
        messages.error(request, str(error))
        return redirect("exchange:match_detail", key)
    told = [(title, json.dumps(value, ensure_ascii=False, indent=2)) for title, value in shown]
    return page(request, "exchange/match_answer.html", _("Question and answer as they were"), profile=profile, told=told)


@page_view
@require_GET
def match_paper(request: HttpRequest, key: UUID, dispute_id: int) -> HttpResponse:
    """The paper of a dispute, for who works on the file; each look is in the read log."""
    profile = profile_or_404(request.user, key)
    dispute = get_object_or_404(MatchDispute.objects.exclude(sha256=""), pk=dispute_id, match=profile.pk)
    if not may_work(request.user, profile.using_unit):
        raise Http404
    try:
        file = path_of(dispute.sha256).open("rb")
    except OSError:
        raise Http404 from None
    record = [(profile.pk, profile.using_unit_id)]
    read_record(actor=request.user, action=ReadAction.OPEN, kind="staff_profile", records=record, what="match_dispute", address=ip_of(request))
    kind = AttachmentKind(dispute.file_kind)
    answer = FileResponse(file, content_type=CONTENT_TYPES[kind], filename=f"{dispute.sha256[:16]}.{kind.value}")
    answer["Content-Security-Policy"] = POLICY if kind == AttachmentKind.PDF else f"{POLICY}; sandbox"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@page_view
@require_POST
def match_export(request: HttpRequest) -> HttpResponse:
    """The queue as it is filtered, as a workbook. It holds no number in full; everybody in it is in the read log."""
    unit, outcome, owner, overdue = _asked(request)
    rows = queue(user=request.user, unit=unit, outcome=outcome, owner=owner, overdue=overdue)
    listed = matches_export(actor=request.user, rows=rows, address=ip_of(request))
    answer = HttpResponse(matches_xlsx(listed), content_type=FILE_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="doi-khop-dan-cu-{clock.today():%Y%m%d}.xlsx"'
    return answer


def _corrected(request: HttpRequest, keys: list[UUID], back: str) -> HttpResponse:
    made: Corrected = matches_correct(actor=request.user, keys=keys, note=request.POST.get("note", ""), files=request.FILES.getlist("file"))
    for reason in sorted(set(made.left_out.values())):
        count = sum(each == reason for each in made.left_out.values())
        text = ngettext("%(count)d person left out: %(reason)s", "%(count)d people left out: %(reason)s", count)
        messages.warning(request, text % {"count": count, "reason": reason})
    if made.request is None:
        return redirect(back)
    messages.success(request, _("The correction has been submitted. Its approver finds it under “Waiting for my decision”."))
    return redirect("workflows:request_detail", made.request.pk)


def _asked(request: HttpRequest) -> tuple[OrgUnit | None, str, str, bool]:
    """What the address asks for. Raises Http404 for a unit that the reader cannot see."""
    wanted, _strange = filter_read(user=request.user, data={"unit": request.GET.get("unit", "")})
    if request.GET.get("unit") and wanted.unit is None:
        raise Http404
    outcome, owner = request.GET.get("outcome", ""), request.GET.get("owner", "")
    return (
        wanted.unit,
        outcome if outcome in MatchOutcome.values else "",
        owner if owner in (MatchOwner.AGENCY, MatchOwner.POLICE) else "",
        request.GET.get("overdue") == "1",
    )


def _query(asked: dict[str, str], **changed: str) -> str:
    return urlencode({name: value for name, value in {**asked, **changed}.items() if value})


def _back(request: HttpRequest) -> str:
    """The page that the form stood on, if it is one of ours."""
    wanted = request.POST.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith("/") else reverse("exchange:match_list")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
