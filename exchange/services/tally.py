"""On the hub: counting what each day brought of each agency, in the transactions that bring it, and once more from the results."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Q

from exchange.models import Agency, AgencyDay
from exchange.selectors.terms import due_days
from orgtree import clock

CONTACT_NOTED_AFTER = timedelta(minutes=1)
COUNTERS = ("batches", "files", "units", "accepted", "refused", "late", "trials", "trials_passed")


def day_count(*, agency: Agency, matched: int | None = None, **counted: int) -> None:
    """Add to today's counters; one statement, so that two workers never lose a count."""
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
            [agency.pk, clock.today(), *amounts, matched],
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


# The same counters from what is never changed: results, evidence, trials. Late ones need the working days, so they are not among them.
RECOUNT = """
select agency_id, day, sum(batches), sum(files), sum(units), sum(accepted), sum(refused), sum(trials), sum(trials_passed) from (
  select b.agency_id, (b.processed_at at time zone 'Asia/Ho_Chi_Minh')::date as day, 1 as batches, 0 as files, 0 as units,
    b.accepted, b.rejected as refused, 0 as trials, 0 as trials_passed
  from exchange_inboundbatch b where b.state = 'processed'
  union all
  select b.agency_id, (b.processed_at at time zone 'Asia/Ho_Chi_Minh')::date, 0,
    (v.kind = 'staff_profile')::int, (v.kind = 'org_unit')::int, 0, 0, 0, 0
  from workflows_recordversion v join exchange_inboundbatch b on b.request_id = v.request_id where v.version = 1
  union all
  select t.agency_id, (t.received_at at time zone 'Asia/Ho_Chi_Minh')::date, 0, 0, 0, 0, 0, 1, t.passed::int from exchange_inboundtrial t) counted
group by agency_id, day
"""
RECOUNTED = ("batches", "files", "units", "accepted", "refused", "trials", "trials_passed")


def tally_differences() -> list[str]:
    """Counters that are not what the results say, as sentences; none is what it should be."""
    with connection.cursor() as cursor:
        cursor.execute(RECOUNT)
        again = {(agency, day): dict(zip(RECOUNTED, counts, strict=True)) for agency, day, *counts in cursor.fetchall()}
    kept = {(one.agency_id, one.day): {name: getattr(one, name) for name in RECOUNTED} for one in AgencyDay.objects.all()}
    nothing = dict.fromkeys(RECOUNTED, 0)
    return [
        f"agency {agency} on {day}: {name} is {kept.get((agency, day), nothing)[name]}, the results say {again.get((agency, day), nothing)[name]}"
        for agency, day in sorted(kept.keys() | again.keys())
        for name in RECOUNTED
        if kept.get((agency, day), nothing)[name] != again.get((agency, day), nothing)[name]
    ]
