"""One decision about many people: pick them, write it once, see what is wrong with each, send it as one request."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from orgtree import clock, scope
from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.models import User
from orgtree.pages import page, page_view
from registry.choices import DecisionKind
from registry.forms.decisions import decision_form
from registry.models import DecisionDraft
from registry.selectors.decisions import DUE, common_unit, decision_get, decision_lines, files_editable, people_due, people_named
from registry.selectors.derived import add_months
from registry.selectors.judging import Remark, remark_make
from registry.selectors.texts import KIND
from registry.services import decisions
from registry.services.drafts import Opened, SavedElsewhere
from registry.services.reads import file_open
from registry.views.editing import number_sent
from workflows.choices import Act
from workflows.errors import GateError
from workflows.services.outlook import Ahead, route_outlook

CHANGED = {
    DecisionKind.SALARY_STEP: ["salary_history", "step", "coefficient", "step_date"],
    DecisionKind.APPOINTMENT: ["postings"],
    DecisionKind.EVALUATION: ["annual_results"],
    DecisionKind.OVERFRAME: ["allowances", "overframe_percent", "overframe_date"],
}


@page_view
@require_http_methods(["GET", "POST"])
def decision_new(request: HttpRequest) -> HttpResponse:
    """Which kind of decision; people picked in a list come along as `key`."""
    if not request.user.is_superuser and not scope.intervals(request.user, Action.EDIT):
        raise Http404
    keys = _keys(request)
    kind = request.POST.get("kind", "")
    if request.method == "POST" and kind in DecisionKind.values:
        try:
            draft = decisions.decision_begin(actor=request.user, kind=DecisionKind(kind), keys=keys)
        except GateError as error:
            messages.error(request, str(error))
        else:
            return redirect("registry:decision", draft.pk)
    begun = DecisionDraft.objects.filter(user=request.user, request=None).exclude(lines={}).order_by("-saved_at")[:10]
    picked = files_editable(user=request.user, keys=keys)
    return page(request, "registry/edit/decision_new.html", _("One decision, many people"), kinds=DecisionKind, begun=begun, picked=picked)


@page_view
@require_http_methods(["GET", "POST"])
def decision(request: HttpRequest, pk: int) -> HttpResponse:
    """The decision with its people; a change of a field saves it and brings back what the rules say."""
    draft = decision_or_404(request.user, pk)
    if request.method == "POST":
        try:
            draft = decisions.decision_save(draft=draft, sent=request.POST.dict(), opened=_opened(request))
        except SavedElsewhere as error:
            return _overtaken(request, draft, error)
        if request.headers.get("HX-Request") == "true":
            return render(request, "registry/edit/decision_saved.html", _context(request, draft))
        return redirect("registry:decision", pk)
    return page(request, "registry/edit/decision.html", str(DecisionKind(draft.kind).label), **_context(request, draft))


@page_view
@require_POST
def decision_people(request: HttpRequest, pk: int) -> HttpResponse:
    """Add the people whose boxes are ticked, everybody who is due, or take one out; what was typed is saved with it."""
    draft = decision_or_404(request.user, pk)
    if (gone := request.POST.get("remove", "")) and gone in draft.lines:
        try:
            draft = decisions.decision_save(draft=draft, sent=request.POST.dict(), opened=_opened(request))
        except SavedElsewhere as error:
            return _overtaken(request, draft, error)
        decisions.person_remove(draft=draft, key=UUID(gone))
        return redirect("registry:decision", pk)
    keys = _keys(request)
    if "due" in request.POST:
        keys = [one.pk for one in people_due(user=request.user, kind=DecisionKind(draft.kind), by=_due_by())]
        if not keys:
            messages.info(request, _("Nobody whose file you keep is due for a salary step by then."))
    try:
        decisions.people_add(actor=request.user, draft=draft, keys=keys)
    except GateError as error:
        messages.error(request, str(error))
    return redirect("registry:decision", pk)


@page_view
@require_POST
def decision_send(request: HttpRequest, pk: int) -> HttpResponse:
    draft = decision_or_404(request.user, pk)
    try:
        draft = decisions.decision_save(draft=draft, sent=request.POST.dict(), opened=_opened(request))
    except SavedElsewhere as error:
        return _overtaken(request, draft, error)
    refused: dict[str, list[Remark]] = {}
    try:
        made = decisions.decision_send(actor=request.user, draft=draft, submit="later" not in request.POST)
    except decisions.PeopleRefused as error:
        problem = str(error)
        refused = {str(key): [remark_make(one.field, one.code, one.severity, value=one.value) for one in found] for key, found in error.found.items()}
    except GateError as error:
        problem = str(error)
    else:
        ready = _("The request is ready. Attach what belongs to it, then submit it.")
        sent = _("The request has been submitted. Its approver finds it under “Waiting for my decision”.")
        messages.success(request, ready if "later" in request.POST else sent)
        return redirect("workflows:request_detail", made.pk)
    context = {**_context(request, draft, refused), "problem": problem}
    return page(request, "registry/edit/decision.html", str(DecisionKind(draft.kind).label), status=422, **context)


@page_view
@require_POST
def decision_discard(request: HttpRequest, pk: int) -> HttpResponse:
    decisions.decision_discard(draft=decision_or_404(request.user, pk))
    messages.success(request, _("The decision has been thrown away. No file was changed."))
    return redirect("registry:decision_new")


def decision_or_404(user: User, pk: int) -> DecisionDraft:
    try:
        return decision_get(user=user, pk=pk)
    except DecisionDraft.DoesNotExist:
        raise Http404 from None


def _context(request: HttpRequest, draft: DecisionDraft, refused: dict[str, list[Remark]] | None = None) -> dict[str, Any]:
    lines = decision_lines(draft=draft, user=request.user)
    for line in lines if request.method == "GET" else []:
        file_open(actor=request.user, profile=line.profile, what="edit", address=ip_of(request))
    text = request.GET.get("q", "").strip()[:100]
    there = set(draft.lines)
    found = [one for one in people_named(user=request.user, text=text) if str(one.pk) not in there] if text else []
    return {
        "draft": draft,
        "form": decision_form(draft=draft, lines=lines, refused=refused),
        "text": text,
        "found": found,
        "due_by": _due_by() if draft.kind in DUE else None,
        "revision": draft.revision,
        "window": secrets.token_hex(6),
        "ahead": _ahead(request.user, draft, lines),
    }


def _opened(request: HttpRequest) -> Opened | None:
    """What the window knows; without its fields it is a plain form of somebody's own, which cannot be overtaken."""
    if "revision" not in request.POST:
        return None
    sent = request.POST
    return Opened(revision=number_sent(sent.get("revision")), window=sent.get("window", "")[:20], tick=number_sent(sent.get("tick")))


def _overtaken(request: HttpRequest, draft: DecisionDraft, error: SavedElsewhere) -> HttpResponse:
    """Nothing is overwritten: the window is told, and keeps what was typed in it until it is loaded again."""
    why = _("This draft was saved in another window at {time}.").format(time=f"{timezone.localtime(error.at):%H:%M}")
    there = reverse("registry:decision", args=[draft.pk])
    if request.headers.get("HX-Request") == "true":
        return render(request, "registry/edit/overtaken.html", {"why": why, "there": there}, status=409)
    messages.error(request, why)
    return redirect(there)


def _ahead(user: User, draft: DecisionDraft, lines: list[Any]) -> list[Ahead]:
    unit = common_unit([line.profile for line in lines], user=user) if lines else None
    if unit is None:
        return []
    try:
        return route_outlook(actor=user, kind=KIND, unit=unit, changed=CHANGED[DecisionKind(draft.kind)], act=Act.RECORD)
    except GateError:
        return []


def _due_by() -> Any:
    """The end of the quarter that begins with the present month: what offices prepare together."""
    return add_months(clock.today().replace(day=1), 3)


def _keys(request: HttpRequest) -> list[UUID]:
    """The keys of files that were ticked; what is none is passed over."""
    keys = []
    for text in (request.POST if request.method == "POST" else request.GET).getlist("key")[:1_000]:
        try:
            keys.append(UUID(text))
        except ValueError:
            continue
    return keys
