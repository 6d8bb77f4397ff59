"""How far a request has come, and who did what with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from workflows.choices import RequestState as S
from workflows.choices import Verdict, system_words
from workflows.models import AuditEvent, ChangeRequest, Decision, RecordVersion, Stage
from workflows.selectors.deciding import decider_line, request_stages
from workflows.selectors.revoking import with_revocation

StepState = Literal["done", "now", "todo", "stopped"]


@dataclass(frozen=True)
class Step:
    """One step of a request's way: what it is, how it stands, who did it and when."""

    label: str | Promise
    state: StepState
    who: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Event:
    """One line of the history, in words."""

    at: datetime
    who: str
    what: str
    note: str


DEEDS: Mapping[str, str | Promise] = {
    "request.staged": _("prepared the request"),
    "request.submitted": _("submitted the request"),
    "request.checked": _("checked and approved"),
    "request.withdrawn": _("withdrew the request"),
    "request.recalled": _("recalled the approved request"),
    "request.expired": _("Nobody finished the review in time"),
    "request.returned": _("returned the request"),
    "request.approved": _("approved and signed"),
    "request.sealed": _("signed with the organisation’s certificate"),
    "request.revoked": _("Its signatures were revoked"),
    "request.applied": _("Changes recorded in the ledger"),
    "request.failed": _("The changes could not be recorded"),
    "attachment.added": _("attached evidence"),
    "attachment.removed": _("took evidence away"),
    "signature.refused": _("tried to sign; the signature was refused"),
}


def request_steps(request: ChangeRequest) -> list[Step]:
    """Prepared, submitted, each stage of the frozen route, recorded. A request that ended early shows where it stopped."""
    author = request.author_name
    steps = [Step(_("Prepared"), "done", author, request.created_at)]
    submitted = request.submitted_at is not None
    if not submitted:
        ended = request.state in (S.WITHDRAWN, S.EXPIRED, S.FAILED)
        return [
            *steps,
            Step(S(request.state).label, "stopped") if ended else Step(pgettext_lazy("request", "Submit"), "now"),
            Step(_("Approve"), "todo"),
            Step(_("Recorded"), "todo"),
        ]
    steps.append(Step(_("Submitted"), "done", author, request.submitted_at))
    stages, going = _stage_steps(request)
    return [*steps, *stages, *([_last_step(request)] if going or request.state not in (S.WITHDRAWN, S.RETURNED, S.EXPIRED, S.RECALLED) else [])]


def request_events(request: ChangeRequest) -> list[Event]:
    """The audit trail of a request, oldest first."""
    return [
        Event(
            event.at, event.actor.display_name if event.actor else "", str(DEEDS.get(event.action, event.action)), str(event.detail.get("reason", ""))
        )
        for event in AuditEvent.objects.filter(request=request).select_related("actor").order_by("id")
    ]


def record_versions(*, kind: str, key: UUID) -> Sequence[RecordVersion]:
    """Every version of a record, newest first: its request, who wrote it, its document, and what revoked it (`revoked_by`, `revoked_at`)."""
    versions = RecordVersion.objects.filter(kind=kind, key=key).select_related("request__author", "request__unit", "document").order_by("-version")
    return list(with_revocation(versions))


def approvers(request_ids: Sequence[UUID]) -> dict[UUID, str]:
    """By request, the names of who approved it, in the order of the stages."""
    names: dict[UUID, list[str]] = {}
    decisions = _decisions().filter(stage__request__in=request_ids, verdict=Verdict.APPROVE).order_by("stage__number", "pk")
    for decision in decisions:
        who = _decider(decision, decision.stage) if decision.user else system_words(decision.stage.name)
        names.setdefault(decision.stage.request_id, []).append(who)
    return {request_id: ", ".join(found) for request_id, found in names.items()}


def _stage_steps(request: ChangeRequest) -> tuple[list[Step], bool]:
    """The stages of the route, and whether the request goes on after them."""
    steps: list[Step] = []
    going = True
    for stage in request_stages(request):
        who = ", ".join(one.who for one in stage.said)
        returned = next((one for one in stage.said if one.verdict == Verdict.RETURN), None)
        if returned:
            steps.append(Step(S.RETURNED.label, "stopped", returned.who, returned.at))
            going = False
        elif len(stage.said) >= stage.quorum:
            steps.append(Step(system_words(stage.name), "done", who, stage.said[-1].at))
        elif going and request.state == S.IN_REVIEW:
            steps.append(Step(system_words(stage.name), "now", who))
            going = False
        else:
            steps.append(Step(system_words(stage.name), "todo"))
    if request.state in (S.WITHDRAWN, S.EXPIRED):
        return [*(one for one in steps if one.state == "done"), Step(S(request.state).label, "stopped")], False
    return steps, going


def _decisions() -> QuerySet[Decision]:
    """Decisions with all that names their deciders."""
    return Decision.objects.select_related("stage", "user", "on_behalf_of", "delegation").order_by("pk")


def _decider(decision: Decision, stage: Stage) -> str:
    return decider_line(decision.user, decision.on_behalf_of, decision.delegation) if decision.user else system_words(stage.system)


def _last_step(request: ChangeRequest) -> Step:
    if request.state == S.APPLIED:
        return Step(_("Recorded"), "done", "", request.applied_at)
    if request.state in (S.CONFLICT, S.FAILED, S.RECALLED):
        return Step(S(request.state).label, "stopped", "", request.decided_at)
    if request.state == S.SCHEDULED:
        return Step(format_lazy(_("Takes effect on {day}"), day=f"{request.effective_on:%d/%m/%Y}"), "now")
    if request.state in (S.APPROVED, S.APPLYING):
        return Step(_("Being recorded"), "now")
    return Step(_("Recorded"), "todo")
