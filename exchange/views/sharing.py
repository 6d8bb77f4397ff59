"""With which programs a person's file is shared, and the person's consent: given on paper, taken back at any time."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from exchange.models import Consent, SharingAgreement
from exchange.selectors.sharing import shared_with
from exchange.services.sharing import consent_record, consent_withdraw
from orgtree import clock, scope
from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.pages import page, page_view
from registry.models import StaffProfile
from registry.selectors.mine import is_own_file
from registry.services.reads import file_open
from workflows.errors import GateError


@page_view
@require_http_methods(["GET", "POST"])
def consents(request: HttpRequest, key: UUID) -> HttpResponse:
    """The agreements that reach this file, with the consent that each needs; recorded by who edits the file, taken back by the person too."""
    profile = _profile(request, key)
    if request.method == "POST":
        try:
            _act(request, profile)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        except GateError as error:
            messages.error(request, str(error))
        return redirect("exchange:consents", key)
    file_open(actor=request.user, profile=profile, what="consents", address=ip_of(request))
    return page(
        request,
        "exchange/consents.html",
        _("With whom the file is shared"),
        profile=profile,
        lines=shared_with(profile),
        may_edit=scope.can(request.user, Action.EDIT, profile.using_unit),
        own=is_own_file(user=request.user, profile=profile),
        today=clock.today(),
    )


def _act(request: HttpRequest, profile: StaffProfile) -> None:
    sent = request.POST
    if sent.get("withdraw"):
        consent = get_object_or_404(Consent, pk=_uuid(sent["withdraw"]), person=profile.pk)
        consent_withdraw(actor=request.user, consent=consent, profile=profile)
        messages.success(request, _("The consent is taken back. From now on the program gets nothing of this file."))
        return
    agreement = get_object_or_404(SharingAgreement, pk=int(sent["agreement"]) if sent.get("agreement", "").isdecimal() else 0)
    try:
        given_on = date.fromisoformat(sent.get("given_on", ""))
    except ValueError as error:
        raise ValidationError(_("Give the day on which the person agreed.")) from error
    consent_record(actor=request.user, agreement=agreement, profile=profile, paper=sent.get("paper", ""), given_on=given_on)
    messages.success(request, _("The consent is written down."))


def _profile(request: HttpRequest, key: UUID) -> StaffProfile:
    """The file, for whoever may see it, and for the person whose it is."""
    profile = get_object_or_404(StaffProfile.objects.select_related("using_unit"), pk=key)
    if not (scope.can(request.user, Action.VIEW, profile.using_unit) or is_own_file(user=request.user, profile=profile)):
        raise Http404
    return profile


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
