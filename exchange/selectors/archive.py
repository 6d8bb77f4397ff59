"""The exchange archive as operators look at it: filtered, newest first, a page at a time by keyset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from exchange.archive import OK
from exchange.contract import ERROR_KIND_LABELS, ErrorKind
from exchange.models import Agency, ArchivedExchange, Batch, Channel, InboundBatch
from exchange.selectors.sight import operates_line
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User

PAGE = 50
FAILED = "failed"


@dataclass(frozen=True)
class ArchiveFilter:
    """`other` is a channel's or an agency's code; `outcome` "ok", "failed" or a kind of failure; `about` a reference, or a batch of ours."""

    other: str = ""
    day: date | None = None
    outcome: str = ""
    about: str = ""


def exchanges_seen(user: User) -> QuerySet[ArchivedExchange]:
    """All for whoever operates the line; on a hub the calls of the agencies whose tree somebody operates."""
    rows = ArchivedExchange.objects.select_related("channel", "agency")
    if operates_line(user):
        return rows
    if settings.ROLE != "hub":
        return rows.none()
    agencies = scope.scoped(Agency.objects.all(), user, Action.OPERATE, "root")
    return rows.filter(agency__in=agencies.order_by().values("pk"))


def exchanges_page(*, user: User, wanted: ArchiveFilter, before: int | None = None) -> tuple[Sequence[ArchivedExchange], int | None]:
    """50 exchanges below the number `before`, and the number to ask the next page with, or None."""
    rows = _wanted(exchanges_seen(user), wanted).defer("request_headers", "answer_headers").order_by("-id")
    found = list((rows if before is None else rows.filter(id__lt=before))[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None


def _wanted(rows: QuerySet[ArchivedExchange], wanted: ArchiveFilter) -> QuerySet[ArchivedExchange]:
    if wanted.other:
        rows = rows.filter(agency__code=wanted.other) if settings.ROLE == "hub" else rows.filter(channel__code=wanted.other)
    if wanted.day:
        begin = datetime.combine(wanted.day, time(), tzinfo=clock.ZONE)
        rows = rows.filter(at__gte=begin, at__lt=begin + timedelta(days=1))
    if wanted.outcome == FAILED:
        rows = rows.exclude(outcome=OK)
    elif wanted.outcome:
        rows = rows.filter(outcome=wanted.outcome)
    if wanted.about:
        rows = rows.filter(reference__in=references_of(wanted.about))
    return rows


def references_of(about: str) -> list[str]:
    """Under which names the calls about a thing went: a batch is sent under its key, and asked about by the other side's number."""
    try:
        number = UUID(about)
    except ValueError:
        return [about]
    batch = Batch.objects.filter(Q(pk=number) | Q(remote_id=number)).values_list("idempotency_key", "remote_id").first()
    received = InboundBatch.objects.filter(pk=number).values_list("idempotency_key", flat=True).first()
    return [str(one) for one in (about, number, *(batch or ()), received) if one]


def others() -> list[tuple[str, str]]:
    """(code, name) of those with whom calls are exchanged."""
    rows = Agency.objects.order_by("code") if settings.ROLE == "hub" else Channel.objects.order_by("code")
    return [(one.code, one.name) for one in rows]


def outcomes() -> list[tuple[str, Any]]:
    return [(OK, _("Succeeded")), (FAILED, _("Failed")), *((kind.value, ERROR_KIND_LABELS[kind]) for kind in ErrorKind)]


@dataclass(frozen=True)
class Line:
    """One exchange in words."""

    entry: ArchivedExchange

    @property
    def well(self) -> bool:
        return self.entry.outcome == OK

    @property
    def outcome(self) -> str:
        return _("Succeeded") if self.well else str(ERROR_KIND_LABELS[ErrorKind(self.entry.outcome)])

    @property
    def path(self) -> str:
        """The address without host and question: what a list has room for."""
        return urlsplit(self.entry.address).path or self.entry.address

    @property
    def status(self) -> str:
        """200 OK; empty when there was no answer."""
        if self.entry.status is None:
            return ""
        try:
            return f"{self.entry.status} {HTTPStatus(self.entry.status).phrase}"
        except ValueError:
            return str(self.entry.status)
