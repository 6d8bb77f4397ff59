"""The pages of what the national platform holds: runs, how far one is, and its records in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet

from exchange.choices import PullStage, PullState, PullWhat
from exchange.models import Pull, PullRecord
from exchange.selectors.causes import Remedy
from exchange.selectors.pull_causes import cause_words, line_remedy
from exchange.selectors.pulling import may_ask
from orgtree import scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from workflows.models import ChangeRequest
from workflows.targets import target

PAGE = 50
KEYS = 2**16  # beginnings of keys; they are spread evenly, so the one reached says how far a listing is


@dataclass(frozen=True)
class PullLine:
    """One record in words. `changed` are the labels of what differs, `cause` and `advice` why it cannot be taken, `waits` the request it is in."""

    record: PullRecord
    changed: Sequence[str]
    cause: str
    advice: str
    waits: str
    takes: bool


@dataclass(frozen=True)
class Shown:
    """A run. `offered` is how many go into a request unless somebody chooses."""

    counts: Sequence[tuple[PullWhat, int]]
    cannot: int
    offered: int
    revoked: int
    requests: Sequence[ChangeRequest]
    shown: Page[Any]
    lines: Sequence[PullLine]


def pulls_seen(user: User) -> QuerySet[Pull]:
    """The runs that concern the units where `user` operates or works; those of the whole installation for whoever does so everywhere."""
    runs = Pull.objects.select_related("channel", "unit", "actor", "reconciliation").annotate(found=Count("records"))
    if user.is_active and user.is_superuser:
        return runs
    units = OrgUnit.objects.filter(Q(pk__in=_units(user, Action.OPERATE)) | Q(pk__in=_units(user, Action.EDIT))).order_by().values("pk")
    whole = Q(unit=None) if may_ask(user, None) else Q(pk__in=[])
    return runs.filter(whole | Q(unit__in=units))


def _units(user: User, action: Action) -> QuerySet[OrgUnit, Any]:
    return scope.units(user, action).order_by().values("pk")


def pull_progress(pull: Pull) -> tuple[int, int] | None:
    """(done, of how many) in the stage that a run is in; None where it is not known."""
    records = pull.records
    if pull.state == PullState.STAGING:
        left = records.filter(wanted=True).count()
        taken = records.exclude(request=None).count()
        return taken, taken + left
    if pull.stage == PullStage.LISTING:
        return (int.from_bytes(pull.cursor.bytes[:2], "big") if pull.cursor else 0), KEYS
    open_ = records.filter(cause="")
    if pull.stage == PullStage.FETCHING:
        return open_.exclude(document=None).count(), open_.count()
    return open_.filter(checked=True).count(), open_.count()


def pull_remedy(pull: Pull) -> Remedy | None:
    """Why a run does not go on, where it does not."""
    return line_remedy(pull.error_code, given_up=pull.state == PullState.FAILED) if pull.error_code else None


def pull_shown(pull: Pull, *, what: str, cannot: bool, number: str | None) -> Shown:
    """The page of a run that is ready; `what` or `cannot` choose a part of its records."""
    records = pull.records.defer("document", "digest", "manifest")
    takes = Q(cause="", request=None, checked=True, document__isnull=False)
    counts = records.aggregate(
        **{one.value: Count("pk", filter=Q(what=one)) for one in PullWhat},
        cannot=Count("pk", filter=~Q(cause="")),
        offered=Count("pk", filter=takes & ~Q(what=PullWhat.OURS_NEWER) & Q(revoked=False)),
        revoked_=Count("pk", filter=takes & Q(revoked=True)),
    )
    part = records.filter(what=what) if what in PullWhat.values else records.exclude(cause="") if cannot else records
    ordered = part.annotate(here=Q(document__isnull=False)).order_by("cause", "what", "name", "key")
    shown = Paginator(ordered, PAGE).get_page(number)
    made = ChangeRequest.objects.filter(pk__in=pull.records.exclude(request=None).values("request")).order_by("-created_at")
    return Shown(
        counts=[(one, counts[one.value]) for one in PullWhat],
        cannot=counts["cannot"],
        offered=counts["offered"],
        revoked=counts["revoked_"],
        requests=list(made[:20]),
        shown=shown,
        lines=[_line(pull, one) for one in shown.object_list],
    )


def _line(pull: Pull, record: PullRecord) -> PullLine:
    about = target(pull.kind)
    cause, advice = cause_words(about, cause=record.cause, field=record.field, value=record.value) if record.cause else ("", "")
    return PullLine(
        record=record,
        changed=[about.label_of(name) for name in record.changed],
        cause=cause,
        advice=advice,
        waits=record.value if record.cause == "WAITING" else "",
        takes=not record.cause and record.request_id is None and record.checked and bool(getattr(record, "here", False)),
    )


def units_to_ask(user: User, *, at_most: int) -> list[OrgUnit]:
    """The units that may be asked about, in the order of the tree; none when there are more than a list can hold."""
    keys: set[UUID] = set()
    for action in (Action.OPERATE, Action.EDIT):
        keys |= set(scope.units(user, action).order_by().values_list("pk", flat=True)[: at_most + 1])
    if len(keys) > at_most:
        return []
    return list(OrgUnit.objects.filter(pk__in=keys).order_by("tree_id", "lft"))
