"""Leads people to what they have to do first: change a password that somebody else knows, set up a second factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.presence import first_to_do, follow, is_over
from accounts.services.devices import device_mark
from accounts.views.away import session_over

# What somebody needs on the way: setting up, proving who they are, leaving, and the page's language.
OPEN = frozenset(
    {
        *("accounts:protect", "accounts:own", "accounts:here", "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes"),
        *("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "account_change_password"),
        *("account_login", "account_logout", "signed_out", "admin:logout", "set_language", "health"),
    }
)
# What is no use of a session and ends none: whether the program is well, and leaving.
OUTSIDE = frozenset({"health", "accounts:away", "account_logout", "signed_out"})


class AccountsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        device_mark(request, response)
        return response

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return None
        name = request.resolver_match.view_name
        if name in OUTSIDE:
            return None
        if why := is_over(request):
            return session_over(request, why)
        follow(request)
        if name in OPEN:
            return None
        first = first_to_do(request, request.user)
        return redirect(first) if first else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """allauth keeps a posted form in the session while it asks for a proof; one with passwords is not kept but typed again."""
        if not isinstance(exception, ReauthenticationRequired) or not any("password" in name for name in request.POST):
            return None
        way = get_adapter().get_reauthentication_methods(request.user)[0]["url"]
        return redirect(f"{way}?{urlencode({'next': request.get_full_path()})}")
