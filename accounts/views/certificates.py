"""Signing certificates of an account: registered by a proof of their key, confirmed, ended. One's own, or somebody's by administrators."""

from __future__ import annotations

import base64
from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from orgtree import clock
from orgtree.models import User
from orgtree.pages import page, page_view
from orgtree.stepup import require_proof
from workflows.choices import CertificateState
from workflows.cms import MAX_SIGNATURE_BYTES
from workflows.errors import GateError
from workflows.models import RegisteredCertificate
from workflows.registration import read_registration
from workflows.selectors.certificates import certificates_of, certificates_to_confirm
from workflows.services.certificates import certificate_ask, certificate_confirm, certificate_end, certificate_prove, certificate_refuse
from workflows.views.signatures import signature_sent


@page_view
@require_GET
def own(request: HttpRequest) -> HttpResponse:
    return _listed(request, request.user)


@page_view
@require_GET
def of_person(request: HttpRequest, user_id: int) -> HttpResponse:
    return _listed(request, _person_or_404(request, user_id))


@page_view
@require_POST
def ask(request: HttpRequest, user_id: int | None = None) -> HttpResponse:
    """The certificate's file (field `file`) in exchange for the statement to sign, on a page of its own."""
    user = request.user if user_id is None else _person_or_404(request, user_id)
    require_proof(request)
    file = request.FILES.get("file")
    body = file.read(MAX_SIGNATURE_BYTES + 1) if file else b""
    try:
        row = certificate_ask(actor=request.user, user=user, body=body, origin=_origin(request))
    except GateError as error:
        messages.error(request, str(error))
        return _listed(request, user, status=422)
    return redirect("accounts:certificate", row.pk)


@page_view
@require_GET
def certificate(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    """How it stands; while its statement waits, the page on which it is signed."""
    row = _certificate_or_404(request, certificate_id)
    is_open = row.state == CertificateState.ASKED and row.expires_at is not None and clock.now() <= row.expires_at
    if is_open:
        require_proof(request)
    return page(
        request,
        "accounts/certificate.html",
        _("Registration of a certificate"),
        certificate=row,
        is_open=is_open,
        is_own=row.user_id == request.user.pk,
        said=read_registration(bytes(row.statement)) if row.statement else None,
        may_decide=row.state == CertificateState.PROVED and request.user.is_superuser and request.user.pk not in (row.user_id, row.asked_by_id),
        statement_base64=base64.b64encode(bytes(row.statement)).decode(),
    )


@page_view
@require_GET
def statement(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    """The exact bytes to sign, for a signing tool outside this program."""
    row = _certificate_or_404(request, certificate_id)
    answer = HttpResponse(bytes(row.statement), content_type="application/json")
    answer["Content-Disposition"] = 'attachment; filename="registration.json"'
    return answer


@page_view
@require_POST
def prove(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    """Take the signature over the statement, from the signing agent or as a file."""
    row = _certificate_or_404(request, certificate_id)
    require_proof(request)
    try:
        row = certificate_prove(actor=request.user, certificate_id=row.pk, signature=signature_sent(request), origin=_origin(request))
    except GateError as error:
        messages.error(request, str(error))
    else:
        counts = row.state == CertificateState.IN_FORCE
        messages.success(request, _("Registered: it counts from now on.") if counts else _("Proved. Another administrator must confirm it."))
    return redirect("accounts:certificate", row.pk)


@page_view
@require_POST
def confirm(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    _superuser_or_404(request)
    return _act(request, certificate_id, lambda: certificate_confirm(actor=request.user, certificate_id=certificate_id), _("Confirmed."))


@page_view
@require_POST
def refuse(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    _superuser_or_404(request)
    reason = request.POST.get("reason", "")
    return _act(request, certificate_id, lambda: certificate_refuse(actor=request.user, certificate_id=certificate_id, reason=reason), _("Refused."))


@page_view
@require_POST
def end(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    reason = request.POST.get("reason", "")
    said = _("Ended: what it signs counts no longer.")
    return _act(request, certificate_id, lambda: certificate_end(actor=request.user, certificate_id=certificate_id, reason=reason), said)


def _act(request: HttpRequest, certificate_id: UUID, deed: Callable[[], object], said: str) -> HttpResponse:
    _certificate_or_404(request, certificate_id)
    require_proof(request)
    try:
        deed()
    except GateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("accounts:certificate", certificate_id)


def _listed(request: HttpRequest, user: User, *, status: int = 200) -> HttpResponse:
    is_own = user.pk == request.user.pk
    return page(
        request,
        "accounts/certificates.html",
        _("Signing certificates"),
        status=status,
        person=user,
        is_own=is_own,
        certificates=certificates_of(user, now=clock.now()),
        waiting=list(certificates_to_confirm(request.user)) if is_own else [],
    )


def _origin(request: HttpRequest) -> str:
    """This site as the browser that is here names it; the signing agent compares it with who asks."""
    return f"{request.scheme}://{request.get_host()}".lower()


def _superuser_or_404(request: HttpRequest) -> None:
    if not request.user.is_superuser:
        raise Http404


def _person_or_404(request: HttpRequest, user_id: int) -> User:
    _superuser_or_404(request)
    return get_object_or_404(User, pk=user_id)


def _certificate_or_404(request: HttpRequest, certificate_id: UUID) -> RegisteredCertificate:
    """One's own, or, for superusers, anybody's."""
    row = get_object_or_404(RegisteredCertificate.objects.select_related("user", "asked_by", "decider", "ended_by"), pk=certificate_id)
    if row.user_id != request.user.pk and not request.user.is_superuser:
        raise Http404
    return row
