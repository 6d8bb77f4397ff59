"""The home page: what waits for me, what I have under way. It gathers from every app, so it stands above them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from exchange.selectors.overview import delivery_sentences
from orgtree import scope
from orgtree.choices import Action
from orgtree.pages import page
from registry.models import Upload
from workflows.choices import RequestState
from workflows.selectors.requests import request_list, running_jobs

SHOWN = 6
# What its author should look at: not yet submitted, or back with a reason.
MINE_TO_DO = (RequestState.READY, RequestState.RETURNED, RequestState.CONFLICT, RequestState.FAILED)
MINE_UNDER_WAY = (RequestState.IN_REVIEW, RequestState.APPROVED, RequestState.SCHEDULED, RequestState.APPLYING)


def home(request: HttpRequest) -> HttpResponse:
    user = request.user
    mine = request_list(user=user, which="mine")
    return page(
        request,
        "hoso/home.html",
        _("Home"),
        waiting=request_list(user=user, which="waiting")[:SHOWN],
        to_do=mine.filter(state__in=MINE_TO_DO)[:SHOWN],
        under_way=mine.filter(state__in=MINE_UNDER_WAY)[:SHOWN],
        jobs=running_jobs(user=user)[:SHOWN],
        uploads=Upload.objects.filter(uploader=user).select_related("unit")[:SHOWN],
        may_edit=_holds(request, Action.EDIT),
        may_approve=_holds(request, Action.APPROVE),
        deliveries=delivery_sentences(user=user) if _holds(request, Action.OPERATE) else [],
    )


def _holds(request: HttpRequest, action: Action) -> bool:
    """Whether the user holds `action` anywhere."""
    return request.user.is_superuser or bool(scope.intervals(request.user, action))
