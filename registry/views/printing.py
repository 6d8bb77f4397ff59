"""Printing one person's file: the choice of form and format, and the filled form."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from orgtree.caller import ip_of
from orgtree.pages import page, page_view
from registry.choices import PaperForm, PaperFormat
from registry.paper.errors import TemplateBroken
from registry.services.printing import profile_print
from registry.services.reads import may_reveal
from registry.views.staff import profile_or_404
from workflows.choices import ReadReason
from workflows.errors import NotAllowed, PurposeMissing


@page_view
@require_http_methods(["GET", "POST"])
def staff_print(request: HttpRequest, key: UUID) -> HttpResponse:
    """The choices; sent, the file to keep or print. A reason that is missing, or a form with an error, comes back to the page."""
    profile = profile_or_404(request.user, key)
    sent = request.POST if request.method == "POST" else {"form": PaperForm.CV_2023.value, "format": PaperFormat.PDF.value}
    problem = ""
    if request.method == "POST":
        try:
            printed = profile_print(
                actor=request.user,
                profile=profile,
                form=PaperForm(sent.get("form", "")),
                format_=PaperFormat(sent.get("format", "")),
                whole=sent.get("whole") == "1",
                reason=sent.get("reason", ""),
                note=sent.get("note", ""),
                address=ip_of(request),
            )
        except (NotAllowed, ValueError):
            raise Http404 from None
        except (PurposeMissing, TemplateBroken) as error:
            problem = str(error)
        else:
            headers = {"Content-Disposition": f'attachment; filename="{printed.name}"', "X-Content-Type-Options": "nosniff"}
            return HttpResponse(printed.body, content_type=printed.content_type, headers=headers)
    context = {
        "profile": profile,
        "forms": PaperForm.choices,
        "formats": PaperFormat.choices,
        "reasons": ReadReason.choices if may_reveal(request.user, profile.using_unit) else (),
        "sent": sent,
        "problem": problem,
    }
    return page(request, "registry/staff_print.html", _("Print the file"), status=422 if problem else 200, **context)
