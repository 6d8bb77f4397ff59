"""Names of the records that lines of a log are about, and the records that a text may mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db.models import Q

from orgtree.models import OrgUnit
from orgtree.text import plain
from registry.models import StaffProfile
from registry.selectors.texts import KIND

MEANT = 200  # people that a part of a name may stand for


def subject_names(lines: Iterable[tuple[str, UUID | None]]) -> Mapping[UUID, str]:
    """By key, the names of people and units; two queries at most. What is gone, or of another kind, has none."""
    keys: dict[str, set[UUID]] = {}
    for kind, key in lines:
        if key is not None:
            keys.setdefault(kind, set()).add(key)
    names: dict[UUID, str] = {}
    if people := keys.get(KIND):
        names |= dict(StaffProfile.objects.filter(pk__in=people).values_list("pk", "birth_name"))
    if units := keys.get("org_unit"):
        names |= dict(OrgUnit.objects.filter(pk__in=units).values_list("pk", "name"))
    return names


def subjects_meant(text: str) -> list[UUID]:
    """Keys of the people whose name holds the text, or whose number or key it is.

    Not narrowed by units: which lines the caller may see is decided by the log's own units, and a name alone shows nothing.
    """
    try:
        return [UUID(text)]
    except ValueError:
        pass
    named = Q(name_search__contains=plain(text)) if plain(text) else Q()
    found = StaffProfile.objects.filter(named | Q(citizen_id=text) | Q(staff_number=text))
    return list(found.values_list("pk", flat=True)[:MEANT])
