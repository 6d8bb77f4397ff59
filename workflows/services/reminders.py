"""What time brings without anybody's deed: half time, overdue stages, grants that end. Asked once an hour, told once (`Notice.key`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import Grant, OrgUnit
from workflows.choices import NoticeKind, RequestState
from workflows.errors import GateError
from workflows.models import Absence, ChangeRequest, Stage, StageTerm
from workflows.selectors.deciding import current_stage
from workflows.services.grants import grant_changes_lapse
from workflows.services.noticing import Telling, tell
from workflows.services.standing_in import Opened, absence_cover, stage_open

DAYS_BEFORE = (30, 7)  # a grant's end is told so many days ahead


def reminders_make() -> int:
    """Tell what is due today; returns how many notices were written."""
    grant_changes_lapse()
    written = 0
    for absence in Absence.objects.on(clock.today()).select_related("user"):
        with transaction.atomic():
            written += tell(_away(absence))
    for term in _terms_due():
        written += tell(_of_term(term))
    return written + tell(_ending_grants())


def _terms_due() -> list[StageTerm]:
    """Terms of stages that are still open and have reached half time."""
    today = clock.today()
    due = Q(half_on__lte=today) | Q(due_on__lt=today)
    terms = StageTerm.objects.filter(due, stage__request__state=RequestState.IN_REVIEW).order_by("due_on", "pk")
    return list(terms.select_related("stage__request__unit", "stage__request__author"))


def _of_term(term: StageTerm) -> Iterator[Telling]:
    """Half time: those who decide. The deadline: the office, and whoever decides now that it has been asked again. Twice the term: above."""
    stage, request, today = term.stage, term.stage.request, clock.today()
    try:
        if current_stage(request).pk != stage.pk:
            return
        opened = stage_open(request)
    except GateError:  # decided meanwhile
        return
    if opened is None or term.due_on is None:
        return
    who = [one.pk for one in opened.deciders]
    more: dict[str, Any] = {"request": request, "unit": request.unit, "detail": {"count": request.count, "due": term.due_on.isoformat()}}
    if today <= term.due_on:
        yield Telling(NoticeKind.HALF_TIME, f"half:{stage.pk}", who, **more)
        return
    yield Telling(NoticeKind.OVERDUE, f"overdue:{stage.pk}", [*who, *_office(request, stage, opened)], **more)
    if term.above_on is not None and today > term.above_on and request.unit is not None:
        yield Telling(NoticeKind.OVERDUE_BELOW, f"above:{stage.pk}", _above(request.unit, stage), **more)


def _office(request: ChangeRequest, stage: Stage, opened: Opened) -> Iterator[int]:
    """The office: who holds the right there, away or not, those who stand in for them, and the author, who waits."""
    if request.unit is not None:
        yield from scope.holders(Action(stage.action), request.unit).values_list("pk", flat=True)
    if request.author_id is not None:
        yield request.author_id


def _above(unit: OrgUnit, stage: Stage) -> list[int]:
    """Who holds the same right on the level above the office; where the tree ends, who gives grants there."""
    if unit.parent is not None:
        found = list(scope.holders(Action(stage.action), unit.parent).values_list("pk", flat=True))
        if found:
            return found
    return list(scope.holders(Action.GRANT, unit).values_list("pk", flat=True))


def _away(absence: Absence) -> Iterator[Telling]:
    for request, opened in absence_cover(user=absence.user):
        detail = {"count": request.count, "due": opened.due_on.isoformat() if opened.due_on else ""}
        who = [one.pk for one in opened.deciders]
        yield Telling(NoticeKind.WAITING, f"waiting:stage:{opened.stage.pk}", who, request=request, unit=request.unit, detail=detail)


def _ending_grants() -> Iterator[Telling]:
    """Grants that end within 30 days, and again within 7: told to the holder and to those who may propose to renew them."""
    today = clock.today()
    follows = Q(user__grants__role=F("role"), user__grants__unit=F("unit"), user__grants__valid_from__gte=F("valid_to"))
    ending = Grant.objects.filter(
        valid_from__lte=today, valid_to__gt=today, valid_to__lte=today + timedelta(days=max(DAYS_BEFORE)), user__is_active=True
    )
    followed = ending.filter(follows, user__grants__valid_to__gt=F("user__grants__valid_from")).values("pk")
    for grant in ending.exclude(pk__in=followed).select_related("unit", "user").order_by("pk"):
        left = (grant.valid_to - today).days
        step = min(days for days in DAYS_BEFORE if left <= days)
        givers = scope.holders(Action.GRANT, grant.unit).exclude(pk=grant.user_id).values_list("pk", flat=True)
        detail = {"role": grant.role, "to": grant.valid_to.isoformat(), "user": grant.user_id}
        yield Telling(NoticeKind.GRANT_ENDS, f"grant_ends:{grant.pk}:{step}", [grant.user_id, *givers], unit=grant.unit, detail=detail)
