"""Staging: from proposals to a checked request. Records with an error never become items; they come back to the caller.

The route is the same for one record and for 100,000: patches are merged over the ledger's documents in Python, 5,000 at a time,
copied into a temporary table, opened and checked there beside the live tables, and only what is clean becomes items.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from workflows.choices import OPEN_STATES, Act, ItemState, Op, RequestState, Severity
from workflows.documents import canonical, digest
from workflows.errors import NotAllowed, ReasonMissing, TooLarge
from workflows.models import ChangeRequest, Contribution, Finding
from workflows.opening import check, failed_leaves, findings, opened
from workflows.rules import Found
from workflows.selectors.live import live_documents
from workflows.services.audit import audit
from workflows.targets import target

CHUNK = 5_000
MAXIMUM = 100_000
RARE_FROM, RARE_PERCENT = 50, 2  # in a batch of 50 changes or more, what two of a hundred change stands out
CANDIDATES = "select ref as leaf_index, kind, key, op, base_version, digest, body from candidate"


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One record as somebody wants it. `patch` names document keys (a list of rows as a whole) and is merged over what is there.

    `base_version` is the version the proposer looked at (None: whatever is there now); `ref` the proposer's own number for it,
    distinct within a request. A `blocked` one is known to be wrong already: it is checked for what else is wrong with it, so that
    its author sees everything at once, and is never staged.
    """

    kind: str
    key: UUID
    patch: Mapping[str, Any]
    base_version: int | None = None
    ref: int = 0
    blocked: bool = False


@dataclass(frozen=True)
class Checked:
    """What the check of proposals found. `clean` of them have no error and change something."""

    clean: int
    unchanged: Sequence[int]
    returned: Mapping[int, Sequence[Found]]
    remarks: Sequence[Found]


@dataclass(frozen=True)
class Staged:
    """What became of the proposals: every one is staged, unchanged, or returned with at least one error."""

    request: ChangeRequest | None
    staged: int
    unchanged: Sequence[int]
    returned: Mapping[int, Sequence[Found]]
    remarks: Sequence[Found] = field(default=())


def request_stage(
    *,
    actor: User | None,
    unit: OrgUnit | None,
    title: str,
    proposals: Iterable[Proposal],
    system: str = "",
    allowed: QuerySet[OrgUnit] | None = None,
    contributors: Mapping[str, Iterable[User]] | None = None,
    evidence: Mapping[str, Any] | None = None,
    act: Act | None = None,
    reason: str = "",
    follows: ChangeRequest | None = None,
    on_progress: Callable[[str, int], None] | None = None,
) -> Staged:
    """Check the proposals and make one request, in state ready, of those without an error.

    `actor` writes by their own rights; without an actor `system` names the program and `allowed` the units it may touch. With both,
    the caller has judged by what right the actor proposes (a person, their own file), and `allowed` is how far that reaches.
    `act` and `reason` say what the change is meant as; a correction without a reason raises ReasonMissing.
    `follows` is the ended request of which this one tries records once more. `contributors` are further people by part (uploader,
    repairer). Raises TooLarge beyond 100,000 records and NotAllowed when a system request names no units; findings are returned, never raised.
    """
    if actor is None and (not system or allowed is None):
        raise NotAllowed
    if act == Act.CORRECT and not reason.strip():
        raise ReasonMissing(_("Say why the value on file is wrong, and on what paper the right one stands."))
    with proposals_checked(actor=actor, proposals=proposals, allowed=allowed, on_progress=on_progress) as checked:
        request = None
        if checked.clean:
            request = _request_make(
                author=actor,
                system=system,
                unit=unit,
                title=title,
                evidence=dict(evidence or {}),
                act=act or "",
                reason=reason.strip(),
                follows=follows,
            )
            _contributors_add(request, {"author": [actor] if actor else [], **(contributors or {})})
            leaves = _items_insert(request)
            Finding.objects.bulk_create(
                [
                    Finding(request=request, leaf_index=leaves[f.ref], code=f.code, severity=f.severity, field=f.field, value=f.value)
                    for f in checked.remarks
                ],
                batch_size=CHUNK,
            )
            ChangeRequest.objects.filter(pk=request.pk).update(state=RequestState.READY)
            request.refresh_from_db()
            counts: dict[str, Any] = {
                "staged": checked.clean,
                "returned": len(checked.returned),
                "unchanged": len(checked.unchanged),
                "act": act or "",
            }
            audit(actor=actor, action="request.staged", request=request, **counts)
        return Staged(request, checked.clean, checked.unchanged, checked.returned, checked.remarks)


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
        failed = {one.ref for one in found if one.severity == Severity.ERROR} | _blocked_remove()
        returned: dict[int, list[Found]] = {ref: [] for ref in failed} | _group([*refused, *(one for one in found if one.ref in failed)])
        yield Checked(_candidates_count(), unchanged, returned, [one for one in found if one.ref not in failed])
        with connection.cursor() as cursor:
            cursor.execute("drop table candidate")


def _candidates_copy(proposals: Iterable[Proposal], tell: Callable[[str, int], None]) -> tuple[list[int], list[Found]]:
    """Fill the temporary table `candidate`; returns the refs of unchanged proposals and what was refused before SQL saw it."""
    unchanged: list[int] = []
    refused: list[Found] = []
    seen: set[tuple[str, UUID]] = set()
    done = copied = 0
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.candidate")
        cursor.execute(
            "create temp table candidate(ref int primary key, kind text, key uuid, op text, base_version int, digest bytea, body bytea, "
            "changed text[], units uuid[], natural_hash bytea, blocked bool, risk text)"
        )
        for chunk in _chunks(proposals):
            rows = list(_prepare(chunk, seen, unchanged, refused))
            copied += len(rows)
            if copied > MAXIMUM:
                raise TooLarge
            with cursor.copy("copy candidate from stdin (format binary)") as copy:
                copy.set_types(["int4", "text", "uuid", "text", "int4", "bytea", "bytea", "text[]", "uuid[]", "bytea", "bool", "text"])
                for row in rows:
                    copy.write_row(row)
            done += len(chunk)
            tell("reading", done)
        cursor.execute("create index on candidate(kind, key)")
        cursor.execute("analyze candidate")
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
        if before is not None and body == canonical(before) and not proposal.blocked:
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
            changed,
            sorted(one.units_of(proposal.key, before, after)),
            hashlib.sha256(natural.encode()).digest() if natural else None,
            proposal.blocked,
            one.risk_of(changed, op).value,
        )


def _check_candidates(actor: User | None, allowed: QuerySet[OrgUnit] | None) -> list[Found]:
    """Open and check the candidates and take out those with errors; again, while what is left may have stood on them."""
    removed: list[Found] = []
    while True:
        with opened(CANDIDATES, []) as open_:
            check(open_, today=clock.today())
            _find_busy(actor)
            _find_striking()
            _find_out_of_scope(actor, allowed)
            failed, found = failed_leaves(), findings()
        supports = {one.kind for one in open_.targets if one.depended_on}
        spreads = bool(supports & _kinds_of(failed))
        with connection.cursor() as cursor:
            cursor.execute("delete from candidate where ref = any(%s)", [failed])
        if not spreads:
            return removed + found
        gone = set(failed)
        removed += [one for one in found if one.ref in gone]


def _find_busy(actor: User | None) -> None:
    """Records that another open request already changes, by key or by natural key: an error, since submitting would fail.

    That request is named by its title to those who may see it, to others by its number: a title may hold a stranger's name.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into opened_finding select distinct c.ref, 'RECORD_BUSY', 'error', '', r.id::text from candidate c "
            "join workflows_changeitem i on i.state = 'open' and i.kind = c.kind and (i.key = c.key or i.natural_hash = c.natural_hash) "
            "join workflows_changerequest r on r.id = i.request_id where r.state = any(%s)",
            [list(OPEN_STATES)],
        )
        cursor.execute("select array_agg(distinct value) from opened_finding where code = 'RECORD_BUSY'")
        (keys,) = cursor.fetchone()
        if keys is None:
            return
        requests = ChangeRequest.objects.filter(pk__in=keys)
        seen = set(scope.scoped(requests, actor, Action.VIEW).values_list("pk", flat=True)) if actor else set()
        for one in requests:
            name = one.title if one.pk in seen else str(one.number)
            cursor.execute("update opened_finding set value = %s where code = 'RECORD_BUSY' and value = %s", [name, str(one.pk)])


def _find_striking() -> None:
    """What an approver should look at first: a record changed a third time this month, a field that few others of the batch change."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into opened_finding select c.ref, 'CHANGED_OFTEN', 'suggestion', '', count(*) + 1 from candidate c "
            "join workflows_recordversion v on v.kind = c.kind and v.key = c.key and v.version > 1 and v.recorded_at >= %s "
            "group by c.ref having count(*) >= 2;\n"
            "insert into opened_finding select ref, 'RARE_IN_BATCH', 'suggestion', name, '' from ("
            "select c.ref, f.name, count(*) over (partition by c.kind, f.name) as here, "
            "(select count(*) from candidate where op = 'update') as batch "
            "from candidate c cross join lateral unnest(c.changed) f(name) where c.op = 'update') counted "
            "where batch >= %s and here * 100 <= batch * %s",
            [clock.now().astimezone(clock.ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0), RARE_FROM, RARE_PERCENT],
        )


def _find_out_of_scope(actor: User | None, allowed: QuerySet[OrgUnit] | None) -> None:
    """Records in units where the author may not edit. Units that this same request founds are judged by their parents."""
    with connection.cursor() as cursor:
        cursor.execute("select distinct unnest(units) from candidate except select key from candidate where op = 'create'")
        named = {unit for (unit,) in cursor.fetchall()}
        if allowed is not None:
            outside, rootless = named - set(allowed.filter(pk__in=named).values_list("pk", flat=True)), False
        elif actor is not None:
            outside = scope.outside(actor, Action.EDIT, named)
            rootless = not scope.can(actor, Action.EDIT, None)
        else:
            outside, rootless = named, False
        cursor.execute(
            "insert into opened_finding select ref, 'OUT_OF_SCOPE', 'error', '', '' from candidate "
            "where units && %s::uuid[] or (%s and units = '{}')",
            [sorted(outside), rootless],
        )


def _request_make(**said: Any) -> ChangeRequest:
    with connection.cursor() as cursor:
        cursor.execute("select kind, count(*), min(risk) from candidate group by kind order by kind")
        rows = cursor.fetchall()
    return ChangeRequest.objects.create(
        state=RequestState.CHECKING,
        count=sum(count for _kind, count, _risk in rows),
        kinds={kind: count for kind, count, _risk in rows},
        risk=min(risk for _kind, _count, risk in rows),  # the classes are letters, the highest first
        **said,
    )


def _contributors_add(request: ChangeRequest, parts: Mapping[str, Iterable[User]]) -> None:
    Contribution.objects.bulk_create(
        [Contribution(request=request, user=user, part=part) for part, users in parts.items() for user in users], ignore_conflicts=True
    )


def _items_insert(request: ChangeRequest) -> dict[int, int]:
    """Candidates become items, units before people, then in the author's order; returns leaf index by ref."""
    with connection.cursor() as cursor:
        cursor.execute("select distinct kind from candidate")
        order = [one.kind for one in sorted((target(kind) for (kind,) in cursor.fetchall()), key=lambda one: one.order)]
        cursor.execute(
            "insert into workflows_storeddocument(digest, body) "
            "select distinct on (digest) digest, body from candidate on conflict (digest) do nothing"
        )
        cursor.execute(
            "insert into workflows_changeitem"
            "(request_id, leaf_index, ref, kind, key, op, base_version, document_id, changed, units, natural_hash, state, risk) "
            "select %s, row_number() over (order by array_position(%s::text[], kind), ref) - 1, "
            "ref, kind, key, op, base_version, digest, changed, units, natural_hash, %s, risk "
            "from candidate returning ref, leaf_index",
            [request.pk, order, ItemState.DRAFT],
        )
        return dict(cursor.fetchall())


def _blocked_remove() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute("delete from candidate where blocked returning ref")
        return {ref for (ref,) in cursor.fetchall()}


def _candidates_count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from candidate")
        return cursor.fetchone()[0]


def _kinds_of(refs: Sequence[int]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("select distinct kind from candidate where ref = any(%s)", [list(refs)])
        return {kind for (kind,) in cursor.fetchall()}


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
