"""Comparing everybody with the population database: what is asked of it, and what its answers come to.

A `Purpose` of `services.lanes`. People are compared when one of the four fields changed, and again from time to time: what does not match
more often than what does, since the database is mended as well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from exchange.choices import ChannelKind, DisputeState, MatchOutcome, MatchOwner
from exchange.contract import PROFILE_KIND, encode
from exchange.models import Channel, MatchDispute, OutcomeCode, PopulationMatch, RegisterEntry
from exchange.population import ASKED_FIELDS, CONTRADICTION, DEFAULT_CODES, OWNERS, UNREADABLE, Judged, MatchCall, Person, judge, read_answer
from exchange.services.lanes import Question, Taken
from orgtree import clock
from orgtree.models import User
from registry.models import StaffProfile
from workflows.documents import parse
from workflows.errors import NotAllowed
from workflows.services.audit import audit
from workflows.services.marks import WHOLE, withheld

MATCH_TASK = "exchange.registers"
DAILY = timedelta(days=1)

MAKE = """
insert into exchange_populationmatch(staff_id, differs)
select l.staff_id, '{}' from exchange_registerlane l where l.channel_id = %s
  and not exists (select from exchange_populationmatch m where m.staff_id = l.staff_id)
on conflict do nothing
"""


class Matching:
    """The population database as a purpose of lanes."""

    kind = ChannelKind.POPULATION

    def prepare(self, channel: Channel) -> None:
        with connection.cursor() as cursor:
            cursor.execute(MAKE, [channel.pk])

    def questions(self, channel: Channel, staff: Collection[UUID]) -> Mapping[UUID, Question | None]:
        marks = withheld(kind=PROFILE_KIND, keys=staff)
        found: dict[UUID, Question | None] = {}
        for row in StaffProfile.objects.filter(pk__in=staff).values("pk", "version", *ASKED_FIELDS):
            stays = marks.get(row["pk"], frozenset()) & {WHOLE, *ASKED_FIELDS}
            fields = {name: str(row[name]) for name in ASKED_FIELDS}
            found[row["pk"]] = None if stays else Question(row["pk"], row["version"], fields)
        return found

    def body(self, entries: Sequence[RegisterEntry]) -> bytes:
        return encode(MatchCall(people=[Person(ref=one.pk, **asked_of(one)) for one in entries]))

    def take(self, answered: Sequence[tuple[RegisterEntry, Sequence[Mapping[str, Any]]]]) -> Mapping[UUID, Taken]:
        codes = outcome_codes()
        matches = {
            one.pk: one
            for one in PopulationMatch.objects.filter(pk__in=[entry.staff_id for entry, _said in answered])
            .select_related("entry")
            .select_for_update(of=("self",))
            .order_by("pk")
        }
        disputes = {one.match_id: one for one in MatchDispute.objects.filter(match__in=matches, state=DisputeState.OPEN)}
        taken: dict[UUID, Taken] = {}
        for entry, said in answered:
            judged = judged_of(entry, said, codes)
            _note(matches[entry.staff_id], disputes.get(entry.staff_id), entry, judged)
            taken[entry.pk] = _taken(judged, disputed=entry.staff_id in disputes)
        fields = ["outcome", "owner", "differs", "code", "entry", "checked_at", "since", "correction"]
        PopulationMatch.objects.bulk_update(matches.values(), fields, batch_size=200)
        MatchDispute.objects.bulk_update([one for one in disputes.values() if one.state != DisputeState.OPEN], ["state", "closed_at"], batch_size=200)
        return taken


def outcome_codes() -> dict[str, MatchOutcome]:
    """What each code of the database means: our own names of the outcomes, and what administrators entered. One query."""
    return {**DEFAULT_CODES, **{code: MatchOutcome(outcome) for code, outcome in OutcomeCode.objects.values_list("code", "outcome")}}


def outcome_code_set(*, actor: User, code: OutcomeCode) -> OutcomeCode:
    """Say what a code means, from the next answer on. Raises NotAllowed for others than superusers."""
    if not actor.is_superuser:
        raise NotAllowed
    with transaction.atomic():
        code.save()
        audit(actor=actor, action="outcome_code.set", code=code.code, outcome=code.outcome)
    return code


def asked_of(entry: RegisterEntry) -> dict[str, str]:
    """The four fields as they were asked about."""
    return {name: str(value) for name, value in parse(bytes(entry.payload)).items()}


def judged_of(entry: RegisterEntry, said: Sequence[Mapping[str, Any]], codes: Mapping[str, MatchOutcome]) -> Judged:
    """What was said of an entry; two answers that disagree are none."""
    if len(said) > 1:
        return Judged(MatchOutcome.ERROR, code=CONTRADICTION)
    answer = read_answer(said[0])
    return judge(asked=asked_of(entry), answer=answer, codes=codes) if answer is not None else Judged(MatchOutcome.ERROR, code=UNREADABLE)


def _note(match: PopulationMatch, dispute: MatchDispute | None, entry: RegisterEntry, judged: Judged) -> None:
    """Write what was found onto the person's row. An unusable answer does not take away what is known of the same values."""
    before = match.entry
    same_values = before is not None and bytes(before.fingerprint) == bytes(entry.fingerprint)
    if judged.outcome == MatchOutcome.ERROR and same_values and match.outcome != MatchOutcome.ERROR:
        return
    now = clock.now()
    if match.outcome != judged.outcome:
        match.since = now
    if not same_values or judged.outcome == MatchOutcome.MATCHED:
        match.correction = None
    match.outcome, match.differs, match.code, match.entry_id, match.checked_at = judged.outcome, list(judged.differs), judged.code, entry.pk, now
    match.owner = OWNERS.get(judged.outcome, MatchOwner.NOBODY)
    if dispute is None:
        return
    if judged.outcome == MatchOutcome.MATCHED:
        dispute.state, dispute.closed_at = DisputeState.UPHELD if same_values else DisputeState.DROPPED, now
    else:
        match.owner = MatchOwner.POLICE


def _taken(judged: Judged, *, disputed: bool) -> Taken:
    if judged.outcome == MatchOutcome.ERROR:
        return Taken(judged.code, usable=False)
    if judged.outcome == MatchOutcome.MATCHED:
        days = settings.MATCH_AGAIN_DAYS
        return Taken(judged.code, again_in=timedelta(days=days) if days else None)
    return Taken(judged.code, again_in=DAILY if disputed else timedelta(days=settings.MATCH_OPEN_AGAIN_DAYS))
