"""How allauth's flows behave here: its documented hooks, filled in.

Nobody signs up. A wrong login never says whether the account exists. Whoever has a second factor proves who they are by it, not by the
password. What allauth would say in its own templates is said here, in our words, or not at all.
"""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.base.constants import AuthError
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import crypto, tries
from accounts.selectors.factors import factors, must_have_factor
from orgtree.caller import address_of, ip_of
from orgtree.models import User
from orgtree.stepup import is_proved
from workflows.services.audit import audit

PROVIDER = "sso"
_LOG = logging.getLogger(__name__)
NO_ACCOUNT = _("The single sign-on knows you, but there is no account for you here. Ask your unit’s administrator to open one.")
NOT_SIGNED_ON = _("The single sign-on did not work this time. Please try again; if it happens again, tell your administrator.")
CANCELLED = _("You left the single sign-on without logging in.")
LOCKED = _("Too many tries. To protect the account, it cannot be entered from here for 15 minutes. Then try again, or ask your administrator.")
WRONG_CODE = _("This code is not right, or was used already. Wait for the next one and type it without delay.")
MESSAGES: dict[str, str | Promise] = {
    "account/messages/password_changed.txt": _("Your password has been changed. Other devices have been logged out."),
    "mfa/messages/totp_activated.txt": _("The authenticator app is set up."),
    "mfa/messages/totp_deactivated.txt": _("The authenticator app is no longer used for this account."),
    "mfa/messages/webauthn_added.txt": _("The passkey has been added."),
    "mfa/messages/webauthn_removed.txt": _("The passkey has been removed."),
}


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("The user name or the password is not right. Please check both and try again."),
        "too_many_login_attempts": LOCKED,
        "incorrect_password": _("The password is not right."),
        "enter_current_password": _("This is not your current password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counts the try, before the password is looked at."""
        login = credentials.get("username", "")
        tried = tries.count("password", login, address_of(request))
        if tried == tries.TRIES + 1:
            _audit_of_login("account.locked", login, request)
        if tried > tries.TRIES:
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        user = super().authenticate(request, **credentials)
        if user:
            tries.forget("password", credentials.get("username", ""), address_of(request))
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        _audit_of_login("account.refused", credentials.get("username", ""), request)

    def get_login_stages(self) -> list[str]:
        return ["allauth.mfa.stages.AuthenticateStage"]

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        return _door_with(request, self.error_messages["username_password_mismatch"])

    def get_client_ip(self, request: HttpRequest) -> str:
        return ip_of(request) or "0.0.0.0"  # noqa: S104 (no address is listened on: the call came through a socket that has none)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:own")

    def is_reauthentication_required(self, *, app: str, **_more: object) -> bool:
        """allauth's own pages ask by the same measure as ours."""
        return not is_proved(context.request)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """The ways in which `user` may prove anew who they are, the best first."""
        if not user.is_authenticated:
            return []
        kinds = set(factors(user).values_list("type", flat=True))
        ways = []
        if Authenticator.Type.WEBAUTHN in kinds:
            ways.append({"id": "passkey", "description": _("Use a passkey"), "url": reverse("mfa_reauthenticate_webauthn")})
        if kinds:
            ways.append({"id": "code", "description": _("Use a code"), "url": reverse("mfa_reauthenticate")})
        if Authenticator.Type.TOTP in kinds:
            ways.reverse()  # the telephone is at hand more often than the key
        if not kinds and user.has_usable_password():
            ways.append({"id": "password", "description": _("Use the password"), "url": reverse("account_reauthenticate")})
        if not ways and SocialAccount.objects.filter(user=user, provider=PROVIDER).exists():
            ways.append({"id": "sso", "description": settings.ENVIRONMENT.oidc_name, "url": reverse("sso_login")})
        # Somebody without any way is told so on their own page; sent to the door they would come back at once.
        return ways or [{"id": "none", "description": "", "url": reverse("accounts:own")}]

    def add_message(self, request: HttpRequest, level: int, message_template: str | None = None, *rest: Any, **more: Any) -> None:
        """Ours in place of allauth's templates; those for which we have no words are left unsaid."""
        if message_template is None:
            super().add_message(request, level, None, *rest, **more)
        elif message_template in MESSAGES:
            super().add_message(request, level, message=str(MESSAGES[message_template]))


class FactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": WRONG_CODE,
        "cannot_delete_authenticator": _("Your rights ask for a second factor. Set up another one before you remove this one."),
    }

    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Not the last one of somebody who must have one."""
        others = factors(authenticator.user).exclude(pk=authenticator.pk)
        return others.exists() or not must_have_factor(authenticator.user)

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return str(_("Passkey %(number)d") % {"number": number})

    def get_totp_label(self, user: User) -> str:
        return user.get_username()

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        return {**super().get_public_key_credential_user_entity(user), "name": user.get_username(), "display_name": user.display_name}

    def _get_site_name(self) -> str:
        return "Hồ Sơ"


class SingleSignOnAccounts(DefaultSocialAccountAdapter):
    """Whom the agency's single sign-on lets in: accounts that exist, recognised once by a claim and from then on by the subject."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[SocialApp]:
        """From the environment alone, not from a table that somebody could add a provider to."""
        environment = settings.ENVIRONMENT
        if not environment.oidc_issuer:
            return []
        secret = environment.oidc_client_secret
        return [SocialApp(provider=PROVIDER, name=environment.oidc_name, client_id=environment.oidc_client_id, secret=secret)]

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if sociallogin.state.get("process") != AuthProcess.LOGIN:
            raise ImmediateHttpResponse(_door_with(request, NOT_SIGNED_ON))
        if sociallogin.is_existing:
            return
        user = self._recognised(request.identity_elsewhere.claim)
        if user is None:
            _LOG.warning("single sign-on: no account for %r", request.identity_elsewhere.claim)
            raise ImmediateHttpResponse(_door_with(request, NO_ACCOUNT))
        sociallogin.connect(request, user)
        audit(actor=user, action="account.linked", user=user.pk, address=address_of(request))

    def _recognised(self, claim: str) -> User | None:
        """The active account that the claim names, unless another subject is tied to it: then somebody must look (a new person, an old name?)."""
        user = User.objects.filter(**{settings.ENVIRONMENT.oidc_field: claim}, is_active=True).first() if claim else None
        return None if user is None or SocialAccount.objects.filter(user=user, provider=PROVIDER).exists() else user

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Exception | None = None, extra_context: Any = None
    ) -> None:
        """One sentence for people; the cause is in the log."""
        _LOG.warning("single sign-on refused: %s", getattr(exception, "code", None) or exception or error)
        raise ImmediateHttpResponse(_door_with(request, CANCELLED if error == AuthError.CANCELLED else NOT_SIGNED_ON))


def _audit_of_login(action: str, login: str, request: HttpRequest) -> None:
    """Only for an account that exists: what else somebody typed may be a password, and does not belong in a trail."""
    user = User.objects.filter(username=login).first()
    if user is not None:
        audit(actor=None, action=action, user=user.pk, address=address_of(request))


def _door_with(request: HttpRequest, message: str | Promise) -> HttpResponse:
    messages.error(request, message)
    return redirect("account_login")
