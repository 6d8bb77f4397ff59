"""The personal number of an account: proposed by one superuser, decided by another. They stand on the account's page (views/people.py)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.errors import AccountError
from accounts.models import NumberChange
from accounts.services.numbers import number_confirm, number_propose, number_refuse, number_withdraw
from orgtree.models import User
from orgtree.pages import page_view
from orgtree.stepup import require_proof
from workflows.errors import GateError


@page_view
@require_POST
def propose(request: HttpRequest, user_id: int) -> HttpResponse:
    """Fields `number` (empty: none any more) and `reason`."""
    _superusers_only(request)
    user = get_object_or_404(User, pk=user_id)
    require_proof(request)
    number, reason = request.POST.get("number", ""), request.POST.get("reason", "")
    done = _("Proposed. Somebody else must confirm it.")
    return _done(request, user.pk, lambda: number_propose(actor=request.user, user=user, number=number, reason=reason), done)


@page_view
@require_POST
def confirm(request: HttpRequest, change_id: UUID) -> HttpResponse:
    change = _change_or_404(request, change_id)
    require_proof(request)
    return _done(request, change.user_id, lambda: number_confirm(actor=request.user, change_id=change_id), _("Confirmed."))


@page_view
@require_POST
def refuse(request: HttpRequest, change_id: UUID) -> HttpResponse:
    change, reason = _change_or_404(request, change_id), request.POST.get("reason", "")
    return _done(request, change.user_id, lambda: number_refuse(actor=request.user, change_id=change_id, reason=reason), _("Refused."))


@page_view
@require_POST
def withdraw(request: HttpRequest, change_id: UUID) -> HttpResponse:
    change = _change_or_404(request, change_id)
    return _done(request, change.user_id, lambda: number_withdraw(actor=request.user, change_id=change_id), _("Withdrawn."))


def _done(request: HttpRequest, user_id: int, deed: Callable[[], object], said: str) -> HttpResponse:
    try:
        deed()
    except (AccountError, GateError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect(reverse("accounts:person", args=[user_id]) + "#number")


def _change_or_404(request: HttpRequest, change_id: UUID) -> NumberChange:
    _superusers_only(request)
    return get_object_or_404(NumberChange, pk=change_id)


def _superusers_only(request: HttpRequest) -> None:
    if not request.user.is_superuser:
        raise Http404
