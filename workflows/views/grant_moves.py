"""Roles whose unit has ended and does not clearly go on in one other: for those who give grants there, to choose."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from orgtree import clock
from orgtree.models import OrgUnit
from orgtree.pages import page, page_view
from orgtree.services.grants import GrantError
from orgtree.stepup import require_proof
from orgtree.text import parse_agency_code
from workflows.errors import GateError
from workflows.selectors.grant_moves import unclear_for
from workflows.selectors.rights import gives_grants
from workflows.services.grant_moves import grant_successor_propose


@page_view
@require_GET
def moves(request: HttpRequest) -> HttpResponse:
    _giver_or_404(request)
    return _shown(request)


@page_view
@require_POST
def choose(request: HttpRequest, grant_id: int) -> HttpResponse:
    """Fields `code` (of the unit in which the role goes on) and `reason`."""
    _giver_or_404(request)
    require_proof(request)
    try:
        code = parse_agency_code(request.POST.get("code", ""))
    except ValueError:
        code = ""
    unit = OrgUnit.objects.on(clock.today()).filter(code=code).first() if code else None
    if unit is None:
        messages.error(request, _("There is no unit with this code today. Choose one of those suggested, or copy the code from the tree."))
        return _shown(request, status=422)
    try:
        grant_successor_propose(actor=request.user, grant_id=grant_id, unit=unit, reason=request.POST.get("reason", ""))
    except (GrantError, GateError) as refused:
        messages.error(request, str(refused))
        return _shown(request, status=422)
    messages.success(request, _("Proposed: the role goes on there and ends here when somebody else confirms both."))
    return redirect("workflows:grant_moves")


def _shown(request: HttpRequest, *, status: int = 200) -> HttpResponse:
    return page(request, "workflows/grant_moves.html", _("Roles after a reorganisation"), status=status, ended=unclear_for(request.user))


def _giver_or_404(request: HttpRequest) -> None:
    if not gives_grants(request.user):
        raise Http404
