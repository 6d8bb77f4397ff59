"""The nightly sweep: every rule on every live file, in slices, each a transaction of its own.

The rules are those of the gate; only their subject differs (`workflows.rules`). A slice is a temporary table of keys, so that the
statement of all rules is compiled once a day and process. What is found is kept with the day on which it was first seen; what is no
longer found is resolved. Safe to run twice and at once: the row of the day's sweep is locked for each slice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import TextField, Value
from django.db.models.functions import Cast, Now
from django.utils.translation import gettext as _

from orgtree import clock
from registry.models import LIVE_ROWS, StaffProfile
from registry.models.sweep import Sweep, SweptFile
from registry.rules.demands import demands, sweep_rules
from registry.services.words import former_names_add, words_add
from workflows.choices import Op
from workflows.models import JobRun, RecordVersion
from workflows.rules import Check, Others, Rule, Subject
from workflows.services.jobs import job_advance, job_finish, job_queue, job_start
from workflows.targets import Target, target

KIND = "staff_profile"
SLICE = 2_000
STAGE = "judging"
TASK = "registry.after_apply"

MERGE = """
insert into registry_sweepfinding as f (staff_id, code, severity, field, value, first_seen, last_seen)
select distinct staff_id, code, severity, field, value, %(day)s::date, %(day)s::date from swept_finding
on conflict (staff_id, code, field, md5(value)) do update set
    severity = excluded.severity, last_seen = excluded.last_seen, resolved_on = null,
    first_seen = case when f.resolved_on is null then f.first_seen else excluded.first_seen end
"""
RESOLVE = """
update registry_sweepfinding f set resolved_on = %(day)s
where f.resolved_on is null and f.staff_id in (select id from swept_file) and not exists (
    select from swept_finding s where s.staff_id = f.staff_id and s.code = f.code and s.field = f.field and s.value = f.value)
"""


def sweep_run(*, seconds: float = 540) -> Sweep:
    """Start the sweep of today, or take it up where it stopped, and work on it for so long. Returns it as it then stands."""
    until = time.monotonic() + seconds
    sweep = _sweep_of(clock.today())
    while sweep.finished_at is None and time.monotonic() < until:
        sweep = _slice(sweep.pk)
    return sweep


def people_recheck(*, keys: Iterable[UUID]) -> int:
    """Judge these files again at once, since they have just changed; returns how many. What was put right leaves the work list."""
    done, rest = 0, iter(sorted(keys))
    while part := list(islice(rest, SLICE)):
        with transaction.atomic():
            _judge(part, clock.today())
        done += len(part)
    return done


def applied_take_up(*, request_id: UUID) -> None:
    """After a request was applied: the words of its people's names, former names of its units, and its people judged again."""
    changed: dict[str, list[UUID]] = {"staff_profile": [], "org_unit": []}
    for kind, key in RecordVersion.objects.filter(request=request_id, kind__in=changed).values_list("kind", "key"):
        changed[kind].append(key)
    if changed["org_unit"]:
        former_names_add(units=changed["org_unit"])
    if changed["staff_profile"]:
        words_add(keys=changed["staff_profile"])
        people_recheck(keys=changed["staff_profile"])


def _sweep_of(day: date) -> Sweep:
    with transaction.atomic(), connection.cursor() as cursor:
        # Two workers at one o'clock: the second waits here, and finds the first one's row.
        cursor.execute("lock table registry_sweep in share row exclusive mode")
        found = Sweep.objects.filter(day=day).first()
        if found is not None:
            return found
        words_add()
        former_names_add()
        job = job_queue(kind="sweep", subject=f"sweep:{day}", title=_("Nightly review of all files"), actor=None)
        return Sweep.objects.create(day=day, job=job_start(job=job), total=StaffProfile.objects.count())


def _slice(pk: int) -> Sweep:
    """Judge the next files of the sweep, or end it when there are none."""
    with transaction.atomic():
        sweep = Sweep.objects.select_for_update(of=("self",)).select_related("job").get(pk=pk)
        if sweep.finished_at is not None:
            return sweep
        files = StaffProfile.objects.order_by("pk").values_list("pk", flat=True)
        part = list((files.filter(pk__gt=sweep.reached) if sweep.reached else files)[:SLICE])
        if part:
            _judge(part, sweep.day)
            sweep.reached, sweep.done = part[-1], sweep.done + len(part)
        else:
            sweep.finished_at = Now()
        sweep.save(update_fields=["reached", "done", "finished_at"])
    sweep.refresh_from_db()
    _tell(sweep.job, sweep)
    return sweep


def _tell(job: JobRun, sweep: Sweep) -> None:
    if sweep.finished_at is not None:
        job_finish(job=job, done=sweep.done, total=sweep.done)
    else:
        job_advance(job=job, stage=STAGE, done=sweep.done, total=max(sweep.total, sweep.done))


def _judge(keys: list[UUID], day: date) -> None:
    """Run every rule on these files and bring the findings up to date, inside the caller's transaction."""
    one = target(KIND)
    sql, params = _all_rules(one, day, (*one.rules, *sweep_rules(demands())))
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.swept_file, pg_temp.swept_finding")
        cursor.execute("create temp table swept_file(id uuid primary key)")
        cursor.execute("insert into swept_file select unnest(%s::uuid[])", [keys])
        cursor.execute("analyze swept_file")
        cursor.execute("create temp table swept_finding(staff_id uuid, code text, severity text, field text, value text)")
        cursor.execute(
            f"insert into swept_finding select staff_id, code, severity, field, left(coalesce(value, ''), 300) from ({sql}) found",  # noqa: S608 - compiled
            params,
        )
        cursor.execute(MERGE, {"day": day})
        cursor.execute("analyze swept_finding")
        cursor.execute(RESOLVE, {"day": day})
        cursor.execute("drop table swept_file, swept_finding")


@lru_cache(maxsize=4)
def _all_rules(one: Target, day: date, rules: tuple[Rule, ...]) -> tuple[str, tuple[Any, ...]]:
    """One statement that selects (staff_id, code, severity, field, value) of each rule on the files in `swept_file`."""
    under = SweptFile.objects.values("pk")
    rows = {name: live._default_manager.filter(staff__in=under) for name, live in LIVE_ROWS.items()}
    files = StaffProfile.objects.all()
    judged = files.filter(pk__in=under).annotate(op=Value(Op.UPDATE.value))  # rules that tell new files from old ones ask for it
    check = Check(subject=Subject(judged, rows), others=Others((files,)), today=day)
    columns = {item.name: item.column for item in one.schema.fields}
    parts: list[str] = []
    params: list[Any] = []
    for rule in rules:
        expression = Cast(rule.value_expression(columns.get(rule.field, rule.field)), TextField())
        try:
            found = rule.find(check).annotate(finding_value=expression).values_list("staff_id" if rule.rows else "pk", "finding_value")
            sql, values = found.query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append(
            f"select q.staff_id, %s::text as code, %s::text as severity, %s::text as field, q.value from ({sql}) q(staff_id, value)"  # noqa: S608
        )
        params += [rule.code, str(rule.severity), rule.field, *values]
    return " union all ".join(parts), tuple(params)
