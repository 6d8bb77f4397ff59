"""The personal number of an account: what waits and what was decided."""

from __future__ import annotations

from typing import Any

from accounts.models import NumberChange
from orgtree.models import User
from workflows.choices import GrantState

DECIDED = 10


def number_section(user: User) -> dict[str, Any]:
    """`number_open`: the proposal that waits; `numbers_decided`: the latest others. One query."""
    changes = list(NumberChange.objects.filter(user=user).select_related("proposer", "decider").order_by("-proposed_at")[: DECIDED + 1])
    opened = next((one for one in changes if one.state == GrantState.PROPOSED), None)
    return {"number_open": opened, "numbers_decided": [one for one in changes if one is not opened]}
