"""From outbox to batches: which messages a channel still owes, and which of them may go now.

Lanes. A version of a record waits for the version before it. Units go before people: a person's message waits for every
unit message with a smaller id, and unit batches go one at a time, parents first. What stands behind a refused message is
parked with it at once, so that nothing waits for ever without saying so.

All of this is decided under the channel's row lock, in milliseconds; nothing here talks to the other side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from exchange.choices import ChannelKind, DeliveryState, Transport
from exchange.contract import MAX_BODY, MAX_ITEMS, ROUTES, UNIT_KIND, ErrorKind
from exchange.models import Batch, Channel, Delivery
from exchange.selectors.causes import BEHIND, MARKED
from exchange.services.bulk_hours import held_back
from exchange.services.overtaking import taken_over_replace
from exchange.services.withholding import marked_withhold
from orgtree import clock
from workflows.choices import MARKS_HOLD
from workflows.documents import canonical

WINDOW = 8  # batches of a channel that may be open at the same time,
RECORDS_OPEN, WINDOW_MOST = 512, 256  # and more of them where they are small, up to so many records
UNIT_CANDIDATES = 20_000
# Documents of one call, in bytes: with proofs and identities (1.5 kB an item) and signatures the whole stays below MAX_BODY.
BYTES_IN_A_CALL = MAX_BODY - 1_500 * MAX_ITEMS - 4 * 1024 * 1024
LARGE = 10_000  # deliveries made at once after which the planner has to look again
# Longer than any transaction can last (a task ends after one hour): below it no message can still appear.
SETTLED = "3 hours"


@dataclass(frozen=True)
class Candidate:
    """A waiting delivery that its lane lets go, with the bytes of its document. `parent` is set for units only."""

    delivery: int
    key: UUID
    version: int
    digest: bytes
    round: int
    bytes: int
    parent: UUID | None = None


def channels_active() -> list[Channel]:
    """The channels to which versions are delivered; a register that is only asked (`services.lanes`) is not among them."""
    return list(Channel.objects.filter(active=True, kind=ChannelKind.NATIONAL_HUB).order_by("pk"))


def channels_called() -> list[Channel]:
    """Those of them that calls go to; what is carried by hand goes in packages (`services.packing`)."""
    return [one for one in channels_active() if one.transport != Transport.CARRIED]


def deliveries_fan_out() -> int:
    """Make the missing delivery of every outbox message for every active channel; returns how many were made."""
    made = 0
    for channel in channels_active():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "insert into exchange_delivery(channel_id, message_id) select %(channel)s, m.id from workflows_outboxmessage m "
                "where m.id > %(below)s and m.kind = any(%(kinds)s) "
                "and not exists (select from exchange_delivery d where d.channel_id = %(channel)s and d.message_id = m.id) "
                "order by m.id on conflict do nothing",
                {"channel": channel.pk, "below": channel.fanned_below, "kinds": list(ROUTES)},
            )
            made += cursor.rowcount
            if cursor.rowcount > LARGE:
                # Without it the lanes' first question was planned for an empty table: 15 s instead of 0.2 s over 200,000.
                cursor.execute("analyze exchange_delivery, workflows_outboxmessage")
            cursor.execute(
                "update exchange_channel c set fanned_below = settled.id from "
                "(select max(m.id) as id from workflows_outboxmessage m where m.id > %s and m.created_at < now() - %s::interval) settled "
                "where c.id = %s and settled.id > c.fanned_below",
                [channel.fanned_below, SETTLED, channel.pk],
            )
    return made


def window(channel: Channel) -> int:
    """How many batches may be open: one record a call needs many under way, or the line's delay is all that counts."""
    return max(WINDOW, min(WINDOW_MOST, RECORDS_OPEN // channel.batch_size))


def batches_form(*, channel_id: int, room: int | None = None) -> list[Batch]:
    """Bundle what may go now into batches, up to the channel's window or to `room`. Their members never change afterwards."""
    formed: list[Batch] = []
    with transaction.atomic():
        channel = Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
        seen = _glance(channel)
        if seen.marks or seen.marked:
            marked_withhold(channel)
        if seen.waiting and seen.refused:
            taken_over_replace(channel)
            _park_behind_refused(channel)
        left = window(channel) - seen.open if room is None else room
        left = left if seen.waiting or seen.marked else 0
        held = held_back(channel) if seen.hours and room is None and left > 0 else ()  # what is carried by hand goes when somebody packs it
        while left > len(formed) and (some := _form_some(channel, left - len(formed), held)):
            formed += some
    return formed


@dataclass(frozen=True)
class Glance:
    """What a look at the channel's indexes tells before anything is weighed: most looks find nothing to do."""

    open: int
    waiting: bool
    refused: bool
    marked: bool  # something is held back for a mark
    marks: bool  # there are marks
    hours: bool  # the line carries large deliveries in some hours only


def _glance(channel: Channel) -> Glance:
    with connection.cursor() as cursor:
        cursor.execute(
            "select (select count(*) from exchange_batch where channel_id = %(channel)s and state in ('ready', 'accepted')), "
            "exists(select from exchange_delivery where channel_id = %(channel)s and state = 'waiting'), "
            "exists(select from exchange_delivery where channel_id = %(channel)s and state in ('rejected', 'parked')), "
            "exists(select from exchange_delivery where channel_id = %(channel)s and state = 'parked' and error_code = %(marked)s), "
            "exists(select from workflows_mark where state = any(%(holds)s)), "
            "exists(select from exchange_bulkhours where channel_id = %(channel)s)",
            {"channel": channel.pk, "marked": MARKED, "holds": [one.value for one in MARKS_HOLD]},
        )
        return Glance(*cursor.fetchone())


def _form_some(channel: Channel, room: int, held: Sequence[UUID]) -> list[Batch]:
    """The next batches of one request and kind that is not `held` back, at most `room`; units go one batch at a time."""
    first_unit, under_way = _units_open(channel)
    if first_unit is not None and not under_way and (batch := _form_units(channel)):
        return batch
    head = _head(channel, below=first_unit, held=held)
    if head is None:
        return []
    members = _eligible(channel, *head, limit=channel.batch_size * room, below=first_unit)
    return _batches_make(channel, *head, list(shares(members, channel.batch_size))[:room])


def shares(members: Sequence[Candidate], size: int) -> Iterator[Sequence[Candidate]]:
    """The members in order, each share of at most `size` and of no more bytes than a call may have; one that is larger alone goes alone."""
    start = weight = 0
    for place, one in enumerate(members):
        if place > start and (place - start == size or weight + one.bytes > BYTES_IN_A_CALL):
            yield members[start:place]
            start, weight = place, 0
        weight += one.bytes
    if members:
        yield members[start:]


def _units_open(channel: Channel) -> tuple[int | None, bool]:
    """The smallest unit message that is not finished (people's messages after it wait), and whether a unit is under way."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select min(d.message_id), coalesce(bool_or(d.state = 'sent'), false) from exchange_delivery d "
            "join workflows_outboxmessage m on m.id = d.message_id "
            "where d.channel_id = %(channel)s and d.state in ('waiting', 'sent') and not (%(carried)s and d.state = 'sent') and m.kind = %(unit)s",
            {**_asked(channel), "unit": UNIT_KIND},
        )
        return cursor.fetchone()


# A waiting delivery whose earlier version, if it has one, is settled: received, replaced, or refused and kept by the other side as
# such. Versions are contiguous, so the one before is enough. What is carried by hand is settled once it is packed: the hub takes packages in order.
LANE = """
from exchange_delivery d join workflows_outboxmessage m on m.id = d.message_id
where d.channel_id = %(channel)s and d.state = 'waiting' and d.not_before <= %(now)s and not exists (
  select from workflows_outboxmessage p join exchange_delivery e on e.message_id = p.id and e.channel_id = d.channel_id
  where p.kind = m.kind and p.key = m.key and p.version = m.version - 1 and e.state not in ('received', 'replaced')
  and not (e.state = 'rejected' and e.set_aside) and not (%(carried)s and e.state = 'sent'))
"""


LENGTH = "(select octet_length(s.body) from workflows_storeddocument s where s.digest = m.document_id)"


def _asked(channel: Channel) -> dict[str, Any]:
    return {"channel": channel.pk, "now": clock.now(), "carried": channel.transport == Transport.CARRIED}


def _head(channel: Channel, *, below: int | None, held: Sequence[UUID]) -> tuple[UUID, str] | None:
    """Request and kind of the oldest message other than a unit's that may go."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select m.request_id, m.kind {LANE} and m.kind <> %(unit)s and (%(below)s::bigint is null or m.id < %(below)s) "
            "and m.request_id <> all(%(held)s::uuid[]) order by m.id limit 1",
            {**_asked(channel), "unit": UNIT_KIND, "below": below, "held": list(held)},
        )
        return cursor.fetchone()


def _eligible(channel: Channel, request_id: UUID, kind: str, *, limit: int, below: int | None = None) -> list[Candidate]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"select d.id, m.key, m.version, m.document_id, d.round, {LENGTH} {LANE} and m.request_id = %(request)s and m.kind = %(kind)s "
            "and (%(below)s::bigint is null or m.id < %(below)s) order by m.leaf_index limit %(limit)s",
            {**_asked(channel), "request": request_id, "kind": kind, "below": below, "limit": limit},
        )
        return [Candidate(delivery, key, version, bytes(digest), *rest) for delivery, key, version, digest, *rest in cursor.fetchall()]


def _form_units(channel: Channel) -> list[Batch]:
    """The next batch of units, when one may go."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {**_asked(channel), "unit": UNIT_KIND}
        cursor.execute(f"select m.request_id {LANE} and m.kind = %(unit)s order by m.id limit 1", values)
        if (row := cursor.fetchone()) is None:
            return []
    chosen = _parents_first(_unit_candidates(channel, row[0]), _missing_units(channel))
    return _batches_make(channel, row[0], UNIT_KIND, [next(shares(chosen, MAX_ITEMS))]) if chosen else []


def _unit_candidates(channel: Channel, request_id: UUID) -> list[Candidate]:
    """Waiting units of a request with the parent that each names in its document."""
    candidates = _eligible(channel, request_id, UNIT_KIND, limit=UNIT_CANDIDATES)
    with connection.cursor() as cursor:
        cursor.execute(
            "select digest, (convert_from(body, 'UTF8')::jsonb ->> 'parent')::uuid from workflows_storeddocument where digest = any(%s)",
            [[one.digest for one in candidates]],
        )
        parents = {bytes(digest): parent for digest, parent in cursor.fetchall()}
    return [replace(one, parent=parents[one.digest]) for one in candidates]


def _missing_units(channel: Channel) -> set[UUID]:
    """Keys of units that the other side does not hold in their latest version yet."""
    finished = [DeliveryState.RECEIVED, DeliveryState.REPLACED, *([DeliveryState.SENT] if channel.transport == Transport.CARRIED else [])]
    unfinished = Delivery.objects.filter(channel=channel, message__kind=UNIT_KIND).exclude(state__in=finished)
    return set(unfinished.values_list("message__key", flat=True))


def _parents_first(candidates: Sequence[Candidate], missing: Iterable[UUID]) -> list[Candidate]:
    """The candidates in an order in which every unit comes after its parent; those whose parent cannot go yet stay out."""
    awaited = set(missing)
    children: dict[UUID | None, list[Candidate]] = {}
    for one in candidates:
        children.setdefault(one.parent if one.parent in awaited else None, []).append(one)
    ordered: list[Candidate] = []
    level = children.get(None, [])
    while level:
        ordered += level
        level = [child for one in level for child in children.get(one.key, ())]
    return ordered


def _batches_make(channel: Channel, request_id: UUID, kind: str, shares: Sequence[Sequence[Candidate]]) -> list[Batch]:
    """One batch for each share, with its members in their places."""
    # The moment is named, as a database default in each of many rows costs more than all their other values.
    all_of_them = {"channel": channel, "request_id": request_id, "kind": kind, "created_at": (now := clock.now()), "not_before": now}
    batches = Batch.objects.bulk_create(
        [Batch(**all_of_them, size=len(members), idempotency_key=idempotency_key(channel, request_id, kind, members)) for members in shares]
    )
    places = [(one.delivery, batch.pk, place) for batch, members in zip(batches, shares, strict=True) for place, one in enumerate(members)]
    with connection.cursor() as cursor:
        cursor.execute(
            "update exchange_delivery d set state = 'sent', batch_id = x.batch, position = x.position, changed_at = now(), "
            "error_kind = '', error_code = '', error_text = '' "
            "from unnest(%s::bigint[], %s::uuid[], %s::int[]) x(id, batch, position) where d.id = x.id",
            [list(column) for column in zip(*places, strict=True)],
        )
    return batches


def idempotency_key(channel: Channel, request_id: UUID, kind: str, members: Sequence[Candidate]) -> str:
    """SHA-256 over channel, request and members (record, version, digest, round), so that the same batch has the same name for ever.

    The request belongs to it: an agency restored from a backup may say a version once more, with the same document under another signature.
    """
    listed = [{"key": str(one.key), "version": one.version, "digest": one.digest.hex(), "round": one.round} for one in members]
    return hashlib.sha256(canonical({"channel": channel.code, "request": str(request_id), "kind": kind, "members": listed})).hexdigest()


REFUSED_STATES = (DeliveryState.REJECTED, DeliveryState.PARKED)
PARK = "update exchange_delivery d set state = 'parked', error_kind = %(kind)s, error_code = %(code)s, error_text = '', changed_at = now() "


def _park_behind_refused(channel: Channel) -> None:
    """Waiting messages whose earlier version, or whose superior unit, was refused or parked are parked with it.

    The statements start from what was refused, which is little, and not from what waits, which may be 100,000 messages.
    """
    while _park_later_versions(channel) + _park_inferior_units(channel):
        pass


def _park_later_versions(channel: Channel) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            PARK + "from exchange_delivery e join workflows_outboxmessage p on p.id = e.message_id "
            "join workflows_outboxmessage m on m.kind = p.kind and m.key = p.key and m.version = p.version + 1 "
            "where e.channel_id = %(channel)s and e.state in ('rejected', 'parked') and not e.set_aside "
            "and d.channel_id = e.channel_id and d.message_id = m.id and d.state = 'waiting'",
            {"kind": ErrorKind.BUSINESS.value, "code": BEHIND, "channel": channel.pk},
        )
        return cursor.rowcount


def _park_inferior_units(channel: Channel) -> int:
    """Units below a unit that the other side never took (its first version was refused)."""
    founding = Delivery.objects.filter(channel=channel, state__in=REFUSED_STATES, message__kind=UNIT_KIND, message__version=1)
    absent = list(founding.values_list("message__key", flat=True))
    if not absent:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            PARK + "from workflows_outboxmessage m join workflows_storeddocument s on s.digest = m.document_id "
            "where m.id = d.message_id and d.channel_id = %(channel)s and d.state = 'waiting' and m.kind = %(unit)s "
            "and (convert_from(s.body, 'UTF8')::jsonb ->> 'parent')::uuid = any(%(absent)s)",
            {"kind": ErrorKind.BUSINESS.value, "code": BEHIND, "channel": channel.pk, "unit": UNIT_KIND, "absent": absent},
        )
        return cursor.rowcount
