"""One person's photograph: shown, and proposed anew."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.pages import page, page_view
from registry.errors import PhotoRefused
from registry.services.photos import photo_file, photo_propose
from registry.services.reads import file_open
from registry.views.staff import profile_or_404
from workflows.errors import GateError


@page_view
@require_http_methods(["GET", "POST"])
def staff_photo(request: HttpRequest, key: UUID) -> HttpResponse:
    """The picture on file and the form for another; sent, on to the request that it became."""
    profile = profile_or_404(request.user, key, Action.EDIT)
    problem = ""
    if request.method == "POST":
        file = request.FILES.get("photo")
        try:
            if file is None:
                raise PhotoRefused.no_picture()
            made = photo_propose(actor=request.user, profile=profile, file=file, name=file.name or "")
        except (PhotoRefused, GateError) as error:
            problem = str(error)
        else:
            messages.success(request, _("Your change is ready. Look at it once more, then submit it."))
            return redirect("workflows:request_detail", made.pk)
    context = {"profile": profile, "has_photo": photo_file(profile) is not None, "problem": problem}
    return page(request, "registry/staff_photo.html", _("Photograph"), status=422 if problem else 200, **context)


@page_view
@require_GET
def staff_photo_file(request: HttpRequest, key: UUID) -> HttpResponse:
    """The picture itself, for who may view the file."""
    profile = profile_or_404(request.user, key)
    path = photo_file(profile)
    if path is None:
        raise Http404
    file_open(actor=request.user, profile=profile, what="photo", address=ip_of(request))
    with path.open("rb") as file:
        kind = "image/png" if file.read(1) == b"\x89" else "image/jpeg"
    response = FileResponse(path.open("rb"), content_type=kind)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
