"""Marks "does not leave" that wait for a decision, for the people who may make it."""

from __future__ import annotations

from django.db.models import OuterRef, Q, QuerySet, Subquery

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import User
from registry.models import StaffProfile
from registry.selectors.texts import KIND
from workflows.choices import MarkState
from workflows.models import Mark


def marks_waiting(*, user: User) -> QuerySet[Mark]:
    """Marks on people's files that `user` may confirm, or whose lifting they may confirm, the oldest first; `name` is whose file it is.

    Who proposed one is not asked about it.
    """
    waiting = Q(state=MarkState.PROPOSED) & ~Q(proposed_by=user) | Q(state=MarkState.LIFTING) & ~Q(lift_proposed_by=user)
    name = StaffProfile.objects.filter(pk=OuterRef("key")).values("birth_name")
    marks = Mark.objects.filter(waiting, kind=KIND).annotate(name=Subquery(name)).select_related("unit")
    return scope.scoped(marks, user, Action.APPROVE, "unit").order_by("proposed_at", "pk")
