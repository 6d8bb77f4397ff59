"""One person's file as of a day, side by side with today."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from orgtree import clock
from orgtree.caller import ip_of
from orgtree.pages import page, page_view
from registry.selectors.past import profile_past
from registry.services.reads import file_open
from registry.views.staff import profile_or_404


@page_view
@require_GET
def staff_past(request: HttpRequest, key: UUID) -> HttpResponse:
    """`?on=` a day on which facts held, `?known=` a day on which they were known; either may be left out."""
    profile = profile_or_404(request.user, key)
    on, on_wrong = _day(request.GET.get("on", ""))
    known, known_wrong = _day(request.GET.get("known", ""))
    latest = max(clock.today(), clock.now().astimezone(clock.ZONE).date())  # the ledger's moments are real, also where the day is pinned
    known = min(known or latest, latest)
    file_open(actor=request.user, profile=profile, what="past", address=ip_of(request))
    return page(
        request,
        "registry/staff_past.html",
        _("{name} on another day").format(name=profile.birth_name),
        past=profile_past(user=request.user, profile=profile, on=on, known=known),
        wrong=[text for text in (on_wrong, known_wrong) if text],
        all_lines=request.GET.get("all") == "1",
        today=latest,
    )


def _day(text: str) -> tuple[date | None, str]:
    """The day, or None and the text that is not one. Days are ISO, as a date field of a form sends them."""
    try:
        found = parse_date(text.strip()) if text else None
    except ValueError:
        found = None
    return (found, "") if found or not text else (None, text[:20])
