"""One record of a request, and what the approver does with it: look, give it back, keep it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from orgtree.caller import ip_of
from orgtree.pages import page, page_view
from workflows.choices import ReturnReason
from workflows.errors import GateError
from workflows.models import ChangeItem, ChangeRequest, Stage
from workflows.selectors.differences import for_reading, item_changes
from workflows.selectors.requests import stage_to_decide
from workflows.selectors.sight import items_seen
from workflows.services.ending import request_recall
from workflows.services.reads import items_read
from workflows.services.reviewing import looked_at, record_open, row_keep, row_return
from workflows.views.requests import request_or_404


@page_view
@require_GET
def record(request: HttpRequest, request_id: UUID, leaf_index: int) -> HttpResponse:
    """One record by itself. For the decider of a stage with a sample, this is how a record of it is opened."""
    one = request_or_404(request.user, request_id)
    stage = stage_to_decide(user=request.user, request=one)
    item = _open(request, one, stage, leaf_index)
    seen, masked = items_seen(user=request.user, request=one, stage=stage, items=[item])
    if not seen:
        raise Http404
    (change,) = item_changes(seen, masked)
    items_read(actor=request.user, request=one, items=[change], address=ip_of(request))
    context = {"request_": one, "item": change, "items": [change], "stage": stage, "reasons": ReturnReason.choices}
    if stage:
        returned, left = looked_at(request=one, stage=stage, user=request.user)
        context |= {"returned": returned, "left": left, "next_leaf": left[0] if left else None}
    return page(request, "workflows/request_record.html", change.title, **context)


@page_view
@require_POST
def return_row(request: HttpRequest, request_id: UUID, leaf_index: int) -> HttpResponse:
    one = request_or_404(request.user, request_id)
    said = {"reason": request.POST.get("reason", ""), "text": request.POST.get("text", ""), "fields": request.POST.getlist("field")}
    try:
        row_return(actor=request.user, request_id=one.pk, leaf_index=leaf_index, **said)
    except ChangeItem.DoesNotExist:
        raise Http404 from None
    except GateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The record will go back to its author when you approve the others."))
    return redirect("workflows:request_record", one.pk, leaf_index)


@page_view
@require_POST
def keep_row(request: HttpRequest, request_id: UUID, leaf_index: int) -> HttpResponse:
    one = request_or_404(request.user, request_id)
    try:
        row_keep(actor=request.user, request_id=one.pk, leaf_index=leaf_index)
    except GateError as error:
        messages.error(request, str(error))
    return redirect("workflows:request_record", one.pk, leaf_index)


@page_view
@require_POST
def recall(request: HttpRequest, request_id: UUID) -> HttpResponse:
    one = request_or_404(request.user, request_id)
    try:
        request_recall(actor=request.user, request_id=one.pk, reason=request.POST.get("reason", ""))
    except GateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The request has been recalled; nothing was changed."))
    return redirect("workflows:request_detail", one.pk)


def _open(request: HttpRequest, one: ChangeRequest, stage: Stage | None, leaf_index: int) -> ChangeItem:
    try:
        if stage:
            return record_open(actor=request.user, request=one, stage=stage, leaf_index=leaf_index)
        return for_reading(one.items.all()).get(leaf_index=leaf_index)
    except ChangeItem.DoesNotExist:
        raise Http404 from None
