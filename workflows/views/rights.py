"""Who may do what where, and why: pages that only show."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from orgtree.pages import page, page_view
from orgtree.selectors.units import unit_paths, unit_search
from workflows.models import ChangeRequest, Delegation
from workflows.selectors.requests import request_get
from workflows.selectors.rights import (
    changes_waiting,
    ending_soon,
    gives_grants,
    has_part_in,
    people_found,
    person_get,
    reasons_to_see,
    rights_of_person,
    rights_of_unit,
)

UNITS_FOUND = 30


def unit_or_404(user: User, unit_id: str | UUID) -> OrgUnit:
    """A unit that `user` may view; one outside is as unknown as one that does not exist."""
    try:
        return scope.units(user, Action.VIEW).get(pk=UUID(str(unit_id)))
    except (ValueError, OrgUnit.DoesNotExist):
        raise Http404 from None


def person_or_404(reader: User, user_id: int) -> User:
    try:
        return person_get(reader=reader, user_id=user_id)
    except User.DoesNotExist:
        raise Http404 from None


@page_view
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """One entrance for both questions: a text finds units and people; without one, the first unit of the reader is shown."""
    text = request.GET.get("q", "").strip()
    gives = gives_grants(request.user)
    context = {
        "text": text,
        "people": people_found(reader=request.user, text=text),
        "units": _with_paths(list(unit_search(user=request.user, text=text)[:UNITS_FOUND])),
        "gives": gives,
        "waiting": changes_waiting(request.user).count() if gives else 0,
        "ending": ending_soon(reader=request.user) if gives else [],
    }
    if text:
        return page(request, "workflows/rights_found.html", _("Roles and grants"), **context)
    first = scope.tops(request.user, Action.VIEW).order_by("tree_id", "lft").first()
    if first is None:
        return page(request, "workflows/rights_found.html", _("Roles and grants"), nothing=True, **context)
    return _unit_page(request, first, context)


@page_view
@require_GET
def of_unit(request: HttpRequest, unit_id: UUID) -> HttpResponse:
    return _unit_page(request, unit_or_404(request.user, unit_id), {"gives": gives_grants(request.user)})


@page_view
@require_GET
def of_person(request: HttpRequest, user_id: int) -> HttpResponse:
    person = person_or_404(request.user, user_id)
    rights = rights_of_person(reader=request.user, person=person)
    editable = {one.grant.unit_id for one in rights} - scope.outside(request.user, Action.GRANT, {one.grant.unit_id for one in rights})
    own = person.pk == request.user.pk
    delegations = Delegation.objects.filter(revoked_at=None, valid_to__gt=clock.today()).select_related("giver", "receiver", "unit")
    return page(
        request,
        "workflows/rights_person.html",
        person.display_name,
        person=person,
        own=own,
        current=[one for one in rights if one.state != "over"],
        over=[one for one in rights if one.state == "over"],
        editable=set() if own else editable,
        given=delegations.filter(giver=person, unit__in=scope.units(request.user, Action.VIEW).values("pk")),
        received=delegations.filter(receiver=person, unit__in=scope.units(request.user, Action.VIEW).values("pk")),
        may_give=not own and gives_grants(request.user),
    )


@page_view
@require_GET
def why_unit(request: HttpRequest, unit_id: UUID) -> HttpResponse:
    """Why I may see the files of a unit: a part of the person's page, and a page of its own where parts are not fetched."""
    unit = unit_or_404(request.user, unit_id)
    return _why(request, unit, None)


@page_view
@require_GET
def why_request(request: HttpRequest, request_id: UUID) -> HttpResponse:
    try:
        one = request_get(user=request.user, request_id=request_id)
    except ChangeRequest.DoesNotExist:
        raise Http404 from None
    if one.unit is None:
        return redirect("workflows:request_detail", one.pk)
    return _why(request, one.unit, one)


def _why(request: HttpRequest, unit: OrgUnit, about: ChangeRequest | None) -> HttpResponse:
    context = {
        "unit": unit,
        "about": about,
        "reasons": reasons_to_see(reader=request.user, unit=unit, request=about),
        "wrote": about is not None and has_part_in(reader=request.user, request=about),
    }
    if request.GET.get("part"):
        return render(request, "workflows/parts/why.html", context)
    return page(request, "workflows/rights_why.html", _("Why may I see this?"), **context)


def _unit_page(request: HttpRequest, unit: OrgUnit, more: dict[str, object]) -> HttpResponse:
    near = Q(tree_id=unit.tree_id, lft__lt=unit.lft, rght__gt=unit.rght) | Q(parent=unit)
    around = list(scope.units(request.user, Action.VIEW).filter(near).order_by("lft"))
    return page(
        request,
        "workflows/rights_unit.html",
        _("Roles and grants"),
        unit=unit,
        path=[one for one in around if one.parent_id != unit.pk],
        children=sorted((one for one in around if one.parent_id == unit.pk), key=lambda one: one.sort_key),
        rights=rights_of_unit(reader=request.user, unit=unit),
        may_give=scope.can(request.user, Action.GRANT, unit),
        **more,
    )


def _with_paths(units: list[OrgUnit]) -> list[tuple[OrgUnit, str]]:
    paths = unit_paths(one.pk for one in units) if units else {}
    return [(one, paths[one.pk]) for one in units]
