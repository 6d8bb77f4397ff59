"""The hub's calls about code lists: what is published, page by page with its proofs, and how far each agency has it."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from exchange.answers import BODY_PROBLEMS, DOCUMENTED_ELSEWHERE, Refused, agency_of, answered, answers, question, read_body
from exchange.catalogue_contract import PAGE, decode_catalogues_held
from exchange.contract import CallCode
from exchange.services.catalogues_publishing import catalogue_page, catalogues_held_take, catalogues_tell

router = Router()
MAX_POSITION = 2**63 - 1


@router.get(
    "/catalogues",
    operation_id="getCatalogues",
    summary="The published code lists with version and digest: what has not changed need not be read",
    openapi_extra={"responses": answers(200, "Catalogues", "Every published catalogue, by name")},
    response=DOCUMENTED_ELSEWHERE,
)
def get_catalogues(request: HttpRequest) -> HttpResponse:
    return answered(200, catalogues_tell())


@router.put(
    "/catalogues",
    operation_id="putCataloguesHeld",
    summary="Say how far the agency has each catalogue; the answer is what is published",
    openapi_extra={"requestBody": question("CataloguesHeld"), "responses": answers(200, "Catalogues", "Every published catalogue", *BODY_PROBLEMS)},
    response=DOCUMENTED_ELSEWHERE,
)
def put_catalogues_held(request: HttpRequest) -> HttpResponse:
    catalogues_held_take(agency=agency_of(request), said=read_body(request, decode_catalogues_held))
    return answered(200, catalogues_tell())


@router.get(
    "/catalogues/{name}",
    operation_id="getCatalogue",
    summary="Codes that changed after a position, each with document and proof, and the manifests that were signed",
    openapi_extra={"responses": answers(200, "CataloguePage", f"At most {PAGE} codes in the order in which they changed", 404, 422)},
    response=DOCUMENTED_ELSEWHERE,
)
def get_catalogue(
    request: HttpRequest,
    name: Annotated[str, Path(pattern="^[a-z][a-z0-9_]{0,29}$")],
    after: Annotated[int, Query(ge=0, le=MAX_POSITION)] = 0,
) -> HttpResponse:
    told = catalogue_page(name=name, after=after)
    if told is None:
        raise Refused(404, CallCode.NOT_FOUND, "There is no such catalogue.", "path.name")
    return answered(200, told)
