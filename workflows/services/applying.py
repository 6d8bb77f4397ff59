"""Applying an approved request: rules again, locks, live tables, ledger, outbox, audit and seal, in one transaction.

Safe to call any number of times and after any crash: an applied request is left alone, and nothing half-done can commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from orgtree import clock
from orgtree.locks import tree_lock
from workflows import merkle
from workflows.choices import ItemState, RequestState, Verdict
from workflows.dispatch import announce_applied
from workflows.documents import canonical, digest
from workflows.errors import EvidenceBroken, WrongState
from workflows.locks import live_rows_locked, request_lock, seal_chain_lock, units_share
from workflows.manifest import read_manifest
from workflows.models import ChangeRequest, Decision, Finding, Seal, Stage
from workflows.opening import Opened, check, failed_leaves, findings, opened
from workflows.rules import Found
from workflows.selectors.deciding import open_stages
from workflows.services.audit import audit
from workflows.services.leaves import request_leaves
from workflows.services.moves import request_move
from workflows.targets import target

ITEMS = (
    "select i.leaf_index, i.kind, i.key, i.op, i.base_version, i.document_id as digest, d.body from workflows_changeitem i "
    "join workflows_storeddocument d on d.digest = i.document_id where i.request_id = %s and i.state = 'open'"
)


def request_apply(*, request_id: UUID) -> ChangeRequest:
    """Make the request's records true. Items that met a conflict go back to the author; the rest is applied.

    Ends in state applied, or conflict when nothing could be applied; an ended request is returned as it is. Raises WrongState
    when it is not approved or its day has not come, EvidenceBroken when what is stored is not what was signed.
    """
    with transaction.atomic():
        if _touches_tree(request_id):
            tree_lock()
        request = request_lock(request_id)
        if request.state in (RequestState.APPLIED, RequestState.CONFLICT, RequestState.RECALLED):
            return request
        if request.effective_on and request.effective_on > clock.today():
            raise WrongState(state=request.state)
        decisions = _decisions_verified(request)
        _open_gate(request)
        with opened(ITEMS, [request.pk]) as open_:
            _lock_touched(request, open_)
            skipped = _set_aside_conflicts(request, open_)
            applied = open_.count - len(skipped)
            if applied:
                for one in open_.targets:
                    one.project()
                _append_ledger(request)
        request_move(request, RequestState.APPLIED if applied else RequestState.CONFLICT, applied_at=Now() if applied else None)
        audit(actor=None, action="request.applied" if applied else "request.conflict", request=request, applied=applied, skipped=len(skipped))
        if applied:
            announce_applied(request.pk)
            if request.revokes is not None:
                audit(actor=None, action="request.revoked", request=request.revokes, by=request.number, reason=request.reason)
            _seal(request, decisions, applied=applied, skipped=skipped)
    return request


def _touches_tree(request_id: UUID) -> bool:
    kinds = ChangeRequest.objects.values_list("kinds", flat=True).get(pk=request_id)
    return any(target(kind).depended_on for kind in kinds)


def _decisions_verified(request: ChangeRequest) -> Sequence[Decision]:
    """The approvals of every stage, after comparing what they covered with what is stored now (promise 2)."""
    decisions = list(
        Decision.objects.filter(stage__request=request, verdict=Verdict.APPROVE)
        .select_related("manifest", "signature", "stage")
        .annotate(undecided=Exists(open_stages(Stage.objects.filter(request=OuterRef("stage__request")))))
        .order_by("stage__number", "pk")
    )
    if request.state not in (RequestState.APPROVED, RequestState.SCHEDULED) or not decisions or decisions[0].undecided:
        raise WrongState(state=request.state)
    root = merkle.root(request_leaves(request))
    excluded: set[int] = set()
    signed: list[str] = []  # digests of the signatures so far, which a seal names
    for decision in decisions:
        if decision.manifest is None:
            raise EvidenceBroken
        body = bytes(decision.manifest.body)
        statement = read_manifest(body)
        if (
            digest(body) != bytes(decision.manifest.digest)
            or statement.request != request.pk
            or statement.root_hash != root
            or statement.count != request.count
            or (statement.effective_on or None) != request.effective_on
            or (statement.revokes.request if statement.revokes else None) != (request.revokes_id if decision.user_id else None)
        ):
            raise EvidenceBroken
        if decision.stage.seal and list(statement.over or ()) != signed:
            raise EvidenceBroken
        if decision.stage.needs_signature and (
            decision.signature is None or digest(bytes(decision.signature.der)) != bytes(decision.signature.digest)
        ):
            raise EvidenceBroken
        if decision.signature is not None:
            signed.append(bytes(decision.signature.digest).hex())
        excluded |= set(statement.excluded)
    if root != bytes(request.root or b"") or request.items.filter(leaf_index__in=excluded, state=ItemState.OPEN).exists():
        raise EvidenceBroken
    return decisions


def _open_gate(request: ChangeRequest) -> None:
    """From here to the end of this transaction the walls let this request write; they compare its number with that of the transaction."""
    opened_by = RawSQL("(select pg_current_xact_id()::text::bigint from set_config('hoso.request', %s, true))", [str(request.pk)])
    request_move(request, RequestState.APPLYING, applying_xid=opened_by)


def _lock_touched(request: ChangeRequest, open_: Opened) -> None:
    if not any(one.depended_on for one in open_.targets):
        units_share(request)


def _set_aside_conflicts(request: ChangeRequest, open_: Opened) -> list[int]:
    """Take out items whose record moved on since, or that a rule now refuses; again while others may have stood on them."""
    skipped: list[int] = []
    while True:
        _find_conflicts(open_)
        check(open_, today=clock.today())
        found = findings()
        failed = failed_leaves(found)
        if not failed:
            return sorted(skipped)
        gone = set(failed)
        _give_back(request, [one for one in found if one.ref in gone])
        skipped += failed
        open_.discard(failed)
        with connection.cursor() as cursor:
            cursor.execute("truncate opened_finding")
        if len(open_.targets) == 1 and not open_.targets[0].depended_on:
            return sorted(skipped)


def _find_conflicts(open_: Opened) -> None:
    """Lock the live records that the opened ones change, and find those that have moved on: a lock waits for others, and reads what they made."""
    with connection.cursor() as cursor:
        for one in open_.targets:
            live, table = one.live._meta.db_table, one.opened._meta.db_table
            cursor.execute(
                f"with locked as materialized ({live_rows_locked(live, table)}) "
                f"insert into opened_finding select o.leaf_index, 'STALE_BASE', 'error', '', o.base_version || ' / ' || coalesce(l.version, 0) "
                f"from {table} o left join locked l on l.id = o.id where coalesce(l.version, 0) <> o.base_version"
            )


def _give_back(request: ChangeRequest, found: Sequence[Found]) -> None:
    leaves = {one.ref for one in found}
    request.items.filter(leaf_index__in=leaves, state=ItemState.OPEN).update(state=ItemState.CONFLICT)
    Finding.objects.bulk_create(
        [Finding(request=request, leaf_index=one.ref, code=one.code, severity=one.severity, field=one.field, value=one.value) for one in found],
        batch_size=5_000,
    )


def _append_ledger(request: ChangeRequest) -> None:
    rows = (
        f"insert into {table}(kind, key, version, document_id, request_id, leaf_index, {moment}) "
        f"select kind, key, base_version + 1, digest, %s, leaf_index, now() from opened_item order by leaf_index"
        for table, moment in (("workflows_recordversion", "recorded_at"), ("workflows_outboxmessage", "created_at"))
    )
    done = (
        "update workflows_changeitem i set state = 'applied' from opened_item o "
        "where i.request_id = %s and i.leaf_index = o.leaf_index and i.state = 'open'"
    )
    with connection.cursor() as cursor:
        cursor.execute("; ".join([*rows, done]), [request.pk] * 3)


def _seal(request: ChangeRequest, decisions: Sequence[Decision], *, applied: int, skipped: Sequence[int]) -> None:
    """Add the request to the chain of seals. Its lock is the last one taken before commit."""
    seal_chain_lock()
    with connection.cursor() as cursor:
        cursor.execute(
            "select (select digest from workflows_auditseal order by sequence desc limit 1), s.sequence, s.digest "
            "from (values (1)) one left join lateral (select sequence, digest from workflows_seal order by sequence desc limit 1) s on true"
        )
        newest, last, previous = cursor.fetchone()
    body = canonical(
        {
            "schema": "seal/1",
            "sequence": (last or 0) + 1,
            "previous": bytes(previous).hex() if last else None,
            "request": str(request.pk),
            "root": bytes(request.root or b"").hex(),
            "count": request.count,
            "applied": applied,
            "skipped": list(skipped),
            "manifests": [bytes(one.manifest_id or b"").hex() for one in decisions],
            "signatures": [bytes(one.signature_id).hex() for one in decisions if one.signature_id],
            "evidence": request.evidence or None,
            "audit": bytes(newest).hex() if newest else None,
            "sealed_at": clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )
    Seal.objects.create(sequence=(last or 0) + 1, request=request, body=body, digest=hashlib.sha256(body).digest())
