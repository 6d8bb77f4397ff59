"""Getting in: tokens, and what is open to everybody."""

from __future__ import annotations

from uuid import uuid4

from exchange.conformance.checks.check import check, each
from exchange.conformance.kit import Failed, Kit, refused


@check("A token for client credentials with the scope exchange", "RFC 6749 section 4.4 at /o/token/; answer access_token, token_type and expires_in.")
def token_is_given(kit: Kit) -> None:
    answer = kit.token_ask()
    if answer.status != 200 or not answer.body or str(answer.body.get("token_type", "")).lower() != "bearer" or not answer.body.get("expires_in"):
        raise Failed(f"the token was answered with {answer}")
    kit.token = answer.body["access_token"]


def _token_refused(kit: Kit, form: dict[str, str]) -> None:
    answer = kit.token_ask(**form)
    if answer.status not in (400, 401):
        raise Failed(f"{form} was answered with {answer.status}")


each(
    "token_is_refused",
    {
        "wrong secret": {"secret": "x" * 40},
        "unknown client": {"client_id": "nobody-" + "x" * 20},
        "other grant": {"grant_type": "password"},
        "other scope": {"scope": "admin"},
    },
    "400 or 401",
    "Issue tokens for the client's own secret, the grant client_credentials and the scope exchange only.",
    _token_refused,
)


def _needs_token(kit: Kit, method: str, path: str, token: str) -> None:
    answer = kit.call(method, path, token=token, body={} if method != "GET" else None, headers={"idempotency-key": uuid4().hex})
    refused(answer, 401, "UNAUTHORIZED")
    if "bearer" not in answer.headers.get("www-authenticate", "").lower():
        raise Failed("a 401 has to name the scheme in WWW-Authenticate (RFC 6750 section 3)")


CALLS = {"profiles": ("POST", "/profiles"), "units": ("PUT", "/org-units"), "receipts": ("GET", "/receipts"), "trial": ("POST", "/trial")}
each(
    "without_a_token",
    {name: (*call, "") for name, call in CALLS.items()},
    "401 UNAUTHORIZED",
    "Ask for the token before anything else.",
    _needs_token,
)
each("with_a_false_token", {name: (*call, "nonsense") for name, call in CALLS.items()}, "401 UNAUTHORIZED", "Validate the token.", _needs_token)


@check("An OpenAPI 3.1 document that names every call", "Serve it at /api/v1/openapi.json; it is open to everybody.")
def description_is_published(kit: Kit) -> None:
    answer = kit.call("GET", "/openapi.json", token="")
    paths = (answer.body or {}).get("paths", {})
    wanted = ("/profiles", "/org-units", "/batches", "/receipts", "/trial", "/digests")
    missing = [path for path in wanted if not any(known.endswith(path) for known in paths)]
    if answer.status != 200 or not str(answer.body.get("openapi", "")).startswith("3.1") or missing:
        raise Failed(f"status {answer.status}, version {answer.body and answer.body.get('openapi')}, missing {missing}")
