"""Who is a superuser, until when, by whom; and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import SuperuserTerm
from orgtree import clock
from orgtree.models import User
from workflows.choices import GrantState

DECIDED = 50


@dataclass(frozen=True)
class Superuser:
    """Somebody with a superuser's rights, and the term they stand on; None for the minute before one that nobody confirmed is found."""

    user: User
    term: SuperuserTerm | None

    @property
    def is_emergency(self) -> bool:
        return self.term is None or bool(self.term.system)


def superuser_page(reader: User) -> dict[str, Any]:
    """`held`: everybody with the rights; `waiting`: for the reader to decide; `mine`: for others; `decided`: the latest. Three queries."""
    people = User.objects.filter(is_superuser=True, is_active=True).order_by("last_name", "first_name", "pk")
    terms = SuperuserTerm.objects.select_related("user", "proposer", "decider").order_by("-proposed_at")
    in_force = {one.user_id: one for one in terms.in_force(today=clock.today(), moment=clock.now()).order_by("proposed_at")}
    recent: Sequence[SuperuserTerm] = list(terms[: DECIDED + 20])
    opened = [one for one in recent if one.state == GrantState.PROPOSED]
    return {
        "held": [Superuser(one, in_force.get(one.pk)) for one in people],
        "waiting": [one for one in opened if reader.pk not in (one.proposer_id, one.user_id)],
        "mine": [one for one in opened if reader.pk in (one.proposer_id, one.user_id)],
        "decided": [one for one in recent if one.state != GrantState.PROPOSED][:DECIDED],
    }
