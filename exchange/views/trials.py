"""The trial wizard: whom to try, what exactly would be sent, and the result on one page that can be signed and printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from exchange.choices import ChannelKind
from exchange.models import Channel, Trial
from exchange.selectors.names import record_names
from exchange.selectors.sight import operates_line
from exchange.selectors.trial_picks import Pick, people_named, trial_picks
from exchange.services.envelopes import BatchUnsendable
from exchange.services.trials import payload_texts, trial_prepare, trial_send, trial_sign
from orgtree.pages import page, page_view
from workflows.documents import Document, digest, parse
from workflows.errors import GateError
from workflows.models import OutboxMessage

MAX_SIGNATURE = 64 * 1024
SHOWN = 10


@page_view
@require_http_methods(["GET", "POST"])
def trial_new(request: HttpRequest) -> HttpResponse:
    """First whom (GET), then what exactly (GET with people), then sending it (POST)."""
    _operators_only(request)
    channel = _channel(request)
    if channel is None:
        return page(request, "exchange/trial_new.html", _("Try the line"), channel=None)
    asked = request.POST if request.method == "POST" else request.GET
    keys, unknown = people_named(people=asked.getlist("people"), numbers=asked.get("numbers", ""))
    if unknown:
        messages.error(request, _("No file on record has the number %s.") % ", ".join(unknown))
    if not keys or unknown:
        return _choose(request, channel, chosen=keys)
    try:
        if request.method == "POST":
            return redirect("exchange:trial_detail", trial_send(actor=request.user, channel=channel, keys=keys).pk)
        prepared = trial_prepare(actor=request.user, channel=channel, keys=keys)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return _choose(request, channel, chosen=keys, status=422)
    except BatchUnsendable:
        messages.error(
            request, _("One of these files was approved without a digital signature, which nothing can prove to the other side. Choose others.")
        )
        return _choose(request, channel, chosen=keys, status=422)
    return page(
        request,
        "exchange/trial_show.html",
        _("What exactly is sent"),
        channel=channel,
        prepared=prepared,
        texts=_named(payload_texts(prepared)),
        keys=keys,
        body_digest=digest(prepared.body).hex(),
        size=len(prepared.body),
    )


@page_view
@require_GET
def trial_detail(request: HttpRequest, trial_id: UUID) -> HttpResponse:
    trial = _trial(request, trial_id)
    statement = parse(bytes(trial.statement)) if trial.statement else None
    return page(
        request,
        "exchange/trial_detail.html",
        _("Result of the trial"),
        trial=trial,
        statement=statement,
        rows=_rows(statement),
        digest=_digest(trial),
    )


@page_view
@require_GET
def trial_statement(request: HttpRequest, trial_id: UUID) -> HttpResponse:
    """The result's canonical bytes, which are what is signed."""
    trial = _trial(request, trial_id)
    if not trial.statement:
        raise Http404
    answer = HttpResponse(bytes(trial.statement), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="trial-{trial.pk}.json"'
    return answer


@page_view
@require_POST
def trial_signature(request: HttpRequest, trial_id: UUID) -> HttpResponse:
    trial = _trial(request, trial_id)
    file = request.FILES.get("file")
    if file is None or not 0 < file.size <= MAX_SIGNATURE:
        messages.error(request, _("Choose the signature file (.p7s) that the signing tool made."))
        return redirect("exchange:trial_detail", trial.pk)
    try:
        trial_sign(actor=request.user, trial=trial, signature=file.read())
    except GateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The signature holds and is kept with the result."))
    return redirect("exchange:trial_detail", trial.pk)


def _named(texts: Sequence[tuple[OutboxMessage, str]]) -> list[tuple[str, OutboxMessage, str]]:
    names = record_names([(one.kind, one.key) for one, _text in texts])
    return [(names[one.kind, one.key][0], one, text) for one, text in texts]


def _rows(statement: Document | None) -> list[tuple[str, str, Any]]:
    """Name, place and what was found of every record of a result; the statement itself holds keys only."""
    records = statement["records"] if statement else []
    names = record_names([(one["kind"], UUID(one["key"])) for one in records])
    return [(*names[one["kind"], UUID(one["key"])], one) for one in records]


def _choose(request: HttpRequest, channel: Channel, *, chosen: Sequence[UUID], status: int = 200) -> HttpResponse:
    picks = trial_picks()
    return page(
        request,
        "exchange/trial_new.html",
        _("Try the line"),
        status=status,
        channel=channel,
        picks=[(one, _ticked(one, chosen)) for one in picks],
        numbers=request.GET.get("numbers", "")[:400],
        trials=Trial.objects.filter(channel=channel).select_related("actor").defer("statement", "signature")[:SHOWN],
    )


def _ticked(pick: Pick, chosen: Sequence[UUID]) -> bool:
    return not chosen or pick.key in chosen


def _operators_only(request: HttpRequest) -> None:
    if not operates_line(request.user):
        raise Http404


def _trial(request: HttpRequest, trial_id: UUID) -> Trial:
    _operators_only(request)
    return get_object_or_404(Trial.objects.select_related("channel", "actor"), pk=trial_id)


def _channel(request: HttpRequest) -> Channel | None:
    """The line to try; one that does not send yet may be tried, that is what the trial is for."""
    lines = Channel.objects.filter(kind=ChannelKind.NATIONAL_HUB).order_by("-active", "pk")
    code = request.POST.get("channel") or request.GET.get("channel")
    return lines.filter(code=code).first() if code else lines.first()


def _digest(trial: Trial) -> str:
    return digest(bytes(trial.statement)).hex()
