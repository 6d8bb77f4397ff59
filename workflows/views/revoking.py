"""Revoking the signatures on an applied request: what it would do is shown, then it is proposed."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from orgtree.pages import page, page_view
from orgtree.stepup import require_proof
from workflows.choices import Ground
from workflows.errors import GateError
from workflows.models import ChangeRequest
from workflows.selectors.revoking import may_revoke, revocation_outlook
from workflows.services.revoking import AT_ONCE, revocation_queue, revocation_stage
from workflows.views.requests import request_or_404


@page_view
@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, request_id: UUID) -> HttpResponse:
    one = request_or_404(request.user, request_id)
    if not may_revoke(user=request.user, request=one):
        messages.info(request, _("There is no signature on this request that you could revoke."))
        return redirect("workflows:request_detail", one.pk)
    require_proof(request)
    if request.method == "POST":
        return _revoke(request, one)
    return _page(request, one)


def _revoke(request: HttpRequest, one: ChangeRequest) -> HttpResponse:
    reason, chosen = request.POST.get("reason", ""), request.POST.get("ground", "")
    if chosen not in Ground.values:
        messages.error(request, _("Choose the ground on which the signatures are revoked."))
        return _page(request, one, status=422)
    try:
        if one.count > AT_ONCE:
            revocation_queue(actor=request.user, request=one, ground=Ground(chosen), reason=reason)
            messages.success(request, _("The revocation is being prepared in the background. You see how far on your home page."))
            return redirect("workflows:request_detail", one.pk)
        staged = revocation_stage(actor=request.user, request_id=one.pk, ground=Ground(chosen), reason=reason)
    except GateError as error:
        messages.error(request, str(error))
        return _page(request, one, status=422)
    if staged.returned:
        count = len(staged.returned)
        text = ngettext(
            "%(count)d record could not be taken along: another open request changes it, or it lies outside your units.",
            "%(count)d records could not be taken along: other open requests change them, or they lie outside your units.",
            count,
        )
        messages.warning(request, text % {"count": count})
    if staged.request is None:
        return _page(request, one, status=409)
    messages.success(request, _("The revocation is prepared. Attach the decision it stands on, then submit it; somebody else signs it."))
    return redirect("workflows:request_detail", staged.request.pk)


def _page(request: HttpRequest, one: ChangeRequest, *, status: int = 200) -> HttpResponse:
    said = {"ground": request.POST.get("ground", ""), "reason": request.POST.get("reason", "")}
    outlook = revocation_outlook(one, user=request.user)
    return page(
        request,
        "workflows/request_revoke.html",
        _("Revoke the signatures"),
        status=status,
        request_=one,
        outlook=outlook,
        restored=outlook.total - outlook.founded,
        grounds=Ground.choices,
        said=said,
    )
