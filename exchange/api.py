"""The hub's API, version 1: units, profiles, batches, receipts. OAuth 2 client credentials; JSON by `exchange.contract`.

Bodies are read as bytes, since they are kept as evidence, and parsed by msgspec; django-ninja routes, authenticates and
publishes the OpenAPI document, into which the contract's own JSON Schemas are put. Every refusal is a `Problem`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Header, NinjaAPI, Path, Query
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security import HttpBearer
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request as OAuthRequest

from exchange.contract import (
    MAX_BODY,
    MAX_ITEMS,
    PROFILE_KIND,
    SCOPE,
    UNIT_KIND,
    Accepted,
    CallCode,
    Problem,
    decode_certificate,
    decode_digest_question,
    decode_documents_question,
    encode,
    json_schemas,
)
from exchange.models import Agency, InboundTrial
from exchange.selectors.inbound import batch_status, receipts_page
from exchange.selectors.keys import agency_of_client
from exchange.services.inbound_digests import NotEqual, certificate_take, digests_tell, documents_tell
from exchange.services.inbound_trials import trial_run
from exchange.services.intake import BodyInvalid, KeyReused, batch_receive, body_read
from exchange.services.quotas import TooMany, call_admit, records_admit
from exchange.services.tally import contact_note
from workflows.cms import SignatureRefused

KEY_PATTERN = "^[A-Za-z0-9_-]{16,128}$"
MAX_CURSOR = 2**63 - 1

T = TypeVar("T")


class Refused(Exception):
    """A call that is answered with a Problem."""

    def __init__(self, status: int, code: CallCode, message: str, place: str = "") -> None:
        self.status = status
        self.problem = Problem(code=code.value, message=message, place=place)
        super().__init__(message)


class AgencyToken(HttpBearer):
    """A bearer token of an active agency's application, with the scope `exchange`."""

    def authenticate(self, request: HttpRequest, token: str) -> Agency:
        validated = OAuthRequest(request.build_absolute_uri(request.path))
        if not OAuth2Validator().validate_bearer_token(token, [SCOPE], validated):
            raise AuthenticationError
        agency = agency_of_client(validated.client)
        if agency is None:
            raise Refused(403, CallCode.FORBIDDEN, "This client is not an active agency.")
        contact_note(agency=agency)
        call_admit(agency=agency)
        return agency


def _problem(status: int) -> dict[str, Any]:
    meanings = {
        400: "The body is not JSON",
        401: "No valid token",
        403: "The token's client is not an active agency",
        404: "The agency has no such batch or trial",
        409: "The idempotency key already names another body, or the statement is not true",
        411: "The length is not given",
        413: "The body is longer than 16 MB",
        415: "The body is not application/json",
        422: "The call or its body is not as documented; `place` says where",
        429: "More calls a minute or records a day than the agency may; `Retry-After` says when to come again",
    }
    return {"description": meanings[status], "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _answers(status: int, shape: str, meaning: str, *problems: int) -> dict[str, Any]:
    """The `responses` of an operation; `shape` names a schema of the contract."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape}"}}}
    return {str(status): {"description": meaning, "content": content}, **{str(one): _problem(one) for one in sorted({401, 403, 429, *problems})}}


BATCH_CALL: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Envelope"}}}},
    "responses": _answers(202, "Accepted", "Stored; results come as receipts", 400, 409, 411, 413, 415, 422),
}


class HubAPI(NinjaAPI):
    """A NinjaAPI that publishes the contract's own schemas."""

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None) -> OpenAPISchema:
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        document["components"]["schemas"] |= json_schemas()
        return document


# What an operation answers is documented in its `openapi_extra`: ninja is told of no model of its own.
DOCUMENTED_ELSEWHERE: dict[Any, Any] = {...: None}

api = HubAPI(
    title="Hồ Sơ: national hub",
    version="1",
    description=(
        "Agencies send units first, then profiles, in batches of at most "
        f"{MAX_ITEMS} records under one signed manifest. A call is stored and answered with 202; what became of each record is told by receipts."
    ),
    urls_namespace="hub-api",
    docs_url=None,  # its page would load scripts from elsewhere; openapi.json is what counts
    auth=AgencyToken(),
    openapi_extra={"info": {"license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}},
)

Key = Annotated[str, Header(alias="Idempotency-Key", pattern=KEY_PATTERN, description="The same for every repetition of the same batch")]


@api.put("/org-units", operation_id="putOrgUnits", summary="Send units of the agency's tree", openapi_extra=BATCH_CALL, response=DOCUMENTED_ELSEWHERE)
def put_org_units(request: HttpRequest, idempotency_key: Key) -> HttpResponse:
    return _receive(request, UNIT_KIND, idempotency_key)


@api.post("/profiles", operation_id="postProfiles", summary="Send staff profiles", openapi_extra=BATCH_CALL, response=DOCUMENTED_ELSEWHERE)
def post_profiles(request: HttpRequest, idempotency_key: Key) -> HttpResponse:
    return _receive(request, PROFILE_KIND, idempotency_key)


@api.get(
    "/batches",
    operation_id="findBatch",
    summary="Ask whether a batch arrived, by its idempotency key",
    openapi_extra={"responses": _answers(200, "BatchStatus", "The batch", 404, 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def find_batch(request: HttpRequest, idempotency_key: Annotated[str, Query(pattern=KEY_PATTERN)]) -> HttpResponse:
    return _found(batch_status(agency=_agency(request), idempotency_key=idempotency_key))


@api.get(
    "/batches/{batch}",
    operation_id="getBatch",
    summary="State of a batch",
    openapi_extra={"responses": _answers(200, "BatchStatus", "The batch", 404, 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def get_batch(request: HttpRequest, batch: Annotated[UUID, Path()]) -> HttpResponse:
    return _found(batch_status(agency=_agency(request), batch_id=batch))


@api.get(
    "/receipts",
    operation_id="getReceipts",
    summary="Receipts of a batch, or of all batches from a cursor on",
    openapi_extra={"responses": _answers(200, "Receipts", "At most 500 receipts in the order in which they were issued", 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def get_receipts(
    request: HttpRequest, batch: Annotated[UUID | None, Query()] = None, after: Annotated[int, Query(ge=0, le=MAX_CURSOR)] = 0
) -> HttpResponse:
    return _answer(200, receipts_page(agency=_agency(request), batch_id=batch, after=after))


@api.post(
    "/trial",
    operation_id="postTrial",
    summary="Try 1 to 10 people: everything is verified as in earnest, nothing but the report is kept",
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TrialCall"}}}},
        "responses": _answers(200, "TrialReport", "What the real calls would answer", 400, 411, 413, 415, 422),
    },
    response=DOCUMENTED_ELSEWHERE,
)
def post_trial(request: HttpRequest) -> HttpResponse:
    body = _body(request)
    try:
        trial = trial_run(agency=_agency(request), body=body)
    except BodyInvalid as error:
        raise _invalid_body(error) from error
    return HttpResponse(bytes(trial.report), content_type="application/json")


@api.get(
    "/trial/{trial}",
    operation_id="getTrial",
    summary="The report of a trial, as it is kept",
    openapi_extra={"responses": _answers(200, "TrialReport", "The report", 404, 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def get_trial(request: HttpRequest, trial: Annotated[UUID, Path()]) -> HttpResponse:
    kept = InboundTrial.objects.filter(agency=_agency(request), pk=trial).first()
    if kept is None:
        raise Refused(404, CallCode.NOT_FOUND, "There is no such trial.")
    return HttpResponse(bytes(kept.report), content_type="application/json")


def _question(shape: str) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape}"}}}}


BODY_PROBLEMS = (400, 411, 413, 415, 422)


@api.post(
    "/digests",
    operation_id="askDigests",
    summary="Compare: one step of the descent into what the hub holds of the agency",
    openapi_extra={"requestBody": _question("DigestQuestion"), "responses": _answers(200, "DigestAnswer", "Digests or entries", *BODY_PROBLEMS)},
    response=DOCUMENTED_ELSEWHERE,
)
def ask_digests(request: HttpRequest) -> HttpResponse:
    return _answer(200, digests_tell(agency=_agency(request), question=_read(request, decode_digest_question)))


@api.post(
    "/documents",
    operation_id="askDocuments",
    summary="The agency's own records as the hub holds them",
    openapi_extra={"requestBody": _question("DocumentsQuestion"), "responses": _answers(200, "Documents", "By key", *BODY_PROBLEMS)},
    response=DOCUMENTED_ELSEWHERE,
)
def ask_documents(request: HttpRequest) -> HttpResponse:
    return _answer(200, documents_tell(agency=_agency(request), question=_read(request, decode_documents_question)))


@api.put(
    "/certificates",
    operation_id="putCertificate",
    summary="Keep a statement that both sides hold the same, when it is true, and exchange signatures over it",
    openapi_extra={"requestBody": _question("Certificate"), "responses": _answers(200, "Certificate", "As it is kept", 409, *BODY_PROBLEMS)},
    response=DOCUMENTED_ELSEWHERE,
)
def put_certificate(request: HttpRequest) -> HttpResponse:
    sent = _read(request, decode_certificate)
    try:
        return _answer(200, certificate_take(agency=_agency(request), sent=sent))
    except NotEqual as error:
        raise Refused(409, CallCode.NOT_EQUAL, str(error), "$.statement") from error
    except SignatureRefused as error:
        raise Refused(422, CallCode.INVALID, str(error), "$.agency_signature") from error


def _read(request: HttpRequest, decode: Callable[[bytes], T]) -> T:
    try:
        return body_read(_body(request), decode)
    except BodyInvalid as error:
        raise _invalid_body(error) from error


def _agency(request: HttpRequest) -> Agency:
    agency: Agency = request.auth  # type: ignore[attr-defined]
    return agency


def _receive(request: HttpRequest, kind: str, idempotency_key: str) -> HttpResponse:
    body = _body(request)
    try:
        records_admit(agency=_agency(request), records=1)
        batch = batch_receive(agency=_agency(request), kind=kind, idempotency_key=idempotency_key, body=body)
    except KeyReused as error:
        raise Refused(409, CallCode.KEY_REUSED, "This Idempotency-Key already names another body.", "header.Idempotency-Key") from error
    except BodyInvalid as error:
        raise _invalid_body(error) from error
    return _answer(202, Accepted(batch=batch.pk, items=batch.size))


def _invalid_body(error: BodyInvalid) -> Refused:
    message, _, place = str(error).partition(" - at ")
    status, code = (400, CallCode.MALFORMED) if error.malformed else (422, CallCode.INVALID)
    return Refused(status, code, message, place.strip("`") or "$")


def _body(request: HttpRequest) -> bytes:
    """The body as it came; its length is looked at before a byte of it is read."""
    if (request.content_type or "").lower() != "application/json":
        raise Refused(415, CallCode.UNSUPPORTED_TYPE, "Send application/json.", "header.Content-Type")
    length = request.headers.get("Content-Length", "")
    if not re.fullmatch("[0-9]{1,12}", length):
        raise Refused(411, CallCode.LENGTH_REQUIRED, "Send the Content-Length.", "header.Content-Length")
    if int(length) > MAX_BODY:
        raise Refused(413, CallCode.TOO_LARGE, f"A body has at most {MAX_BODY} bytes. Send smaller batches.", "header.Content-Length")
    return request.read(MAX_BODY)


def _found(status: Any) -> HttpResponse:
    if status is None:
        raise Refused(404, CallCode.NOT_FOUND, "There is no such batch.")
    return _answer(200, status)


def _answer(status: int, shape: Any) -> HttpResponse:
    return HttpResponse(encode(shape), status=status, content_type="application/json")


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return _answer(error.status, error.problem)


@api.exception_handler(TooMany)
def _too_many(request: HttpRequest, error: TooMany) -> HttpResponse:
    answer = _answer(429, Problem(code=CallCode.TOO_MANY, message=str(error)))
    answer["Retry-After"] = str(error.seconds)
    return answer


@api.exception_handler(AuthenticationError)
def _unauthorized(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    answer = _answer(
        401, Problem(code=CallCode.UNAUTHORIZED, message="Fetch a token at /o/token/ with the grant client_credentials and the scope exchange.")
    )
    answer["WWW-Authenticate"] = f'Bearer scope="{SCOPE}"'
    return answer


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Parameters that are not as documented; a missing key has a code of its own."""
    first = error.errors[0]
    place = ".".join(str(part) for part in first["loc"])
    missing = first["type"] == "missing" and "dempotency" in place
    return _answer(422, Problem(code=CallCode.KEY_MISSING if missing else CallCode.INVALID, message=first["msg"], place=place))


@api.exception_handler(HttpError)
def _other(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _answer(error.status_code, Problem(code=CallCode.INVALID, message=str(error)))
