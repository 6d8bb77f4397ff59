"""At the agency: comparing with the other side from the roots down, only where they differ.

It ends in a statement of equality that both sides keep, or in a list: missing here, missing there, differs in these fields. What is
still on its way is told apart, so that an ordinary day does not look like damage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction

from exchange.choices import DeliveryState, DifferenceKind, ReconciliationState
from exchange.connectors import CallFailed, Connector, connect
from exchange.contract import (
    FAN,
    MAX_DOCUMENTS,
    PROFILE_KIND,
    UNIT_KIND,
    Certificate,
    DigestAnswer,
    DigestQuestion,
    DocumentsQuestion,
    ErrorKind,
    KindName,
)
from exchange.models import Channel, Delivery, Difference, Reconciliation
from exchange.selectors.sight import operates_line
from exchange.services.buckets import Holding, Tree, cell_digests, cell_entries, entries_read, tree_now
from exchange.services.forming import channels_called
from exchange.services.inbound_digests import equality_statement
from orgtree import clock
from orgtree.models import User
from workflows.cms import SignatureRefused, bind_to_agency, verify_detached
from workflows.dispatch import send_on_commit
from workflows.documents import parse
from workflows.errors import NotAllowed, WrongState
from workflows.models import StoredDocument
from workflows.services.audit import audit
from workflows.services.signing import bind_to_account
from workflows.targets import target
from workflows.trust import TrustStore

KINDS: tuple[KindName, ...] = (UNIT_KIND, PROFILE_KIND)
HERE = Holding(None)
ASKED_BUCKETS, ASKED_CELLS = 256, 512
RECONCILE_TASK = "exchange.reconcile"
UNDER_WAY = timedelta(minutes=15)  # after which a run that has not ended was killed
LISTED = 20_000  # differences that are listed one by one; beyond them their number says enough
COMPARED = 1_000  # differing records whose fields are compared

T = TypeVar("T")
Entries = Mapping[UUID, tuple[int, bytes]]


@dataclass(frozen=True)
class Found:
    """One record on which the sides differ."""

    what: DifferenceKind
    kind: KindName
    key: UUID
    here: int | None
    there: int | None
    digest: bytes | None  # of the document here


def reconcile(*, actor: User | None, channel: Channel, connector: Callable[[Channel], Connector] = connect) -> Reconciliation:
    """Compare everything with the other side now (actor None: from a shell, or the nightly run). Raises NotAllowed; a failed call is kept."""
    return reconciliation_run(run=_start(actor, channel), connector=connector)


def reconciliations_nightly(*, connector: Callable[[Channel], Connector] = connect) -> list[Reconciliation]:
    """Compare every active line once a night, unless it was compared today; what differs then stands on the operator's page in the morning."""
    midnight = clock.now().astimezone(clock.ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    ended = Reconciliation.objects.filter(state__in=[ReconciliationState.EQUAL, ReconciliationState.DIFFERENT], started_at__gte=midnight)
    lines = [one for one in channels_called() if not ended.filter(channel=one).exists()]
    return [reconcile(actor=None, channel=one, connector=connector) for one in lines]


def reconciliation_start(*, actor: User, channel: Channel) -> Reconciliation:
    """Let a worker compare; the run can be watched. One that is under way already is given instead of a second. Raises NotAllowed."""
    recent = clock.now() - UNDER_WAY
    running = Reconciliation.objects.filter(channel=channel, state=ReconciliationState.RUNNING, started_at__gt=recent).first()
    if running is not None and operates_line(actor):
        return running
    with transaction.atomic():
        run = _start(actor, channel)
        send_on_commit(RECONCILE_TASK, str(run.pk))
    return run


def _start(actor: User | None, channel: Channel) -> Reconciliation:
    if actor is not None and not operates_line(actor):
        raise NotAllowed
    return Reconciliation.objects.create(channel=channel, actor=actor)


def reconciliation_run(*, run: Reconciliation, connector: Callable[[Channel], Connector] = connect) -> Reconciliation:
    """Bring a run to its end."""
    line = connector(run.channel)
    try:
        with line:
            _compare(run, line)
    except CallFailed as failure:
        run.state, run.error = ReconciliationState.FAILED, f"{failure.code}: {failure.detail}"[:600]
    run.ended_at, run.received_bytes = clock.now(), getattr(line, "received", 0)
    run.save()
    audit(actor=run.actor, action="reconciliation.run", channel=run.channel.code, state=str(run.state), found=run.found)
    return run


def reconciliation_sign(*, actor: User, run: Reconciliation, signature: bytes, connector: Callable[[Channel], Connector] = connect) -> Reconciliation:
    """Keep a signature over the statement of equality, by the operator or the agency's seal, and tell the other side.

    Raises NotAllowed, WrongState without a statement or with a signature, SignatureRefused, CallFailed (the signature is kept then).
    """
    if not operates_line(actor):
        raise NotAllowed
    with transaction.atomic():
        run = Reconciliation.objects.select_for_update(of=("self",)).select_related("channel").get(pk=run.pk)
        if not run.statement or run.agency_signature:
            raise WrongState
        verified = verify_detached(
            content=bytes(run.statement), signature=signature, moment=clock.now(), trust=TrustStore.load(settings.TRUST_DIRECTORY)
        )
        try:
            bind_to_account(verified, actor)
        except SignatureRefused:
            bind_to_agency(verified, organization_identifier=settings.AUTHORITY)
        run.agency_signature, run.agency_signer = signature, verified.subject[:500]
        run.save(update_fields=["agency_signature", "agency_signer"])
        audit(actor=actor, action="reconciliation.signed", reconciliation=str(run.pk), signer=run.agency_signer)
    return signatures_exchange(run=run, connector=connector)


def signatures_exchange(*, run: Reconciliation, connector: Callable[[Channel], Connector] = connect) -> Reconciliation:
    """Send our signature, when there is one, and fetch the other side's. Raises CallFailed, SignatureRefused for one that does not hold."""
    sent = Certificate(statement=bytes(run.statement), agency_signature=bytes(run.agency_signature))
    with connector(run.channel) as line:
        told = line.certificate(sent)
    if told.hub_signature and not run.hub_signature:
        verified = verify_detached(
            content=bytes(run.statement), signature=told.hub_signature, moment=clock.now(), trust=TrustStore.load(settings.TRUST_DIRECTORY)
        )
        run.hub_signature, run.hub_signer = told.hub_signature, verified.subject[:500]
        run.save(update_fields=["hub_signature", "hub_signer"])
    return run


def _compare(run: Reconciliation, line: Connector) -> None:
    found: list[Found] = []
    roots: dict[str, tuple[str, int]] = {}
    hub = ""
    for kind in KINDS:
        mine, theirs = tree_now(HERE, kind), line.digests(DigestQuestion(kind=kind, depth="groups"))
        run.records, run.there, hub = run.records + mine.count, run.there + theirs.count, theirs.hub
        roots[kind] = (mine.root.hex(), mine.count)
        if mine.root.hex() != theirs.root:
            found += _descend(kind, mine, theirs, line)
    run.found = len(found)
    if found:
        run.state = ReconciliationState.DIFFERENT
        _list(run, _on_the_way(run.channel, found), line)
        return
    at = clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    run.statement = equality_statement(agency=settings.AUTHORITY, hub=hub, at=at, kinds=roots)
    line.certificate(Certificate(statement=run.statement))
    run.state = ReconciliationState.EQUAL


def _descend(kind: KindName, mine: Tree, theirs: DigestAnswer, line: Connector) -> Iterator[Found]:
    """From groups to buckets to cells to entries, each time only into what differs."""
    groups = _differing(range(FAN), mine.groups, _digests(theirs, FAN))
    answer = line.digests(DigestQuestion(kind=kind, depth="buckets", inside=groups))
    places = [group * FAN + child for group in groups for child in range(FAN)]
    buckets = _differing(places, [mine.buckets[place] for place in places], _digests(answer, len(places)))
    for some in _pages(buckets, ASKED_BUCKETS):
        ours = cell_digests(HERE, kind, some)
        answer = line.digests(DigestQuestion(kind=kind, depth="cells", inside=some))
        places = [bucket * FAN + child for bucket in some for child in range(FAN)]
        cells = _differing(places, [digest for bucket in some for digest in ours[bucket]], _digests(answer, len(places)))
        for few in _pages(cells, ASKED_CELLS):
            answer = line.digests(DigestQuestion(kind=kind, depth="entries", inside=few))
            yield from _entries_compare(kind, entries_read(cell_entries(HERE, kind, few)), _entries(answer))


def _entries_compare(kind: KindName, ours: Entries, theirs: Entries) -> Iterator[Found]:
    for key in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(key), theirs.get(key)
        if here == there:
            continue
        what = DifferenceKind.MISSING_THERE if there is None else DifferenceKind.MISSING_HERE if here is None else DifferenceKind.DIFFERS
        yield Found(what, kind, key, here and here[0], there and there[0], here and here[1])


def _differing(places: Sequence[int], ours: Sequence[bytes], theirs: Sequence[bytes]) -> list[int]:
    return [place for place, one, other in zip(places, ours, theirs, strict=True) if one != other]


def _digests(answer: DigestAnswer, count: int) -> list[bytes]:
    if len(answer.data) != 32 * count:
        raise CallFailed(ErrorKind.SCHEMA, "ANSWER_UNREADABLE", f"{count} digests were asked for, {len(answer.data)} bytes came")
    return [answer.data[start : start + 32] for start in range(0, len(answer.data), 32)]


def _entries(answer: DigestAnswer) -> Entries:
    try:
        return entries_read(answer.data)
    except ValueError as error:
        raise CallFailed(ErrorKind.SCHEMA, "ANSWER_UNREADABLE", str(error)) from error


def _on_the_way(channel: Channel, found: Sequence[Found]) -> list[Found]:
    """What is waiting or sent explains why the other side lacks it, or has an earlier version."""
    ours = [one.key for one in found if one.what != DifferenceKind.MISSING_HERE]
    moving: set[tuple[str, UUID]] = set()
    for some in _pages(ours, 5_000):
        under_way = Delivery.objects.filter(channel=channel, state__in=[DeliveryState.WAITING, DeliveryState.SENT], message__key__in=some)
        moving |= set(under_way.order_by().values_list("message__kind", "message__key"))
    return [_as_moving(one) if (one.kind, one.key) in moving else one for one in found]


def _as_moving(one: Found) -> Found:
    return Found(DifferenceKind.ON_THE_WAY, one.kind, one.key, one.here, one.there, one.digest)


def _list(run: Reconciliation, found: Sequence[Found], line: Connector) -> None:
    order = {what: place for place, what in enumerate(DifferenceKind)}
    listed = sorted(found, key=lambda one: (order[one.what] if one.what != DifferenceKind.ON_THE_WAY else 9, one.kind, one.key))[:LISTED]
    names = _fields(line, [one for one in listed if one.what == DifferenceKind.DIFFERS][:COMPARED])
    Difference.objects.bulk_create(
        [
            Difference(
                reconciliation=run,
                what=one.what,
                kind=one.kind,
                key=one.key,
                version_here=one.here,
                version_there=one.there,
                fields=names.get((one.kind, one.key), []),
            )
            for one in listed
        ],
        batch_size=5_000,
    )


def _fields(line: Connector, differing: Sequence[Found]) -> dict[tuple[str, UUID], list[str]]:
    """In which fields the documents differ, by the other side's own word of what it holds."""
    names: dict[tuple[str, UUID], list[str]] = {}
    for kind in KINDS:
        of_kind = [one for one in differing if one.kind == kind]
        for some in _pages(of_kind, MAX_DOCUMENTS):
            there = line.documents(DocumentsQuestion(kind=kind, keys=[one.key for one in some])).documents
            here = StoredDocument.objects.in_bulk([one.digest for one in some if one.digest])
            for one in some:
                theirs, ours = there.get(str(one.key)), here.get(one.digest)
                if theirs is not None and ours is not None:
                    names[kind, one.key] = sorted(target(kind).schema.changed(theirs, parse(bytes(ours.body))))
    return names


def _pages(members: Sequence[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(members), size):
        yield list(members[start : start + size])
