"""The hub's calls about people whom two agencies claim. Part of the hub's API (`exchange.api`), with its tokens, limits and problems."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from exchange.answers import BODY_PROBLEMS, DOCUMENTED_ELSEWHERE, Refused, agency_of, answered, answers, question, read_body
from exchange.choices import ClaimAnswer
from exchange.contract import CallCode
from exchange.hub_contract import decode_claim_said
from exchange.models import DoubleClaim
from exchange.selectors.claims import claim_status, claims_of, claims_page
from exchange.services.claims import ClaimRefused, claim_answer

router = Router()
Number = Annotated[UUID, Path(description="The number of the case")]


@router.get(
    "/claims",
    operation_id="getClaims",
    summary="People whom another agency claims too: the agency's cases that are not closed, or were in the last 60 days",
    openapi_extra={"responses": answers(200, "Claims", "At most 200 cases in the order of their numbers", 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def get_claims(request: HttpRequest, after: Annotated[UUID | None, Query()] = None) -> HttpResponse:
    return answered(200, claims_page(agency=agency_of(request), after=after))


@router.get(
    "/claims/{number}",
    operation_id="getClaim",
    summary="Where a case stands",
    openapi_extra={"responses": answers(200, "Claim", "The case", 404, 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def get_claim(request: HttpRequest, number: Number) -> HttpResponse:
    agency = agency_of(request)
    try:
        return answered(200, claim_status(claims_of(agency).get(pk=number), agency))
    except DoubleClaim.DoesNotExist as error:
        raise _unknown() from error


@router.post(
    "/claims/{number}/answer",
    operation_id="answerClaim",
    summary="Say whose the person is; a later answer replaces the one before, until the case is closed",
    openapi_extra={
        "requestBody": question("ClaimSaid"),
        "responses": answers(200, "Claim", "The case as it stands", 404, 409, *BODY_PROBLEMS),
    },
    response=DOCUMENTED_ELSEWHERE,
)
def post_claim_answer(request: HttpRequest, number: Number) -> HttpResponse:
    agency, said = agency_of(request), read_body(request, decode_claim_said)
    try:
        claim = claim_answer(agency=agency, number=number, answer=ClaimAnswer(said.answer), reason=said.reason)
    except DoubleClaim.DoesNotExist as error:
        raise _unknown() from error
    except ClaimRefused as error:
        raise Refused(409, CallCode.WRONG_STATE, str(error)) from error
    return answered(200, claim_status(claim, agency))


def _unknown() -> Refused:
    return Refused(404, CallCode.NOT_FOUND, "There is no such case.")
