"""One move of a request, taken under its row lock by a conditional update (decisions.md 14)."""

from __future__ import annotations

from typing import Any

from django.db.models import Expression

from workflows.choices import MOVES, RequestState
from workflows.errors import WrongState
from workflows.models import ChangeRequest


def request_move(request: ChangeRequest, to: RequestState, **values: Any) -> ChangeRequest:
    """Move a locked request to `to`, writing `values` beside; raises WrongState when the table of moves or a race forbids it."""
    current = RequestState(request.state)
    if to not in MOVES[current]:
        raise WrongState(state=current, wanted=to)
    if not ChangeRequest.objects.filter(pk=request.pk, state=current).update(state=to, **values):
        raise WrongState(state=current, wanted=to)
    request.state = to
    for name, value in values.items():
        if isinstance(value, Expression):
            request.__dict__.pop(name, None)  # the database made it: read when somebody asks
        else:
            setattr(request, name, value)
    return request
