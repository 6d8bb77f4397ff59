"""Looking at what the population database said: the raw answer for a reason, and the queue as a list that leaves the program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from exchange.contract import PROFILE_KIND
from exchange.models import PopulationMatch, RegisterEntry
from exchange.selectors.matching import Line, lines
from orgtree.models import User
from registry.models import StaffProfile
from registry.services.reads import files_export
from workflows.choices import ReadAction
from workflows.documents import parse
from workflows.services.audit import audit
from workflows.services.marks import WHOLE, withheld
from workflows.services.reads import read_record, reason_check

CHUNK, MOST = 500, 20_000


def answer_reveal(
    *, actor: User, profile: StaffProfile, entry: RegisterEntry, reason: str, note: str = "", address: str | None = None
) -> list[tuple[str, Any]]:
    """("question" and "answer", as they went over the line). The caller has asked for the right. Raises PurposeMissing without a reason."""
    reason_check(reason, note)
    read_record(
        actor=actor,
        action=ReadAction.REVEAL,
        kind=PROFILE_KIND,
        records=[(profile.pk, profile.using_unit_id)],
        what="population_answer",
        reason=reason,
        note=note,
        address=address,
    )
    return [("question", parse(bytes(entry.payload))), ("answer", entry.answer)]


def matches_export(*, actor: User, rows: QuerySet[PopulationMatch], address: str | None = None) -> list[Line]:
    """The lines of the queue for a workbook, at most 20,000; whoever is marked "does not leave" is left out. Read log and audit have it."""
    found: list[Line] = []
    with transaction.atomic():
        for chunk in _chunks(rows[:MOST]):
            marks = withheld(kind=PROFILE_KIND, keys=[one.pk for one in chunk])
            leaving = [one for one in chunk if WHOLE not in marks.get(one.pk, ())]
            files_export(actor=actor, records=[(one.pk, one.staff.using_unit_id) for one in leaving], what="matching", address=address)
            found += lines(user=actor, matches=leaving)
        audit(actor=actor, action="matches.exported", count=len(found))
    return found


def _chunks(rows: QuerySet[PopulationMatch]) -> Iterator[Sequence[PopulationMatch]]:
    listed = iter(rows)
    while chunk := list(islice(listed, CHUNK)):
        yield chunk
