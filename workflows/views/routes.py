"""Which way a change would take: the simulator of routes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from orgtree import scope
from orgtree.choices import Action
from orgtree.pages import page, page_view
from workflows.choices import Op
from workflows.errors import GateError
from workflows.services.routing import route_simulate
from workflows.targets import targets


@page_view
@require_GET
def simulate(request: HttpRequest) -> HttpResponse:
    """Kind, unit and changed fields stand in the address, so that an answer can be sent to somebody."""
    kinds = {one.kind: one for one in targets()}
    one = kinds.get(request.GET.get("kind", ""))
    units = scope.units(request.user, Action.VIEW)
    unit = units.filter(code=request.GET.get("unit", "")).first()
    names = {name: one.label_of(name) for name in [*(f.name for f in one.schema.fields), *(r.name for r in one.schema.rows)]} if one else {}
    chosen = [name for name in request.GET.getlist("field") if name in names]
    context = {"kinds": kinds.values(), "kind": one, "fields": names, "chosen": chosen, "unit": unit, "op": request.GET.get("op", Op.UPDATE)}
    if one and unit and (chosen or context["op"] == Op.CREATE):
        try:
            op = Op.CREATE if context["op"] == Op.CREATE else Op.UPDATE
            context["simulation"] = route_simulate(kind=one.kind, unit=unit, changed=chosen, op=op)
        except GateError as error:
            context["problem"] = str(error)
    return page(request, "workflows/route_simulate.html", _("Which way a change takes"), **context)
