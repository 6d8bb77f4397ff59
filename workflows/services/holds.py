"""Holds: records that may not change for now, or no more. Staging says so (RECORD_HELD), and the database refuses their versions.

Who sets a hold inside an applying transaction locks the live record first: a version under way is then either there or refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db import transaction

from workflows.errors import GateError
from workflows.models import Hold


class AlreadyHeld(GateError):
    """Another hold stands on the record."""

    code = "ALREADY_HELD"


def record_hold(*, kind: str, key: UUID, cause: str, text: str) -> Hold:
    """Let nothing new become true of the record until it is freed. Raises AlreadyHeld."""
    with transaction.atomic():
        hold, made = Hold.objects.get_or_create(kind=kind, key=key, defaults={"cause": cause, "text": text[:300]})
        if not made:
            raise AlreadyHeld
    return hold


def hold_finalise(*, kind: str, key: UUID, cause: str, text: str) -> None:
    """The record has gone elsewhere: its hold stays for good, and says where to. Doing so twice changes nothing."""
    Hold.objects.filter(kind=kind, key=key, cause=cause).update(final=True, text=text[:300])


def record_free(*, kind: str, key: UUID, cause: str) -> None:
    """The record may change again. Doing so twice changes nothing."""
    Hold.objects.filter(kind=kind, key=key, cause=cause).delete()


def holds_of(*, kind: str, keys: Collection[UUID]) -> Mapping[UUID, Hold]:
    """The holds on those of `keys` that have one; one query."""
    return {one.key: one for one in Hold.objects.filter(kind=kind, key__in=keys)}
