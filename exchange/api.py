"""The hub's API, version 1: units, profiles, batches, receipts. OAuth 2 client credentials; JSON by `exchange.contract`.

Bodies are read as bytes, since they are kept as evidence, and parsed by msgspec; django-ninja routes, authenticates and
publishes the OpenAPI document, into which the contract's own JSON Schemas are put. Every refusal is a `Problem`.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Header, NinjaAPI, Path, Query
from ninja.errors import AuthenticationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security import HttpBearer
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request as OAuthRequest

from exchange import catalogue_contract, holding_contract, hub_contract
from exchange.answers import (
    BODY_PROBLEMS,
    DOCUMENTED_ELSEWHERE,
    Refused,
    agency_of,
    answered,
    answers,
    body_of,
    invalid_body,
    problems_answered,
    question,
    read_body,
    refuse_nul,
)
from exchange.case_api import router as cases
from exchange.catalogue_api import router as catalogues
from exchange.claim_api import router as claims
from exchange.contract import (
    MAX_ITEMS,
    PROFILE_KIND,
    SCOPE,
    UNIT_KIND,
    Accepted,
    CallCode,
    KindName,
    decode_certificate,
    decode_digest_question,
    decode_documents_question,
    json_schemas,
)
from exchange.holding_contract import PAGE, decode_held_question
from exchange.models import Agency, InboundTrial
from exchange.seal_api import router as seals
from exchange.selectors.inbound import batch_status, receipts_page
from exchange.selectors.keys import agency_of_client
from exchange.services.holdings import held_page, held_records
from exchange.services.inbound_digests import NotEqual, certificate_take, digests_tell, documents_tell
from exchange.services.inbound_trials import trial_run
from exchange.services.intake import BodyInvalid, KeyReused, batch_receive
from exchange.services.quotas import call_admit, records_admit
from exchange.services.tally import contact_note
from orgtree.models import OrgUnit
from workflows.cms import SignatureRefused

KEY_PATTERN = "^[A-Za-z0-9_-]{16,128}$"
MAX_CURSOR = 2**63 - 1


class AgencyToken(HttpBearer):
    """A bearer token of an active agency's application, with the scope `exchange`."""

    def authenticate(self, request: HttpRequest, token: str) -> Agency:
        validated = OAuthRequest(request.build_absolute_uri(request.path))
        if not OAuth2Validator().validate_bearer_token(token, [SCOPE], validated):
            raise AuthenticationError
        agency = agency_of_client(validated.client)
        if agency is None:
            raise Refused(403, CallCode.FORBIDDEN, "This client is not an active agency.")
        request.caller = agency  # type: ignore[attr-defined]  # for the archive
        contact_note(agency=agency)
        call_admit(agency=agency)
        refuse_nul(request)
        return agency


BATCH_CALL: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Envelope"}}}},
    "responses": answers(202, "Accepted", "Stored; results come as receipts", 400, 409, 411, 413, 415, 422),
}


class HubAPI(NinjaAPI):
    """A NinjaAPI that publishes the contract's own schemas."""

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None) -> OpenAPISchema:
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        document["components"]["schemas"] |= (
            json_schemas() | hub_contract.json_schemas() | catalogue_contract.json_schemas() | holding_contract.json_schemas()
        )
        return document


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

api.add_router("", cases)
api.add_router("", claims)
api.add_router("", seals)
api.add_router("", catalogues)

Key = Annotated[str, Header(alias="Idempotency-Key", pattern=KEY_PATTERN, description="The same for every repetition of the same batch")]


@api.put("/org-units", operation_id="putOrgUnits", summary="Send units of the agency's tree", openapi_extra=BATCH_CALL, response=DOCUMENTED_ELSEWHERE)
def put_org_units(request: HttpRequest, idempotency_key: Key) -> HttpResponse:
    return _receive(request, UNIT_KIND, idempotency_key)


@api.post("/profiles", operation_id="postProfiles", summary="Send staff profiles", openapi_extra=BATCH_CALL, response=DOCUMENTED_ELSEWHERE)
def post_profiles(request: HttpRequest, idempotency_key: Key) -> HttpResponse:
    return _receive(request, PROFILE_KIND, idempotency_key)


After = Annotated[UUID | None, Query(description="The key after which the page begins")]
Below = Annotated[UUID | None, Query(description="Only of this unit and of all below it, as the hub holds the tree")]
HELD_CALL: dict[str, Any] = {"responses": answers(200, "HeldPage", f"At most {PAGE} entries in the order of their keys", 404, 422)}


@api.get(
    "/org-units",
    operation_id="getOrgUnits",
    summary="The agency's units as the hub holds them",
    openapi_extra=HELD_CALL,
    response=DOCUMENTED_ELSEWHERE,
)
def get_org_units(request: HttpRequest, after: After = None, unit: Below = None) -> HttpResponse:
    return _held(request, UNIT_KIND, after, unit)


@api.get(
    "/profiles",
    operation_id="getProfiles",
    summary="The agency's people as the hub holds them",
    openapi_extra=HELD_CALL,
    response=DOCUMENTED_ELSEWHERE,
)
def get_profiles(request: HttpRequest, after: After = None, unit: Below = None) -> HttpResponse:
    return _held(request, PROFILE_KIND, after, unit)


@api.post(
    "/held",
    operation_id="askHeld",
    summary="Some of the agency's records as the hub holds them, with what proves them",
    openapi_extra={"requestBody": question("HeldQuestion"), "responses": answers(200, "HeldRecords", "Those that are held", *BODY_PROBLEMS)},
    response=DOCUMENTED_ELSEWHERE,
)
def ask_held(request: HttpRequest) -> HttpResponse:
    return answered(200, held_records(agency=agency_of(request), question=read_body(request, decode_held_question)))


@api.get(
    "/batches",
    operation_id="findBatch",
    summary="Ask whether a batch arrived, by its idempotency key",
    openapi_extra={"responses": answers(200, "BatchStatus", "The batch", 404, 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def find_batch(request: HttpRequest, idempotency_key: Annotated[str, Query(pattern=KEY_PATTERN)]) -> HttpResponse:
    return _found(batch_status(agency=agency_of(request), idempotency_key=idempotency_key))


@api.get(
    "/batches/{batch}",
    operation_id="getBatch",
    summary="State of a batch",
    openapi_extra={"responses": answers(200, "BatchStatus", "The batch", 404, 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def get_batch(request: HttpRequest, batch: Annotated[UUID, Path()]) -> HttpResponse:
    return _found(batch_status(agency=agency_of(request), batch_id=batch))


@api.get(
    "/receipts",
    operation_id="getReceipts",
    summary="Receipts of a batch, or of all batches from a cursor on",
    openapi_extra={"responses": answers(200, "Receipts", f"At most {MAX_ITEMS} receipts in the order in which they were issued", 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def get_receipts(
    request: HttpRequest, batch: Annotated[UUID | None, Query()] = None, after: Annotated[int, Query(ge=0, le=MAX_CURSOR)] = 0
) -> HttpResponse:
    return answered(200, receipts_page(agency=agency_of(request), batch_id=batch, after=after))


@api.post(
    "/trial",
    operation_id="postTrial",
    summary="Try 1 to 10 people: everything is verified as in earnest, nothing but the report is kept",
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TrialCall"}}}},
        "responses": answers(200, "TrialReport", "What the real calls would answer", 400, 411, 413, 415, 422),
    },
    response=DOCUMENTED_ELSEWHERE,
)
def post_trial(request: HttpRequest) -> HttpResponse:
    body = body_of(request)
    try:
        trial = trial_run(agency=agency_of(request), body=body)
    except BodyInvalid as error:
        raise invalid_body(error) from error
    return HttpResponse(bytes(trial.report), content_type="application/json")


@api.get(
    "/trial/{trial}",
    operation_id="getTrial",
    summary="The report of a trial, as it is kept",
    openapi_extra={"responses": answers(200, "TrialReport", "The report", 404, 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def get_trial(request: HttpRequest, trial: Annotated[UUID, Path()]) -> HttpResponse:
    kept = InboundTrial.objects.filter(agency=agency_of(request), pk=trial).first()
    if kept is None:
        raise Refused(404, CallCode.NOT_FOUND, "There is no such trial.")
    return HttpResponse(bytes(kept.report), content_type="application/json")


@api.post(
    "/digests",
    operation_id="askDigests",
    summary="Compare: one step of the descent into what the hub holds of the agency",
    openapi_extra={"requestBody": question("DigestQuestion"), "responses": answers(200, "DigestAnswer", "Digests or entries", *BODY_PROBLEMS)},
    response=DOCUMENTED_ELSEWHERE,
)
def ask_digests(request: HttpRequest) -> HttpResponse:
    return answered(200, digests_tell(agency=agency_of(request), question=read_body(request, decode_digest_question)))


@api.post(
    "/documents",
    operation_id="askDocuments",
    summary="The agency's own records as the hub holds them",
    openapi_extra={"requestBody": question("DocumentsQuestion"), "responses": answers(200, "Documents", "By key", *BODY_PROBLEMS)},
    response=DOCUMENTED_ELSEWHERE,
)
def ask_documents(request: HttpRequest) -> HttpResponse:
    return answered(200, documents_tell(agency=agency_of(request), question=read_body(request, decode_documents_question)))


@api.put(
    "/certificates",
    operation_id="putCertificate",
    summary="Keep a statement that both sides hold the same, when it is true, and exchange signatures over it",
    openapi_extra={"requestBody": question("Certificate"), "responses": answers(200, "Certificate", "As it is kept", 409, *BODY_PROBLEMS)},
    response=DOCUMENTED_ELSEWHERE,
)
def put_certificate(request: HttpRequest) -> HttpResponse:
    sent = read_body(request, decode_certificate)
    try:
        return answered(200, certificate_take(agency=agency_of(request), sent=sent))
    except NotEqual as error:
        raise Refused(409, CallCode.NOT_EQUAL, str(error), "$.statement") from error
    except SignatureRefused as error:
        raise Refused(422, CallCode.INVALID, str(error), "$.agency_signature") from error


def _receive(request: HttpRequest, kind: str, idempotency_key: str) -> HttpResponse:
    body = body_of(request)
    try:
        records_admit(agency=agency_of(request), records=1)
        batch = batch_receive(agency=agency_of(request), kind=kind, idempotency_key=idempotency_key, body=body)
    except KeyReused as error:
        raise Refused(409, CallCode.KEY_REUSED, "This Idempotency-Key already names another body.", "header.Idempotency-Key") from error
    except BodyInvalid as error:
        raise invalid_body(error) from error
    return answered(202, Accepted(batch=batch.pk, items=batch.size))


def _held(request: HttpRequest, kind: KindName, after: UUID | None, unit: UUID | None) -> HttpResponse:
    try:
        return answered(200, held_page(agency=agency_of(request), kind=kind, after=after, unit=unit))
    except OrgUnit.DoesNotExist as error:
        raise Refused(404, CallCode.NOT_FOUND, "The agency has no such unit here.", "query.unit") from error


def _found(status: Any) -> HttpResponse:
    if status is None:
        raise Refused(404, CallCode.NOT_FOUND, "There is no such batch.")
    return answered(200, status)


problems_answered(api, scope=SCOPE)
