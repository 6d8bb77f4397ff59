"""On the hub: counting what each day brought of each agency, in the transactions that bring it, and once more from the results."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Q, Sum

from exchange.models import Agency, AgencyDay
from exchange.selectors.board import moved_until
from exchange.selectors.terms import due_days
from orgtree import clock

CONTACT_NOTED_AFTER = timedelta(minutes=1)
COUNTERS = ("batches", "files", "units", "accepted", "refused", "late", "trials", "trials_passed")


def day_count(*, agency: Agency, at: datetime | None = None, matched: int | None = None, **counted: int) -> None:
    """Add to the counters of the day of `at`, the moment that stands in the evidence, or of now; one statement, so two workers lose no count."""
    unknown = set(counted) - set(COUNTERS)
    if unknown:
        raise ValueError(f"no counter is called {', '.join(sorted(unknown))}")
    amounts = [counted.get(name, 0) for name in COUNTERS]
    added = ", ".join(f"{name} = d.{name} + excluded.{name}" for name in COUNTERS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into exchange_agencyday as d (agency_id, day, {', '.join(COUNTERS)}, matched) "  # noqa: S608 (names of our own)
            f"values (%s, %s, {', '.join(['%s'] * len(COUNTERS))}, %s) on conflict (agency_id, day) do update "
            f"set {added}, matched = coalesce(excluded.matched, d.matched)",
            [agency.pk, clock.counted_on(at or clock.now()), *amounts, matched],
        )


def contact_note(*, agency: Agency) -> None:
    """The agency called: once a minute at most it is written down."""
    now = clock.now()
    silent = Q(last_contact=None) | Q(last_contact__lt=now - CONTACT_NOTED_AFTER)
    if Agency.objects.filter(silent, pk=agency.pk).update(last_contact=now):
        day_count(agency=agency)


def late_count(*, kinds: Collection[str], signed_at: datetime, received_at: datetime) -> int:
    """How many records of these kinds came after their term, which began when the agency received the signature."""
    terms = dict(zip(set(kinds), due_days([(kind, signed_at) for kind in set(kinds)]), strict=True))
    return sum(terms[kind] < day_of(received_at) for kind in kinds)


def day_of(at: datetime) -> date:
    """The day in Viet Nam."""
    return at.astimezone(clock.ZONE).date()


# The same counters from what is never changed: results, evidence, trials. A moment counts as `clock.counted_on` says. Late ones need the working
# days, so they are not among them.
RECOUNT = """
with counted(agency_id, at, batches, files, units, accepted, refused, trials, trials_passed) as (
  select b.agency_id, b.processed_at, 1, 0, 0, b.accepted, b.rejected, 0, 0 from exchange_inboundbatch b where b.state = 'processed'
  union all
  select b.agency_id, b.processed_at, 0, (v.kind = 'staff_profile')::int, (v.kind = 'org_unit')::int, 0, 0, 0, 0
  from workflows_recordversion v join exchange_inboundbatch b on b.request_id = v.request_id where v.version = 1
  union all
  select t.agency_id, t.received_at, 0, 0, 0, 0, 0, 1, t.passed::int from exchange_inboundtrial t
)
select agency_id, least((at at time zone 'Asia/Ho_Chi_Minh')::date, %s) as day,
  sum(batches), sum(files), sum(units), sum(accepted), sum(refused), sum(trials), sum(trials_passed) from counted group by 1, 2
"""
RECOUNTED = ("batches", "files", "units", "accepted", "refused", "trials", "trials_passed")
# How many files the hub holds of each agency now, by the tree in which their people stand.
HELD = """
select a.id, count(*) from exchange_agency a join orgtree_orgunit r on r.id = a.root_id join orgtree_orgunit u on u.tree_id = r.tree_id
join registry_staffprofile s on s.using_unit_id = u.id group by a.id
"""


def tally_differences() -> list[str]:
    """Counters that are not what the results say, and files that are not where the board counts them, as sentences; none is what it should be."""
    with connection.cursor() as cursor:
        cursor.execute(RECOUNT, [clock.today()])
        again = {(agency, day): dict(zip(RECOUNTED, counts, strict=True)) for agency, day, *counts in cursor.fetchall()}
        cursor.execute(HELD)
        held: dict[int, int] = dict(cursor.fetchall())
    kept = {(one.agency_id, one.day): {name: getattr(one, name) for name in RECOUNTED} for one in AgencyDay.objects.all()}
    nothing = dict.fromkeys(RECOUNTED, 0)
    counters = [
        f"agency {agency} on {day}: {name} is {kept.get((agency, day), nothing)[name]}, the results say {again.get((agency, day), nothing)[name]}"
        for agency, day in sorted(kept.keys() | again.keys())
        for name in RECOUNTED
        if kept.get((agency, day), nothing)[name] != again.get((agency, day), nothing)[name]
    ]
    return counters + [
        f"agency {agency}: the hub holds {held.get(agency, 0)} files, the days and transfers make {counted}"
        for agency, counted in sorted(_counted().items())
        if counted != held.get(agency, 0)
    ]


def _counted() -> dict[int, int]:
    """By agency, what its days say that it has brought, with whoever came and less whoever left by transfer."""
    moved = moved_until(clock.today())
    brought = dict(AgencyDay.objects.order_by().values_list("agency").annotate(files=Sum("files")))
    return {agency: brought.get(agency, 0) + moved.get(agency, 0) for agency in brought.keys() | moved.keys()}
