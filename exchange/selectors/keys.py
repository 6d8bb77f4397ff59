"""Whose key is it? The one question of every call to the hub."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from exchange.choices import KeyState
from exchange.models import Agency
from orgtree import clock


def agency_of_client(application: Any) -> Agency | None:
    """The active agency whose key this is: its active one, or one rotated out that still works."""
    usable = Q(keys__state=KeyState.ACTIVE) | Q(keys__state=KeyState.ROTATED, keys__usable_until__gt=clock.now())
    return Agency.objects.filter(usable, keys__application=application, active=True).first()
