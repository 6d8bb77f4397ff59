"""Proposals as candidates: merged over the ledger's documents, opened and checked beside the live tables, the wrong ones taken out.

The route is the same for one record and for 100,000: patches are merged in Python, 5,000 at a time, copied into the temporary table
`candidate`, and checked there set-wise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from workflows.choices import OPEN_STATES, Op, RiskClass, Severity
from workflows.documents import canonical, digest
from workflows.errors import TooLarge
from workflows.models import ChangeRequest
from workflows.opening import check, failed_leaves, findings, opened
from workflows.rules import Found
from workflows.selectors.live import live_documents
from workflows.targets import target

CHUNK = 5_000
MAXIMUM = 100_000
RARE_FROM, RARE_PERCENT = 50, 2  # in a batch of 50 changes or more, what two of a hundred change stands out
# Lists are copied as text: PostgreSQL makes arrays of them in a fraction of the time that the driver takes.
_COPIED = {
    "ref": "int4",
    "kind": "text",
    "key": "uuid",
    "op": "text",
    "base_version": "int4",
    "digest": "bytea",
    "body": "bytea",
    "changed_names": "text",
    "unit_keys": "text",
    "natural_hash": "bytea",
    "blocked": "bool",
    "risk": "text",
}
CANDIDATES = "select ref as leaf_index, kind, key, op, base_version, digest, body from candidate"


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One record as somebody wants it. `patch` names document keys (a list of rows as a whole) and is merged over what is there.

    `base_version` is the version the proposer looked at (None: whatever is there now); `ref` the proposer's own number for it,
    distinct within a request. A `blocked` one is known to be wrong already: it is checked for what else is wrong with it, so that
    its author sees everything at once, and is never staged. An `affirmed` one is staged even where nothing changes: a version that says once
    more what is there, under another signature. `least_risk` is the lowest class that it may have.
    """

    kind: str
    key: UUID
    patch: Mapping[str, Any]
    base_version: int | None = None
    ref: int = 0
    blocked: bool = False
    affirmed: bool = False
    least_risk: RiskClass = RiskClass.C


@dataclass(frozen=True)
class Checked:
    """What the check of proposals found. `kinds` counts by kind those that have no error and change something, `risk` is their highest class."""

    kinds: Mapping[str, int]
    risk: str
    unchanged: Sequence[int]
    returned: Mapping[int, Sequence[Found]]
    remarks: Sequence[Found]

    @property
    def clean(self) -> int:
        return sum(self.kinds.values())


@contextmanager
def proposals_checked(
    *,
    actor: User | None,
    proposals: Iterable[Proposal],
    allowed: QuerySet[OrgUnit] | None = None,
    on_progress: Callable[[str, int], None] | None = None,
) -> Iterator[Checked]:
    """Everything that staging does up to the request, in one transaction: what a preview shows is what staging will find.

    While the context is open, the temporary table `candidate` (ref, kind, key, op, base_version, digest, body, changed, risk) holds
    the proposals that are clean and change something. Raises TooLarge beyond 100,000 records.
    """
    tell = on_progress or (lambda stage, done: None)
    with transaction.atomic():
        unchanged, refused = _candidates_copy(proposals, tell)
        tell("checking", 0)
        found = _check_candidates(actor, allowed)
        blocked, kinds, risk = _census()
        failed = {*failed_leaves(found), *blocked}
        returned: dict[int, list[Found]] = {ref: [] for ref in failed} | _group([*refused, *(one for one in found if one.ref in failed)])
        yield Checked(kinds, risk, unchanged, returned, [one for one in found if one.ref not in failed])
        with connection.cursor() as cursor:
            cursor.execute("drop table candidate")


def _candidates_copy(proposals: Iterable[Proposal], tell: Callable[[str, int], None]) -> tuple[list[int], list[Found]]:
    """Fill the temporary table `candidate`; returns the refs of unchanged proposals and what was refused before SQL saw it."""
    unchanged: list[int] = []
    refused: list[Found] = []
    seen: set[tuple[str, UUID]] = set()
    done = copied = 0
    with connection.cursor() as cursor:
        cursor.execute(
            "drop table if exists pg_temp.candidate; "
            "create temp table candidate(ref int primary key, kind text, key uuid, op text, base_version int, digest bytea, body bytea, "
            "changed_names text, unit_keys text, natural_hash bytea, blocked bool, risk text, "
            "changed text[] generated always as (string_to_array(changed_names, ',')) stored, "
            "units uuid[] generated always as (string_to_array(unit_keys, ',')::uuid[]) stored) with (toast_tuple_target = 8160)"
        )
        for chunk in _chunks(proposals):
            rows = list(_prepare(chunk, seen, unchanged, refused))
            copied += len(rows)
            if copied > MAXIMUM:
                raise TooLarge
            with cursor.copy(f"copy candidate({', '.join(_COPIED)}) from stdin (format binary)") as copy:
                copy.set_types(list(_COPIED.values()))
                for row in rows:
                    copy.write_row(row)
            done += len(chunk)
            tell("reading", done)
        cursor.execute("create index on candidate(kind, key); analyze candidate(ref, kind, key)")
    return unchanged, refused


def _prepare(chunk: Sequence[Proposal], seen: set[tuple[str, UUID]], unchanged: list[int], refused: list[Found]) -> Iterator[tuple[Any, ...]]:
    heads = live_documents((proposal.kind, proposal.key) for proposal in chunk)
    for proposal in chunk:
        one = target(proposal.kind)
        version, before = heads.get((proposal.kind, proposal.key), (0, None))
        if proposal.base_version is not None and proposal.base_version != version:
            refused.append(_error(proposal, "STALE_BASE", "", f"{proposal.base_version} / {version}"))
            continue
        if (proposal.kind, proposal.key) in seen:
            refused.append(_error(proposal, "TWICE_IN_REQUEST", "", one.title({**one.schema.blank(), **proposal.patch})))
            continue
        seen.add((proposal.kind, proposal.key))
        after = one.schema.merge(before, proposal.patch)
        if problems := one.schema.problems(after):
            refused += [_error(proposal, "VALUE_FORM", problem.field, f"{problem.value}: {problem.reason}") for problem in problems]
            continue
        body = canonical(after)
        if before is not None and body == canonical(before) and not (proposal.blocked or proposal.affirmed):
            unchanged.append(proposal.ref)
            continue
        natural = one.natural_key(after)
        changed, op = one.schema.changed(before, after), Op.UPDATE if version else Op.CREATE
        yield (
            proposal.ref,
            proposal.kind,
            proposal.key,
            op.value,
            version,
            digest(body),
            body,
            ",".join(changed),
            ",".join(sorted(map(str, one.units_of(proposal.key, before, after)))),
            hashlib.sha256(natural.encode()).digest() if natural else None,
            proposal.blocked,
            min(one.risk_of(changed, op).value, proposal.least_risk.value),  # letters, the gravest first
        )


def _check_candidates(actor: User | None, allowed: QuerySet[OrgUnit] | None) -> list[Found]:
    """Open and check the candidates and take out those with errors; again, while what is left may have stood on them."""
    removed: list[Found] = []
    while True:
        with opened(CANDIDATES, []) as open_:
            check(open_, today=clock.today())
            _find_busy(actor)
            _find_by_history()
            _find_out_of_scope(actor, allowed)
            found = findings()
        failed = failed_leaves(found)
        supports = {one.kind for one in open_.targets if one.depended_on}
        if not supports & _removed_kinds(failed):
            return removed + found
        gone = set(failed)
        removed += [one for one in found if one.ref in gone]


# Two joins by an equality each: one with "or" compares every candidate with every open item where the planner knows no better.
BUSY = """
insert into opened_finding select distinct b.ref, 'RECORD_BUSY', 'error', '', r.id::text from (
    select c.ref, i.request_id from candidate c join workflows_changeitem i on i.state = 'open' and i.kind = c.kind and i.key = c.key
    union select c.ref, i.request_id from candidate c
        join workflows_changeitem i on i.state = 'open' and i.kind = c.kind and i.natural_hash = c.natural_hash
) b join workflows_changerequest r on r.id = b.request_id where r.state = any(%s) returning value
"""


def _find_busy(actor: User | None) -> None:
    """Records that another open request already changes, by key or by natural key: an error, since submitting would fail.

    That request is named by its title to those who may see it, to others by its number: a title may hold a stranger's name.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            BUSY,
            [list(OPEN_STATES)],
        )
        keys = {key for (key,) in cursor.fetchall()}
        if not keys:
            return
        requests = ChangeRequest.objects.filter(pk__in=keys)
        seen = set(scope.scoped(requests, actor, Action.VIEW).values_list("pk", flat=True)) if actor else set()
        for one in requests:
            name = one.title if one.pk in seen else str(one.number)
            cursor.execute("update opened_finding set value = %s where code = 'RECORD_BUSY' and value = %s", [name, str(one.pk)])


# Held records (models.Hold), an error, since the ledger would refuse them. And what an approver should look at first: a record changed
# a third time this month, a field that few others of the batch change.
HISTORY = """
insert into opened_finding select c.ref, 'RECORD_HELD', 'error', '', h.text from candidate c
    join workflows_hold h on h.kind = c.kind and h.key = c.key;
insert into opened_finding select c.ref, 'CHANGED_OFTEN', 'suggestion', '', count(*) + 1 from candidate c
    join workflows_recordversion v on v.kind = c.kind and v.key = c.key and v.version > 1 and v.recorded_at >= %s
    group by c.ref having count(*) >= 2;
insert into opened_finding select ref, 'RARE_IN_BATCH', 'suggestion', name, '' from (
    select c.ref, f.name, count(*) over (partition by c.kind, f.name) as here, (select count(*) from candidate where op = 'update') as batch
    from candidate c cross join lateral unnest(c.changed) f(name) where c.op = 'update') counted
    where batch >= %s and here * 100 <= batch * %s
"""


def _find_by_history() -> None:
    month = clock.now().astimezone(clock.ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, [month, RARE_FROM, RARE_PERCENT])


def _find_out_of_scope(actor: User | None, allowed: QuerySet[OrgUnit] | None) -> None:
    """Records in units where the author may not edit. Units that this same request founds are judged by their parents."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select array(select distinct unnest(units) from candidate except select key from candidate where op = 'create'), "
            "exists(select from candidate where units = '{}')"
        )
        units, some_without = cursor.fetchone()
        named = set(units)
        if actor is not None and allowed is None:
            outside = scope.outside(actor, Action.EDIT, named)
            rootless = some_without and not scope.can(actor, Action.EDIT, None)
        else:
            inside = allowed.filter(pk__in=named) if allowed is not None else OrgUnit.objects.none()
            outside, rootless = named - set(inside.values_list("pk", flat=True)), False
        if outside or rootless:
            cursor.execute(
                "insert into opened_finding select ref, 'OUT_OF_SCOPE', 'error', '', '' from candidate "
                "where units && %s::uuid[] or (%s and units = '{}')",
                [sorted(outside), rootless],
            )


def _removed_kinds(refs: Sequence[int]) -> set[str]:
    """Take these candidates out; returns of which kinds they were."""
    if not refs:
        return set()
    with connection.cursor() as cursor:
        cursor.execute("delete from candidate where ref = any(%s) returning kind", [list(refs)])
        return {kind for (kind,) in cursor.fetchall()}


def _census() -> tuple[list[int], dict[str, int], str]:
    """Takes out the blocked candidates and returns their refs; those that are left by kind, and their highest risk class (the first letter)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "with gone as (delete from candidate where blocked returning ref) "
            "select null, null, ref, null from gone union all "
            "select kind, count(*), null, min(risk) from candidate where not blocked group by kind order by 1"
        )
        rows = cursor.fetchall()
    kinds = {kind: (count, risk) for kind, count, ref, risk in rows if ref is None}
    blocked = [ref for _kind, _count, ref, _risk in rows if ref is not None]
    return blocked, {kind: count for kind, (count, _risk) in kinds.items()}, min((risk for _count, risk in kinds.values()), default="")


def _chunks(proposals: Iterable[Proposal]) -> Iterator[list[Proposal]]:
    iterator = iter(proposals)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def _error(proposal: Proposal, code: str, field_name: str, value: str) -> Found:
    return Found(ref=proposal.ref, code=code, severity=Severity.ERROR, field=field_name, value=value)


def _group(found: Iterable[Found]) -> dict[int, list[Found]]:
    grouped: dict[int, list[Found]] = {}
    for one in found:
        grouped.setdefault(one.ref, []).append(one)
    return dict(sorted(grouped.items()))
