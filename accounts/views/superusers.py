"""Superusers: who they are and until when, what waits, and the deeds of two people. For superusers alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.errors import AccountError
from accounts.models import SuperuserTerm
from accounts.selectors.superusers import superuser_page
from accounts.services.superusers import superuser_confirm, superuser_end_propose, superuser_propose, superuser_refuse, superuser_withdraw
from orgtree import clock
from orgtree.models import User
from orgtree.pages import page, page_view
from orgtree.services.grants import latest_end
from orgtree.stepup import require_proof
from workflows.errors import GateError


@page_view
@require_GET
def superusers(request: HttpRequest) -> HttpResponse:
    _or_404(request)
    return _shown(request)


@page_view
@require_POST
def propose(request: HttpRequest) -> HttpResponse:
    """Fields `username`, `valid_to` (ISO), `reason`; with `end` the rights are to end."""
    _or_404(request)
    user = User.objects.filter(username=request.POST.get("username", "").strip(), is_active=True).first()
    reason = request.POST.get("reason", "")
    if user is None:
        messages.error(request, _("There is no open account with this user name. Open it first, under Accounts."))
        return _shown(request, status=422)
    require_proof(request)
    done = _("Proposed. Somebody else must confirm it.")
    if "end" in request.POST:
        return _done(request, lambda: superuser_end_propose(actor=request.user, user=user, reason=reason), done)
    try:
        valid_to = date.fromisoformat(request.POST.get("valid_to", ""))
    except ValueError:
        messages.error(request, _("Choose the day on which the rights end."))
        return _shown(request, status=422)
    return _done(request, lambda: superuser_propose(actor=request.user, user=user, valid_to=valid_to, reason=reason), done)


@page_view
@require_POST
def confirm(request: HttpRequest, term_id: UUID) -> HttpResponse:
    _or_404(request)
    require_proof(request)
    return _done(request, lambda: superuser_confirm(actor=request.user, term_id=term_id), _("Confirmed."))


@page_view
@require_POST
def refuse(request: HttpRequest, term_id: UUID) -> HttpResponse:
    _or_404(request)
    reason = request.POST.get("reason", "")
    return _done(request, lambda: superuser_refuse(actor=request.user, term_id=term_id, reason=reason), _("Refused."))


@page_view
@require_POST
def withdraw(request: HttpRequest, term_id: UUID) -> HttpResponse:
    _or_404(request)
    return _done(request, lambda: superuser_withdraw(actor=request.user, term_id=term_id), _("Withdrawn."))


def _done(request: HttpRequest, deed: Callable[[], object], said: str) -> HttpResponse:
    try:
        deed()
    except (AccountError, GateError) as error:
        messages.error(request, str(error))
        return _shown(request, status=422)
    messages.success(request, said)
    return redirect("accounts:superusers")


def _shown(request: HttpRequest, *, status: int = 200) -> HttpResponse:
    today = clock.today()
    return page(
        request,
        "accounts/superusers.html",
        _("Superusers"),
        status=status,
        **superuser_page(request.user),
        entered=request.POST,
        latest=latest_end(today),
        today=today,
    )


def _or_404(request: HttpRequest) -> None:
    """Superusers only, and only about a term that is there."""
    term_id = request.resolver_match.kwargs.get("term_id") if request.resolver_match else None
    if not request.user.is_superuser:
        raise Http404
    if term_id is not None:
        get_object_or_404(SuperuserTerm, pk=term_id)
