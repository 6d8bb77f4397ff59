"""The door: password, code or passkey, and out again."""

from __future__ import annotations

from typing import Any

from allauth.account.views import LoginView, LogoutView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.conf import settings
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from accounts.selectors.factors import factors
from accounts.views.shell import InShell


@method_decorator(never_cache, name="dispatch")
class Door(InShell, LoginView):
    title = _("Log in")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            "single_sign_on": settings.ENVIRONMENT.oidc_issuer and settings.ENVIRONMENT.oidc_name,
            "over": self.request.GET.get("over", ""),
            "idle_minutes": settings.IDLE_MINUTES,
            "session_hours": settings.SESSION_HOURS,
            **super().get_context_data(**kwargs),
        }


@method_decorator(never_cache, name="dispatch")
class CodeAtTheDoor(InShell, AuthenticateView):
    title = _("Confirm it is you")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {"kinds": set(factors(self.stage.login.user).values_list("type", flat=True)), **super().get_context_data(**kwargs)}


class PasskeyAtTheDoor(LoginWebAuthnView):
    """Gives the browser its challenge, and takes the answer; it has no page of its own."""


class Out(InShell, LogoutView):
    title = _("Log out")


class SignedOut(InShell, TemplateView):
    template_name = "registration/logged_out.html"
    title = _("Logged out")
