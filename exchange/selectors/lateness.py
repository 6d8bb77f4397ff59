"""How old the receipt time of an agency's signature may be today."""

from __future__ import annotations

from exchange.contract import RECEIVED_AT_PAST
from exchange.models import Agency
from orgtree import clock


def signature_days(agency: Agency) -> int:
    """The longer limit that the hub granted, while it lasts; 90 days otherwise."""
    granted = agency.late_until is not None and agency.late_until >= clock.today()
    return agency.late_days if granted else RECEIVED_AT_PAST.days
