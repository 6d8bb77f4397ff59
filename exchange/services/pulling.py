"""At an agency: asking what the other side holds of its units and people (OrgTreePull, ProfilePull), beside what stands here.

First the entries (key, version, digest), page by page; then the documents of what is missing here or stands otherwise, each verified before it is
kept (`services.pull_reading`); then the rules of the gate, as staging would find (`services.pull_checking`). Nothing becomes true by it: what is
chosen enters the agency's own gate (`services.pull_staging`).

Every step is one transaction with the position that it reached, so a run whose worker was killed goes on where it was. Whoever works on a run holds
it by a term that is renewed with every step; without it a step does not commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from exchange.choices import DifferenceKind, PullStage, PullState, PullWhat
from exchange.connectors import JSON, CallFailed, Connector, connect
from exchange.contract import PROFILE_KIND, ROUTES, UNIT_KIND, ErrorKind, encode
from exchange.holding_contract import MAX_KEYS, HeldEntry, HeldPage, HeldQuestion, HeldRecords
from exchange.models import BulkHours, Channel, Difference, Pull, PullRecord, Reconciliation
from exchange.selectors.pulling import may_ask, may_stage, moving
from exchange.services.buckets import Holding, entries_read
from exchange.services.bulk_hours import is_open
from exchange.services.pull_checking import some_check
from exchange.services.pull_reading import how_it_stands, some_fetch
from exchange.services.pull_staging import PULL_TASK, some_stage
from exchange.services.transfer_line import hub_channel
from orgtree import clock
from orgtree.models import OrgUnit, User
from workflows.dispatch import send_on_commit
from workflows.errors import GateError, NotAllowed
from workflows.services.audit import audit
from workflows.targets import target

KINDS = (UNIT_KIND, PROFILE_KIND)
TERM = timedelta(minutes=2)  # for which a worker holds a run; longer than any step takes
HOURS_AGAIN = timedelta(minutes=10)
FORGET = timedelta(days=7)  # after which documents that nobody took are not kept any longer
GIVEN_UP = frozenset({ErrorKind.AUTH, ErrorKind.CONFIG, ErrorKind.SCHEMA})  # a person has to mend it first

Connect = Callable[[Channel], Connector]


class NoLine(GateError):
    """There is nobody to ask."""

    code = "NO_LINE"


class Lost(Exception):
    """Somebody else works on the run now."""


@dataclass
class Lease:
    """A run that is being worked on."""

    pull: Pull
    until: datetime

    def step(self, **values: Any) -> None:
        """Write down what was reached, and go on holding the run; inside the transaction of the step. Raises Lost."""
        until = clock.now() + TERM
        if not Pull.objects.filter(pk=self.pull.pk, claimed_until=self.until).update(claimed_until=until, failures=0, **values):
            raise Lost
        self.until = until
        self.pull.refresh_from_db()


def pull_ask(*, actor: User | None, kind: str, unit: OrgUnit | None = None, reconciliation: Reconciliation | None = None) -> Pull:
    """Let a worker ask for all units or people, those below `unit`, or those that a comparison found missing here or different.

    The same asking that is under way is given instead of a second (actor None: from a shell). Raises NotAllowed, NoLine.
    """
    if kind not in KINDS or (actor is not None and not may_ask(actor, unit)):
        raise NotAllowed
    if (channel := hub_channel()) is None:
        raise NoLine(
            _("There is no line to the national platform. What is carried by hand goes one way: it cannot be asked what it holds; set up a line.")
        )
    with transaction.atomic():
        channel = Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)
        same = Pull.objects.filter(channel=channel, kind=kind, unit=unit, reconciliation=reconciliation, state=PullState.RUNNING)
        if (running := same.first()) is not None:
            return running
        pull = Pull.objects.create(channel=channel, kind=kind, unit=unit, reconciliation=reconciliation, actor=actor)
        audit(actor=actor, action="pull.asked", kind=kind, unit=unit, pull=str(pull.pk), channel=channel.code)
        send_on_commit(PULL_TASK, str(pull.pk))
    return pull


def pull_again(*, actor: User, pull: Pull) -> None:
    """Go on with a run that failed, from where it stood. Raises NotAllowed."""
    if not (may_ask(actor, pull.unit) or may_stage(actor, pull)):
        raise NotAllowed
    with transaction.atomic():
        now = clock.now()
        back = Pull.objects.filter(pk=pull.pk, state=PullState.FAILED)
        back.update(state=PullState.RUNNING, not_before=now, claimed_until=now, failures=0, error_code="", error_text="")
        send_on_commit(PULL_TASK, str(pull.pk))


def pull_drive(*, pull_id: UUID, connector: Connect = connect) -> Pull:
    """Work on a run until it is done, or cannot go on for now; nothing when somebody else does, or it is done."""
    lease = _claim(pull_id)
    if lease is not None:
        try:
            _stages(lease, connector)
        except Lost:
            pass
        except CallFailed as failure:
            _fail(lease, failure)
    return Pull.objects.select_related("channel", "unit").get(pk=pull_id)


def pulls_forget() -> int:
    """Documents that were fetched long ago and that nobody took are personal data without a purpose; returns how many runs went."""
    old = Pull.objects.filter(started_at__lt=clock.now() - FORGET, state__in=[PullState.READY, PullState.FAILED])
    records = PullRecord.objects.filter(pull__in=old, request=None)
    forgotten = records.values("pull").distinct().count()
    records.delete()
    return forgotten


def _claim(pull_id: UUID) -> Lease | None:
    now = clock.now()
    until = now + TERM
    free = Pull.objects.filter(pk=pull_id, state__in=[PullState.RUNNING, PullState.STAGING], not_before__lte=now, claimed_until__lte=now)
    if not free.update(claimed_until=until):
        return None
    return Lease(Pull.objects.select_related("channel", "unit", "stager").get(pk=pull_id), until)


def _stages(lease: Lease, connector: Connect) -> None:
    pull = lease.pull
    if pull.state == PullState.STAGING:
        while _staged(lease):
            pass
        return
    if pull.stage in (PullStage.LISTING, PullStage.FETCHING):
        with connector(pull.channel) as line:
            while pull.stage == PullStage.LISTING:
                (_list_found if pull.reconciliation_id else _list)(lease, line)
            while pull.stage == PullStage.FETCHING:
                if not _fetched(lease, line):
                    return
    while pull.stage == PullStage.CHECKING:
        with transaction.atomic():
            more = some_check(pull)
            done: dict[str, Any] = {"stage": PullStage.DONE, "state": PullState.READY, "ended_at": clock.now(), "error_code": "", "error_text": ""}
            lease.step(**({} if more else done))
            if not more:
                found = pull.records.count()
                audit(actor=pull.actor, action="pull.compared", kind=pull.kind, unit=pull.unit, pull=str(pull.pk), equal=pull.equal, found=found)


def _staged(lease: Lease) -> bool:
    with transaction.atomic():
        more = some_stage(lease.pull)
        lease.step(**({} if more else {"state": PullState.READY, "error_code": "", "error_text": ""}))
    return more


def _list(lease: Lease, line: Connector) -> None:
    """One page of entries: compared with what stands here, in the range of keys that it covers."""
    pull = lease.pull
    params = {name: str(value) for name, value in (("after", pull.cursor), ("unit", pull.unit_id)) if value is not None}
    page = line.call("GET", ROUTES[pull.kind][1], HeldPage, params=params)
    _page_check(pull, page)
    keys = {one.key for one in page.entries}
    ours = entries_read(Holding(None, pull.unit_id).entries(pull.kind, after=pull.cursor, upto=page.next))
    alone = [key for key in ours if key not in keys]
    elsewhere = _held_elsewhere(pull, line, alone) if pull.unit_id else []
    with transaction.atomic():
        equal = _compare(pull, [*page.entries, *elsewhere])
        lease.step(
            equal=F("equal") + equal,
            only_here=F("only_here") + len(alone) - len(elsewhere),
            hub=page.hub[:40],
            cursor=page.next or pull.cursor,
            **({"stage": PullStage.FETCHING} if page.next is None else {}),
        )


def _page_check(pull: Pull, page: HeldPage) -> None:
    """A page that is not of what was asked for, or does not lead on, is the other side's mistake."""
    keys = [one.key for one in page.entries]
    begins = not keys or pull.cursor is None or keys[0] > pull.cursor
    if page.kind != pull.kind or keys != sorted(set(keys)) or not begins or page.next not in (None, *keys[-1:]):
        raise CallFailed(ErrorKind.SCHEMA, "PAGE_INVALID", f"the page after {pull.cursor} is not one of {pull.kind} in the order of its keys")


def _held_elsewhere(pull: Pull, line: Connector, keys: Sequence[UUID]) -> list[HeldEntry]:
    """Records of the unit here which the other side holds in another one."""
    found: list[HeldEntry] = []
    for start in range(0, len(keys), MAX_KEYS):
        found += held_ask(line, pull.kind, keys[start : start + MAX_KEYS], documents=False).entries
    return found


def _list_found(lease: Lease, line: Connector) -> None:
    """The next of those that a comparison listed as missing here or different."""
    pull = lease.pull
    listed = Difference.objects.filter(
        reconciliation=pull.reconciliation_id, kind=pull.kind, what__in=[DifferenceKind.MISSING_HERE, DifferenceKind.DIFFERS]
    )
    after = {"key__gt": pull.cursor} if pull.cursor else {}
    keys = list(listed.filter(**after).order_by("key").values_list("key", flat=True)[:MAX_KEYS])
    told = held_ask(line, pull.kind, keys, documents=False) if keys else None
    with transaction.atomic():
        if told is None:
            lease.step(stage=PullStage.FETCHING)
        else:
            equal = _compare(pull, told.entries)
            lease.step(equal=F("equal") + equal, hub=told.hub[:40], cursor=keys[-1])


def _compare(pull: Pull, entries: Sequence[HeldEntry]) -> int:
    """Keep what is missing here or stands otherwise; returns how many are equal."""
    keys = [one.key for one in entries]
    live = target(pull.kind).live._default_manager.filter(pk__in=keys).order_by().values_list("pk", "version", "digest")
    here = {key: (version, bytes(held)) for key, version, held in live}
    on_the_way = moving(pull.channel, pull.kind, list(here))
    rows = [_row(pull, one, here, on_the_way) for one in entries]
    kept = [row for row in rows if row is not None]
    PullRecord.objects.bulk_create(kept, batch_size=5_000, ignore_conflicts=True)
    return len(rows) - len(kept)


def _row(pull: Pull, one: HeldEntry, here: Mapping[UUID, tuple[int, bytes]], on_the_way: set[UUID]) -> PullRecord | None:
    """The row of a record that does not stand here as it is held there; None for one that does."""
    version, held = here.get(one.key, (None, b""))
    what = how_it_stands(version, held, one)
    if what is None or (what == PullWhat.COUNTED and one.key in on_the_way):
        return None
    cause = "ON_THE_WAY" if one.key in on_the_way else ""
    return PullRecord(
        pull=pull, key=one.key, what=what, version_here=version, version_there=one.version, digest=bytes.fromhex(one.digest), cause=cause
    )


def _fetched(lease: Lease, line: Connector) -> bool:
    """Fetch and verify some documents; False when the line's hours for bulk have to be waited for."""
    pull = lease.pull
    hours = BulkHours.objects.filter(channel=pull.channel).first()
    wanted = pull.records.filter(document=None, cause="").order_by("key")
    if hours is not None and not is_open(hours, clock.now()) and wanted.count() > hours.above:
        lease.step(not_before=clock.now() + HOURS_AGAIN, error_code="BULK_HOURS", error_text="")
        Pull.objects.filter(pk=pull.pk).update(claimed_until=clock.now())
        return False
    some = list(wanted[:MAX_KEYS])
    told = held_ask(line, pull.kind, [one.key for one in some]) if some else None
    with transaction.atomic():
        if told is None:
            lease.step(stage=PullStage.CHECKING)
        else:
            some_fetch(pull, some, told)
            lease.step()
    return True


def held_ask(line: Connector, kind: Any, keys: Sequence[UUID], *, documents: bool = True) -> HeldRecords:
    asked = HeldQuestion(kind=kind, keys=list(keys), documents=documents)
    return line.call("POST", "/held", HeldRecords, content=encode(asked), headers=JSON)


def _fail(lease: Lease, failure: CallFailed) -> None:
    """Tried again later, or given up until somebody mended it; what was reached stays."""
    pull = lease.pull
    wait = failure.retry_after if failure.retry_after is not None else min(3_600.0, 30.0 * 2 ** min(pull.failures, 7))
    Pull.objects.filter(pk=pull.pk, claimed_until=lease.until).update(
        failures=min(pull.failures + 1, 1_000),
        not_before=clock.now() + timedelta(seconds=wait),
        claimed_until=clock.now(),
        error_code=failure.code[:40],
        error_text=failure.detail[:500],
        state=PullState.FAILED if failure.kind in GIVEN_UP else pull.state,
    )
