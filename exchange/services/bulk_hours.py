"""Calendar windows: on working days a line carries large deliveries in chosen hours only, so that day work is not slowed at the other side.

What somebody changes today goes at once, whatever the hour. Bulk is a request of more records than the line's limit, and what has waited since
an earlier day when that is more than the limit (a first delivery of everything). What is due today goes at any hour: the law does not wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from exchange.contract import PROFILE_KIND, UNIT_KIND
from exchange.models import BulkHours, Channel
from exchange.selectors.sight import installation_top, operates_line
from exchange.selectors.terms import due_days
from exchange.services.retrying import DELIVER_TASK
from orgtree import clock
from orgtree.models import User
from workflows.dispatch import send_on_commit
from workflows.errors import NotAllowed
from workflows.models import CalendarDay
from workflows.services.audit import audit
from workflows.services.deadlines import works

# Requests of which people's files wait for this line: when the first was written, how many wait, and how large the request is.
WAITING = """
select m.request_id, min(m.created_at), count(*), max(r.count) from exchange_delivery d
join workflows_outboxmessage m on m.id = d.message_id join workflows_changerequest r on r.id = m.request_id
where d.channel_id = %s and d.state = 'waiting' and m.kind <> %s group by m.request_id
"""


def bulk_hours_set(*, actor: User | None, channel: Channel, hours: tuple[time, time] | None, above: int = 500) -> BulkHours | None:
    """Choose when the line carries bulk; None: at any hour (actor None: from a shell on the server). Raises NotAllowed, ValidationError."""
    if actor is not None and not operates_line(actor):
        raise NotAllowed
    with transaction.atomic():
        chosen = None
        if hours is None:
            BulkHours.objects.filter(channel=channel).delete()
        else:
            chosen = BulkHours(channel=channel, opens=hours[0], closes=hours[1], above=above)
            chosen.full_clean(validate_unique=False)
            chosen.save()
        said: dict[str, Any] = {"opens": f"{chosen.opens:%H:%M}", "closes": f"{chosen.closes:%H:%M}", "above": chosen.above} if chosen else {}
        audit(actor=actor, action="channel.bulk_hours", unit=installation_top(), channel=channel.code, **said)
        send_on_commit(DELIVER_TASK)
    return chosen


def is_open(hours: BulkHours, at: datetime) -> bool:
    """Whether bulk may go at that moment."""
    local = at.astimezone(clock.ZONE)
    exceptions = dict(CalendarDay.objects.filter(day=local.date()).values_list("day", "works"))
    if not works(local.date(), exceptions):
        return True
    now, opens, closes = local.time(), hours.opens, hours.closes
    return opens <= now < closes if opens < closes else now >= opens or now < closes


def held_back(channel: Channel) -> Sequence[UUID]:
    """The requests whose records wait for the line's hours, if it has any and they are not open."""
    hours = BulkHours.objects.filter(channel=channel).first()
    if hours is None or is_open(hours, clock.now()):
        return ()
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [channel.pk, UNIT_KIND])
        rows: list[tuple[UUID, datetime, int, int]] = cursor.fetchall()
    today = clock.now().astimezone(clock.ZONE).date()
    old = {request for request, made, _waiting, _size in rows if made.astimezone(clock.ZONE).date() < today}
    backlog = sum(waiting for request, _made, waiting, _size in rows if request in old) > hours.above
    due = due_days([(PROFILE_KIND, made) for _request, made, _waiting, _size in rows])
    return [
        request
        for (request, _made, _waiting, size), day in zip(rows, due, strict=True)
        if day != today and (size > hours.above or (backlog and request in old))
    ]
