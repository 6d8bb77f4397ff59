"""What is marked "does not leave" stays: its deliveries are parked before a batch is formed, and go on when the mark is lifted.

A document is total and signed, so a marked field cannot be cut out of it: a record with a mark on any field is held as a whole. A
trigger refuses to put a marked record into a batch whatever the program does; what was in a batch before the mark has left.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from exchange.choices import DeliveryState
from exchange.contract import ErrorKind
from exchange.models import Channel, Delivery
from exchange.selectors.causes import BEHIND, MARKED
from workflows.choices import MARKS_HOLD

PARK = """
update exchange_delivery d set state = 'parked', error_kind = %(kind)s, error_code = %(code)s, error_text = '', changed_at = now()
from workflows_mark k join workflows_outboxmessage m on m.kind = k.kind and m.key = k.key
where k.state = any(%(holds)s) and d.message_id = m.id and d.channel_id = %(channel)s and d.state = 'waiting'
"""
RELEASE = """
update exchange_delivery d set state = 'waiting', error_kind = '', error_code = '', not_before = now(), changed_at = now()
from workflows_outboxmessage m
where m.id = d.message_id and d.channel_id = %(channel)s and d.state = 'parked' and d.error_code = %(code)s
  and not exists (select from workflows_mark k where k.kind = m.kind and k.key = m.key and k.state = any(%(holds)s))
"""


def marked_withhold(channel: Channel) -> None:
    """Park what is marked, release what no longer is. The caller holds the channel's lock."""
    values: dict[str, Any] = {"channel": channel.pk, "kind": ErrorKind.BUSINESS.value, "code": MARKED, "holds": [one.value for one in MARKS_HOLD]}
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, values)
        released = cursor.rowcount
        cursor.execute(PARK, values)
    if released:  # what stood behind them is looked at again
        Delivery.objects.filter(channel=channel, state=DeliveryState.PARKED, error_code=BEHIND).update(
            state=DeliveryState.WAITING, error_kind="", error_code=""
        )
