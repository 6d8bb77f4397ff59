"""The operator's pages: how the line stands, and the queue of what waits for a person or for its turn."""

from __future__ import annotations

from datetime import time

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from exchange.choices import Transport
from exchange.models import Channel
from exchange.selectors.causes import remedy_of, title_of
from exchange.selectors.overview import channel_overviews
from exchange.selectors.queue import PAGE, lines, queue
from exchange.selectors.sight import operates_line, operates_somewhere
from exchange.services.bulk_hours import bulk_hours_set
from exchange.services.channels import channel_probe
from exchange.services.retrying import deliveries_recall, deliveries_retry
from exchange.transports.tls import standings
from orgtree.pages import page, page_view


@page_view
@require_GET
def delivery_overview(request: HttpRequest) -> HttpResponse:
    _operators_only(request)
    if settings.ROLE == "hub":  # a hub delivers nothing: its page is the board
        return redirect("exchange:progress")
    overviews, whole = channel_overviews(user=request.user), operates_line(request.user)
    carried = whole and any(one.channel.active and one.channel.transport == Transport.CARRIED for one in overviews)
    certificates = [one for one in standings(settings.CHANNEL_CERTIFICATES) if one.pressing]
    return page(request, "exchange/overview.html", _("Deliveries"), overviews=overviews, whole=whole, carried=carried, certificates=certificates)


@page_view
@require_GET
def delivery_queue(request: HttpRequest, code: str) -> HttpResponse:
    """What is not received yet, the least time left first; `cause`, `state` and `late` narrow it."""
    _operators_only(request)
    channel = get_object_or_404(Channel, code=code)
    cause, state, late = request.GET.get("cause"), request.GET.get("state", ""), request.GET.get("late") == "1"
    shown = Paginator(queue(user=request.user, channel=channel, cause=cause, state=state, only_late=late), PAGE).get_page(request.GET.get("page"))
    return page(
        request,
        "exchange/queue.html",
        title_of(cause) if cause is not None else _("Late") if late else _("Not received yet"),
        channel=channel,
        shown=shown,
        lines=lines(list(shown.object_list)),
        cause=cause,
        remedy=remedy_of(cause) if cause is not None else None,
        whole=operates_line(request.user),
        asked=urlencode({name: value for name, value in request.GET.items() if name != "page"}),
    )


@page_view
@require_POST
def delivery_act(request: HttpRequest, code: str) -> HttpResponse:
    """Send again the ticked deliveries, or all of a cause; or take back the ticked ones with a reason."""
    _operators_only(request)
    channel = get_object_or_404(Channel, code=code)
    ids = [int(text) for text in request.POST.getlist("delivery") if text.isdigit() and len(text) < 19]
    cause = request.POST.get("cause", "")
    act = request.POST.get("act", "")
    if act == "all" and cause:
        _tell_sent(request, deliveries_retry(actor=request.user, channel=channel, error_code=cause))
        return redirect("exchange:delivery_overview")
    if not ids:
        messages.error(request, _("Tick the records first."))
    elif act == "again":
        _tell_sent(request, deliveries_retry(actor=request.user, channel=channel, delivery_ids=ids))
    elif act == "recall":
        _recall(request, channel, ids)
    return redirect(_back(channel, cause))


@page_view
@require_POST
def delivery_hours(request: HttpRequest, code: str) -> HttpResponse:
    """Choose the hours in which a line carries large deliveries, or none."""
    if not operates_line(request.user):
        raise Http404
    channel = get_object_or_404(Channel, code=code)
    sent = request.POST
    try:
        hours = (time.fromisoformat(sent.get("opens", "")), time.fromisoformat(sent.get("closes", ""))) if sent.get("act") != "any" else None
        bulk_hours_set(actor=request.user, channel=channel, hours=hours, above=int(sent.get("above", "")[:7]) if hours else 1)
    except ValueError:
        messages.error(request, _("Give both times, as 19:00, and a whole number of records."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("The hours are set.") if hours else _("Everything goes at any hour."))
    return redirect("exchange:delivery_overview")


@page_view
@require_POST
def delivery_probe(request: HttpRequest, code: str) -> HttpResponse:
    """Try a silent line now, and not only when its pause is over."""
    if not operates_line(request.user):
        raise Http404
    channel_probe(actor=request.user, channel=get_object_or_404(Channel, code=code))
    messages.success(request, _("The line is being tried. Reload the page in a moment."))
    return redirect("exchange:delivery_overview")


def _recall(request: HttpRequest, channel: Channel, ids: list[int]) -> None:
    if not operates_line(request.user):
        raise Http404
    try:
        taken = deliveries_recall(actor=request.user, channel=channel, delivery_ids=ids, reason=request.POST.get("reason", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return
    text = ngettext("%(count)d delivery was taken back.", "%(count)d deliveries were taken back.", taken) % {"count": taken}
    left = len(ids) - taken
    if left:
        text += " " + ngettext("%(count)d had gone already.", "%(count)d had gone already.", left) % {"count": left}
    messages.success(request, text)


def _tell_sent(request: HttpRequest, count: int) -> None:
    messages.success(request, ngettext("%(count)d delivery is back in line.", "%(count)d deliveries are back in line.", count) % {"count": count})


def _back(channel: Channel, cause: str) -> str:
    address = reverse("exchange:delivery_queue", args=[channel.code])
    return f"{address}?{urlencode({'cause': cause})}" if cause else address


def _operators_only(request: HttpRequest) -> None:
    if not operates_somewhere(request.user):
        raise Http404
