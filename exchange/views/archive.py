"""The exchange archive: every call with its answer, for those who operate the line."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from exchange.selectors.archive import ArchiveFilter, Line, exchanges_page, exchanges_seen, others, outcomes
from exchange.selectors.sight import operates_line, operates_somewhere
from exchange.services.archived import beside
from orgtree.pages import page, page_view

LONGEST = 19  # digits of a number that the database takes


@page_view
@require_GET
def archive_list(request: HttpRequest) -> HttpResponse:
    """Filtered by `other` (channel or agency), `day`, `outcome` and `about` (a reference, or a batch); keyset by `before`."""
    _operators_only(request)
    asked = {name: request.GET.get(name, "").strip()[:200] for name in ("other", "day", "outcome", "about")}
    wanted = ArchiveFilter(other=asked["other"], day=_day(asked["day"]), outcome=asked["outcome"], about=asked["about"])
    before = request.GET.get("before", "")
    found, older = exchanges_page(user=request.user, wanted=wanted, before=int(before) if before.isdecimal() and len(before) < LONGEST else None)
    return page(
        request,
        "exchange/archive.html",
        _("Exchange archive"),
        lines=[Line(one) for one in found],
        asked=asked,
        others=others(),
        outcomes=outcomes(),
        hub=settings.ROLE == "hub",
        older=older,
        later=bool(before),
        kept=urlencode({name: value for name, value in asked.items() if value}),
    )


@page_view
@require_GET
def archive_detail(request: HttpRequest, number: int) -> HttpResponse:
    """One exchange: both halves, and the batch that it belongs to."""
    _operators_only(request)
    if number >= 10 ** (LONGEST - 1):
        raise Http404
    entry = get_object_or_404(exchanges_seen(request.user), pk=number)
    halves = [
        (_("What was asked"), entry.request_headers, entry.request_digest, entry.request_length),
        (_("What was answered"), entry.answer_headers, entry.answer_digest, entry.answer_length),
    ]
    return page(
        request,
        "exchange/archive_detail.html",
        _("Exchange no. %s") % entry.pk,
        entry=entry,
        line=Line(entry),
        halves=[(title, headers, bytes(digest).hex() if digest else "", length) for title, headers, digest, length in halves],
        beside=beside(entry),
    )


def _operators_only(request: HttpRequest) -> None:
    """On a hub also those who operate one agency's tree: they see its calls alone."""
    if not (operates_line(request.user) or (settings.ROLE == "hub" and operates_somewhere(request.user))):
        raise Http404


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
