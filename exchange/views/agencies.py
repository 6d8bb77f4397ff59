"""On the hub: one agency's limits, the term of its signatures, and its keys, for whoever operates the hub."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import date
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from exchange.models import Agency, AgencyKey, AgencySigner
from exchange.selectors.lateness import signature_days
from exchange.selectors.sight import operates_line
from exchange.services.agencies import agency_seal_demand
from exchange.services.keys import key_activate, key_request, key_retire
from exchange.services.lateness import MOST_DAYS, lateness_grant
from exchange.services.quotas import quota_set
from exchange.services.signers import signer_confirm, signer_end, signer_propose, signer_refuse
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.pages import page, page_view
from orgtree.stepup import require_proof
from workflows.cms import MAX_SIGNATURE_BYTES
from workflows.errors import GateError

SIGNERS_SHOWN = 50


@page_view
@require_GET
def agency_detail(request: HttpRequest, agency_id: int) -> HttpResponse:
    return _shown(request, _agency(request, agency_id))


@page_view
@require_POST
def agency_act(request: HttpRequest, agency_id: int) -> HttpResponse:
    """Change limits or the term, or take a key one step on. A new key's secret is shown once, on this very answer, and kept nowhere."""
    agency = _agency(request, agency_id)
    act = request.POST.get("act", "")
    if act not in ACTS:
        raise Http404
    require_proof(request)
    try:
        if act == "key_request":
            client_id, secret = f"{agency.code.lower()}-{secrets.token_hex(4)}", secrets.token_urlsafe(36)
            key_request(actor=request.user, agency=agency, client_id=client_id, secret=secret)
            return _shown(request, agency, made=(client_id, secret))
        messages.success(request, ACTS[act](request, agency))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    except GateError as error:
        messages.error(request, str(error))
    return redirect("exchange:agency_detail", agency.pk)


def _quota(request: HttpRequest, agency: Agency) -> str:
    calls, records = (_number(request.POST, name) for name in ("calls_a_minute", "records_a_day"))
    quota_set(actor=request.user, agency=agency, calls_a_minute=calls, records_a_day=records)
    return _("The limits hold from now on.")


def _lateness(request: HttpRequest, agency: Agency) -> str:
    try:
        until = date.fromisoformat(request.POST.get("until", ""))
    except ValueError as error:
        raise ValidationError(_("Give the last day of the longer term.")) from error
    lateness_grant(actor=request.user, agency=agency, days=_number(request.POST, "days"), until=until, reason=request.POST.get("reason", ""))
    return _("The longer term holds from now on.")


def _seal(request: HttpRequest, agency: Agency) -> str:
    """The day from which the agency's own seal is needed (field `since`), or with `off` no longer."""
    since = None
    if "off" not in request.POST:
        try:
            since = date.fromisoformat(request.POST.get("since", ""))
        except ValueError as error:
            raise ValidationError(_("Give the day from which the seal is needed.")) from error
    agency_seal_demand(actor=request.user, code=agency.code, since=since, reason=request.POST.get("reason", ""))
    return _("The seal is needed from that day on.") if since else _("The seal is no longer needed.")


def _activate(request: HttpRequest, agency: Agency) -> str:
    key_activate(actor=request.user, key=_key(request, agency))
    return _("The key works. The one before works for 7 days more.")


def _retire(request: HttpRequest, agency: Agency) -> str:
    key_retire(actor=request.user, key=_key(request, agency))
    return _("The key is retired and never works again.")


def _signer_propose(request: HttpRequest, agency: Agency) -> str:
    file = request.FILES.get("certificate")
    if file is None or file.size is None or file.size > MAX_SIGNATURE_BYTES:
        raise ValidationError(_("Choose the certificate’s file."))
    signer_propose(actor=request.user, agency=agency, body=file.read(), source=request.POST.get("source", ""))
    return _("Written down. Somebody else who operates the hub must confirm it.")


def _signer_confirm(request: HttpRequest, agency: Agency) -> str:
    signer_confirm(actor=request.user, agency=agency, signer_id=_signer(request, agency))
    return _("What this certificate signs counts as the agency’s from now on.")


def _signer_refuse(request: HttpRequest, agency: Agency) -> str:
    signer_refuse(actor=request.user, agency=agency, signer_id=_signer(request, agency), reason=request.POST.get("reason", ""))
    return _("The certificate does not count as the agency’s.")


def _signer_end(request: HttpRequest, agency: Agency) -> str:
    signer_end(actor=request.user, agency=agency, signer_id=_signer(request, agency), reason=request.POST.get("reason", ""))
    return _("What this certificate signs from now on does not count; what was received until now stays.")


ACTS: Mapping[str, Callable[[HttpRequest, Agency], str]] = {
    "quota": _quota,
    "lateness": _lateness,
    "seal": _seal,
    "key_activate": _activate,
    "key_retire": _retire,
    "signer_propose": _signer_propose,
    "signer_confirm": _signer_confirm,
    "signer_refuse": _signer_refuse,
    "signer_end": _signer_end,
    "key_request": lambda _request, _agency: "",
}


def _shown(request: HttpRequest, agency: Agency, made: tuple[str, str] | None = None) -> HttpResponse:
    return page(
        request,
        "exchange/agency.html",
        agency.name,
        agency=agency,
        keys=agency.keys.select_related("application").order_by("-pk"),
        made=made,
        signers=agency.signers.select_related("proposer", "decider", "ended_by").defer("certificate").order_by("-proposed_at")[:SIGNERS_SHOWN],
        days=signature_days(agency),
        today=clock.today(),
        most_days=MOST_DAYS,
        grants=scope.can(request.user, Action.OPERATE, None),
    )


def _agency(request: HttpRequest, agency_id: int) -> Agency:
    if settings.ROLE != "hub" or not operates_line(request.user):
        raise Http404
    return get_object_or_404(Agency.objects.select_related("root"), pk=agency_id)


def _key(request: HttpRequest, agency: Agency) -> AgencyKey:
    return get_object_or_404(AgencyKey, agency=agency, pk=_number(request.POST, "key"))


def _signer(request: HttpRequest, agency: Agency) -> UUID:
    try:
        return get_object_or_404(AgencySigner, agency=agency, pk=UUID(request.POST.get("signer", ""))).pk
    except ValueError as error:
        raise Http404 from error


def _number(sent: Mapping[str, str], name: str) -> int:
    """A whole number as one types it, dots between the thousands allowed. Raises ValidationError."""
    text = sent.get(name, "").strip().replace(".", "").replace(" ", "")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ValidationError(_("Give a whole number."))
    return int(text)
