"""Checking an upload: from its rows to findings, changes and states, in one transaction that may be repeated at any time.

    cells -> values (upload_cleaning) -> whose row (upload_matching) -> the gate's own check (staging.proposals_checked) -> what was concluded

Nothing is asked of memory that grows with the workbook: rows go through in blocks of what one change request holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from registry.choices import ChangeKind, RowState, Section
from registry.fields import BY_NAME, FORMER_NUMBER
from registry.fields.written import columns_of
from registry.messages import REMARKS, WORKBOOK
from registry.models import Upload, UploadChange, UploadRow
from registry.selectors.acts import PAY, STANDS
from registry.selectors.consequences import SALARY
from registry.selectors.upload_grid import recipes_of
from registry.selectors.upload_people import missing_people
from registry.services.upload_cells import Cleaner
from registry.services.upload_cleaning import rows_clean
from registry.services.upload_findings import CHUNK, Findings
from registry.services.upload_matching import people_match
from registry.services.upload_old_cards import BESIDE, old_cards_take
from registry.services.upload_old_cards import KIND as OLD_CARD
from registry.services.upload_repairs import repairs_count
from registry.services.upload_rows import KIND, checked_rows, rows_propose
from workflows.choices import RiskClass
from workflows.rules import Found
from workflows.services.staging import MAXIMUM, Checked, Proposal, proposals_checked

Tell = Callable[[str, int, int], None]
# Findings of the gate on a whole record that only follow from what is said of this field.
FOLLOWS_FROM = {"TWICE_IN_REQUEST": "citizen_id", "OUT_OF_SCOPE": "using_unit"}
KEPT = frozenset({*REMARKS, *WORKBOOK, "CORRECTED_TWICE"})  # findings that no check makes, and so none takes away
# Who somebody is does not change as pay and posts do: overwriting it, once verified, wants a reason.
HARMFUL = sorted(one.name for one in BY_NAME.values() if one.risk == RiskClass.A and one.section == Section.IDENTITY and not one.is_beside)

# What is paid is asked about once a row, at the first of these that differs.
PAID_FIRST = ("step", "rank_code", "coefficient", "percent", "step_date", "rank_date")

_FREE_ENDED = """
update registry_uploadrow r set state = 'waiting', request_id = null from workflows_changeitem i
where r.upload_id = %(upload)s and r.state = 'submitted' and i.request_id = r.request_id and i.state in ('excluded', 'conflict', 'ended')
    and (i.kind = %(kind)s and i.ref = r.sheet_row or i.kind = %(card)s and i.ref = %(beside)s + r.sheet_row and r.changed::text[] = array[%(field)s])
"""
_TAKE_CLEAN = """
update checked_row c set state = 'staged', op = d.op, base_version = d.base_version, changed = d.changed, key = d.key
from candidate d where d.ref = c.sheet_row
"""
# `seen` is the document of the version that the row was first compared with, if the file has moved on since.
_TAKE_CHANGES = """
insert into registry_uploadchange(upload_id, sheet_row, key, field, kind, verified, before, after)
select %(upload)s, d.ref, d.key, f.name,
    case when seen.body is not null and (seen.body -> f.name) is distinct from (j.before -> f.name) then 'conflict'
         when coalesce(j.before -> f.name, 'null') in ('null', '[]') then 'fill' else 'overwrite' end,
    false, j.before -> f.name, j.after -> f.name
from candidate d join checked_row c on c.sheet_row = d.ref
join registry_staffprofile l on l.id = d.key
join workflows_storeddocument b on b.digest = l.digest
left join lateral (
    select convert_from(s.body, 'UTF8')::jsonb as body from workflows_recordversion v join workflows_storeddocument s on s.digest = v.document_id
    where c.seen_version < d.base_version and v.kind = %(kind)s and v.key = d.key and v.version = c.seen_version offset 0
) seen on true
cross join lateral (select convert_from(b.body, 'UTF8')::jsonb as before, convert_from(d.body, 'UTF8')::jsonb as after offset 0) j
cross join lateral unnest(d.changed) f(name)
where d.op = 'update'
"""
_VERIFY = """
update registry_uploadchange u set verified = true
where u.upload_id = %(upload)s and u.kind <> 'fill' and u.field = any(%(harmful)s) and exists (
    select from workflows_changeitem i join workflows_stage s on s.request_id = i.request_id
    join workflows_decision d on d.stage_id = s.id and d.signature_id is not null
    where i.kind = %(kind)s and i.key = u.key and i.state = 'applied' and u.field = any(i.changed))
"""
# By hand these are corrections, which want a reason: what was signed, what somebody else changed meanwhile, what stands since birth or entry,
# and rank, step or coefficient of the day on file. Pay of a later day is a new fact, as in a decision: it stands on its own date
# (`upload_facts`). A reason for one of what is paid is one for all of it.
_UNREASONED = """
with news as (
    select d.sheet_row from registry_uploadchange d join registry_uploadchange e on e.upload_id = d.upload_id and e.sheet_row = d.sheet_row
    where d.upload_id = %(upload)s and (d.kind = 'fill' or d.after #>> '{}' > d.before #>> '{}') and (
        d.field = 'step_date' and e.field = any(%(paid)s) or d.field = 'rank_date' and e.field = 'rank_code')
), asked as (
    select c.sheet_row, u.field, u.kind, (c."values"::json ->> 'step_date') is not null as dated from checked_row c
    join registry_uploadrow r on r.upload_id = %(upload)s and r.sheet_row = c.sheet_row
    join registry_uploadchange u on u.upload_id = %(upload)s and u.sheet_row = c.sheet_row
    where (u.verified or u.kind = 'conflict' or u.kind = 'overwrite' and (u.field = any(%(stands)s) or u.field = any(%(pay)s)
            and u.sheet_row not in (select sheet_row from news)))
        and not r.reasons ? u.field and not (u.kind = 'overwrite' and u.field = any(%(pay)s) and r.reasons ?| %(pay)s)
), returned as (
    update checked_row set state = 'returned' where sheet_row in (select sheet_row from asked)
)
select sheet_row, field, kind, dated from asked
"""
_CONCLUDE = """
update registry_uploadrow r set "values" = c."values"::jsonb, key = c.key, match = c.match, candidates = c.candidates, op = c.op,
    base_version = c.base_version, changed = c.changed, state = c.state,
    seen_version = coalesce(r.seen_version, c.base_version)
from checked_row c where r.upload_id = %(upload)s and r.sheet_row = c.sheet_row and c.sheet_row > %(after)s and c.sheet_row <= %(until)s
"""


def rows_check(*, upload: Upload, tell: Tell = lambda stage, done, total: None, only: Sequence[int] | None = None) -> dict[str, Any]:
    """Conclude anew about every open row, or those of them in `only`. Returns the upload's figures. Runs inside the caller's transaction."""
    _forget(upload, only)
    with connection.cursor() as cursor:
        cursor.execute(_FREE_ENDED, {"upload": upload.pk, "kind": KIND, "card": OLD_CARD, "beside": BESIDE, "field": FORMER_NUMBER})
    with Findings(upload) as findings:
        total, cleaner = upload.read, Cleaner(upload, recipes_of(upload))
        rows_clean(cleaner=cleaner, findings=findings, tell=lambda done: tell("cleaning", done, total), only=only)
        if only is None:
            repairs_count(upload=upload, cells=cleaner.repaired)
        tell("matching", 0, 0)
        people_match(upload=upload, findings=findings)
        after = 0
        while (block := _block_end(after)) is not None:
            _check_block(upload, findings, after, block, lambda stage, done: tell(stage, done, total))
            after = block
        tell("concluding", 0, total)
        old_cards_take(upload=upload)
        _overwritten_need_reasons(upload, findings)
    _conclude(upload, lambda done: tell("concluding", done, total))
    return rows_count(upload) | {"paired": pairs_used(upload, cleaner.paired, whole=only is None)}


def _conclude(upload: Upload, tell: Callable[[int], None]) -> None:
    """What was found of each row beside what was given of it; a block at a time, as a million rows take longer than one statement may."""
    after = done = 0
    with connection.cursor() as cursor:
        while (block := _block_end(after, every=True)) is not None:
            cursor.execute(_CONCLUDE, {"upload": upload.pk, "after": after, "until": block})
            after, done = block, done + cursor.rowcount
            tell(done)
        cursor.execute("drop table checked_row")


def pairs_used(upload: Upload, paired: Mapping[tuple[str, str, str], int], *, whole: bool) -> list[dict[str, Any]]:
    """`Upload.paired` after a check. One of single rows adds what it met first and leaves the other figures as they are."""
    known = {} if whole else {(one["field"], one["theirs"], one["code"]): one["cells"] for one in upload.paired}
    figures = {**paired, **known}
    return [{"field": name, "theirs": theirs, "code": code, "cells": cells} for (name, theirs, code), cells in sorted(figures.items())]


def rows_count(upload: Upload) -> dict[str, Any]:
    """The figures of an upload, from its rows: columns of Upload, and `counts`."""
    rows = UploadRow.objects.filter(upload=upload)
    by_state: dict[str, int] = dict(rows.order_by().values_list("state").annotate(times=Count("pk")))
    accepted = rows.filter(state__in=[RowState.STAGED, RowState.SUBMITTED]).aggregate(new=Count("pk", filter=Q(op="create")), all=Count("pk"))
    cells: dict[str, int] = dict(UploadChange.objects.filter(upload=upload).order_by().values_list("kind").annotate(times=Count("pk")))
    verified = UploadChange.objects.filter(upload=upload, verified=True).count()
    undecided = by_state.get(RowState.UNDECIDED, 0)
    return {
        "read": sum(by_state.values()),
        "staged": accepted["all"],
        "returned": by_state.get(RowState.RETURNED, 0) + undecided + by_state.get(RowState.WAITING, 0),
        "unchanged": by_state.get(RowState.UNCHANGED, 0),
        "left_out": by_state.get(RowState.LEFT_OUT, 0),
        "counts": {
            "new": accepted["new"],
            "changed": accepted["all"] - accepted["new"],
            "missing": missing_people(upload).count(),
            "undecided": undecided,
            "submitted": by_state.get(RowState.SUBMITTED, 0),
            **{str(kind): cells.get(kind, 0) for kind in ChangeKind},
            "verified": verified,
        },
    }


def _forget(upload: Upload, only: Sequence[int] | None) -> None:
    """What an earlier check concluded of open rows; remarks on the workbook stay, and what was submitted keeps what was said of it."""
    rows = UploadRow.objects.filter(upload=upload).exclude(state=RowState.SUBMITTED)
    if only is not None:
        rows = rows.filter(sheet_row__in=only)
    upload.findings.exclude(code__in=KEPT).filter(sheet_row__in=rows.values("sheet_row")).delete()
    upload.changes.filter(sheet_row__in=rows.values("sheet_row")).delete()


def _block_end(after: int, *, every: bool = False) -> int | None:
    """The last of the next rows that go to the gate (or of all rows), as many as one request holds; None beyond the end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select max(sheet_row) from (select sheet_row from checked_row where (proposed or %s) and sheet_row > %s order by sheet_row limit %s) b",
            [every, after, MAXIMUM],
        )
        return cursor.fetchone()[0]


def _check_block(upload: Upload, findings: Findings, after: int, until: int, tell: Callable[[str, int], None]) -> None:
    failed: dict[int, set[str]] = {}
    proposals = _proposals(upload, findings, after, until, failed)
    with proposals_checked(actor=upload.uploader, proposals=proposals, on_progress=tell) as checked:
        _tell_found(checked, failed, findings, frozenset(one["field"] for one in upload.mapping if one.get("field")))
        with connection.cursor() as cursor:
            cursor.execute("update checked_row set state = 'returned' where sheet_row = any(%s)", [list(checked.returned)])
            cursor.execute("update checked_row set state = 'unchanged' where sheet_row = any(%s)", [list(checked.unchanged)])
            cursor.execute(_TAKE_CLEAN)
            cursor.execute(_TAKE_CHANGES, {"upload": upload.pk, "kind": KIND})


def _proposals(upload: Upload, findings: Findings, after: int, until: int, failed: dict[int, set[str]]) -> Iterator[Proposal]:
    while rows := [row for row in checked_rows(after=after, limit=CHUNK) if row.sheet_row <= until]:
        for one in rows_propose(upload=upload, rows=rows):
            number = one.proposal.ref
            for problem in one.problems:
                failed.setdefault(number, set()).add(problem.field)
                findings.add(number, problem.code, problem.field, value=problem.value, params=problem.params)
            yield one.proposal
        failed |= {row.sheet_row: failed.get(row.sheet_row, set()) | set(row.failed) for row in rows if row.failed}
        after = rows[-1][0]


def _tell_found(checked: Checked, failed: Mapping[int, set[str]], findings: Findings, read: frozenset[str]) -> None:
    for found in [*(one for many in checked.returned.values() for one in many), *checked.remarks]:
        if not _already_told(found, failed.get(found.ref, set()), checked.returned.get(found.ref, ()), read):
            findings.add(found.ref, found.code, found.field, value=found.value, severity=found.severity)


def _already_told(found: Found, failed: set[str], others: Iterable[Found], read: frozenset[str]) -> bool:
    """A field that could not be read is not also reported missing, nor a record without a readable unit as out of scope.

    While nobody knows whose row it is, since its number cannot be read, what has no column at all is not missed: files on hand have it.
    """
    if found.code in FOLLOWS_FROM:
        return FOLLOWS_FROM[found.code] in failed | {one.field for one in others}
    if "citizen_id" in failed and found.field and not found.value and columns_of(found.field)[0] not in read:
        return True
    return not failed.isdisjoint(columns_of(found.field))


def _overwritten_need_reasons(upload: Upload, findings: Findings) -> None:
    named: dict[str, Any] = {
        "upload": upload.pk,
        "harmful": HARMFUL,
        "stands": sorted(STANDS),
        "pay": sorted(PAY),
        "paid": list(SALARY),
        "kind": KIND,
    }
    with connection.cursor() as cursor:
        cursor.execute(_VERIFY, named)
        cursor.execute(_UNREASONED, named)
        asked = cursor.fetchall()
    paid = [one for one in asked if one[1] in PAY and one[2] != ChangeKind.CONFLICT]
    told = {row: (PAID_FIRST.index(field), dated) for row, field, _kind, dated in sorted(paid, key=lambda one: -PAID_FIRST.index(one[1]))}
    for row, field, kind, _dated in sorted(set(asked) - set(paid)):
        findings.add(row, "CHANGED_MEANWHILE" if kind == ChangeKind.CONFLICT else "REASON_MISSING", field)
    for row, (place, dated) in sorted(told.items()):
        dateless = not dated and PAID_FIRST[place] in SALARY
        findings.add(row, "PAY_DATE_MISSING" if dateless else "REASON_MISSING", PAID_FIRST[place])


def waits_for(upload: Upload) -> int:
    """Rows that somebody must still look at."""
    return UploadRow.objects.filter(upload=upload, state__in=[RowState.RETURNED, RowState.UNDECIDED, RowState.WAITING]).count()
