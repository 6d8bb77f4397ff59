"""A small OpenID provider that speaks real HTTP and issues whatever a test asks for."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa


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
