"""Shapes of the API for programs of other agencies ("shared"), version 1."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

MAX_PAGE = 200
MAX_NUMBERS = 50

Number = Annotated[str, Meta(pattern="^[0-9]{12}$", description="Personal identification number")]


class SharedProfile(msgspec.Struct, kw_only=True):
    """One person's file: the agreed fields of staff_profile/1. A field in `withheld` is null because it may not leave, one in `unmapped` because it
    holds a code for which the agency does not know the program's own yet; the file's tag changes once it does."""

    key: UUID
    version: Annotated[int, Meta(ge=1)]
    tag: Annotated[str, Meta(description="Changes when what is told changes; the entity tag of the single file")]
    values: dict[str, Any]
    withheld: list[str]
    unmapped: list[str]


class SharedProfiles(msgspec.Struct, kw_only=True):
    """One page in the order of keys. `next` is the key after which the next page begins, null on the last."""

    purpose: str
    profiles: list[SharedProfile]
    next: UUID | None


class Lookup(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """People whose numbers the program knows."""

    purpose: Annotated[str, Meta(min_length=1, max_length=60)]
    numbers: Annotated[list[Number], Meta(min_length=1, max_length=MAX_NUMBERS)]


class Agreement(msgspec.Struct, kw_only=True):
    """What the program may read for one purpose."""

    purpose: str
    title: str
    basis: str
    unit: UUID
    unit_name: str
    fields: list[str]
    needs_consent: bool
    valid_from: date
    valid_to: date


class Agreements(msgspec.Struct, kw_only=True):
    """Every agreement in force today, and how much is left of the day's people."""

    agreements: list[Agreement]
    records_a_day: int
    records_today: int


class HookBody(msgspec.Struct, kw_only=True):
    """What a webhook is sent: that a file has a new version, never what it says. `id` is the same for every repetition."""

    id: UUID
    event: str
    purpose: str
    key: UUID
    version: int
    recorded_at: str


decode_lookup = msgspec.json.Decoder(Lookup).decode
SHAPES = (SharedProfile, SharedProfiles, Lookup, Agreement, Agreements, HookBody)


def json_schemas() -> dict[str, Any]:
    """JSON Schema (2020-12) of every shape here, by name, with references as OpenAPI wants them."""
    return msgspec.json.schema_components(SHAPES, ref_template="#/components/schemas/{name}")[1]
