"""Showing a masked value of one person's file, with a reason; and who has read the file."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from orgtree.caller import ip_of
from orgtree.pages import page, page_view
from registry.services.reads import value_reveal
from registry.views.staff import profile_or_404
from workflows.choices import ReadReason
from workflows.errors import NotAllowed, PurposeMissing

PART = "registry/parts/revealed.html"


@page_view
@require_POST
def value_show(request: HttpRequest, key: UUID, name: str) -> HttpResponse:
    """The value in the clear, for the page that asked by script as a part, else as a page of its own. Never kept by the browser."""
    profile = profile_or_404(request.user, key)
    asked = {"reason": request.POST.get("reason", ""), "note": request.POST.get("note", "")}
    try:
        shown = value_reveal(actor=request.user, profile=profile, name=name, **asked, address=ip_of(request))
    except NotAllowed:
        raise Http404 from None
    except PurposeMissing as error:
        context = {"problem": str(error), "profile": profile, "name": name, "reasons": ReadReason.choices, "asked": asked}
        status = 422
    else:
        context, status = {"profile": profile, "shown": shown}, 200
    if request.headers.get("X-Requested-With") == "fetch":
        return render(request, PART, context, status=status)
    return page(request, "registry/revealed.html", profile.birth_name, status=status, **context)
