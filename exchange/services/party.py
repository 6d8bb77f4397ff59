"""The Party database: what it is told of our people, and what it tells of them. Two directions, two logs.

Out goes what the field policy names, as a `Purpose` of `services.lanes`; what went stands in the questions of its batches. In comes a stream
of facts with a cursor: each becomes a change request of nobody in particular (`system` "party"), which takes the ordinary route and is decided
by a person, or a line that says why it did not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from exchange.choices import ChannelKind, FactState
from exchange.connectors import CallFailed
from exchange.contract import PROFILE_KIND, encode
from exchange.mapping import IN, OUT
from exchange.models import Channel, PartyCursor, PartyFact, RegisterEntry
from exchange.party import KEY, Fact, MemberAnswer, MembersCall, cut, let_in, policy_in_force
from exchange.registers import PartyConnector
from exchange.selectors.mapping import code_table, side_of_channel
from exchange.services.breaker import channel_failed, channel_succeeded
from exchange.services.gaps import gaps_settle
from exchange.services.lanes import Question, Taken, Unmapped
from orgtree import clock
from orgtree.models import OrgUnit
from registry.models import StaffProfile
from workflows.documents import digest, parse
from workflows.errors import GateError, RecordBusy
from workflows.models import RecordVersion
from workflows.services.marks import WHOLE, withheld
from workflows.services.staging import Proposal, request_stage
from workflows.services.submission import request_submit

SYSTEM = "party"
TAKEN = "OK"
ASK_EVERY = timedelta(minutes=10)
PAGES = 20  # pages of facts that one run reads at most


class PartyPush:
    """Telling the Party database, as a purpose of lanes."""

    kind = ChannelKind.PARTY

    def prepare(self, channel: Channel) -> None:
        """Nothing stands beside the lanes."""

    def questions(self, channel: Channel, staff: Collection[UUID]) -> Mapping[UUID, Question | Unmapped | None]:
        marks, policy, codes = withheld(kind=PROFILE_KIND, keys=staff), policy_in_force(), code_table(side_of_channel(channel))
        found: dict[UUID, Question | Unmapped | None] = {}
        versions = dict(StaffProfile.objects.filter(pk__in=staff).values_list("pk", "version"))
        bodies = RecordVersion.objects.filter(kind=PROFILE_KIND, key__in=staff).values_list("key", "version", "document__body")
        for key, version, body in bodies:
            if versions.get(key) == version:
                document, stays = parse(bytes(body)), marks.get(key, frozenset())
                fields, gaps = codes.project({KEY: document[KEY], **cut(document, policy=policy, withheld=stays)}, way=OUT)
                found[key] = None if stays & {WHOLE, KEY} else Unmapped(gaps) if gaps else Question(key, version, fields)
        return found

    def body(self, entries: Sequence[RegisterEntry]) -> bytes:
        told = [(one, parse(bytes(one.payload))) for one in entries]
        members = [
            {"ref": one.pk, KEY: fields[KEY], "version": one.version, "fields": {name: value for name, value in fields.items() if name != KEY}}
            for one, fields in told
        ]
        return encode(msgspec.convert({"members": members}, MembersCall))

    def take(self, answered: Sequence[tuple[RegisterEntry, Sequence[Mapping[str, Any]]]]) -> Mapping[UUID, Taken]:
        """Told is told only when the answer says so and names the digest of what we sent."""
        return {entry.pk: _told(entry, said) for entry, said in answered}


def _told(entry: RegisterEntry, said: Sequence[Mapping[str, Any]]) -> Taken:
    try:
        answer = msgspec.convert(dict(said[0]), MemberAnswer)
    except (msgspec.ValidationError, TypeError):
        return Taken("UNREADABLE", usable=False)
    if len(said) > 1:
        return Taken("CONTRADICTION", usable=False)
    if answer.code != TAKEN:
        return Taken(answer.code, usable=False)
    return Taken(TAKEN) if answer.digest == digest(bytes(entry.payload)).hex() else Taken("OTHER_DIGEST", usable=False)


def facts_fetch(*, channel: Channel, connector: Callable[[Channel], PartyConnector] = PartyConnector) -> int:
    """Read the facts that are new, and write them into the log; returns how many. A channel that pauses is left alone."""
    cursor, _made = PartyCursor.objects.get_or_create(channel=channel)
    if cursor.not_before > clock.now() or (channel.paused_until is not None and channel.paused_until > clock.now()):
        return 0
    kept = 0
    try:
        with connector(channel) as line:
            for _page in range(PAGES):
                page = line.facts(after=cursor.after)
                kept += _keep(channel, cursor, page.facts)
                if page.next is None or not page.facts:
                    break
    except CallFailed as failure:
        channel_failed(channel, failure)
        return kept
    channel_succeeded(channel)
    PartyCursor.objects.filter(pk=channel.pk).update(asked_at=clock.now(), not_before=clock.now() + ASK_EVERY)
    return kept


def facts_propose(*, channel: Channel) -> int:
    """Bring the facts that wait to the gate, each in a request of its own; returns how many were proposed.

    A file that another request is changing is left until that has ended, and so are the later facts of the same person.
    """
    proposed, busy = 0, set[UUID]()
    for pk in PartyFact.objects.filter(channel=channel, state=FactState.WAITING).order_by("sequence").values_list("pk", flat=True):
        with transaction.atomic():
            fact = PartyFact.objects.select_for_update(of=("self",)).get(pk=pk)
            if fact.state != FactState.WAITING or fact.staff_id in busy:
                continue
            _propose(fact)
            fact.save(update_fields=["state", "detail", "request"])
        if fact.state == FactState.WAITING and fact.staff_id is not None:
            busy.add(fact.staff_id)
        proposed += fact.state == FactState.PROPOSED
    return proposed


def _keep(channel: Channel, cursor: PartyCursor, facts: Sequence[Fact]) -> int:
    """Write facts of a page that are not there yet, and move the cursor, in one transaction."""
    policy = policy_in_force()
    people = dict(StaffProfile.objects.filter(citizen_id__in=[one.citizen_id for one in facts]).values_list("citizen_id", "pk"))
    rows = []
    for one in facts:
        allowed, left_out = let_in(one.fields, policy=policy)
        staff = people.get(one.citizen_id)
        state = FactState.NOBODY if staff is None else FactState.WAITING if allowed else FactState.FOREIGN
        # Of somebody who is not ours nothing is kept but that something came.
        kept = allowed if staff is not None else {}
        rows.append(PartyFact(channel=channel, sequence=one.sequence, staff_id=staff, fields=kept, left_out=left_out, state=state))
    with transaction.atomic():
        known = set(PartyFact.objects.filter(channel=channel, sequence__in=[one.sequence for one in rows]).values_list("sequence", flat=True))
        fresh = list({one.sequence: one for one in rows if one.sequence not in known}.values())
        PartyFact.objects.bulk_create(fresh, ignore_conflicts=True)
        cursor.after = max([cursor.after, *(one.sequence for one in facts)])
        cursor.save(update_fields=["after"])
    return len(fresh)


def _propose(fact: PartyFact) -> None:
    """One fact as a change request of its own; what the rules or the gate have against it is kept beside it."""
    assert fact.staff_id is not None
    profile = StaffProfile.objects.select_related("using_unit").get(pk=fact.staff_id)
    marks = withheld(kind=PROFILE_KIND, keys=[profile.pk]).get(profile.pk, frozenset())
    if WHOLE in marks:
        fact.state, fact.detail = FactState.REFUSED, "MARKED"
        return
    with translation.override(settings.LANGUAGE_CODE):
        title = _("Told by the Party database: {name}").format(name=profile.birth_name)
    side = side_of_channel(fact.channel)
    fields, gaps = code_table(side).project(fact.fields, way=IN)
    gaps_settle(side=side, way=IN, found={profile.pk: gaps})
    if gaps:  # it waits, and so does what was told of the person later
        fact.detail = "UNMAPPED: " + ", ".join(f"{one.place} {one.code}" for one in gaps)[:480]
        return
    try:
        with transaction.atomic():
            staged = request_stage(
                actor=None,
                system=SYSTEM,
                unit=profile.using_unit,
                allowed=_ours(),
                title=title,
                proposals=[Proposal(kind=PROFILE_KIND, key=profile.pk, patch=fields, base_version=profile.version)],
                evidence={"party": {"channel": fact.channel.code, "sequence": fact.sequence}},
            )
            if staged.request is not None:
                request_submit(actor=None, request_id=staged.request.pk)
    except RecordBusy:
        return
    except GateError as refused:
        fact.state, fact.detail = FactState.REFUSED, str(refused)[:500]
        return
    found = [one for each in staged.returned.values() for one in each]
    if any(one.code == "RECORD_BUSY" for one in found):
        return
    fact.request, fact.detail = staged.request, ", ".join(sorted({one.code for one in found}))[:500]
    fact.state = FactState.PROPOSED if staged.request is not None else FactState.SAME if staged.unchanged else FactState.REFUSED


def _ours() -> QuerySet[OrgUnit]:
    return OrgUnit.objects.all()
