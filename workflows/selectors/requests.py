"""Which change requests a person sees: their own, those that wait for their decision, and all in their scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Subquery

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User
from workflows.choices import JobState, RequestState
from workflows.errors import GateError
from workflows.models import ChangeRequest, Contribution, Decision, Delegation, JobRun, Stage, StageTerm
from workflows.selectors.deciding import chains_to, may_decide, open_stages

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


def request_get(*, user: User, request_id: UUID) -> ChangeRequest:
    """Raises ChangeRequest.DoesNotExist for a request outside the user's scope, as for one that does not exist."""
    return request_list(user=user).get(pk=request_id)


def stage_to_decide(*, user: User, request: ChangeRequest) -> Stage | None:
    """The stage on which `user` may decide now, or None; the service asks the same question again."""
    if request.state != RequestState.IN_REVIEW:
        return None
    try:
        return may_decide(actor=user, request=request)
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
