"""Once more: the author settles what others changed meanwhile, and the records that did not become true go into a new request."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from orgtree.pages import page, page_view
from workflows.errors import GateError
from workflows.models import ChangeItem, ChangeRequest
from workflows.selectors.findings import FindingLine, finding_line
from workflows.selectors.retrying import SHOWN, moved_items, retriable
from workflows.services.retrying import AT_ONCE, Side, request_retry, retry_queue
from workflows.services.staging import Staged
from workflows.targets import target
from workflows.views.requests import request_or_404


@page_view
@require_http_methods(["GET", "POST"])
def retry(request: HttpRequest, request_id: UUID) -> HttpResponse:
    one = request_or_404(request.user, request_id)
    items = retriable(user=request.user, request=one)
    total = items.count()
    if request.method == "POST":
        return _retry(request, one, total)
    if not total:
        messages.info(request, _("Nothing of this request can be tried once more."))
        return redirect("workflows:request_detail", one.pk)
    moved, moved_total = moved_items(items, user=request.user, limit=0 if total > AT_ONCE else SHOWN)
    clashing = [each for each in moved if each.clashes]
    return _page(request, one, total=total, moved=moved, moved_total=moved_total, clashing=clashing, returned=[])


def _retry(request: HttpRequest, one: ChangeRequest, total: int) -> HttpResponse:
    otherwise: Side = "mine" if request.POST.get("otherwise") == "mine" else "now"
    if total > AT_ONCE:
        retry_queue(actor=request.user, request=one, otherwise=otherwise)
        messages.success(request, _("The records are being prepared in the background. You see how far on your home page."))
        return redirect("workflows:request_detail", one.pk)
    try:
        staged = request_retry(actor=request.user, request_id=one.pk, choices=_choices(request), otherwise=otherwise)
    except GateError as error:
        messages.error(request, str(error))
        return redirect("workflows:request_detail", one.pk)
    if staged.request is None:
        return _page(
            request, one, status=409, total=total, moved=[], moved_total=0, clashing=[], returned=_returned(one, staged), unchanged=staged.unchanged
        )
    if staged.returned:
        count = len(staged.returned)
        messages.warning(
            request,
            ngettext(
                "%(count)d record could not be taken along; it stays in the earlier request with its finding.",
                "%(count)d records could not be taken along; they stay in the earlier request with their findings.",
                count,
            )
            % {"count": count},
        )
    messages.success(request, _("The records are in a new request. Look at it, then submit it."))
    return redirect("workflows:request_detail", staged.request.pk)


def _page(request: HttpRequest, one: ChangeRequest, *, status: int = 200, **context: object) -> HttpResponse:
    return page(request, "workflows/request_retry.html", _("Try once more"), status=status, request_=one, **context)


def _choices(request: HttpRequest) -> dict[int, dict[str, Side]]:
    """Fields named "clash-<leaf index>-<key of the document>", with "mine" or "now"."""
    choices: dict[int, dict[str, Side]] = defaultdict(dict)
    for name, value in request.POST.items():
        before, _dash, rest = name.partition("-")
        leaf, _dash, key = rest.partition("-")
        if before == "clash" and leaf.isdecimal() and len(leaf) <= 6 and value in ("mine", "now"):
            choices[int(leaf)][key] = "mine" if value == "mine" else "now"
    return choices


def _returned(one: ChangeRequest, staged: Staged) -> list[tuple[str, list[FindingLine]]]:
    """What stood in the way, by record."""
    shown = list(staged.returned.items())[:50]
    members: dict[int, ChangeItem] = {item.leaf_index: item for item in one.items.filter(leaf_index__in=[leaf for leaf, _found in shown])}
    return [
        (
            _("Record %(number)d") % {"number": leaf + 1},
            [finding_line(target(members[leaf].kind), code=f.code, severity=f.severity, field=f.field, value=f.value) for f in found],
        )
        for leaf, found in shown
    ]
