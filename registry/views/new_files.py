"""The file of somebody who has none yet: whose it is to be, and then the same pages as for any other."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.pages import page, page_view
from orgtree.selectors.units import indented
from registry.choices import Section
from registry.services.new_files import BeginRefused, file_begin
from workflows.choices import Act


@page_view
@require_http_methods(["GET", "POST"])
def staff_new(request: HttpRequest) -> HttpResponse:
    """Name, number and unit. They are posted: a number typed there must not stay in addresses and logs."""
    units = list(scope.units(request.user, Action.EDIT).on(clock.today()).order_by("tree_id", "lft"))
    if not units:
        raise Http404
    sent = {name: request.POST.get(name, "").strip()[:200] for name in ("unit", "name", "number")}
    sent["unit"] = sent["unit"] or request.GET.get("unit", "") or str(units[0].pk)
    problem, known = "", None
    if request.method == "POST":
        unit = next((one for one in units if str(one.pk) == sent["unit"]), None)
        if unit is None:
            problem = _("Choose the unit in which the person works.")
        else:
            try:
                draft = file_begin(actor=request.user, unit=unit, name=sent["name"], number=sent["number"])
            except BeginRefused as error:
                problem, known = str(error), error.file
            else:
                return redirect("registry:edit_section", draft.key, Act.RECORD, Section.IDENTITY)
    return page(
        request,
        "registry/staff_new.html",
        _("New file"),
        status=422 if problem else 200,
        units=indented(units),
        sent=sent,
        problem=problem,
        known=known,
    )
