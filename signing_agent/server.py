"""HTTP on 127.0.0.1: an interface for the pages of Hồ Sơ, and pages of its own for the person.

Two kinds of callers, kept apart by where they come from:

- `/requests`, `/pairings` are called by scripts of the origins named with --origin, and by no other: the Origin header
  must be one of them, the browser must be paired, and CORS answers name that one origin.
- `/sign/<id>`, `/pair/<id>` are this program's own pages. No other origin can read them or post their forms.

The Host header must be this address, so that a name of somebody else's that resolves to 127.0.0.1 gets nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import os
import socketserver
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

from signing_agent import inbox, pages
from signing_agent.inbox import Inbox
from signing_agent.keys import PinLocked, SigningRefused, TokenUnusable
from signing_agent.sign import CertificateNotCurrent, OtherCertificate, PurposeRefused
from workflows.manifest import MAX_BYTES, ManifestInvalid

logger = logging.getLogger("signing_agent")

HOST = "127.0.0.1"
MAX_BODY = MAX_BYTES * 4 // 3 + 1024  # a manifest in base64 within a little JSON
SOCKET_SECONDS = 10

COMMON_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Origin"}
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # not "no-referrer": a form's Origin header would become "null"
}
# What a script is told, by exception: status and a word; the person reads the rest on this program's own page.
API_ERRORS: dict[type[Exception], tuple[HTTPStatus, str]] = {
    inbox.NotPaired: (HTTPStatus.UNAUTHORIZED, "not_paired"),
    inbox.Unknown: (HTTPStatus.NOT_FOUND, "expired"),
    inbox.TooMany: (HTTPStatus.TOO_MANY_REQUESTS, "too_many"),
    PurposeRefused: (HTTPStatus.BAD_REQUEST, "bad_manifest"),
    ManifestInvalid: (HTTPStatus.BAD_REQUEST, "bad_manifest"),
}


class BadRequest(Exception):
    """The request is refused before anything is looked up: status, and a short English reason for the log."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Agent(socketserver.ThreadingTCPServer):
    """The server, bound to 127.0.0.1 only. `origins` are the sites that may ask for signatures, as scheme://host[:port]."""

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it would let another program take the port

    def __init__(self, *, port: int, origins: Collection[str], waiting: Inbox) -> None:
        super().__init__((HOST, port), Handler)
        self.origins = frozenset(origins)
        self.inbox = waiting
        self.hosts = frozenset({f"{HOST}:{self.port}", f"localhost:{self.port}"})

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no error; anything else is logged without what was sent."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            logger.exception("A request failed")

    @property
    def port(self) -> int:
        return self.server_address[1]

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"


class Handler(BaseHTTPRequestHandler):
    server: Agent
    timeout = SOCKET_SECONDS
    server_version, sys_version = "SigningAgent", ""

    def do_OPTIONS(self) -> None:
        self._guarded(self._preflight)

    def do_GET(self) -> None:
        self._guarded(self._get)

    def do_POST(self) -> None:
        self._guarded(self._post)

    def _guarded(self, answer: Callable[[], None]) -> None:
        try:
            if self.headers.get("Host", "").lower() not in self.server.hosts:
                raise BadRequest(HTTPStatus.MISDIRECTED_REQUEST, "wrong Host header")
            answer()
        except BadRequest as error:
            logger.warning("Refused %s: %s", self.command, error)
            self._discard_body()
            self._send(error.status, b"", "text/plain")

    def _preflight(self) -> None:
        self._asking_origin()
        allowed = {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "authorization, content-type"}
        # Chrome asks before a public site may reach this machine; both names of the header have been in use.
        for network in ("Private", "Local"):
            if self.headers.get(f"Access-Control-Request-{network}-Network") == "true":
                allowed[f"Access-Control-Allow-{network}-Network"] = "true"
        self._send(HTTPStatus.NO_CONTENT, b"", "text/plain", allowed)

    def _get(self) -> None:
        match self.path.split("/")[1:]:
            case ["requests", identifier]:
                self._api(lambda: self._request_state(identifier))
            case ["pairings", identifier]:
                self._api(lambda: self._pairing_state(identifier))
            case ["sign", identifier]:
                self._page(lambda: pages.request_page(self.server.inbox.request_get(identifier)))
            case ["pair", identifier]:
                self._page(lambda: pages.pairing_page(self.server.inbox.pairing_get(identifier)))
            case ["agent.css"]:
                self._send(HTTPStatus.OK, pages.STYLE.encode(), "text/css; charset=utf-8", PAGE_HEADERS)
            case [""]:
                self._page(lambda: pages.start_page(self.server.origins))
            case _:
                raise BadRequest(HTTPStatus.NOT_FOUND, "no such path")

    def _post(self) -> None:
        match self.path.split("/")[1:]:
            case ["requests"]:
                self._api(self._request_open)
            case ["pairings"]:
                self._api(self._pairing_open)
            case ["sign", identifier]:
                self._own_form(lambda form: self._decide(identifier, form))
            case ["pair", identifier]:
                self._own_form(lambda form: self._confirm(identifier, form))
            case _:
                raise BadRequest(HTTPStatus.NOT_FOUND, "no such path")

    # The interface for scripts

    def _api(self, answer: Callable[[], dict[str, Any]]) -> None:
        self._asking_origin()
        try:
            status, body = HTTPStatus.OK, answer()
        except tuple(API_ERRORS) as error:
            status, word = API_ERRORS[type(error)]
            body = {"error": word, "detail": str(error)}
        self._send(status, json.dumps(body).encode(), "application/json")

    def _request_open(self) -> dict[str, Any]:
        request = self.server.inbox.request_open(origin=self._asking_origin(), token=self._bearer(), manifest=self._manifest())
        return {"id": request.id, "url": f"{self.server.address}/sign/{request.id}"}

    def _request_state(self, identifier: str) -> dict[str, Any]:
        request = self.server.inbox.request_watch(identifier, origin=self._asking_origin(), token=self._bearer())
        return {"state": request.state, "signature": base64.b64encode(request.signature).decode() if request.signature else None}

    def _pairing_open(self) -> dict[str, Any]:
        pairing = self.server.inbox.pairing_open(origin=self._asking_origin(), manifest=self._manifest())
        return {"id": pairing.id, "secret": pairing.secret, "url": f"{self.server.address}/pair/{pairing.id}"}

    def _pairing_state(self, identifier: str) -> dict[str, Any]:
        pairing = self.server.inbox.pairing_watch(identifier, origin=self._asking_origin(), secret=self._bearer())
        return {"state": "paired" if pairing.token else "waiting", "token": pairing.token, "request": pairing.request.id if pairing.request else None}

    def _asking_origin(self) -> str:
        origin = self.headers.get("Origin", "")
        if origin not in self.server.origins:
            raise BadRequest(HTTPStatus.FORBIDDEN, f"origin {origin[:100]!r} is not allowed")
        return origin

    def _bearer(self) -> str:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else ""

    def _manifest(self) -> bytes:
        if self.headers.get_content_type() != "application/json":
            raise BadRequest(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be JSON")
        try:
            return base64.b64decode(json.loads(self._body())["manifest"], validate=True)
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
            raise BadRequest(HTTPStatus.BAD_REQUEST, "the body must be {manifest: base64}") from error

    # The pages

    def _page(self, render: Callable[[], str]) -> None:
        try:
            status, page = HTTPStatus.OK, render()
        except inbox.Unknown:
            status, page = HTTPStatus.NOT_FOUND, pages.message_page(pages.EXPIRED)
        self._send(status, page.encode(), "text/html; charset=utf-8", PAGE_HEADERS)

    def _own_form(self, decide: Callable[[dict[str, str]], str]) -> None:
        if self.headers.get("Origin") != f"http://{self.headers['Host'].lower()}":
            raise BadRequest(HTTPStatus.FORBIDDEN, "the form was not sent by this program's own page")
        try:
            form = {name: values[0] for name, values in parse_qs(self._body().decode(), max_num_fields=5).items()}
        except ValueError as error:
            raise BadRequest(HTTPStatus.BAD_REQUEST, "the form cannot be read") from error
        try:
            self._page(lambda: decide(form))
        except inbox.FormForged as error:
            raise BadRequest(HTTPStatus.FORBIDDEN, "the form's token is wrong") from error

    def _decide(self, identifier: str, form: dict[str, str]) -> str:
        waiting, token = self.server.inbox, form.get("token", "")
        if form.get("decision") != "sign":
            return pages.request_page(waiting.request_refuse(identifier, form_token=token))
        try:
            return pages.request_page(waiting.request_sign(identifier, form_token=token, pin=form.get("pin", "")))
        except inbox.WrongPin as error:
            problem = pages.WRONG_PIN.format(left=error.left)
        except inbox.Locked:
            problem = pages.LOCKED
        except CertificateNotCurrent as error:
            problem = pages.NOT_CURRENT.format(period=error)
        except OtherCertificate as error:
            problem = pages.OTHER_CERTIFICATE.format(subject=error)
        except PinLocked:
            problem = pages.DEVICE_LOCKED
        except TokenUnusable as error:
            problem = str(error)
        except SigningRefused:
            problem = pages.KEY_UNUSABLE
        return pages.request_page(waiting.request_get(identifier), problem=problem)

    def _confirm(self, identifier: str, form: dict[str, str]) -> str:
        try:
            request = self.server.inbox.pairing_confirm(identifier, form_token=form.get("token", ""), code=form.get("code", ""))
        except inbox.CodeWrong:
            return pages.pairing_page(self.server.inbox.pairing_get(identifier), problem=pages.WRONG_CODE)
        except inbox.TooMany:
            return pages.message_page(pages.TOO_MANY)
        return pages.request_page(request)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise BadRequest(HTTPStatus.LENGTH_REQUIRED, "no Content-Length")
        if int(length) > MAX_BODY:
            raise BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
        del self.headers["Content-Length"]  # read once
        return self.rfile.read(int(length))

    def _discard_body(self) -> None:
        """Closing with unread bytes resets the connection, and the answer may be lost on its way."""
        with suppress(BadRequest):
            self._body()

    def _send(self, status: HTTPStatus, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**COMMON_HEADERS, **self._cors_headers(), **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _cors_headers(self) -> dict[str, str]:
        """Scripts of the allowed origins may read the interface; nobody's scripts may read the pages."""
        origin = self.headers.get("Origin", "")
        shared = origin in self.server.origins and self.path.startswith(("/requests", "/pairings"))
        return {"Access-Control-Allow-Origin": origin} if shared else {}

    def log_message(self, format: str, *args: Any) -> None:
        """Method and first part of the path only: what follows are identifiers that let one act, and forms hold the PIN."""
        logger.debug("%s /%s", self.command, self.path.split("/")[1] if "/" in self.path else "")
