"""What a person does about deliveries: send refused and parked ones again, or take back what has not gone yet."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from exchange.choices import DeliveryState
from exchange.contract import ErrorKind
from exchange.models import Channel, Delivery
from exchange.selectors.causes import BEHIND, RECALLED
from exchange.selectors.sight import deliveries_seen, installation_top, operates_line, operates_somewhere
from orgtree.models import User
from workflows.dispatch import send_on_commit
from workflows.errors import NotAllowed
from workflows.services.audit import audit

DELIVER_TASK = "exchange.deliver"


def deliveries_retry(*, actor: User, channel: Channel, error_code: str = "", delivery_ids: Iterable[int] | None = None) -> int:
    """Put refused and parked deliveries of one cause, or the named ones, back in line for a new round; returns how many.

    Only those whose records lie where `actor` operates. What was parked behind them follows. Raises NotAllowed for who operates nowhere.
    """
    if not operates_somewhere(actor):
        raise NotAllowed
    chosen = deliveries_seen(actor).filter(channel=channel, state__in=[DeliveryState.REJECTED, DeliveryState.PARKED])
    if error_code:
        chosen = chosen.filter(error_code=error_code)
    if delivery_ids is not None:
        chosen = chosen.filter(pk__in=list(delivery_ids))
    with transaction.atomic():
        fresh = {"state": DeliveryState.WAITING, "batch": None, "position": None, "not_before": Now(), "changed_at": Now()}
        put_back = chosen.update(round=F("round") + 1, **fresh)
        if put_back:
            Delivery.objects.filter(channel=channel, state=DeliveryState.PARKED, error_code=BEHIND).update(**fresh)
        audit(actor=actor, action="delivery.retried", unit=installation_top(), channel=channel.code, cause=error_code, count=put_back)
        send_on_commit(DELIVER_TASK)
    return put_back


def deliveries_recall(*, actor: User, channel: Channel, delivery_ids: Iterable[int], reason: str) -> int:
    """Take back waiting deliveries before they are sent; returns how many. What is on its way already cannot be taken back.

    They are parked with the reason until somebody sends them again. Raises NotAllowed unless `actor` operates the line, ValidationError
    without a reason.
    """
    if not operates_line(actor):
        raise NotAllowed
    if not reason.strip():
        raise ValidationError({"reason": _("Say in a sentence why; it is kept.")})
    with transaction.atomic():
        # The channel's lock keeps batches from being formed meanwhile.
        Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)
        taken = Delivery.objects.filter(channel=channel, state=DeliveryState.WAITING, pk__in=list(delivery_ids)).update(
            state=DeliveryState.PARKED, error_kind=ErrorKind.BUSINESS.value, error_code=RECALLED, error_text=reason.strip()[:500], changed_at=Now()
        )
        audit(actor=actor, action="delivery.recalled", unit=installation_top(), channel=channel.code, count=taken, reason=reason.strip()[:500])
    return taken
