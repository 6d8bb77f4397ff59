"""One's own account: what protects it, and where one is logged in."""

from __future__ import annotations

from typing import Any

from allauth.account.views import PasswordChangeView
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.models import InitialPassword
from accounts.selectors.factors import has_factor, must_have_factor
from accounts.selectors.sessions import sessions_of
from accounts.services.sessions import sessions_end
from accounts.views.shell import InShell
from orgtree.pages import page, page_view


@page_view
@require_GET
def own(request: HttpRequest) -> HttpResponse:
    user = request.user
    held = list(Authenticator.objects.filter(user=user).order_by("created_at", "pk"))
    codes = next((one for one in held if one.type == Authenticator.Type.RECOVERY_CODES), None)
    return page(
        request,
        "accounts/own.html",
        _("My account"),
        app=next((one for one in held if one.type == Authenticator.Type.TOTP), None),
        passkeys=[one for one in held if one.type == Authenticator.Type.WEBAUTHN],
        codes_left=len(codes.wrap().get_unused_codes()) if codes else None,
        must_have=must_have_factor(user),
        sessions=sessions_of(user, here=request.session.session_key),
    )


@page_view
@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """One session by its number in the field `session`, or all but this one."""
    only = request.POST.get("session", "")
    if only and not (only.isascii() and only.isdigit() and len(only) < 18):
        return redirect("accounts:own")
    ended = sessions_end(actor=request.user, user=request.user, only=int(only) if only else None, but=request.session.session_key)
    messages.success(request, ngettext("%(count)d device has been logged out.", "%(count)d devices have been logged out.", ended) % {"count": ended})
    return redirect("accounts:own")


@page_view
@require_GET
def protect(request: HttpRequest) -> HttpResponse:
    """Where somebody is led who must have a second factor and has none."""
    if has_factor(request.user) or not must_have_factor(request.user):
        return redirect("admin:index")
    return page(request, "accounts/protect.html", _("Protect your account"))


class NewPassword(InShell, PasswordChangeView):
    title = _("Change password")
    template_name = "registration/password_change_form.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {"is_initial": InitialPassword.objects.filter(user=self.request.user).exists(), **super().get_context_data(**kwargs)}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Who comes by the single sign-on alone has no password here; allauth would let them set one."""
        return super().dispatch(request, *args, **kwargs) if request.user.has_usable_password() else redirect("accounts:own")
