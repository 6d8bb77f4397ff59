"""The bell: what I should know, how I want to be told, and, for those who operate the installation, e-mails that do not go out."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from orgtree import scope
from orgtree.choices import Action
from orgtree.pages import page, page_view
from workflows.choices import MailWish
from workflows.errors import GateError
from workflows.selectors.notices import address_of, mail_wish, mails_failing, notice_groups, notices_of
from workflows.services.mailing import mail_retry, mail_wish_set
from workflows.services.noticing import notices_read
from workflows.views.requests import parse_place

SHOWN = 200


@page_view
@require_GET
def notices(request: HttpRequest) -> HttpResponse:
    groups, next_before = notice_groups(user=request.user, before=parse_place(request.GET.get("before", "")))
    return page(
        request,
        "workflows/notices.html",
        _("Notices"),
        groups=groups,
        next_before=next_before,
        wish=mail_wish(request.user),
        wishes=MailWish.choices,
        new=sum(group.new for group in groups),
        operates=_operates(request),
    )


@page_view
@require_GET
def follow(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Read it, and go where something can be done about it."""
    one = notices_of(request.user).filter(pk=notice_id).first()
    if one is None:
        raise Http404
    notices_read(user=request.user, notice_ids=[one.pk])
    return redirect(address_of(one))


@page_view
@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """Mark all as read, or, with `new`, one of them as not read again."""
    if again := parse_place(request.POST.get("new", "")):
        notices_read(user=request.user, notice_ids=[again], is_read=False)
    else:
        notices_read(user=request.user)
    return redirect("workflows:notices")


@page_view
@require_POST
def wish(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("mail", "")
    if chosen in MailWish.values:
        mail_wish_set(actor=request.user, wish=MailWish(chosen))
        messages.success(request, _("Recorded."))
    return redirect("workflows:notices")


@page_view
@require_GET
def mails(request: HttpRequest) -> HttpResponse:
    if not _operates(request):
        raise Http404
    return page(request, "workflows/notice_mails.html", _("E-mails that do not go out"), mails=mails_failing(reader=request.user)[:SHOWN])


@page_view
@require_POST
def retry_mail(request: HttpRequest, mail_id: UUID) -> HttpResponse:
    try:
        mail_retry(actor=request.user, mail_id=mail_id)
    except GateError:
        raise Http404 from None
    messages.success(request, _("It is tried again within a minute."))
    return redirect("workflows:notice_mails")


def _operates(request: HttpRequest) -> bool:
    return request.user.is_superuser or bool(scope.intervals(request.user, Action.OPERATE))
