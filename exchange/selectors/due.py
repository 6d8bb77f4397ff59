"""What is due: for the sweep, and for /health."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Min

from exchange.choices import DeliveryState, InboundState
from exchange.models import Delivery, InboundBatch
from orgtree import clock

AT_ONCE = 200


def oldest_due() -> datetime | None:
    """When the oldest message that an active channel has not got an answer for was written; None when all are answered."""
    open_ = Delivery.objects.filter(channel__active=True, state__in=[DeliveryState.WAITING, DeliveryState.SENT])
    oldest: datetime | None = open_.aggregate(oldest=Min("message__created_at"))["oldest"]
    return oldest


def batches_to_process() -> list[UUID]:
    """On the hub: received batches whose message was lost or whose processing broke off, oldest first."""
    due = InboundBatch.objects.filter(state=InboundState.RECEIVED, not_before__lte=clock.now())
    return list(due.order_by("received_at").values_list("pk", flat=True)[:AT_ONCE])
