"""Notices are made from the audit trail, like a projection: a deed and its notice cannot disagree, and the gate's services know nothing of them.

The trail is read up to its newest seal, because below a seal no event can appear any more (services.audit_seals). One row holds how far it was
read; it moves in the transaction that writes the notices. So a worker killed in the middle loses nothing, and nobody is told twice (`Notice.key`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, transaction
from django.db.models import Max

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from workflows.choices import NoticeKind, RequestState, Verdict
from workflows.errors import GateError
from workflows.manifest import read_manifest
from workflows.models import AuditEvent, AuditSeal, ChangeRequest, Decision, GrantChange, Notice, NoticeMark
from workflows.selectors.notices import unread_forget
from workflows.services.audit_seals import audit_seal
from workflows.services.noticing_accounts import ACCOUNT_HANDLERS
from workflows.services.standing_in import absence_cover, stage_open
from workflows.services.telling import Telling

CHUNK = 500
_LOG = logging.getLogger(__name__)


def notices_make() -> int:
    """Seal the trail and turn what is new in it into notices; returns how many were written. Safe to run twice at once, or to be killed."""
    NoticeMark.objects.get_or_create(pk=1, defaults={"event_id": AuditSeal.objects.aggregate(newest=Max("to_id"))["newest"] or 0})
    audit_seal()
    written = 0
    while (chunk := _chunk()) is not None:
        written += chunk
    return written


def tell(tellings: Iterable[Telling]) -> int:
    """Write the notices that nobody was given yet; returns how many. Within the caller's transaction, or one of its own."""
    rows = [
        Notice(user_id=user, kind=one.kind, key=one.key, request=one.request, unit=one.unit, detail=dict(one.detail))
        for one in tellings
        for user in dict.fromkeys(one.to)
        if user is not None and user != one.by
    ]
    if not rows:
        return 0
    with transaction.atomic():
        known = set(Notice.objects.filter(key__in={row.key for row in rows}).values_list("user_id", "key"))
        fresh = [row for row in rows if (row.user_id, row.key) not in known]
        Notice.objects.bulk_create(fresh, ignore_conflicts=True)
        transaction.on_commit(lambda: unread_forget({row.user_id for row in fresh}))
    return len(fresh)


def notices_read(*, user: User, notice_ids: Iterable[int] | None = None, is_read: bool = True) -> None:
    """Mark notices of `user` as read, all or some of them, or as not read again."""
    with transaction.atomic():
        chosen = Notice.objects.filter(user=user, read_at__isnull=is_read)
        if notice_ids is not None:
            chosen = chosen.filter(pk__in=notice_ids)
        chosen.update(read_at=clock.now() if is_read else None)
        transaction.on_commit(lambda: unread_forget([user.pk]))


def _chunk() -> int | None:
    """Notices of the next events, or None when there are none, or when somebody else is at it."""
    with transaction.atomic():
        mark = NoticeMark.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        settled = AuditSeal.objects.aggregate(newest=Max("to_id"))["newest"] or 0
        if mark is None or mark.event_id >= settled:
            return None
        events = list(
            AuditEvent.objects.filter(pk__gt=mark.event_id, pk__lte=settled)
            .select_related("request__unit", "request__author", "unit", "actor")
            .order_by("pk")[:CHUNK]
        )
        written = sum(_told(event) for event in events)
        NoticeMark.objects.filter(pk=1).update(event_id=events[-1].pk if len(events) == CHUNK else settled)
    return written


def _told(event: AuditEvent) -> int:
    """An event whose notice cannot be made must not keep everybody else's: it is left out, and the log names it."""
    handler = HANDLERS.get(event.action)
    if handler is None:
        return 0
    try:
        with transaction.atomic():
            return tell(handler(event))
    except (GateError, ObjectDoesNotExist, DatabaseError, KeyError, ValueError):
        _LOG.exception("no notice of audit event %s (%s)", event.pk, event.action)
        return 0


# --- what follows from which deed -----------------------------------------------------------------------------------------------------


def _submitted(event: AuditEvent) -> Iterator[Telling]:
    request = event.request
    if request is None or request.state != RequestState.IN_REVIEW:
        return
    opened = stage_open(request)
    if opened is None:
        return
    who = [user.pk for user in opened.deciders]
    detail = {"count": request.count, "due": opened.due_on.isoformat() if opened.due_on else ""}
    key = f"stage:{opened.stage.pk}"
    yield Telling(NoticeKind.WAITING, f"waiting:{key}", who, request=request, unit=request.unit, detail=detail)
    if not who and request.unit is not None:
        yield Telling(NoticeKind.NOBODY, f"nobody:{key}", [*_givers(request.unit), request.author_id], request=request, unit=request.unit)


def _approved(event: AuditEvent) -> Iterator[Telling]:
    """The author hears once of all records that the decider gave back; the next stage opens."""
    request = event.request
    if request is None:
        return
    if count := _given_back(request, int(event.detail.get("stage", 0))):
        yield _to_author(event, NoticeKind.ROWS_RETURNED, f"rows:{event.pk}", count=count)
    yield from _submitted(event)


def _given_back(request: ChangeRequest, stage: int) -> int:
    """How many records the decision on this stage left out that stood until then."""
    decisions = Decision.objects.filter(stage__request=request, verdict=Verdict.APPROVE, manifest__isnull=False, stage__number__lte=stage)
    bodies = decisions.order_by("pk").values_list("manifest__body", flat=True)
    left_out = [set(read_manifest(bytes(body)).excluded) for body in bodies]
    return len(left_out[-1].difference(*left_out[:-1])) if left_out else 0


def _author_hears(kind: NoticeKind) -> Callable[[AuditEvent], Iterator[Telling]]:
    def told(event: AuditEvent) -> Iterator[Telling]:
        if event.request is not None:
            yield _to_author(event, kind, f"{kind}:{event.request_id}", count=event.request.count)

    return told


def _to_author(event: AuditEvent, kind: NoticeKind, key: str, **detail: Any) -> Telling:
    assert event.request is not None
    return Telling(kind, key, [event.request.author_id], request=event.request, unit=event.request.unit, detail=detail, by=event.actor_id)


def _revoked(event: AuditEvent) -> Iterator[Telling]:
    """Who wrote and who signed what is revoked."""
    request = event.request
    if request is None:
        return
    signed = Decision.objects.filter(stage__request=request, verdict=Verdict.APPROVE).values_list("user_id", flat=True)
    detail = {"by": event.detail["by"]}
    yield Telling(NoticeKind.REVOKED, f"revoked:{event.pk}", [request.author_id, *signed], request=request, unit=request.unit, detail=detail)


def _delegated(event: AuditEvent) -> Iterator[Telling]:
    people = {one.username: one.pk for one in User.objects.filter(username__in=[event.detail["giver"], event.detail["receiver"]])}
    detail = {"from": event.detail["from"], "to": event.detail["to"], "decision": event.detail["decision"]}
    key = f"delegation:{event.pk}"
    yield Telling(NoticeKind.STANDS_IN, key, [people[event.detail["receiver"]]], unit=event.unit, detail=detail, by=event.actor_id)
    yield Telling(NoticeKind.IS_STOOD_IN, key, [people[event.detail["giver"]]], unit=event.unit, detail=detail, by=event.actor_id)


def _away(event: AuditEvent) -> Iterator[Telling]:
    """Who is away named nobody: what waits for them already passes to the deputies of the office."""
    user = User.objects.get(username=event.detail["user"])
    for request, opened in absence_cover(user=user):
        detail = {"count": request.count, "due": opened.due_on.isoformat() if opened.due_on else ""}
        yield Telling(NoticeKind.WAITING, f"waiting:stage:{opened.stage.pk}", [one.pk for one in opened.deciders], request, request.unit, detail)


def _grant_proposed(event: AuditEvent) -> Iterator[Telling]:
    change = _change(event)
    key = f"batch:{change.batch}" if change.batch else f"change:{change.pk}"
    others = set(_givers(change.unit)) - {change.proposer_id, change.user_id}
    yield Telling(NoticeKind.GRANT_WAITING, f"grant_waiting:{key}", others, unit=change.unit, detail={"role": change.role}, by=event.actor_id)


def _grant_decided(event: AuditEvent) -> Iterator[Telling]:
    change = _change(event)
    detail = {"role": change.role, "to": change.valid_to.isoformat(), "state": change.state}
    kind = NoticeKind.GRANT_ENDED if event.action == "grant.ended" else NoticeKind.GRANT_GIVEN
    if event.action in ("grant.given", "grant.ended"):
        yield Telling(kind, f"grant:{change.pk}", [change.user_id], unit=change.unit, detail=detail)
    key = f"grant_decided:{'batch:' + str(change.batch) if change.batch else change.pk}"
    yield Telling(NoticeKind.GRANT_DECIDED, key, [change.proposer_id], unit=change.unit, detail=detail, by=event.actor_id)


def _grant_moved(event: AuditEvent) -> Iterator[Telling]:
    change = _change(event)
    detail = {"role": change.role, "to": event.detail["until"]}
    yield Telling(NoticeKind.GRANT_MOVED, f"grant_moved:{change.pk}", [change.user_id], unit=event.unit, detail=detail)


def _grants_unclear(event: AuditEvent) -> Iterator[Telling]:
    assert event.unit is not None
    detail = {"count": event.detail["count"]}
    yield Telling(NoticeKind.GRANT_UNCLEAR, f"grant_unclear:{event.pk}", _givers(event.unit), unit=event.unit, detail=detail)


def _change(event: AuditEvent) -> GrantChange:
    return GrantChange.objects.select_related("unit").get(pk=UUID(event.detail["change"]))


def _givers(unit: OrgUnit) -> list[int]:
    """Who can give grants in `unit`; superusers only where nobody else can."""
    found = list(scope.holders(Action.GRANT, unit).values_list("pk", flat=True))
    return found if len(found) > 1 else [*found, *User.objects.filter(is_superuser=True, is_active=True).values_list("pk", flat=True)]


HANDLERS: Mapping[str, Callable[[AuditEvent], Iterator[Telling]]] = {
    "request.submitted": _submitted,
    "request.checked": _approved,
    "request.approved": _approved,
    "request.returned": _author_hears(NoticeKind.RETURNED),
    "request.applied": _author_hears(NoticeKind.APPLIED),
    "request.conflict": _author_hears(NoticeKind.NOT_APPLIED),
    "request.failed": _author_hears(NoticeKind.NOT_APPLIED),
    "request.expired": _author_hears(NoticeKind.EXPIRED),
    "request.recalled": _author_hears(NoticeKind.RECALLED),
    "request.sealed": _approved,
    "request.revoked": _revoked,
    "delegation.given": _delegated,
    "absence.recorded": _away,
    "grant.proposed": _grant_proposed,
    "grant.given": _grant_decided,
    "grant.ended": _grant_decided,
    "grant.refused": _grant_decided,
    "grant.lapsed": _grant_decided,
    "grant.moved": _grant_moved,
    "grant.unclear": _grants_unclear,
    **ACCOUNT_HANDLERS,
}
