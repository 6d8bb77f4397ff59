"""What people do about a difference: correct the file through the gate, dispute what the database holds, or have it compared once more.

Nothing here writes a person's file: a correction is a change request of its author, with the answer of the database as its ground, and takes the
route of any other correction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models.functions import Now
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from exchange.choices import ChannelKind, DisputeState, MatchOutcome, MatchOwner
from exchange.contract import PROFILE_KIND
from exchange.models import Channel, MatchDispute, PopulationMatch, RegisterLane
from exchange.population import DIFFERENCES, OWNERS, held_value, read_answer
from exchange.services.lanes import lanes_ask_again
from exchange.services.matching import DAILY, MATCH_TASK
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.locks import Lock, advisory_lock
from orgtree.models import OrgUnit, User
from registry.models import StaffProfile
from registry.selectors.decisions import common_unit
from registry.services.drafts import request_title
from workflows.choices import OPEN_STATES, Act
from workflows.dispatch import send_on_commit
from workflows.documents import canonical, digest
from workflows.errors import GateError, NotAllowed
from workflows.evidence_files import file_keep
from workflows.models import ChangeItem, ChangeRequest
from workflows.selectors.findings import finding_line
from workflows.services.attachments import attachment_add, shown_name
from workflows.services.audit import audit
from workflows.services.deadlines import working_days_after
from workflows.services.staging import Proposal, request_stage
from workflows.services.submission import request_submit
from workflows.targets import target


class MatchRefused(GateError):
    """`code` is the reason, stable; `str()` is for people."""

    code = "MATCH_REFUSED"

    @classmethod
    def nothing_held(cls) -> MatchRefused:
        return cls(_("The population database gave no value that could be taken over. Open the file and correct it there."))

    @classmethod
    def busy(cls) -> MatchRefused:
        return cls(_("Another change of this file is under way. When it is decided, the person is compared again by itself."))

    @classmethod
    def no_reason(cls) -> MatchRefused:
        return cls(_("Say in a sentence why the file is right, and on which paper that stands."))

    @classmethod
    def disputed(cls) -> MatchRefused:
        return cls(_("A dispute about this person is open already."))

    @classmethod
    def settled(cls) -> MatchRefused:
        return cls(_("Nothing differs here any more."))

    @classmethod
    def no_register(cls) -> MatchRefused:
        return cls(_("No population database is connected yet. An operator does that with the command register_set."))

    @classmethod
    def too_wide(cls) -> MatchRefused:
        return cls(_("These people have no unit above all of them in which you may edit. Correct each unit's people by themselves."))


@dataclass(frozen=True)
class Corrected:
    """What became of a correction of many: the request, and by person why somebody was left out."""

    request: ChangeRequest | None
    left_out: Mapping[UUID, str] = field(default_factory=dict)


def match_patch(match: PopulationMatch) -> dict[str, str]:
    """What the file would have to say to match, by field: the values that the database gave for what differs."""
    raw = match.entry.answer if match.entry is not None else None
    answer = read_answer(raw[0]) if raw else None
    if answer is None:
        return {}
    held = {name: held_value(name, getattr(answer, name)) for name in match.differs if name in DIFFERENCES}
    return {name: value for name, value in held.items() if value is not None}


def matches_correct(*, actor: User, keys: Sequence[UUID], note: str = "", files: Sequence[File] = ()) -> Corrected:
    """Propose what the population database holds for these people's files, as one request, and hand it in.

    Who cannot be corrected so is left out with the reason. Raises NotAllowed where the actor may not edit anybody of them, what staging and
    submitting raise, EvidenceRefused for a foreign file; then nothing is made.
    """
    with transaction.atomic():
        matches = _taken(actor, keys)
        left_out = {one.pk: str(MatchRefused.nothing_held()) for one in matches if not match_patch(one)}
        busy = _busy([one.pk for one in matches])
        left_out |= {key: str(MatchRefused.busy()) for key in busy}
        able = [one for one in matches if one.pk not in left_out]
        made, refused = _request_make(actor, able, note, files) if able else (None, {})
        if made is not None:
            chosen = [one.pk for one in able if one.pk not in refused]
            PopulationMatch.objects.filter(pk__in=chosen).update(correction=made)
            closed = MatchDispute.objects.filter(match__in=chosen, state=DisputeState.OPEN)
            closed.update(state=DisputeState.DROPPED, closed_at=Now(), closed_by=actor)
            for one in able:
                if one.pk not in refused:
                    PopulationMatch.objects.filter(pk=one.pk, owner=MatchOwner.POLICE).update(owner=OWNERS[MatchOutcome(one.outcome)])
            audit(actor=actor, action="match.corrected", unit=made.unit, number=made.number, count=len(chosen))
    return Corrected(made, {**left_out, **refused})


def matches_dispute(*, actor: User, keys: Sequence[UUID], reason: str, file: File | None = None) -> int:
    """Hold that these files are right: the police have so many working days, and the people are compared daily until it is settled.

    Raises NotAllowed, MatchRefused without a reason or when nobody is left whose difference could be disputed.
    """
    if not reason.strip():
        raise MatchRefused.no_reason()
    kept = file_keep(file) if file is not None else None
    paper = {"sha256": kept.sha256, "file_name": shown_name(file.name or ""), "file_kind": kept.kind} if kept and file else {}
    with transaction.atomic():
        if paper:
            advisory_lock(Lock.EVIDENCE)  # the sweep looks at rows and files together
        matches = [one for one in _taken(actor, keys) if one.outcome in OWNERS]
        if not matches:
            raise MatchRefused.settled()
        open_ = set(MatchDispute.objects.filter(match__in=matches, state=DisputeState.OPEN).values_list("match_id", flat=True))
        fresh = [one for one in matches if one.pk not in open_]
        if not fresh:
            raise MatchRefused.disputed()
        due = working_days_after(clock.today(), settings.MATCH_DISPUTE_DAYS)
        said = {"reason": reason.strip()[:500], "raised_by": actor, "due_on": due, **paper}
        MatchDispute.objects.bulk_create([MatchDispute(match=one, **said) for one in fresh])
        PopulationMatch.objects.filter(pk__in=[one.pk for one in fresh]).update(owner=MatchOwner.POLICE)
        _ask_daily([one.pk for one in fresh])
        for one in fresh:
            audit(actor=actor, action="match.disputed", unit=one.staff.using_unit, kind=PROFILE_KIND, key=one.pk, outcome=one.outcome, until=f"{due}")
    return len(fresh)


def dispute_drop(*, actor: User, key: UUID) -> None:
    """Give an open dispute up: it is the agency's turn again. Raises NotAllowed, MatchRefused when none is open."""
    with transaction.atomic():
        match = next(iter(_taken(actor, [key])))
        dropped = match.disputes.filter(state=DisputeState.OPEN).update(state=DisputeState.DROPPED, closed_at=Now(), closed_by=actor)
        if not dropped:
            raise MatchRefused.settled()
        PopulationMatch.objects.filter(pk=key).update(owner=OWNERS.get(MatchOutcome(match.outcome), MatchOwner.NOBODY))
        audit(actor=actor, action="match.dispute_dropped", unit=match.staff.using_unit, kind=PROFILE_KIND, key=key)


def matches_ask_again(*, actor: User, keys: Sequence[UUID]) -> int:
    """Compare these people once more, soon; returns how many. Raises NotAllowed, MatchRefused where no register is connected."""
    with transaction.atomic():
        matches = _taken(actor, keys)
        channel = Channel.objects.filter(kind=ChannelKind.POPULATION, active=True).first()
        if channel is None:
            raise MatchRefused.no_register()
        asked = lanes_ask_again(channel=channel, keys=[one.pk for one in matches])
        audit(actor=actor, action="match.asked", count=asked)
        send_on_commit(MATCH_TASK)
    return asked


def _ask_daily(keys: Sequence[UUID]) -> None:
    """From tomorrow on; `services.matching` goes on with it until the dispute has ended."""
    lanes = RegisterLane.objects.filter(channel__kind=ChannelKind.POPULATION, channel__active=True, staff__in=keys, entry=None)
    lanes.update(again_at=clock.now() + DAILY)


def _taken(actor: User, keys: Sequence[UUID]) -> list[PopulationMatch]:
    """The rows of those of `keys` whose files the actor may edit, locked. Raises NotAllowed when there are none."""
    mine = scope.scoped(PopulationMatch.objects.filter(pk__in=keys), actor, Action.EDIT, "staff__using_unit")
    found = list(mine.select_related("staff__using_unit", "entry").select_for_update(of=("self",)).order_by("pk"))
    if not found:
        raise NotAllowed
    return found


def _busy(keys: Sequence[UUID]) -> set[UUID]:
    """Those whose file another request is about to change."""
    return set(ChangeItem.objects.filter(kind=PROFILE_KIND, key__in=keys, request__state__in=OPEN_STATES, state="open").values_list("key", flat=True))


def _request_make(actor: User, matches: Sequence[PopulationMatch], note: str, files: Sequence[File]) -> tuple[ChangeRequest | None, dict[UUID, str]]:
    people = [one.staff for one in matches]
    unit = people[0].using_unit if len(people) == 1 else common_unit(people, user=actor)
    if unit is None:
        raise MatchRefused.too_wide()
    proposals = [
        Proposal(kind=PROFILE_KIND, key=one.pk, patch=match_patch(one), base_version=one.staff.version, ref=ref)
        for ref, one in enumerate(matches, start=1)
    ]
    evidence = {"population": [_ground(one) for one in matches]}
    staged = request_stage(
        actor=actor, unit=unit, title=_title(people), proposals=proposals, act=Act.CORRECT, reason=_reason(matches, note), evidence=evidence
    )
    refused = {matches[ref - 1].pk: _words(found) for ref, found in staged.returned.items()}
    refused |= {matches[ref - 1].pk: str(MatchRefused.settled()) for ref in staged.unchanged}
    if staged.request is not None:
        for file in files:
            attachment_add(actor=actor, request_id=staged.request.pk, file=file, name=file.name or "")
        request_submit(actor=actor, request_id=staged.request.pk)
        staged.request.refresh_from_db()
    return staged.request, refused


def _ground(match: PopulationMatch) -> dict[str, str]:
    """Which answer the correction stands on: its question, and the digest of its canonical JSON."""
    assert match.entry is not None
    return {"question": str(match.entry_id), "answer": digest(canonical({"answers": match.entry.answer})).hex()}


def _title(people: Sequence[StaffProfile]) -> str:
    if len(people) == 1:
        return request_title(Act.CORRECT, people[0].birth_name)
    with translation.override(settings.LANGUAGE_CODE):
        return _("Corrections after the population database: {count} people").format(count=len(people))


def _reason(matches: Sequence[PopulationMatch], note: str) -> str:
    """Why, in the language of the administration; what the author adds stands behind it."""
    days = [one.checked_at for one in matches if one.checked_at is not None]
    with translation.override(settings.LANGUAGE_CODE):
        day = date_format(max(days).astimezone(clock.ZONE).date(), "SHORT_DATE_FORMAT") if days else ""
        text = _("As the population database has it, compared on {day}.").format(day=day)
    return f"{text} {note.strip()[:900]}".strip()


def _words(found: Sequence[Any]) -> str:
    one = target(PROFILE_KIND)
    lines = [finding_line(one, code=each.code, severity=each.severity, field=each.field, value=one.hidden(each.field, each.value)) for each in found]
    return " ".join(f"{line.message} {line.repair}".strip() for line in lines)


def may_work(user: User, unit: OrgUnit | UUID) -> bool:
    """May the user see what the database holds, and act on it? Whoever prepares or decides changes of the unit's files."""
    return scope.can(user, Action.EDIT, unit) or scope.can(user, Action.APPROVE, unit)
