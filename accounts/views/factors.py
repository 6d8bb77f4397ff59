"""Setting up second factors and removing them. Each of these pages asks for a fresh proof first."""

from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from accounts.views.shell import InShell
from orgtree.stepup import require_proof

OWN = reverse_lazy("accounts:own")


class Proved(InShell):
    """allauth asks too, but not those who come by the single sign-on alone."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require_proof(request)
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]


class AppSetUp(Proved, ActivateTOTPView):
    title = _("Set up the authenticator app")
    template_name = "accounts/app_set_up.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        secret = context["form"].secret
        return {**context, "secret": [secret[start : start + 4] for start in range(0, len(secret), 4)]}


class AppRemoval(Proved, DeactivateTOTPView):
    title = _("Remove the authenticator app")
    template_name = "accounts/app_removal.html"
    success_url = OWN


class PasskeySetUp(Proved, AddWebAuthnView):
    title = _("Add a passkey")
    template_name = "accounts/passkey_set_up.html"


class PasskeyRemoval(Proved, RemoveWebAuthnView):
    title = _("Remove the passkey")
    template_name = "accounts/passkey_removal.html"
    success_url = OWN

    def form_valid(self, form: Any) -> HttpResponse:
        """allauth asks this of the app's removal only."""
        if not get_adapter().can_delete_authenticator(self.object):
            messages.error(self.request, get_adapter().error_messages["cannot_delete_authenticator"])
            return redirect(OWN)
        return super().form_valid(form)


class Codes(Proved, ViewRecoveryCodesView):
    title = _("Recovery codes")
    template_name = "accounts/codes.html"


class CodesRenewal(Proved, GenerateRecoveryCodesView):
    title = _("New recovery codes")
    template_name = "accounts/codes_renewal.html"
