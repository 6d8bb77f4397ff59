"""The operator's page: channels, deliveries by state, and what needs a person, grouped by cause."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from exchange.selectors.overview import channel_overviews
from orgtree import scope
from orgtree.choices import Action
from orgtree.pages import page, page_view


@page_view
@require_GET
def delivery_overview(request: HttpRequest) -> HttpResponse:
    if not (request.user.is_superuser or scope.intervals(request.user, Action.OPERATE)):
        raise Http404
    return page(request, "exchange/overview.html", _("Deliveries"), overviews=channel_overviews())
