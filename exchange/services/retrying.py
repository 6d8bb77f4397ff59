"""What a person does about refused and parked deliveries: send them again."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from exchange.choices import DeliveryState
from exchange.models import Channel, Delivery
from exchange.services.forming import BEHIND
from orgtree import scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from workflows.dispatch import send_on_commit
from workflows.errors import NotAllowed
from workflows.services.audit import audit

DELIVER_TASK = "exchange.deliver"


def deliveries_retry(*, actor: User, channel: Channel, error_code: str = "", delivery_ids: Iterable[int] | None = None) -> int:
    """Put refused and parked deliveries of one cause, or the named ones, back in line for a new round; returns how many.

    What was parked behind them follows. Raises NotAllowed without the right to operate on the installation's top unit.
    """
    top = OrgUnit.objects.filter(parent=None, code=settings.AUTHORITY).first()
    if not scope.can(actor, Action.OPERATE, top):
        raise NotAllowed
    chosen = Delivery.objects.filter(channel=channel, state__in=[DeliveryState.REJECTED, DeliveryState.PARKED])
    if error_code:
        chosen = chosen.filter(error_code=error_code)
    if delivery_ids is not None:
        chosen = chosen.filter(pk__in=list(delivery_ids))
    with transaction.atomic():
        fresh = {"state": DeliveryState.WAITING, "batch": None, "position": None, "not_before": Now(), "changed_at": Now()}
        put_back = chosen.update(round=F("round") + 1, **fresh)
        Delivery.objects.filter(channel=channel, state=DeliveryState.PARKED, error_code=BEHIND).update(**fresh)
        audit(actor=actor, action="delivery.retried", unit=top, channel=channel.code, cause=error_code, count=put_back)
        send_on_commit(DELIVER_TASK)
    return put_back
