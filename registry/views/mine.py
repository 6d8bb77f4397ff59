"""A person's own account: read one's file, see who read it, declare what has changed, or that nothing has.

Whose file it is follows from the personal number of the account alone, never from the address.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from orgtree import clock
from orgtree.caller import ip_of
from orgtree.models import User
from orgtree.pages import page, page_view
from registry.models import StaffProfile
from registry.selectors.drafts import draft_get
from registry.selectors.mine import last_confirmation, own_requests, own_sections
from registry.selectors.readers import readers_of
from registry.selectors.standing import profile_standing
from registry.selectors.texts import document_get, document_texts
from registry.services.drafts import TAKEN_UP_AGAIN, nothing_has_changed, own_profile
from registry.services.reads import file_open
from registry.views.editing import sections_of
from workflows.choices import Act, RequestState
from workflows.errors import GateError
from workflows.models import ChangeRequest
from workflows.selectors.differences import item_page
from workflows.selectors.history import request_events, request_steps
from workflows.services.submission import request_withdraw

SHOWN = 5


@page_view
@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """One's own file; an account without a personal number, or of nobody on file, is told so."""
    try:
        profile = own_profile(user=request.user)
    except StaffProfile.DoesNotExist:
        return page(request, "registry/mine.html", _("My file"), profile=None)
    file_open(actor=request.user, profile=profile, address=ip_of(request))
    document = document_get(profile=profile)
    texts = document_texts(document)
    return page(
        request,
        "registry/mine.html",
        _("My file"),
        profile=profile,
        sections=own_sections(document, texts, profile=profile),
        standing=profile_standing(document, on=clock.today(), degrees=texts.of_column(document, "degrees", "degree"), in_the_clear=True),
        editable={one.value for one in sections_of(Act.OWN)},
        draft=draft_get(user=request.user, profile=profile, act=Act.OWN),
        first=sections_of(Act.OWN)[0],
        confirmed=last_confirmation(profile=profile),
        requests=own_requests(user=request.user, profile=profile)[:SHOWN],
        reads=readers_of(key=profile.pk, limit=30),
    )


@page_view
@require_POST
def mine_confirm(request: HttpRequest) -> HttpResponse:
    """Nothing has changed: one click, recorded."""
    nothing_has_changed(actor=request.user, profile=own_or_404(request.user))
    messages.success(request, _("Recorded: you have looked at your file today, and nothing has changed."))
    return redirect("registry:mine")


@page_view
@require_GET
def mine_request(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """One's own declaration and how far it has come."""
    one = own_request_or_404(request.user, request_id)
    items, _next = item_page(one, user=request.user, stage=None)
    return page(
        request,
        "registry/mine_request.html",
        one.title,
        request_=one,
        steps=request_steps(one),
        items=items,
        events=request_events(one),
        may_withdraw=one.state in (RequestState.READY, RequestState.IN_REVIEW, RequestState.RETURNED),
        may_take_up=one.state in TAKEN_UP_AGAIN,
    )


@page_view
@require_POST
def mine_withdraw(request: HttpRequest, request_id: UUID) -> HttpResponse:
    one = own_request_or_404(request.user, request_id)
    try:
        request_withdraw(actor=request.user, request_id=one.pk)
    except GateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The request has been withdrawn; nothing was changed."))
    return redirect("registry:mine_request", request_id)


def own_or_404(user: User) -> StaffProfile:
    try:
        return own_profile(user=user)
    except StaffProfile.DoesNotExist:
        raise Http404 from None


def own_request_or_404(user: User, request_id: UUID) -> ChangeRequest:
    try:
        return own_requests(user=user, profile=own_or_404(user)).get(pk=request_id)
    except ChangeRequest.DoesNotExist:
        raise Http404 from None
