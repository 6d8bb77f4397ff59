"""From nothing to the first accepted record: setting the line up, checking it, trying it, and beginning to send, on one page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from exchange.models import Channel
from exchange.selectors.joining import joining
from exchange.selectors.sight import operates_line
from exchange.services.channels import channel_begin
from exchange.services.line_check import line_check
from orgtree.pages import page, page_view
from workflows.errors import GateError


@page_view
@require_GET
def joining_steps(request: HttpRequest) -> HttpResponse:
    return _steps(request)


@page_view
@require_POST
def joining_check(request: HttpRequest) -> HttpResponse:
    """Call the other side, and show what was found. Nothing is kept but the exchange itself, in the archive."""
    found = line_check(channel=_channel(request))
    return _steps(request, found=found, sound=all(one.well for one in found))


@page_view
@require_POST
def joining_begin(request: HttpRequest) -> HttpResponse:
    channel = _channel(request)
    try:
        channel_begin(actor=request.user, channel=channel)
    except GateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Sending has begun. What was approved so far goes first, units before people."))
    return redirect("exchange:joining")


def _channel(request: HttpRequest) -> Channel:
    _operators_only(request)
    channel = joining().channel
    if channel is None:
        raise Http404
    return channel


def _steps(request: HttpRequest, **more: Any) -> HttpResponse:
    _operators_only(request)
    return page(request, "exchange/joining.html", _("Joining the hub"), way=joining(), **more)


def _operators_only(request: HttpRequest) -> None:
    if not operates_line(request.user):
        raise Http404
