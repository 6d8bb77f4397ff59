"""At an agency: what was refused of a record is settled once the agency took over what the other side holds of it, and that became true here.

The version that took it over says what the other side holds already, so it need not wait for those before it.
"""

from __future__ import annotations

from django.db import connection

from exchange.models import Channel

REPLACE = """
update exchange_delivery e set state = 'replaced', error_kind = '', error_code = '', error_text = '', changed_at = now()
from workflows_outboxmessage p
where p.id = e.message_id and e.channel_id = %s and e.state in ('rejected', 'parked') and exists (
  select from exchange_pullrecord t join exchange_pull x on x.id = t.pull_id
  join workflows_outboxmessage m on m.request_id = t.request_id and m.kind = x.kind and m.key = t.key
  where t.key = p.key and t.request_id is not null and x.kind = p.kind and x.channel_id = e.channel_id and m.version > p.version)
"""


def taken_over_replace(channel: Channel) -> int:
    """Refused and parked versions that a taken over one replaced; returns how many. Starts from what was refused, which is little."""
    with connection.cursor() as cursor:
        cursor.execute(REPLACE, [channel.pk])
        return cursor.rowcount
