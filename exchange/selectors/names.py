"""What records are called on the exchange's pages: a person's name and unit, a unit's name and the one above it."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from exchange.contract import PROFILE_KIND, UNIT_KIND
from orgtree.models import OrgUnit
from registry.models import StaffProfile

Record = tuple[str, UUID]


def record_names(records: Collection[Record]) -> dict[Record, tuple[str, str]]:
    """(name, place) of every record; one that is not here is called by its key. Two queries."""
    names: dict[Record, tuple[str, str]] = {record: (str(record[1]), "") for record in records}
    people = StaffProfile.objects.filter(pk__in=[key for kind, key in records if kind == PROFILE_KIND])
    names |= {(PROFILE_KIND, pk): (name, unit) for pk, name, unit in people.values_list("pk", "birth_name", "using_unit__name")}
    units = OrgUnit.objects.filter(pk__in=[key for kind, key in records if kind == UNIT_KIND])
    names |= {(UNIT_KIND, pk): (name, above or "") for pk, name, above in units.values_list("pk", "name", "parent__name")}
    return names
