"""What records and signers are called on the exchange's pages: a person's name and unit, a unit's name and the one above it."""

from __future__ import annotations

import re
from collections.abc import Collection
from uuid import UUID

from exchange.contract import PROFILE_KIND, UNIT_KIND
from orgtree.models import OrgUnit
from registry.masking import masked
from registry.models import StaffProfile

Record = tuple[str, UUID]
COMMON_NAME, NUMBER = re.compile(r"Common Name: ([^,;]+)"), re.compile(r"\d{9,}")


def record_names(records: Collection[Record]) -> dict[Record, tuple[str, str]]:
    """(name, place) of every record; one that is not here is called by its key. Two queries."""
    names: dict[Record, tuple[str, str]] = {record: (str(record[1]), "") for record in records}
    people = StaffProfile.objects.filter(pk__in=[key for kind, key in records if kind == PROFILE_KIND])
    names |= {(PROFILE_KIND, pk): (name, unit) for pk, name, unit in people.values_list("pk", "birth_name", "using_unit__name")}
    units = OrgUnit.objects.filter(pk__in=[key for kind, key in records if kind == UNIT_KIND])
    names |= {(UNIT_KIND, pk): (name, above or "") for pk, name, above in units.values_list("pk", "name", "parent__name")}
    return names


def signer_name(subject: str) -> str:
    """The common name in a certificate's subject; the whole subject where it has none. A citizen number in it stays out of sight."""
    named = COMMON_NAME.search(subject)
    return named.group(1) if named else NUMBER.sub(lambda found: masked(found.group()), subject)
