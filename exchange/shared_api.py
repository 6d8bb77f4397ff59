"""The API for programs of other agencies ("shared"), version 1: files by agreement, purpose and consent. OAuth 2 client credentials, scope `shared`.

Every refusal is a `Problem`. What a program may not see does not exist for it: another person's file is answered like one that is not there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI, Path, Query
from ninja.errors import AuthenticationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security import HttpBearer
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request as OAuthRequest

from exchange import contract, shared_contract
from exchange.answers import BODY_PROBLEMS, DOCUMENTED_ELSEWHERE, Refused, answered, answers, problems_answered, question, read_body, refuse_nul
from exchange.contract import CallCode
from exchange.models import SharingAgreement, SharingClient
from exchange.selectors.sharing import agreements_told
from exchange.services.shared_reading import NoAgreement, agreement_of, call_admit, profile_one, profiles_found, profiles_page
from exchange.services.sharing import SHARED
from exchange.shared_contract import MAX_PAGE, SharedProfiles, decode_lookup
from orgtree.caller import ip_of
from registry.models import StaffProfile

PERSON = "0b2d9c1e-6a51-4a7e-9d0e-0c3f4c7a1f10"
PROFILE_EXAMPLE = {
    "key": PERSON,
    "version": 4,
    "tag": "5f0c2b6f7c1de0a94b8e3a1f2c3d4e5f",
    "values": {"birth_name": "Nguyễn Thị Hoa", "rank_code": "01.003", "coefficient": "3.99"},
    "withheld": [],
    "unmapped": [],
}
EXAMPLES: dict[str, Any] = {
    "SharedProfile": PROFILE_EXAMPLE,
    "SharedProfiles": {"purpose": "salary-check", "profiles": [PROFILE_EXAMPLE], "next": PERSON},
    "Lookup": {"purpose": "salary-check", "numbers": ["066185001234"]},
    "Agreements": {
        "agreements": [
            {
                "purpose": "salary-check",
                "title": "Đối chiếu lương với bảo hiểm xã hội",
                "basis": "Nghị định 27/2026/NĐ-CP, Quy chế phối hợp 12/QC-BHXH-SNV",
                "unit": "5b0c1a52-52cb-4f0c-9f43-7c8b1e3f2a10",
                "unit_name": "Tỉnh Đắk Lắk",
                "fields": ["birth_name", "rank_code", "coefficient"],
                "needs_consent": False,
                "valid_from": "2026-07-01",
                "valid_to": "2027-07-01",
            }
        ],
        "records_a_day": 10_000,
        "records_today": 120,
    },
    "Problem": {"code": "NOT_FOUND", "message": "There is no such file under this agreement.", "place": ""},
}


class ClientToken(HttpBearer):
    """A bearer token of an active client, with the scope `shared`."""

    def authenticate(self, request: HttpRequest, token: str) -> SharingClient:
        validated = OAuthRequest(request.build_absolute_uri(request.path))
        if not OAuth2Validator().validate_bearer_token(token, [SHARED], validated):
            raise AuthenticationError
        client = SharingClient.objects.select_related("account").filter(application=validated.client, active=True).first()
        if client is None:
            raise Refused(403, CallCode.FORBIDDEN, "This client is not a program with which files are shared.")
        request.caller = client  # type: ignore[attr-defined]  # for the archive
        call_admit(client=client)
        refuse_nul(request)
        return client


class SharedAPI(NinjaAPI):
    """A NinjaAPI that publishes the contract's own schemas, with examples."""

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None) -> OpenAPISchema:
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        schemas = shared_contract.json_schemas() | {"Problem": contract.json_schemas()["Problem"]}
        document["components"]["schemas"] |= {
            name: {**shape, "examples": [EXAMPLES[name]]} if name in EXAMPLES else shape for name, shape in schemas.items()
        }
        return document


api = SharedAPI(
    title="Hồ Sơ: files shared with other agencies",
    version="1",
    description=(
        "A program reads the files of the people of one unit, for one purpose, as far as an agreement lets it and, where it says so, with the "
        "person's consent. Every file that leaves is written into the read log, which the person and auditors see. Changes are told by webhooks: "
        "a POST of `HookBody` with the header `X-HoSo-Signature: t=<unix time>,v1=<hex HMAC-SHA256 of 't.body'>`, a second `v1` while a secret "
        "is being rotated. Refuse what is older than five minutes, and what `id` you know already."
    ),
    urls_namespace="shared-api",
    docs_url=None,
    auth=ClientToken(),
    openapi_extra={"info": {"license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}},
)

Purpose = Annotated[str, Query(min_length=1, max_length=60, description="Short name of the purpose, as in an agreement", example="salary-check")]


@api.get(
    "/agreements",
    operation_id="getAgreements",
    summary="What the program may read, and how much is left of the day's people",
    openapi_extra={"responses": answers(200, "Agreements", "Every agreement in force today")},
    response=DOCUMENTED_ELSEWHERE,
)
def get_agreements(request: HttpRequest) -> HttpResponse:
    return answered(200, agreements_told(_client(request)))


@api.get(
    "/profiles",
    operation_id="getProfiles",
    summary="The files under an agreement, page by page in the order of their keys",
    openapi_extra={"responses": answers(200, "SharedProfiles", "One page", 403, 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def get_profiles(
    request: HttpRequest,
    purpose: Purpose,
    after: Annotated[UUID | None, Query(description="The `next` of the page before")] = None,
    changed_since: Annotated[datetime | None, Query(description="Only files with a version recorded at or after this moment")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> HttpResponse:
    since = timezone.make_aware(changed_since) if changed_since is not None and timezone.is_naive(changed_since) else changed_since
    agreement = _agreement(request, purpose)
    return answered(200, profiles_page(agreement=agreement, after=after, changed_since=since, limit=limit, address=ip_of(request)))


@api.get(
    "/profiles/{key}",
    operation_id="getProfile",
    summary="One file; with `If-None-Match` only when it changed",
    openapi_extra={
        "parameters": [{"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}, "example": '"5f0c2b6f7c1de0a9"'}],
        "responses": {
            **answers(200, "SharedProfile", "The file; its entity tag stands in `ETag`", 404, 422),
            "304": {"description": "The program holds this very file"},
        },
    },
    response=DOCUMENTED_ELSEWHERE,
)
def get_profile(request: HttpRequest, key: Annotated[UUID, Path()], purpose: Purpose) -> HttpResponse:
    agreement = _agreement(request, purpose)
    known = [part.strip().removeprefix("W/").strip('"') for part in request.headers.get("If-None-Match", "").split(",")]
    try:
        profile, tag = profile_one(agreement=agreement, key=key, unless=known, address=ip_of(request))
    except StaffProfile.DoesNotExist as error:
        raise Refused(404, CallCode.NOT_FOUND, "There is no such file under this agreement.") from error
    answer = HttpResponse(status=304) if profile is None else answered(200, profile)
    answer["ETag"] = f'"{tag}"'
    return answer


@api.post(
    "/lookup",
    operation_id="findProfiles",
    summary="The files of people whose personal numbers the program knows; who is not there is left out",
    openapi_extra={"requestBody": question("Lookup"), "responses": answers(200, "SharedProfiles", "What was found, on one page", *BODY_PROBLEMS)},
    response=DOCUMENTED_ELSEWHERE,
)
def find_profiles(request: HttpRequest) -> HttpResponse:
    asked = read_body(request, decode_lookup)
    agreement = _agreement(request, asked.purpose)
    found = profiles_found(agreement=agreement, numbers=asked.numbers, address=ip_of(request))
    return answered(200, SharedProfiles(purpose=agreement.purpose, profiles=found, next=None))


def _client(request: HttpRequest) -> SharingClient:
    client: SharingClient = request.auth  # type: ignore[attr-defined]
    return client


def _agreement(request: HttpRequest, purpose: str) -> SharingAgreement:
    try:
        return agreement_of(client=_client(request), purpose=purpose)
    except NoAgreement as error:
        raise Refused(403, CallCode.FORBIDDEN, str(error), "query.purpose") from error


problems_answered(api, scope=SHARED)
