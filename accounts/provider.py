"""The agency's single sign-on as a provider of allauth, which carries the flow: state bound to the session, PKCE, code for token."""

from __future__ import annotations

import hashlib
import secrets
from functools import cached_property
from typing import Any

import requests
from allauth.account.internal.decorators import login_not_required
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers import registry
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter, OAuth2CallbackView, OAuth2LoginView
from allauth.utils import build_absolute_uri
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts import oidc
from accounts.adapter import PROVIDER

_NONCE = "sso_nonce"


class SingleSignOnFlow(OAuth2Adapter):
    provider_id = PROVIDER

    @cached_property
    def found(self) -> dict[str, Any]:
        return oidc.discover()

    @property
    def access_token_url(self) -> str:
        return self.found["token_endpoint"]

    @property
    def authorize_url(self) -> str:
        return self.found["authorization_endpoint"]

    @property
    def basic_auth(self) -> bool:
        """OpenID Connect Core, section 9: client_secret_basic is what a provider does who names no method."""
        return "client_secret_post" not in self.found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return build_absolute_uri(request, reverse("sso_callback"))

    def complete_login(self, request: HttpRequest, app: Any, token: SocialToken, **kwargs: Any) -> SocialLogin:
        who = oidc.identity(
            kwargs["response"].get("id_token", ""), keys_address=self.found["jwks_uri"], nonce=request.session.pop(_NONCE, secrets.token_hex())
        )
        request.identity_elsewhere, request.proved_elsewhere_at = who, who.proved_at
        return self.get_provider().sociallogin_from_response(request, {"subject": who.subject})


class SingleSignOnProvider(OAuth2Provider):
    id = PROVIDER
    name = "OpenID Connect"
    oauth2_adapter_class = SingleSignOnFlow
    pkce_enabled_default = True

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        return ["openid", "profile"]

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """To log in, and never to tie one more identity to the account that happens to be open."""
        return {**super().get_redirect_from_request_kwargs(request), "process": AuthProcess.LOGIN}

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        """Nothing that stands in the address is passed on. Somebody who is here already comes for a fresh proof."""
        request.session[_NONCE] = secrets.token_urlsafe(32)
        fresh = {"max_age": str(settings.STEP_UP_MINUTES * 60), "prompt": "login"} if request.user.is_authenticated else {}
        return {"nonce": request.session[_NONCE], **fresh}

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Subjects are unique for one issuer only, and longer than the column: the digest of both."""
        return hashlib.sha256(data["subject"].encode()).hexdigest()

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Nothing of what the provider tells about a person is kept."""
        return {}


@never_cache
@login_not_required
def login(request: HttpRequest) -> HttpResponse:
    try:
        return OAuth2LoginView.adapter_view(SingleSignOnFlow)(request)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    except (OAuth2Error, requests.RequestException) as error:
        return render_authentication_error(request, PROVIDER, exception=error)


@never_cache
@login_not_required
def callback(request: HttpRequest) -> HttpResponse:
    try:
        return OAuth2CallbackView.adapter_view(SingleSignOnFlow)(request)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error


registry.register(SingleSignOnProvider)  # allauth's own list of addresses, which would do it, is not used here
provider_classes = [SingleSignOnProvider]
