"""What of a request its reader sees: a request may touch units beyond the reader's own, and hold values that readers see masked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import User
from workflows.models import ChangeItem, ChangeRequest, Stage


def items_seen(
    *, user: User, request: ChangeRequest, stage: Stage | None, items: Iterable[ChangeItem]
) -> tuple[Sequence[ChangeItem], frozenset[int]]:
    """Those of `items` that `user` may see, and the keys of those whose class-A values stay masked. Three queries at most.

    The author and who decides now (`stage`) see everything, since they answer for it. Others see the records of which a unit lies where
    they may view, unmasked where they may propose or approve changes themselves.
    """
    if stage is not None or request.author_id == user.pk:
        return list(items), frozenset()
    members = list(items)
    units = {unit for item in members for unit in item.units}
    unseen = scope.outside(user, Action.VIEW, units)
    seen = [item for item in members if not item.units or set(item.units) - unseen]
    closed = scope.outside(user, Action.EDIT, units) & scope.outside(user, Action.APPROVE, units)
    return seen, frozenset(item.pk for item in seen if item.units and closed.issuperset(item.units))
