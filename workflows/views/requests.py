"""The list of change requests, one request, and its author's own moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from orgtree import clock, scope
from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.models import User
from orgtree.pages import page, page_view
from workflows import progress
from workflows.choices import JobState, RequestState
from workflows.errors import GateError
from workflows.models import ChangeRequest, JobRun
from workflows.selectors.differences import items_together
from workflows.selectors.history import request_events, request_steps
from workflows.selectors.requests import (
    attachments_of,
    finding_counts,
    request_get,
    request_page,
    request_shown,
    requests_after,
    stage_to_decide,
)
from workflows.selectors.retrying import retriable
from workflows.selectors.review import Review, request_review
from workflows.selectors.revoking import revokes_here
from workflows.services.attachments import may_attach
from workflows.services.deadlines import term_end
from workflows.services.ending import may_recall
from workflows.services.outlook import request_outlook
from workflows.services.reads import items_read
from workflows.services.reviewing import sample_of
from workflows.services.submission import request_submit, request_withdraw
from workflows.targets import target

# While a request is in one of these, the workers have it and the page looks again by itself.
WITH_THE_WORKERS = (RequestState.CHECKING, RequestState.APPROVED, RequestState.APPLYING)


def parse_date_or_none(text: str) -> date | None:
    """A day as a browser's date field sends it; None for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_place(text: str) -> int | None:
    """Where a page of a list begins; None for anything but a number of at most 18 digits."""
    return int(text) if text.isdecimal() and len(text) <= 18 else None


def request_or_404(user: User, request_id: UUID, *, get: Callable[..., ChangeRequest] = request_get) -> ChangeRequest:
    try:
        return get(user=user, request_id=request_id)
    except ChangeRequest.DoesNotExist:
        raise Http404 from None


@page_view
@require_GET
def request_list_view(request: HttpRequest) -> HttpResponse:
    tabs = {"waiting": _("Waiting for my decision"), "mine": _("Written by me"), "overdue": _("Overdue"), "all": _("All in my scope")}
    which = request.GET.get("show", "")
    if which not in tabs:
        which = "waiting" if scope.units(request.user, Action.APPROVE).exists() else "mine"
    before = request.GET.get("before", "")
    rows, next_before = request_page(user=request.user, which=which, before=parse_place(before))  # type: ignore[arg-type]
    context = {"tabs": tabs, "which": which, "rows": rows, "next_before": next_before, "later": bool(before)}
    return page(request, "workflows/request_list.html", _("Change requests"), **context)


@page_view
@require_GET
def request_detail(request: HttpRequest, request_id: UUID) -> HttpResponse:
    one = request_or_404(request.user, request_id, get=request_shown)
    after = request.GET.get("after", "")
    stage = stage_to_decide(user=request.user, request=one)
    review, deadline = _review(request.user, one, stage) if stage else (None, None)
    striking = review.striking if review and one.count > 1 else []
    start = -1 if (place := parse_place(after)) is None else place
    items, next_after, first = items_together(one, user=request.user, stage=stage, after=start, besides=striking)
    items_read(actor=request.user, request=one, items=[*items, *first], address=ip_of(request))
    is_author = one.author_id == request.user.pk
    followers, revocations = requests_after(user=request.user, request=one)
    return page(
        request,
        "workflows/request_detail.html",
        one.title,
        request_=one,
        steps=request_steps(one),
        items=items,
        next_after=next_after,
        later=bool(after),
        counts=review.counts if review else finding_counts(one),
        events=request_events(one),
        attachments=attachments_of(one),
        may_attach=may_attach(request.user, one),
        may_submit=is_author and one.state == RequestState.READY,
        stays_here=bool(items) and all(target(item.kind).stays_here for item in items),
        ahead=request_outlook(actor=request.user, request=one) if is_author and one.state == RequestState.READY else [],
        may_withdraw=is_author and one.state in (RequestState.READY, RequestState.IN_REVIEW, RequestState.RETURNED),
        may_recall=one.state in (RequestState.APPROVED, RequestState.SCHEDULED) and may_recall(actor=request.user, request=one),
        may_retry=retriable(user=request.user, request=one).exists(),
        followers=followers,
        revocations=revocations,
        may_revoke=one.some_revocable and revokes_here(user=request.user, request=one),  # type: ignore[attr-defined]
        running=one.state in WITH_THE_WORKERS,
        today=clock.today(),
        stage=stage,
        review=review,
        deadline=deadline,
        striking=first,
        may_open=scope.can(request.user, Action.VIEW, one.unit),
    )


def _review(user: User, one: ChangeRequest, stage: Any) -> tuple[Review, date | None]:
    """What the decider sees besides the records, and by what day the stage is to be decided, if it has a term."""
    since = stage.opened_at.astimezone(clock.ZONE).date()
    review = request_review(one, stage=stage, user=user, sample=sample_of(request=one, stage=stage, user=user), since=since)
    return review, None if stage.days is None else term_end(since, stage.days, review.calendar)


@page_view
@require_GET
def request_progress(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """The steps alone, which the request's page fetches while the workers have the request."""
    one = request_or_404(request.user, request_id)
    return render(
        request, "workflows/parts/steps.html", {"request_": one, "steps": request_steps(one), "running": one.state in WITH_THE_WORKERS, "part": True}
    )


@page_view
@require_POST
def submit(request: HttpRequest, request_id: UUID) -> HttpResponse:
    one = request_or_404(request.user, request_id)
    day = parse_date_or_none(request.POST.get("effective_on", ""))
    try:
        request_submit(actor=request.user, request_id=one.pk, effective_on=day)
    except GateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The request has been submitted. Its approver finds it under “Waiting for my decision”."))
    return redirect("workflows:request_detail", one.pk)


@page_view
@require_POST
def withdraw(request: HttpRequest, request_id: UUID) -> HttpResponse:
    one = request_or_404(request.user, request_id)
    try:
        request_withdraw(actor=request.user, request_id=one.pk)
    except GateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The request has been withdrawn; nothing was changed."))
    return redirect("workflows:request_detail", one.pk)


@page_view
@require_GET
def job_progress(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """How far a background run has come, as a part of a page; only its own person sees it."""
    try:
        job = JobRun.objects.get(pk=job_id, actor=request.user)
    except JobRun.DoesNotExist:
        raise Http404 from None
    running = job.state in (JobState.QUEUED, JobState.RUNNING)
    return render(request, "workflows/parts/job.html", {"job": job, "live": progress.progress_get(job.pk) if running else None, "running": running})
