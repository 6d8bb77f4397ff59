"""Leads who must have a second factor and has none to set one up, before anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.presence import follow, lacks_factor

# What somebody needs on the way: setting up, proving who they are, leaving, and the page's language.
OPEN = frozenset(
    {
        *("accounts:protect", "accounts:own", "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes"),
        *("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "account_change_password"),
        *("account_login", "account_logout", "signed_out", "admin:logout", "set_language", "health"),
    }
)


class AccountsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return None
        follow(request)
        if settings.SECOND_FACTOR_REQUIRED and request.resolver_match.view_name not in OPEN and lacks_factor(request):
            return redirect("accounts:protect")
        return None
