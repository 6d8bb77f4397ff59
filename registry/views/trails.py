"""The read log and the audit trail, for auditors: pages with filters, and the same lines as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_GET

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit
from orgtree.pages import page, page_view
from registry.resources import neutral
from registry.selectors.readers import read_line
from registry.selectors.subjects import subject_names, subjects_meant
from workflows.choices import ReadAction
from workflows.models import AuditEvent, ReadEvent
from workflows.selectors.trails import DEEDS, TrailFilter, actions_seen, audit_events, read_events, trail_page, trail_rows
from workflows.services.audit import audit
from workflows.views.requests import parse_date_or_none, parse_place

RECENT = timedelta(days=30)


@dataclass(frozen=True)
class Shown:
    """One line in words."""

    at: Any
    who: str
    action: str | Promise
    subject: str
    key: UUID | None
    kind: str
    unit: str
    what: str
    reason: str
    address: str
    request: Any = None


@dataclass(frozen=True)
class Trail:
    """What differs between the two logs."""

    name: str
    title: Promise
    lines: Callable[..., QuerySet[Any]]
    shown: Callable[[Any, Mapping[UUID, str]], Shown]
    actions: Callable[[], Iterable[tuple[str, str | Promise]]]


@page_view
@require_GET
def read_log(request: HttpRequest) -> HttpResponse:
    return _page(request, READS)


@page_view
@require_GET
def audit_trail(request: HttpRequest) -> HttpResponse:
    return _page(request, AUDIT)


@page_view
@require_GET
def read_log_csv(request: HttpRequest) -> HttpResponse:
    return _csv(request, READS)


@page_view
@require_GET
def audit_trail_csv(request: HttpRequest) -> HttpResponse:
    return _csv(request, AUDIT)


def _page(request: HttpRequest, trail: Trail) -> HttpResponse:
    asked, wanted, lines = _asked(request, trail)
    before = request.GET.get("before", "")
    found, next_before = trail_page(lines, before=parse_place(before))
    kept = {name: value for name, value in asked.items() if value}
    return page(
        request,
        "registry/trail.html",
        trail.title,
        trail=trail,
        asked=asked,
        unit=wanted.unit,
        lines=list(_in_words(found, trail)),
        actions=trail.actions(),
        next_before=next_before,
        later=bool(before),
        kept=urlencode(kept),
    )


def _csv(request: HttpRequest, trail: Trail) -> HttpResponse:
    """The filtered lines, streamed, so that 100,000 of them need no memory. Who took them is itself in the trail."""
    asked, _wanted, lines = _asked(request, trail)
    audit(actor=request.user, action="trail.exported", trail=trail.name, asked={name: value for name, value in asked.items() if value})
    response = StreamingHttpResponse(_csv_lines(lines, trail), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{trail.name}-{clock.today():%Y%m%d}.csv"'
    return response


def _asked(request: HttpRequest, trail: Trail) -> tuple[dict[str, str], TrailFilter, QuerySet[Any]]:
    """The filter as it stands in the address. Nobody without the right to audit somewhere gets further than this."""
    if not (request.user.is_superuser or scope.intervals(request.user, Action.AUDIT)):
        raise Http404
    names = ("person", "who", "action", "unit", "since", "until")
    asked = {name: request.GET.get(name, "").strip() for name in names}
    if "since" not in request.GET:  # the log of a nation is long: begin with the last 30 days, unless the field was emptied
        asked["since"] = (clock.now().astimezone(clock.ZONE).date() - RECENT).isoformat()
    wanted = TrailFilter(
        keys=subjects_meant(asked["person"]) if asked["person"] else None,
        who=asked["who"],
        action=asked["action"],
        unit=_unit(request, asked["unit"]),
        since=_day(asked["since"]),
        until=_day(asked["until"]),
    )
    return asked, wanted, trail.lines(user=request.user, wanted=wanted)


def _day(text: str) -> date | None:
    """The last day of the calendar has no day after it."""
    day = parse_date_or_none(text)
    return day if day is not None and date(1900, 1, 1) <= day < date(2200, 1, 1) else None


def _unit(request: HttpRequest, text: str) -> OrgUnit | None:
    if not text:
        return None
    try:
        return scope.units(request.user, Action.AUDIT).get(pk=UUID(text))
    except (ValueError, OrgUnit.DoesNotExist):
        raise Http404 from None


def _in_words(lines: Iterable[Any], trail: Trail) -> Iterator[Shown]:
    found = list(lines)
    names = subject_names((one.kind, one.key) for one in found)
    for one in found:
        yield trail.shown(one, names)


def _read(one: ReadEvent, names: Mapping[UUID, str]) -> Shown:
    line = read_line(one)
    return Shown(line.at, line.who, line.action, names.get(one.key, ""), one.key, one.kind, line.unit, line.what, line.reason, line.address)


def _audited(one: AuditEvent, names: Mapping[UUID, str]) -> Shown:
    who = one.actor.display_name if one.actor else _("The program")
    detail = "; ".join(f"{name}: {value}" for name, value in one.detail.items() if value not in ("", None))
    subject = one.request.title if one.request else names.get(one.key, "")
    address = str(one.detail.get("address", ""))
    return Shown(
        one.at,
        who,
        DEEDS.get(one.action, one.action),
        subject,
        one.key,
        one.kind,
        one.unit.name if one.unit else "",
        detail,
        "",
        address,
        one.request,
    )


READS = Trail("nhat-ky-truy-cap", gettext_lazy("Read log"), read_events, _read, lambda: ReadAction.choices)
AUDIT = Trail("nhat-ky-kiem-toan", gettext_lazy("Audit trail"), audit_events, _audited, actions_seen)


class _Echo:
    """A file that gives back what is written to it, for csv."""

    def write(self, text: str) -> str:
        return text


def _csv_lines(lines: QuerySet[Any], trail: Trail) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"  # Excel takes a CSV without the mark for another code page
    headings = (
        _("Time"),
        pgettext("did it", "Who"),
        _("Action"),
        pgettext("noun", "Record"),
        _("Key"),
        _("Unit"),
        _("What"),
        _("Reason"),
        _("Address"),
    )
    yield writer.writerow(headings)
    chunk: list[Any] = []
    for one in trail_rows(lines):
        chunk.append(one)
        if len(chunk) == 1_000:
            yield from _written(writer, chunk, trail)
            chunk = []
    yield from _written(writer, chunk, trail)


def _written(writer: Any, chunk: list[Any], trail: Trail) -> Iterator[str]:
    for one in _in_words(chunk, trail):
        at = one.at.astimezone(clock.ZONE).strftime("%Y-%m-%d %H:%M:%S")
        cells = (at, one.who, one.action, one.subject, one.key or "", one.unit, one.what, one.reason, one.address)
        yield writer.writerow([neutral(str(cell)) for cell in cells])
