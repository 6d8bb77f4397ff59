"""What became of a record's versions outside, for pages of apps that stand below this one and cannot import it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django import template
from django.template import Context

from exchange.choices import DeliveryState
from exchange.models import Delivery, Receipt
from exchange.selectors.overview import deliveries_of, last_receipt
from exchange.selectors.revocations import SignedAtAgency, signed_versions
from exchange.selectors.sight import operates_line

register = template.Library()

LOOKS = {
    DeliveryState.RECEIVED: "hs-chip-good",
    DeliveryState.SENT: "hs-chip-busy",
    DeliveryState.REJECTED: "hs-chip-bad",
    DeliveryState.PARKED: "hs-chip-bad",
}


@register.simple_tag
def record_deliveries(kind: str, key: UUID) -> dict[int, list[Delivery]]:
    """All deliveries of one record, by version; one query and one for the receipts."""
    return deliveries_of(kind=kind, key=key)


@register.simple_tag
def record_signers(kind: str, key: UUID) -> Mapping[int, SignedAtAgency]:
    """On the hub, who signed the versions of one record at their agency, and what of it was revoked since, by number."""
    return signed_versions(kind=kind, key=key)


@register.filter
def of_version(signers: Mapping[int, SignedAtAgency], version: int) -> SignedAtAgency | None:
    return signers.get(version)


@register.simple_tag(takes_context=True)
def archive_open(context: Context) -> bool:
    """May the reader follow a delivery into the exchange archive? Asked once a page."""
    request = context["request"]
    if not hasattr(request, "archive_open"):
        request.archive_open = operates_line(request.user)
    return bool(request.archive_open)


@register.simple_tag
def version_deliveries(deliveries: Mapping[int, list[Delivery]], version: int) -> list[tuple[Delivery, Receipt | None, str]]:
    """(delivery, last receipt, look of the chip) of one version, out of what `record_deliveries` gave."""
    return [(one, last_receipt(one), LOOKS.get(DeliveryState(one.state), "")) for one in deliveries.get(version, [])]
