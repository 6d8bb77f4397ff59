"""Proposing a change to one person's file by hand. It becomes a change request like any other."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.pages import page, page_view
from registry.forms import ProfileForm
from registry.models import StaffProfile
from registry.selectors.profile import KIND
from registry.services.reads import file_open
from registry.views.staff import profile_or_404
from workflows.documents import parse
from workflows.models import RecordVersion
from workflows.services.staging import Proposal, Staged, request_stage


@page_view
@require_http_methods(["GET", "POST"])
def staff_edit(request: HttpRequest, key: UUID) -> HttpResponse:
    """The form; with findings beside the fields when the gate returned the change, else on to the request it became."""
    profile = profile_or_404(request.user, key, Action.EDIT)
    file_open(actor=request.user, profile=profile, what="edit", address=ip_of(request))
    version = RecordVersion.objects.select_related("document").get(kind=KIND, key=key, version=profile.version)
    sent = request.POST.dict() if request.method == "POST" else None
    form = ProfileForm(user=request.user, profile=profile, document=parse(bytes(version.document.body)), sent=sent)
    if sent is not None and (patch := form.patch()) and not form.is_wrong:
        staged = _stage(request, profile, patch, sent.get("base_version", ""))
        if staged.request is not None:
            messages.success(request, _("Your change is ready. Look at it once more, then submit it."))
            return redirect("workflows:request_detail", staged.request.pk)
        form.remark(one for found in staged.returned.values() for one in found)
    nothing = sent is not None and not form.is_wrong
    context = {"profile": profile, "form": form, "nothing": nothing, "base_version": profile.version}
    return page(request, "registry/staff_edit.html", _("Propose a change"), status=422 if form.is_wrong else 200, **context)


def _stage(request: HttpRequest, profile: StaffProfile, patch: dict[str, object], base_version: str) -> Staged:
    """`base_version` is the one that the form was filled from: a change made by somebody else meanwhile is not overwritten."""
    base = int(base_version) if base_version.isdecimal() else profile.version
    proposal = Proposal(kind=KIND, key=profile.pk, patch=patch, base_version=base, ref=1)
    title = _("Change to the file of {name}").format(name=profile.birth_name)
    return request_stage(actor=request.user, unit=profile.using_unit, title=title, proposals=[proposal])
