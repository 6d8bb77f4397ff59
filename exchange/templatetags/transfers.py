"""Where a person's transfer stands, for pages of apps that stand below this one and cannot import it."""

from __future__ import annotations

from uuid import UUID

from django import template
from django.conf import settings

from exchange.models import OutgoingTransfer
from exchange.selectors.transfer_words import Story, release_story

register = template.Library()


@register.simple_tag
def on_hub() -> bool:
    """Is this the hub, which lets nobody go itself?"""
    return settings.ROLE == "hub"


@register.simple_tag
def record_transfer(key: UUID) -> tuple[OutgoingTransfer, Story] | None:
    """The transfer by which this person is leaving, or has left; None for all others. One query."""
    rows = OutgoingTransfer.objects.filter(release__person=key, state__in=["released", "offered", "taken", "completed"])
    one = rows.select_related("release").order_by("-changed_at").first()
    return (one, release_story(one)) if one is not None else None
