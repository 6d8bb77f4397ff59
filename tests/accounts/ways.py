"""What people do at the door, as tests do it."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from django.urls import reverse

from tests.accounts.provider import OpenIdProvider
from tests.factories import PASSWORD


def log_in(client: Client, login: str = "lan", password: str = PASSWORD, **where: Any):
    return client.post(reverse("account_login"), {"login": login, "password": password}, **where)


def code_of(secret: str, *, steps: int = 0) -> str:
    """What an authenticator app shows now, or `steps` half minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def app_set_up(client: Client) -> tuple[str, list[str]]:
    """Set up the authenticator app as the signed-in person; gives its secret and the recovery codes."""
    page = client.get(reverse("mfa_activate_totp"))
    secret = "".join(page.context["secret"])
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret, steps=-1)})
    assert answer.url == reverse("mfa_view_recovery_codes")
    return secret, client.get(answer.url).context["unused_codes"]


def grow_old(client: Client) -> None:
    """The last proof of who sits there is a day old."""
    session = client.session
    session["proved_at"] = time.time() - 86_400
    session["account_authentication_methods"] = []
    session.save()


def sign_on_by(client: Client, provider: OpenIdProvider, **query: str):
    """Click the button, agree at the provider, come back."""
    away = client.get(reverse("sso_login") + ("?" + urlencode(query) if query else ""))
    assert away.status_code == 302
    assert away.url.startswith(provider.issuer + "/authorize?"), away.url
    return client.get(reverse("sso_callback"), provider.authorize(away.url))
