"""Which unit continues one that ended, and the roles that are still held where nothing is any more.

Units name no successor. What does is the request that ended the unit: its records and the units below it went somewhere in that very request.
One place is a merger, and rights may follow; several are a division, none says nothing, and the unit above would mean more than was given:
there somebody decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, QuerySet

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import Grant, OrgUnit, User
from workflows.choices import ItemState
from workflows.models import ChangeItem, ChangeRequest, RecordVersion

UNIT_KIND = "org_unit"
LONGEST = 5  # mergers of mergers that are followed


@dataclass(frozen=True)
class Ended:
    """A unit that ended while roles are held on it: `goes_to` when one unit clearly continues it, `candidates` where somebody must choose."""

    unit: OrgUnit
    grants: Sequence[Grant]
    request: ChangeRequest | None
    candidates: Sequence[OrgUnit]
    goes_to: OrgUnit | None


def grants_left_behind() -> QuerySet[Grant]:
    """Roles in force, or still to come, on units that have ended."""
    today = clock.today()
    held = Grant.objects.filter(valid_to__gt=today, unit__valid_to__lte=today).filter(valid_to__gt=F("valid_from"))
    return held.select_related("user", "unit", "giver").order_by("unit_id", "pk")


def units_ended() -> Iterator[Ended]:
    """Every unit that ended while roles are held on it."""
    by_unit: dict[UUID, list[Grant]] = {}
    for grant in grants_left_behind():
        by_unit.setdefault(grant.unit_id, []).append(grant)
    for grants in by_unit.values():
        yield _ended(grants[0].unit, grants)


def unclear_for(reader: User) -> list[Ended]:
    """The ended units where `reader` gives grants and has to choose where the roles go on."""
    seen = set(scope.scoped(grants_left_behind(), reader, Action.GRANT).values_list("pk", flat=True))
    found = ((one, [grant for grant in one.grants if grant.pk in seen]) for one in units_ended())
    return [Ended(one.unit, grants, one.request, one.candidates, None) for one, grants in found if grants and one.goes_to is None]


def _ended(unit: OrgUnit, grants: Sequence[Grant]) -> Ended:
    request, candidates = _where_it_went(unit, LONGEST)
    above = {*unit.get_ancestors().values_list("pk", flat=True)}
    clear = candidates[0] if len(candidates) == 1 and candidates[0].pk not in above else None
    return Ended(unit, grants, request, candidates, clear)


def _where_it_went(unit: OrgUnit, steps: int) -> tuple[ChangeRequest | None, list[OrgUnit]]:
    """The request that ended `unit`, and the units of today to which its records and the units below it went in it."""
    last = RecordVersion.objects.filter(kind=UNIT_KIND, key=unit.pk).select_related("request").order_by("-version").first()
    if last is None or not steps:
        return None, []
    items = ChangeItem.objects.filter(request=last.request, state=ItemState.APPLIED, units__contains=[unit.pk])
    went: set[UUID] = set()
    for kind, key, units in items.exclude(kind=UNIT_KIND, key=unit.pk).values_list("kind", "key", "units"):
        went |= {one for one in units if one != unit.pk and not (kind == UNIT_KIND and one == key)}
    found: dict[UUID, OrgUnit] = {}
    for one in OrgUnit.objects.filter(pk__in=went).order_by("tree_id", "lft"):
        if one.valid_to is None or one.valid_to > clock.today():
            found[one.pk] = one
        else:
            found |= {later.pk: later for later in _where_it_went(one, steps - 1)[1]}
    return last.request, list(found.values())
