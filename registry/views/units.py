"""The organisation tree. It stands in registry, not in orgtree, because it counts people."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from orgtree.pages import page, page_view
from registry.selectors import units


@page_view
@require_GET
def unit_tree(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    found = units.search(request.user, text) if text else None
    branches = units.tops(request.user) if found is None else []
    return page(request, "registry/unit_tree.html", _("Organisation tree"), text=text, found=found, branches=branches, limit=units.FOUND)


@page_view
@require_GET
def unit_children(request: HttpRequest, unit_id: UUID) -> HttpResponse:
    """The level below one unit, fetched when it is opened."""
    unit = get_object_or_404(units.visible_units(request.user), pk=unit_id)
    return render(request, "registry/parts/branches.html", {"branches": units.children(request.user, unit)})
