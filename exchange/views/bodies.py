"""On the hub: the list of the bodies that have to send, for its operators to see and its administrators to keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from exchange.choices import BodyKind, Standing
from exchange.models import BodyStanding, ExpectedBody
from exchange.selectors.bodies import acts_standing, bodies_off, bodies_on, missing_names
from exchange.selectors.sight import operates_line
from exchange.services.bodies import body_add, body_change, body_counted, standing_undo
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User
from orgtree.pages import page, page_view


@page_view
@require_GET
def body_list(request: HttpRequest) -> HttpResponse:
    _operators_only(request)
    return _list_shown(request)


@page_view
@require_POST
def body_new(request: HttpRequest) -> HttpResponse:
    """Add a body; with a mistake the page comes back with what was typed."""
    _administrators_only(request)
    typed = request.POST
    try:
        body_add(
            actor=request.user,
            kind=typed.get("kind", ""),
            name=typed.get("name", ""),
            code=typed.get("code", ""),
            day=_day(typed),
            source=typed.get("source", ""),
        )
    except ValidationError as error:
        return _list_shown(request, typed=typed, errors=_by_field(error))
    messages.success(request, _("The body stands on the list."))
    return redirect("exchange:body_list")


@page_view
@require_GET
def body_detail(request: HttpRequest, body_id: int) -> HttpResponse:
    _operators_only(request)
    return _body_shown(request, get_object_or_404(ExpectedBody, pk=body_id))


@page_view
@require_POST
def body_act(request: HttpRequest, body_id: int) -> HttpResponse:
    """Change how the body stands, or take the newest change back; with a mistake the page comes back with what was typed."""
    _administrators_only(request)
    body = get_object_or_404(ExpectedBody, pk=body_id)
    act, seen = request.POST.get("act", ""), request.POST.get("seen", "")
    if act not in ACTS or not seen.isascii() or not seen.isdigit():
        raise Http404
    try:
        said = ACTS[act](request.user, get_object_or_404(BodyStanding, body=body, pk=int(seen[:18])), request.POST)
    except ValidationError as error:
        return _body_shown(request, body, typed=request.POST, errors=_by_field(error))
    messages.success(request, said)
    return redirect("exchange:body_detail", body.pk)


def _change(actor: User, seen: BodyStanding, typed: QueryDict) -> str:
    position = typed.get("position", "").strip()
    if not position.isascii() or not position.isdigit():
        raise ValidationError({"position": _("Give a whole number.")})
    body_change(
        actor=actor,
        seen=seen,
        day=_day(typed),
        name=typed.get("name", ""),
        code=typed.get("code", ""),
        position=int(position[:9]),
        source=typed.get("source", ""),
    )
    return _("The change holds from that day on; the boards of earlier days stay as they were.")


def _count(actor: User, seen: BodyStanding, typed: QueryDict) -> str:
    counted = seen.standing != Standing.COUNTED
    body_counted(actor=actor, seen=seen, counted=counted, day=_day(typed), reason=typed.get("reason", ""), source=typed.get("source", ""))
    return _("The body is counted from that day on.") if counted else _("The body is not counted from that day on; it stays on the list.")


def _undo(actor: User, seen: BodyStanding, typed: QueryDict) -> str:
    standing_undo(actor=actor, seen=seen)
    return _("The newest change is taken back.")


ACTS: Mapping[str, Callable[[User, BodyStanding, QueryDict], str]] = {"change": _change, "count": _count, "undo": _undo}


def _list_shown(request: HttpRequest, *, typed: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None) -> HttpResponse:
    standings = bodies_on(clock.today())
    counted = [one for one in standings if one.body.kind == BodyKind.CENTRAL and one.standing == Standing.COUNTED]
    groups = [(label, [one for one in standings if one.body.kind == kind]) for kind, label in BodyKind.choices]
    return page(
        request,
        "exchange/bodies.html",
        _("Bodies that have to send"),
        groups=[(label, members, sum(one.standing == Standing.COUNTED for one in members)) for label, members in groups],
        off=bodies_off(),
        missing=missing_names(counted),
        kinds=BodyKind.choices,
        today=clock.today(),
        keeps=scope.can(request.user, Action.OPERATE, None),
        typed=typed or {"day": clock.today().isoformat(), "kind": BodyKind.CENTRAL},
        errors=errors,
        status=422 if errors else 200,
    )


def _body_shown(
    request: HttpRequest, body: ExpectedBody, *, typed: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> HttpResponse:
    history = list(body.standings.select_related("actor", "undoes"))
    now, acts = history[0], acts_standing(body)
    fresh = {"name": now.name, "code": now.code, "position": str(now.position), "day": clock.today().isoformat()}
    return page(
        request,
        "exchange/body.html",
        body.name,
        body=body,
        now=now,
        history=history,
        undoable=acts[-1] if len(acts) > 1 or any(act.actor_id for act in acts) else None,  # what came with the program is changed, not taken back
        today=clock.today(),
        keeps=scope.can(request.user, Action.OPERATE, None),
        changed=typed if typed and typed.get("act") == "change" else fresh,
        counting=typed if typed and typed.get("act") == "count" else fresh,
        act=typed.get("act") if typed else "",
        errors=errors,
        status=422 if errors else 200,
    )


def _by_field(error: ValidationError) -> dict[str, str]:
    """What is wrong by the field's name; what concerns none stands under `all`."""
    if hasattr(error, "error_dict"):
        return {field: " ".join(told) for field, told in error.message_dict.items()}
    return {"all": " ".join(error.messages)}


def _day(typed: Mapping[str, str]) -> date:
    try:
        return date.fromisoformat(typed.get("day", ""))
    except ValueError as error:
        raise ValidationError({"day": _("Give the day.")}) from error


def _operators_only(request: HttpRequest) -> None:
    if settings.ROLE != "hub" or not operates_line(request.user):
        raise Http404


def _administrators_only(request: HttpRequest) -> None:
    if settings.ROLE != "hub" or not scope.can(request.user, Action.OPERATE, None):
        raise Http404
