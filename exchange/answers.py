"""How the program's HTTP interfaces answer: problems, documented answers, and bodies whose length is looked at before they are read.

Shared by the hub's API and the calls about cases; every refusal is a `Problem`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from exchange.archive import Said
from exchange.contract import MAX_BODY, CallCode, Problem, encode
from exchange.models import Agency
from exchange.services.intake import BodyInvalid, body_read
from exchange.services.quotas import TooMany

T = TypeVar("T")


class Refused(Exception):
    """A call that is answered with a Problem."""

    def __init__(self, status: int, code: CallCode, message: str, place: str = "") -> None:
        self.status = status
        self.problem = Problem(code=code.value, message=message, place=place)
        super().__init__(message)


# What an operation answers is documented in its `openapi_extra`: ninja is told of no model of its own.
DOCUMENTED_ELSEWHERE: dict[Any, Any] = {...: None}


def problem_shape(status: int) -> dict[str, Any]:
    meanings = {
        400: "The body is not JSON",
        401: "No valid token",
        403: "The token's client is not an active agency",
        404: "The agency has no such batch, trial, transfer or unit",
        409: "The key names another body, the statement is not true or contradicts an earlier one, or the step is impossible now; `code` says which",
        411: "The length is not given",
        413: "The body is longer than 16 MB",
        415: "The body is not application/json",
        422: "The call or its body is not as documented; `place` says where",
        429: "More calls a minute or records a day than the agency may; `Retry-After` says when to come again",
    }
    return {"description": meanings[status], "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def answers(status: int, shape: str, meaning: str, *problems: int) -> dict[str, Any]:
    """The `responses` of an operation; `shape` names a schema of the contract."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape}"}}}
    return {str(status): {"description": meaning, "content": content}, **{str(one): problem_shape(one) for one in sorted({401, 403, 429, *problems})}}


def question(shape: str) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape}"}}}}


BODY_PROBLEMS = (400, 411, 413, 415, 422)


def read_body(request: HttpRequest, decode: Callable[[bytes], T]) -> T:
    body = body_of(request)
    try:
        read = body_read(body, decode)
    except BodyInvalid as error:
        raise invalid_body(error) from error
    if rb"\u0000" in body and _holds_nul(json.loads(body)):
        raise Refused(422, CallCode.INVALID, "A text holds the character NUL.", "$")
    return read


def _holds_nul(value: Any) -> bool:
    """Looked through without recursion: how deep a body goes is up to whoever sends it."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str) and "\0" in one:
            return True
        left += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return False


def refuse_nul(request: HttpRequest) -> None:
    """PostgreSQL keeps no NUL, so a parameter that holds one cannot be meant."""
    for name, texts in request.GET.lists():
        if any("\0" in text for text in texts):
            raise Refused(422, CallCode.INVALID, "A parameter holds the character NUL.", f"query.{name}")


def agency_of(request: HttpRequest) -> Agency:
    agency: Agency = request.auth  # type: ignore[attr-defined]
    return agency


def invalid_body(error: BodyInvalid) -> Refused:
    message, _, place = str(error).partition(" - at ")
    status, code = (400, CallCode.MALFORMED) if error.malformed else (422, CallCode.INVALID)
    return Refused(status, code, message, place.strip("`") or "$")


def body_of(request: HttpRequest) -> bytes:
    """The body as it came; its length is looked at before a byte of it is read."""
    if (request.content_type or "").lower() != "application/json":
        raise Refused(415, CallCode.UNSUPPORTED_TYPE, "Send application/json.", "header.Content-Type")
    length = request.headers.get("Content-Length", "")
    if not re.fullmatch("[0-9]{1,12}", length):
        raise Refused(411, CallCode.LENGTH_REQUIRED, "Send the Content-Length.", "header.Content-Length")
    if int(length) > MAX_BODY:
        raise Refused(413, CallCode.TOO_LARGE, f"A body has at most {MAX_BODY} bytes. Send smaller batches.", "header.Content-Length")
    body = request.read(MAX_BODY)
    request.body_said = Said.of({}, body)  # type: ignore[attr-defined]  # for the archive, which comes when the body is read
    return body


def answered(status: int, shape: Any) -> HttpResponse:
    return HttpResponse(encode(shape), status=status, content_type="application/json")


def problems_answered(api: NinjaAPI, *, scope: str) -> None:
    """Every refusal of `api`, ninja's own among them, is answered with a Problem; `scope` is the one that a token needs."""

    def refused(request: HttpRequest, error: Any) -> HttpResponse:
        return answered(error.status, error.problem)

    def too_many(request: HttpRequest, error: Any) -> HttpResponse:
        answer = answered(429, Problem(code=CallCode.TOO_MANY, message=str(error)))
        answer["Retry-After"] = str(error.seconds)
        return answer

    def unauthorized(request: HttpRequest, error: Any) -> HttpResponse:
        text = f"Fetch a token at /o/token/ with the grant client_credentials and the scope {scope}."
        answer = answered(401, Problem(code=CallCode.UNAUTHORIZED, message=text))
        answer["WWW-Authenticate"] = f'Bearer scope="{scope}"'
        return answer

    def invalid(request: HttpRequest, error: Any) -> HttpResponse:
        """Parameters that are not as documented; a missing key has a code of its own."""
        first = error.errors[0]
        place = ".".join(str(part) for part in first["loc"])
        missing = first["type"] == "missing" and "dempotency" in place
        return answered(422, Problem(code=CallCode.KEY_MISSING if missing else CallCode.INVALID, message=first["msg"], place=place))

    def other(request: HttpRequest, error: Any) -> HttpResponse:
        return answered(error.status_code, Problem(code=CallCode.INVALID, message=str(error)))

    for kind, handler in (
        (Refused, refused),
        (TooMany, too_many),
        (AuthenticationError, unauthorized),
        (ValidationError, invalid),
        (HttpError, other),
    ):
        api.add_exception_handler(kind, handler)
