"""People who log in by the front door, an authenticator app, and a small OpenID provider that speaks real HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from orgtree.models import User
from tests.factories import PASSWORD, user_make


@pytest.fixture(autouse=True)
def _fast_and_forgetful(settings):
    """Hashing as slow as in production would cost these tests most of their time; nobody has tried anything yet."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def lan(db) -> User:
    return user_make("lan", password=PASSWORD)


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


class OpenIdProvider:
    """Issues whatever a test asks for. `claims` are laid over those of an honest token, None leaves one out; `key` signs, `published` is shown."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.claims: dict[str, Any] = {}
        self.key, self.kid, self.algorithm = self.new_key(), "a", "RS256"
        self.published = {"a": self.key}
        self.asked: dict[str, str] = {}
        self.discovery: dict[str, Any] = {}

    @staticmethod
    def new_key() -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    def rotate(self, kid: str) -> None:
        self.key, self.kid = self.new_key(), kid
        self.published = {kid: self.key}

    def authorize(self, address: str) -> dict[str, str]:
        """What the browser brings back, when the person has agreed."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        return {"code": "one", "state": self.asked["state"]}

    def id_token(self) -> str:
        now = int(time.time())
        honest = {"iss": self.issuer, "aud": "hoso", "sub": "4711", "iat": now, "exp": now + 300, "nonce": self.asked["nonce"]}
        claims = {**honest, "preferred_username": "lan", **self.claims}
        return jwt.encode({name: one for name, one in claims.items() if one is not None}, self.key, self.algorithm, headers={"kid": self.kid})

    def _answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        if path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            return 200, {"issuer": self.issuer, **{name: self.issuer + end for name, end in ends.items()}, **self.discovery}
        if path == "/keys":
            keys = [jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid} for kid, key in self.published.items()]
            return 200, {"keys": keys}
        verifier = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        known = authorization == "Basic " + base64.b64encode(b"hoso:geheim").decode()
        if path == "/token" and known and form.get("code") == "one" and verifier == self.asked["code_challenge"]:
            return 200, {"access_token": secrets.token_hex(), "token_type": "Bearer", "id_token": self.id_token()}
        return 400, {"error": "invalid_grant"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply({})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._reply({name: values[0] for name, values in parse_qs(body).items()})

            def _reply(self, form: dict[str, str]) -> None:
                status, body = provider._answer(urlsplit(self.path).path, form, self.headers.get("Authorization", ""))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_args: object) -> None:
                """Nothing: what is asked is looked at by the tests."""

        return Handler


@pytest.fixture(scope="session")
def _serving() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider()
    thread = threading.Thread(target=provider.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield provider
    provider.server.shutdown()
    thread.join()
    provider.server.server_close()


@pytest.fixture
def sign_on(_serving, settings) -> OpenIdProvider:
    """The single sign-on of the agency, which this installation is configured for."""
    ours = {"oidc_issuer": _serving.issuer, "oidc_client_id": "hoso", "oidc_client_secret": "geheim", "oidc_name": "Cổng nội bộ"}
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, **ours)
    _serving.claims, _serving.algorithm, _serving.discovery = {}, "RS256", {}
    _serving.rotate("a")
    return _serving


def sign_on_by(client: Client, provider: OpenIdProvider, **query: str):
    """Click the button, agree at the provider, come back."""
    away = client.get(reverse("sso_login") + ("?" + urlencode(query) if query else ""))
    assert away.status_code == 302
    assert away.url.startswith(provider.issuer + "/authorize?"), away.url
    return client.get(reverse("sso_callback"), provider.authorize(away.url))
