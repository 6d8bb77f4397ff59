"""The operator's page of the registers: how the lines stand, what crossed to the Party database and back, and by what policy."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from exchange.choices import ChannelKind
from exchange.models import Channel
from exchange.party import PolicyInvalid, policy_in_force
from exchange.selectors.registers import KINDS, registers_standing, told_in, told_lines, told_out
from exchange.selectors.sight import operates_line
from exchange.services.registers import register_put_again
from orgtree.pages import page, page_view
from registry.fields import label_of

PAGE = 50


@page_view
@require_GET
def register_list(request: HttpRequest) -> HttpResponse:
    _line_operators_only(request)
    try:
        policy, problem = [(one, label_of(one.field)) for one in policy_in_force().lines], ""
    except PolicyInvalid as error:
        policy, problem = [], str(error)
    return page(request, "exchange/registers.html", _("Registers"), registers=registers_standing(), policy=policy, problem=problem)


@page_view
@require_POST
def register_again(request: HttpRequest, code: str) -> HttpResponse:
    """Put the people of parked batches once more, after the cause was mended."""
    _line_operators_only(request)
    channel = get_object_or_404(Channel, code=code, kind__in=KINDS)
    count = register_put_again(actor=request.user, channel=channel)
    messages.success(request, ngettext("%(count)d person is back in line.", "%(count)d people are back in line.", count) % {"count": count})
    return redirect("exchange:register_list")


@page_view
@require_GET
def register_log(request: HttpRequest, code: str) -> HttpResponse:
    """What crossed: outwards, or with `?way=in` inwards. Names of fields, never their values."""
    _line_operators_only(request)
    channel = get_object_or_404(Channel, code=code, kind__in=KINDS)
    inward = request.GET.get("way") == "in" and channel.kind == ChannelKind.PARTY
    shown = Paginator(told_in(channel) if inward else told_out(channel), PAGE).get_page(request.GET.get("page"))
    rows = list(shown.object_list)
    return page(
        request,
        "exchange/register_log.html",
        channel.name,
        channel=channel,
        inward=inward,
        both=channel.kind == ChannelKind.PARTY,
        shown=shown,
        rows=_told(rows, inward=inward),
    )


def _told(rows: list[Any], *, inward: bool) -> list[tuple[Any, list[str]]]:
    """Each line of the log with the labels of its fields."""
    lines = [(one, list(one.fields)) for one in rows] if inward else [(one, list(one.fields)) for one in told_lines(rows)]
    return [(one, [label_of(name) for name in names]) for one, names in lines]


def _line_operators_only(request: HttpRequest) -> None:
    if settings.ROLE == "hub" or not operates_line(request.user):
        raise Http404
