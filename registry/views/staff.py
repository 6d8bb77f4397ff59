"""The staff list and one person's file."""

from __future__ import annotations

from typing import get_args
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from orgtree import scope
from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from orgtree.pages import page, page_view
from registry.masking import masked
from registry.models import StaffProfile
from registry.selectors.profile import profile_get, profile_view
from registry.selectors.staff import Direction, StaffFilter, personnel_types, staff_page
from registry.selectors.units import visible_units
from registry.services.reads import file_open, may_reveal
from workflows.choices import ReadReason


def profile_or_404(user: User, key: UUID, action: Action = Action.VIEW) -> StaffProfile:
    try:
        return profile_get(user=user, key=key, action=action)
    except StaffProfile.DoesNotExist:
        raise Http404 from None


@page_view
@require_GET
def staff_list(request: HttpRequest) -> HttpResponse:
    unit = _unit(request)
    text, kind = request.GET.get("q", "").strip(), request.GET.get("type", "")
    direction = next((one for one in get_args(Direction) if one in request.GET), "after")
    found = staff_page(
        user=request.user,
        wanted=StaffFilter(text=text, unit=unit, personnel_type=kind),
        cursor=request.GET.get(direction, ""),
        direction=direction,
    )
    types = personnel_types()
    asked = {name: value for name, value in (("q", text), ("unit", unit and str(unit.pk)), ("type", kind)) if value}
    return page(
        request,
        "registry/staff_list.html",
        _("Staff profiles"),
        found=found,
        rows=[(row, masked(row.citizen_id)) for row in found.rows],
        text=text,
        unit=unit,
        kind=kind,
        types=types,
        asked=urlencode(asked),
    )


@page_view
@require_GET
def staff_detail(request: HttpRequest, key: UUID) -> HttpResponse:
    profile = profile_or_404(request.user, key)
    file_open(actor=request.user, profile=profile, address=ip_of(request))
    return page(
        request,
        "registry/staff_detail.html",
        profile.birth_name,
        view=profile_view(user=request.user, profile=profile),
        may_edit=scope.can(request.user, Action.EDIT, profile.using_unit),
        reasons=ReadReason.choices if may_reveal(request.user, profile.using_unit) else (),
    )


def _unit(request: HttpRequest) -> OrgUnit | None:
    """The unit to filter by; one that the user may not view is as unknown as one that does not exist."""
    asked = request.GET.get("unit", "")
    if not asked:
        return None
    try:
        return visible_units(request.user).get(pk=UUID(asked))
    except (ValueError, OrgUnit.DoesNotExist):
        raise Http404 from None
