"""The list of the bodies that have to send: as it stood on a day, and what was done to it."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from datetime import date

from django.conf import settings

from exchange.choices import BodyKind, Standing
from exchange.models import BodyStanding, ExpectedBody
from orgtree.text import sort_key


@dataclass(frozen=True)
class MissingNames:
    """The Ministry counts `named` central bodies, of which `listed` stand on the list; who the other `missing` are is not published."""

    named: int
    listed: int

    @property
    def missing(self) -> int:
        return self.named - self.listed


def missing_names(counted: Sized) -> MissingNames | None:
    """What the list lacks when these central bodies are counted on it; None when it lacks nobody (CENTRAL_BODIES)."""
    return MissingNames(settings.CENTRAL_BODIES, len(counted)) if len(counted) < settings.CENTRAL_BODIES else None


def bodies_on(day: date) -> list[BodyStanding]:
    """How each body stood at the end of `day`, provinces first, in the list's order; without those that were taken off. One query."""
    newest = BodyStanding.objects.filter(day__lte=day).order_by("body_id", "-pk").distinct("body_id").select_related("body")
    return sorted(
        (one for one in newest if one.standing != Standing.OFF),
        key=lambda one: (one.body.kind != BodyKind.PROVINCE, one.position, sort_key(one.name)),
    )


def bodies_off() -> list[ExpectedBody]:
    """Those that were added by mistake. One query."""
    newest = BodyStanding.objects.order_by("body_id", "-pk").distinct("body_id").select_related("body")
    return [one.body for one in newest if one.standing == Standing.OFF]


def acts_standing(body: ExpectedBody) -> list[BodyStanding]:
    """What was said of a body and not taken back, oldest first; the last one is what can be taken back. One query."""
    acts: list[BodyStanding] = []
    for one in body.standings.order_by("pk"):
        if one.undoes_id is None:
            acts.append(one)
        else:
            acts = [act for act in acts if act.pk != one.undoes_id]
    return acts
