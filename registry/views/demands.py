"""What must be filled in: the administrators' page."""

from __future__ import annotations

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from orgtree.pages import page, page_view
from registry.rules.demands import Demands
from registry.selectors.demands import DemandSection, demand_sections
from registry.services.demands import Asked, DemandRefused, demands_change

SALT = "registry.demands"


@page_view
@require_http_methods(["GET", "POST"])
def demand_list(request: HttpRequest) -> HttpResponse:
    """Every field and list with two ticks; what was ticked otherwise is saved together, with one reason."""
    if not request.user.is_superuser:
        raise Http404
    sections, asked = demand_sections()
    wanted: dict[str, Asked] = {}
    problem = reason = ""
    if request.method == "POST":
        reason = request.POST.get("reason", "")
        wanted = _wanted(request, sections)
        try:
            changed = demands_change(actor=request.user, seen=_seen(request), wanted=wanted, reason=reason)
        except DemandRefused as error:
            problem = str(error)
        else:
            said = ngettext("{count} field changed. ", "{count} fields changed. ", len(changed)).format(count=len(changed))
            messages.success(request, said + _("It holds from now on; the work lists follow with tonight's review."))
            return redirect("registry:demand_list")
    context = {
        "sections": [(one, [(line, *wanted.get(line.name, (line.at_draft, line.at_sync))) for line in one.lines]) for one in sections],
        "departures": [line for one in sections for line in one.lines if line.departure],
        "state": signing.dumps([sorted(asked.at_draft), sorted(asked.at_sync)], salt=SALT, compress=True),
        "problem": problem,
        "reason": reason,
    }
    return page(request, "registry/demands.html", _("Mandatory fields"), status=422 if problem else 200, **context)


def _seen(request: HttpRequest) -> Demands:
    """What the page that was sent had shown. Raises DemandRefused for one that we did not make."""
    try:
        draft, sync = signing.loads(request.POST.get("state", ""), salt=SALT)
    except signing.BadSignature:
        raise DemandRefused(_("The page is not whole. Load it again, and change it there.")) from None
    return Demands(frozenset(draft), frozenset(sync))


def _wanted(request: HttpRequest, sections: list[DemandSection]) -> dict[str, Asked]:
    """The ticks, by name; with the button "back to the default" that one field's default and nothing else."""
    lines = [line for one in sections for line in one.lines if not line.is_fixed]
    if back := request.POST.get("back"):
        return {line.name: line.default for line in lines if line.name == back}
    draft, sync = set(request.POST.getlist("draft")), set(request.POST.getlist("sync"))
    return {line.name: (line.name in draft, line.name in sync) for line in lines}
