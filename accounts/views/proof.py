"""Proving anew who one is, before something that weighs: afterwards the person goes on where they were stopped."""

from __future__ import annotations

from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import ReauthenticateView as CodeView
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.views.shell import InShell

TITLE = _("Confirm it is you")


class PasswordProof(InShell, ReauthenticateView):
    title = TITLE


class CodeProof(InShell, CodeView):
    title = TITLE


class PasskeyProof(InShell, ReauthenticateWebAuthnView):
    title = TITLE

    def form_invalid(self, form: Any) -> HttpResponse:
        """allauth would lead to the door, and so back to nowhere."""
        for message in form.errors.get("credential", []):
            messages.error(self.request, message)
        return self.get(self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """allauth's own leaves out what its base adds: where to go on, and the other ways."""
        context = super().get_context_data(**kwargs)
        return {**context, "reauthentication_alternatives": self.get_reauthentication_alternatives()}
