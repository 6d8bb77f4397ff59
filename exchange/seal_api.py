"""The hub's calls about seals: an agency hands the newest links of its chains to the hub, which keeps them as an outside witness."""

from __future__ import annotations

from datetime import UTC

from django.http import HttpRequest, HttpResponse
from ninja import Router

from exchange.answers import BODY_PROBLEMS, DOCUMENTED_ELSEWHERE, Refused, agency_of, answered, answers, question, read_body
from exchange.contract import RECEIVED_AT_FUTURE, RECEIVED_AT_PAST, CallCode
from exchange.hub_contract import SealLink, Seals, decode_seal_statement
from exchange.models import Agency
from orgtree import clock
from workflows.models import SealSeen
from workflows.services.witnessing import AUDIT, LEDGER, Link, SealContradicted, seals_take

router = Router()
PAGE = 2_000


@router.put(
    "/seals",
    operation_id="putSeals",
    summary="Hand over the newest seal of the ledger and of the audit trail; the hub keeps it and forgets none",
    openapi_extra={"requestBody": question("SealStatement"), "responses": answers(200, "Seals", "What the hub keeps", 409, *BODY_PROBLEMS)},
    response=DOCUMENTED_ELSEWHERE,
)
def put_seals(request: HttpRequest) -> HttpResponse:
    said = read_body(request, decode_seal_statement)
    agency, now = agency_of(request), clock.now()
    if not now - RECEIVED_AT_PAST <= said.at <= now + RECEIVED_AT_FUTURE:
        raise Refused(422, CallCode.INVALID, "The statement is not of now. Set the server's clock right.", "$.at")
    links = [Link(chain, one.sequence, one.digest) for chain, one in ((LEDGER, said.ledger), (AUDIT, said.audit)) if one is not None]
    try:
        seals_take(authority=agency.code, at=said.at.astimezone(UTC), links=links)
    except SealContradicted as error:
        raise Refused(409, CallCode(error.code), str(error), "$") from error
    return answered(200, _kept(agency))


@router.get(
    "/seals",
    operation_id="getSeals",
    summary="The seals of this agency that the hub was told of, the newest first",
    openapi_extra={"responses": answers(200, "Seals", f"At most {PAGE}")},
    response=DOCUMENTED_ELSEWHERE,
)
def get_seals(request: HttpRequest) -> HttpResponse:
    return answered(200, _kept(agency_of(request)))


def _kept(agency: Agency) -> Seals:
    rows = SealSeen.objects.filter(authority=agency.code).order_by("-pk")[:PAGE]
    return Seals(seals=[SealLink(chain=row.chain, sequence=row.sequence, digest=bytes(row.digest).hex(), at=row.at) for row in rows])
