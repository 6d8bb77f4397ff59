"""Which change requests a person sees: their own, those that wait for their decision, and all in their scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When, Window
from django.db.models.functions import JSONObject, RowNumber

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User
from workflows.choices import JobState, RequestState, Severity
from workflows.errors import GateError
from workflows.models import Attachment, ChangeRequest, Contribution, Decision, Delegation, Finding, JobRun, Stage, StageTerm
from workflows.selectors.deciding import chains_to, current_stage, may_decide, open_stages
from workflows.selectors.retrying import NOT_ENDED
from workflows.selectors.revoking import REVOKING_STATES, with_revocable

Which = Literal["mine", "waiting", "overdue", "all"]
PAGE = 50


def request_list(*, user: User, which: Which = "all") -> QuerySet[ChangeRequest]:
    """Newest first, with unit and author. All that may be seen lies in the units where `user`, or whom they stand in for, may view."""
    requests = ChangeRequest.objects.select_related("unit", "author").order_by("-number")
    visible = scope.scoped(requests, user, Action.VIEW)
    if chains := list(chains_to(user)):  # what somebody decides for another lies perhaps outside their own scope
        mine = Q(pk__in=visible.order_by().values("pk"))
        for chain in chains:
            mine |= Q(_in_place(chain, Action.VIEW), state=RequestState.IN_REVIEW)
        visible = requests.filter(mine)
    if which == "mine":
        return visible.filter(author=user)
    if which == "waiting":
        return _waiting_for(user, visible)
    if which == "overdue":
        return visible.filter(_is_overdue(), state=RequestState.IN_REVIEW)
    return visible


def request_page(*, user: User, which: Which, before: int | None = None) -> tuple[list[ChangeRequest], int | None]:
    """One page of 50 requests numbered below `before`, and the number to ask the next page with, or None."""
    queryset = request_list(user=user, which=which)
    if before is not None:
        queryset = queryset.filter(number__lt=before)
    found = list(queryset[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].number if len(found) > PAGE else None


def own_requests(*, user: User, groups: Mapping[str, Sequence[RequestState]], most: int) -> dict[str, list[ChangeRequest]]:
    """The user's own requests by groups of states, of each group the newest `most`; one query."""
    group = Case(*(When(state__in=states, then=Value(name)) for name, states in groups.items()), output_field=CharField())
    mine = request_list(user=user, which="mine").filter(state__in=[state for states in groups.values() for state in states]).annotate(group=group)
    place = Window(RowNumber(), partition_by=F("group"), order_by=F("number").desc())
    found: dict[str, list[ChangeRequest]] = {name: [] for name in groups}
    for one in mine.annotate(place=place).filter(place__lte=most):
        found[one.group].append(one)
    return found


def request_get(*, user: User, request_id: UUID) -> ChangeRequest:
    """Raises ChangeRequest.DoesNotExist for a request outside the user's scope, as for one that does not exist."""
    return request_list(user=user).get(pk=request_id)


def request_shown(*, user: User, request_id: UUID) -> ChangeRequest:
    """As request_get, with what its page shows of it: `papers` (attachments_of), `finding_totals` (finding_totals), `some_revocable`."""
    found = Finding.objects.filter(request=OuterRef("pk")).order_by().values("severity").annotate(count=Count("pk"))
    added_by = {name: f"added_by__{name}" for name in ("last_name", "first_name", "username")}
    paper = JSONObject(**{name: name for name in ("id", "sha256", "name", "kind", "size", "added_at")}, **added_by)
    shown = with_revocable(request_list(user=user)).annotate(
        papers=ArraySubquery(Attachment.objects.filter(request=OuterRef("pk")).order_by("added_at").values(paper=paper)),
        finding_totals=ArraySubquery(found.values(total=JSONObject(severity="severity", count="count"))),
    )
    return shown.get(pk=request_id)


def finding_counts(request: ChangeRequest) -> dict[Severity, int]:
    """How many findings of each severity a request from request_shown carries."""
    return {Severity(one["severity"]): one["count"] for one in request.finding_totals}  # type: ignore[attr-defined]


def attachments_of(request: ChangeRequest) -> list[Attachment]:
    """The evidence of a request from request_shown, with who added it, oldest first."""
    return [_attachment(request, one) for one in request.papers]  # type: ignore[attr-defined]


def requests_after(*, user: User, request: ChangeRequest) -> tuple[list[ChangeRequest], list[ChangeRequest]]:
    """What came of an ended request, oldest first: those by which it was tried once more, as far as `user` sees them, and its revocations."""
    if request.state in NOT_ENDED:
        return [], []
    tried = request_list(user=user).filter(follows=request).order_by().values("pk")
    after = ChangeRequest.objects.filter(Q(pk__in=tried) | Q(revokes=request, state__in=REVOKING_STATES)).order_by("number")
    revoking = [one for one in after if one.revokes_id == request.pk] if request.state == RequestState.APPLIED else []
    return [one for one in after if one.follows_id == request.pk], revoking


def _attachment(request: ChangeRequest, paper: Mapping[str, Any]) -> Attachment:
    values = {name: paper[name] for name in ("sha256", "name", "kind", "size")}
    added_by = User(**{name: paper[name] for name in ("last_name", "first_name", "username")})
    return Attachment(id=UUID(paper["id"]), request=request, added_by=added_by, added_at=datetime.fromisoformat(paper["added_at"]), **values)


def stage_to_decide(*, user: User, request: ChangeRequest) -> Stage | None:
    """The stage on which `user` may decide now, or None; the service asks the same question again."""
    if request.state != RequestState.IN_REVIEW:
        return None
    try:
        stage = current_stage(request)
        somewhere = user.is_superuser or scope.intervals(user, Action(stage.action)) or any(chains_to(user))
        return may_decide(actor=user, request=request) if somewhere else None
    except GateError:
        return None


def running_jobs(*, user: User) -> QuerySet[JobRun]:
    """The user's background runs that have not ended, newest first."""
    return JobRun.objects.filter(actor=user, state__in=[JobState.QUEUED, JobState.RUNNING]).order_by("-created_at")


def _waiting_for(user: User, visible: QuerySet[ChangeRequest]) -> QuerySet[ChangeRequest]:
    """Requests under review in units where `user` holds the right that the next stage asks for, and no part of which is theirs.

    The exact question, over every unit that an item touches, is `may_decide`; a list needs a queryset, so it looks at the request's unit.
    """
    next_stage = open_stages(Stage.objects.filter(request=OuterRef("pk"), system=""))
    # Only stages that have opened have a term, so the last one is that of the present stage.
    term = StageTerm.objects.filter(stage__request=OuterRef("pk")).order_by("-stage__number")
    waiting = visible.filter(state=RequestState.IN_REVIEW).annotate(
        due_on=Subquery(term.values("due_on")[:1]),
        next_action=Subquery(next_stage.values("action")[:1], output_field=CharField()),
        next_role=Subquery(next_stage.values("role")[:1], output_field=CharField()),
    )
    of_right = Q()
    for action in (Action.APPROVE, Action.EDIT):
        of_right |= Q(next_action=action, pk__in=scope.scoped(ChangeRequest.objects.all(), user, action).values("pk"))
    if not user.is_superuser:
        of_right &= Q(next_role__in=["", *scope.roles(user)])
        for chain in chains_to(user):
            # The right, and the role where the stage names one, are those of the person at the head of the chain.
            roles = ["", *scope.roles(chain[-1].giver)]
            for action in (Action.APPROVE, Action.EDIT):
                of_right |= Q(_in_place(chain, action), next_action=action, next_role__in=roles) & ~_has_part([link.giver_id for link in chain])
    return waiting.filter(of_right).exclude(_has_part([user.pk]))


def _has_part(people: Sequence[int]) -> Q:
    """Whether one of them contributed to the request or spoke on it, in person or through somebody."""
    wrote = Contribution.objects.filter(request=OuterRef("pk"), user__in=people)
    spoke = Decision.objects.filter(Q(user__in=people) | Q(on_behalf_of__in=people), stage__request=OuterRef("pk"))
    return Q(Exists(wrote)) | Q(Exists(spoke))


def _is_overdue() -> Exists:
    """A stage that is still open and should have been decided before today."""
    return Exists(open_stages(Stage.objects.filter(request=OuterRef("pk"), term__due_on__lt=clock.today())))


def _in_place(chain: list[Delegation], action: Action) -> Q:
    """Where the first giver of `chain` may do `action`, as far as every link reaches."""
    reach = Q(pk__in=scope.scoped(ChangeRequest.objects.all(), chain[-1].giver, action).values("pk"))
    for link in chain:
        reach &= Q(risk__in=link.risks, unit__tree_id=link.unit.tree_id, unit__lft__range=(link.unit.lft, link.unit.rght))
    return reach & ~Q(author__in=[link.giver_id for link in chain])
