"""One person's file."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from orgtree import clock, scope
from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.models import User
from orgtree.pages import page, page_view
from registry.models import StaffProfile
from registry.selectors.profile import profile_get, profile_view
from registry.selectors.standing import profile_standing
from registry.services.reads import file_open, may_reveal
from workflows.choices import ReadReason


def profile_or_404(user: User, key: UUID, action: Action = Action.VIEW) -> StaffProfile:
    try:
        return profile_get(user=user, key=key, action=action)
    except StaffProfile.DoesNotExist:
        raise Http404 from None


@page_view
@require_GET
def staff_detail(request: HttpRequest, key: UUID) -> HttpResponse:
    profile = profile_or_404(request.user, key)
    file_open(actor=request.user, profile=profile, address=ip_of(request))
    view = profile_view(user=request.user, profile=profile)
    return page(
        request,
        "registry/staff_detail.html",
        profile.birth_name,
        view=view,
        standing=profile_standing(view.document, on=clock.today(), degrees=view.texts["degrees.degree"]),
        may_edit=scope.can(request.user, Action.EDIT, profile.using_unit),
        reasons=ReadReason.choices if may_reveal(request.user, profile.using_unit) else (),
    )
