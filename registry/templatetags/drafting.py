"""What the page of a request asks about the draft from which it was made."""

from __future__ import annotations

from django import template

from orgtree.models import User
from registry.models import DecisionDraft, Draft
from registry.services.drafts import TAKEN_UP_AGAIN
from workflows.models import ChangeRequest

register = template.Library()


@register.simple_tag
def may_take_up(request: ChangeRequest, user: User) -> bool:
    """Whether the user wrote the request in a draft that can be gone on with, since the request came to nothing."""
    return (
        request.author_id == user.pk
        and request.state in TAKEN_UP_AGAIN
        and any(model._default_manager.filter(request=request, user=user).exists() for model in (Draft, DecisionDraft))
    )
