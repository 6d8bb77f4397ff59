"""The account of somebody else, for who looks after accounts: sessions ended, lost factors taken back."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.errors import AccountError
from accounts.selectors.factors import factors, may_look_after, must_have_factor
from accounts.selectors.numbers import number_section
from accounts.selectors.sessions import sessions_of
from accounts.services.factors import factors_take_back
from accounts.services.sessions import sessions_end
from orgtree.models import User
from orgtree.pages import page, page_view
from orgtree.stepup import require_proof


@page_view
@require_GET
def person(request: HttpRequest, user_id: int) -> HttpResponse:
    user = _person_or_404(request, user_id)
    return page(
        request,
        "accounts/person.html",
        user.display_name,
        person=user,
        factors=factors(user),
        must_have=must_have_factor(user),
        sessions=sessions_of(user, here=request.session.session_key),
        is_own=user.pk == request.user.pk,
        **(number_section(user) if request.user.is_superuser else {}),
    )


@page_view
@require_POST
def end_sessions(request: HttpRequest, user_id: int) -> HttpResponse:
    """One session by its number in the field `session`, or all (of oneself: all but this one)."""
    user, only = _person_or_404(request, user_id), request.POST.get("session", "")
    if only and not (only.isascii() and only.isdigit() and len(only) < 18):
        return redirect("accounts:person", user.pk)
    ended = sessions_end(actor=request.user, user=user, only=int(only) if only else None, but=request.session.session_key)
    messages.success(request, ngettext("%(count)d device has been logged out.", "%(count)d devices have been logged out.", ended) % {"count": ended})
    return redirect("accounts:person", user.pk)


@page_view
@require_POST
def take_back_factors(request: HttpRequest, user_id: int) -> HttpResponse:
    user = _person_or_404(request, user_id)
    require_proof(request)
    try:
        factors_take_back(actor=request.user, user=user)
    except AccountError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The second factor has been taken back and all devices logged out. A new one is set up at the next login."))
    return redirect("accounts:person", user.pk)


def _person_or_404(request: HttpRequest, user_id: int) -> User:
    user = get_object_or_404(User, pk=user_id)
    if not may_look_after(request.user, user):
        raise Http404
    return user
