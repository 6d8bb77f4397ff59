"""The work list: what the nightly review found in the files of one's units, and where to put it right."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from orgtree import scope
from orgtree.choices import Action
from orgtree.pages import page, page_view
from registry.selectors.filters import filter_read
from registry.selectors.worklist import last_sweep, worklist
from workflows.choices import Severity


@page_view
@require_GET
def work_list(request: HttpRequest) -> HttpResponse:
    """`?unit=` a subtree, `?rule=` a rule, `?severity=`; all three may be combined."""
    wanted, _strange = filter_read(user=request.user, data={"unit": request.GET.get("unit", "")})
    if request.GET.get("unit") and wanted.unit is None:
        raise Http404
    severity = request.GET.get("severity", "")
    severity = severity if severity in Severity.values else ""
    code = request.GET.get("rule", "")[:60].replace("\x00", "")
    found = worklist(user=request.user, unit=wanted.unit, code=code, severity=severity, cursor=request.GET.get("after", ""))
    asked = {name: value for name, value in (("unit", str(wanted.unit.pk) if wanted.unit else ""), ("severity", severity)) if value}
    return page(
        request,
        "registry/worklist.html",
        _("To be cleaned"),
        found=found,
        unit=wanted.unit,
        code=code,
        severity=severity,
        severities=Severity.choices,
        rules=[(one, urlencode({**asked, "rule": one.code})) for one in found.counts if not severity or one.severity == severity],
        asked=urlencode(asked),
        here=urlencode({**asked, **({"rule": code} if code else {})}),
        sweep=last_sweep(),
        may_edit=request.user.is_superuser or bool(scope.intervals(request.user, Action.EDIT)),
    )
