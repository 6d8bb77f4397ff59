"""The hub's calls about cases between agencies: transfers. Part of the hub's API (`exchange.api`), with its tokens, limits and problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from exchange.answers import BODY_PROBLEMS, DOCUMENTED_ELSEWHERE, Refused, agency_of, answered, answers, question, read_body
from exchange.contract import CallCode
from exchange.hub_contract import decode_act, decode_offer
from exchange.models import Agency, TransferCase
from exchange.selectors.transfers import agencies_known, transfer_status, transfers_page
from exchange.services.transfer_files import transfer_file
from exchange.services.transfers import (
    CaseMoved,
    NotHeld,
    OfferInvalid,
    OtherOffer,
    cases_of,
    transfer_give_back,
    transfer_offer,
    transfer_refuse,
    transfer_take,
    transfer_withdraw,
)

router = Router()
Number = Annotated[UUID, Path(description="The key of the release")]


def _act(summary: str, operation: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "operation_id": operation,
        "openapi_extra": {
            "requestBody": question("Act"),
            "responses": answers(200, "TransferStatus", "The transfer as it stands", 404, 409, *BODY_PROBLEMS),
        },
        "response": DOCUMENTED_ELSEWHERE,
    }


@router.get(
    "/agencies",
    operation_id="getAgencies",
    summary="The agencies to which people may pass",
    openapi_extra={"responses": answers(200, "Agencies", "By code")},
    response=DOCUMENTED_ELSEWHERE,
)
def get_agencies(request: HttpRequest) -> HttpResponse:
    return answered(200, agencies_known())


@router.get(
    "/transfers",
    operation_id="getTransfers",
    summary="The agency's transfers that are open, or ended in the last 60 days",
    openapi_extra={"responses": answers(200, "Transfers", "At most 200 transfers in the order of their numbers", 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def get_transfers(
    request: HttpRequest, side: Annotated[Literal["in", "out"], Query()], after: Annotated[UUID | None, Query()] = None
) -> HttpResponse:
    return answered(200, transfers_page(agency=agency_of(request), side=side, after=after))


@router.get(
    "/transfers/{number}",
    operation_id="getTransfer",
    summary="Where a transfer stands",
    openapi_extra={"responses": answers(200, "TransferStatus", "The transfer", 404, 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def get_transfer(request: HttpRequest, number: Number) -> HttpResponse:
    return _case(request, lambda agency: cases_of(agency).get(pk=number))


@router.put(
    "/transfers/{number}",
    operation_id="putTransfer",
    summary="Offer a person to another agency, by the release that the agency signed",
    openapi_extra={
        "requestBody": question("Offer"),
        "responses": answers(200, "TransferStatus", "The transfer, the same for every repetition", 409, *BODY_PROBLEMS),
    },
    response=DOCUMENTED_ELSEWHERE,
)
def put_transfer(request: HttpRequest, number: Number) -> HttpResponse:
    offer = read_body(request, decode_offer)
    return _case(request, lambda agency: transfer_offer(agency=agency, number=number, offer=offer))


@router.get(
    "/transfers/{number}/file",
    operation_id="getTransferFile",
    summary="The file that is handed over, with what proves it; for the agency to which it is offered, while the offer is open",
    openapi_extra={"responses": answers(200, "TransferFile", "The file", 404, 409, 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def get_transfer_file(request: HttpRequest, number: Number) -> HttpResponse:
    return _asked(lambda: answered(200, transfer_file(agency=agency_of(request), number=number)))


@router.post("/transfers/{number}/take", **_act("Take the offer up: from now on it can neither be withdrawn nor lapse", "takeTransfer"))
def take_transfer(request: HttpRequest, number: Number) -> HttpResponse:
    read_body(request, decode_act)
    return _case(request, lambda agency: transfer_take(agency=agency, number=number))


@router.post("/transfers/{number}/give-back", **_act("The new agency cannot go on; the offer is open again", "giveBackTransfer"))
def give_back_transfer(request: HttpRequest, number: Number) -> HttpResponse:
    act = read_body(request, decode_act)
    return _case(request, lambda agency: transfer_give_back(agency=agency, number=number, reason=act.reason))


@router.post("/transfers/{number}/refuse", **_act("The new agency refuses the offer", "refuseTransfer"))
def refuse_transfer(request: HttpRequest, number: Number) -> HttpResponse:
    act = read_body(request, decode_act)
    return _case(request, lambda agency: transfer_refuse(agency=agency, number=number, reason=act.reason))


@router.post("/transfers/{number}/withdraw", **_act("The old agency withdraws its offer", "withdrawTransfer"))
def withdraw_transfer(request: HttpRequest, number: Number) -> HttpResponse:
    act = read_body(request, decode_act)
    return _case(request, lambda agency: transfer_withdraw(agency=agency, number=number, reason=act.reason))


def _case(request: HttpRequest, found: Callable[[Agency], TransferCase]) -> HttpResponse:
    return _asked(lambda: answered(200, transfer_status(found(agency_of(request)))))


def _asked(made: Callable[[], HttpResponse]) -> HttpResponse:
    """What a step gives, or the problem that kept it."""
    try:
        return made()
    except TransferCase.DoesNotExist as error:
        raise Refused(404, CallCode.NOT_FOUND, "There is no such transfer.") from error
    except CaseMoved as error:
        raise Refused(409, CallCode.WRONG_STATE, str(error)) from error
    except NotHeld as error:
        raise Refused(409, CallCode.NOT_HELD, str(error), "$.document.person_version") from error
    except OtherOffer as error:
        raise Refused(409, CallCode.KEY_REUSED, str(error)) from error
    except OfferInvalid as error:
        raise Refused(422, CallCode.INVALID, str(error), error.place) from error
