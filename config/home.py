"""The home page: what waits for me, what I have under way. It gathers from every app, so it stands above them."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from exchange.selectors.overview import delivery_sentences
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User
from orgtree.pages import page
from registry.models import Upload
from registry.selectors.drafts import drafts_open
from registry.selectors.marks import marks_waiting
from workflows.choices import RequestState
from workflows.models import Absence
from workflows.selectors.requests import own_requests, request_list, running_jobs
from workflows.selectors.rights import changes_waiting, ending_together, own_ending

SHOWN = 6
# What its author should look at: not yet submitted, or back with a reason.
MINE_TO_DO = (RequestState.READY, RequestState.RETURNED, RequestState.CONFLICT, RequestState.FAILED)
MINE_UNDER_WAY = (RequestState.IN_REVIEW, RequestState.APPROVED, RequestState.SCHEDULED, RequestState.APPLYING)


def home(request: HttpRequest) -> HttpResponse:
    """What waits for the reader comes first, what is due soonest before the rest; an empty place is shown only to whom it says something."""
    user = request.user
    held = {action for action in (Action.EDIT, Action.APPROVE, Action.OPERATE, Action.GRANT) if _holds(user, action)}
    return page(
        request,
        "hoso/home.html",
        _("Home"),
        waiting=request_list(user=user, which="waiting").order_by(F("due_on").asc(nulls_last=True), "number")[:SHOWN],
        drafts=drafts_open(user=user)[:SHOWN],
        **own_requests(user=user, groups={"to_do": MINE_TO_DO, "under_way": MINE_UNDER_WAY}, most=SHOWN),
        jobs=running_jobs(user=user)[:SHOWN],
        uploads=Upload.objects.filter(uploader=user).select_related("unit")[:SHOWN],
        may_edit=Action.EDIT in held,
        may_approve=Action.APPROVE in held,
        today=clock.today(),
        deliveries=delivery_sentences(user=user) if Action.OPERATE in held else [],
        # An administrator approves in an emergency alone, and is not asked.
        marks=marks_waiting(user=user)[:SHOWN] if Action.APPROVE in held and not user.is_superuser else [],
        **_of_rights(user, held),
        **_of_absence(user, held),
    )


def _of_rights(user: User, held: set[Action]) -> dict[str, Any]:
    """What ends soon of one's own; for who gives grants also what waits for their confirmation, and what ends soon of others."""
    if Action.GRANT not in held:
        return {"own_ending": own_ending(user=user)}
    own, given = ending_together(reader=user)
    return {"own_ending": own, "changes_waiting": changes_waiting(user)[:SHOWN], "ending": given[:SHOWN]}


def _of_absence(user: User, held: set[Action]) -> dict[str, Any]:
    """For who decides: whether they said that they are away."""
    return {"away": Absence.objects.on(clock.today()).filter(user=user).first()} if Action.APPROVE in held else {}


def _holds(user: User, action: Action) -> bool:
    """Whether the user holds `action` anywhere."""
    return user.is_superuser or bool(scope.intervals(user, action))
