"""What revoking the signatures on an applied request would do, and where a revocation stands.

A revocation is a request of its own. Of every record it makes a new version: the value before where the file still holds what was signed, the
present value where somebody changed it since. Nothing is deleted: a record that the revoked request founded stays, in a version that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from workflows.choices import OPEN_STATES, Act, ItemState, Op, RequestState, Verdict
from workflows.documents import parse
from workflows.merging import Merge, merge
from workflows.models import ChangeItem, ChangeRequest, Decision, Manifest, RecordVersion, Stage
from workflows.selectors.differences import documents_before
from workflows.selectors.live import live_documents
from workflows.selectors.retrying import Sides, sides_of
from workflows.targets import target

SHOWN = 50
HELD = (ItemState.OPEN, ItemState.APPLIED)
REVOKING_STATES = (*OPEN_STATES, RequestState.READY, RequestState.APPLIED)  # of a revocation that is under way or in force


@dataclass(frozen=True)
class Kept:
    """A record of which something was changed after it was signed: `later` stays, told as before the request, as signed, as now."""

    leaf_index: int
    title: str
    later: Sequence[Sides]


@dataclass(frozen=True)
class Outlook:
    """What a revocation would do: of `total` records `founded` stay and are marked; `changed` of the others were changed since."""

    total: int
    founded: int
    changed: int
    kept: Sequence[Kept]


def may_revoke(*, user: User, request: ChangeRequest) -> bool:
    """Whoever may propose or approve changes in its unit, while signatures on it are there to be revoked."""
    return revokes_here(user=user, request=request) and revocable(request).exists()


def revokes_here(*, user: User, request: ChangeRequest) -> bool:
    """The same but for whether anything is left to be revoked."""
    if request.state != RequestState.APPLIED or request.system:
        return False
    return any(scope.can(user, action, request.unit) for action in (Action.EDIT, Action.APPROVE))


def with_revocable(requests: QuerySet[ChangeRequest]) -> QuerySet[ChangeRequest]:
    """Each with whether something is left of it that can be revoked (`some_revocable`)."""
    taken = ChangeItem.objects.filter(request__revokes=OuterRef("request"), state__in=HELD, key=OuterRef("key"))
    left = ChangeItem.objects.filter(~Exists(taken), request=OuterRef("pk"), state=ItemState.APPLIED)
    return requests.annotate(some_revocable=Exists(left))


def revocable(request: ChangeRequest) -> QuerySet[ChangeItem]:
    """The applied items that no revocation has taken up, by leaf index; a refused or withdrawn one lets go of them."""
    taken = ChangeItem.objects.filter(request__revokes=request, state__in=HELD).values("key")
    return request.items.filter(state=ItemState.APPLIED).exclude(key__in=taken).order_by("leaf_index")


def units_to_revoke_in(user: User) -> QuerySet[OrgUnit]:
    """Where `user` may propose a revocation: to prepare changes or to sign them is right enough to say that a signature is wrong."""
    return scope.units(user, Action.EDIT) | scope.units(user, Action.APPROVE)


def taken_back(items: Iterable[ChangeItem]) -> Iterator[tuple[ChangeItem, Merge | None, int]]:
    """Each applied item (with its document loaded), how its record goes back to what was before (None if the item founded it), and its version."""
    members = list(items)
    befores = documents_before(members)
    heads = live_documents((item.kind, item.key) for item in members)
    for item in members:
        version, now = heads[item.kind, item.key]
        before = befores.get(item.pk)
        signed = parse(bytes(item.document.body))
        yield item, merge(target(item.kind).schema, was=signed, mine=before, now=now) if before is not None else None, version


def revocation_outlook(request: ChangeRequest, *, user: User) -> Outlook:
    """Counts over all records, and the first of those that were changed since, as far as `user` sees them."""
    items = revocable(request)
    leaves = _changed_since(items)
    brought = list(taken_back(items.filter(leaf_index__in=leaves[:SHOWN]).select_related("document")))
    unseen = scope.outside(user, Action.VIEW, {unit for item, _merge, _version in brought for unit in item.units})
    kept = [
        Kept(item.leaf_index, target(item.kind).title(parse(bytes(item.document.body))), sides_of(target(item.kind), one.clashes))
        for item, one, _version in brought
        if one is not None and one.clashes and not unseen & set(item.units)
    ]
    return Outlook(items.count(), items.filter(op=Op.CREATE).count(), len(leaves), kept)


def revoked_statement(request: ChangeRequest) -> Mapping[str, Any] | None:
    """What the manifest of a revocation says of the request that it revokes; None for any other request."""
    revoked = request.revokes
    if revoked is None:
        return None
    signed = _approvals(revoked).filter(signature__isnull=False).values_list("manifest_id", flat=True)
    return {
        "request": revoked.pk,
        "root": bytes(revoked.root or b"").hex(),
        "manifests": [bytes(one).hex() for one in signed],
        "ground": request.ground,
        "reason": request.reason,
    }


def signatures_before(stage: Stage) -> list[str]:
    """Digests (hex) of the signatures that the stages before `stage` bear, in their order: what a seal is put on."""
    signed = Decision.objects.filter(stage__request=stage.request_id, stage__number__lt=stage.number, signature__isnull=False)
    return [bytes(one).hex() for one in signed.order_by("stage__number", "pk").values_list("signature_id", flat=True)]


def with_revocation(versions: QuerySet[RecordVersion]) -> QuerySet[RecordVersion]:
    """`versions` with `revoked_by`, the number of the request that revoked the signature behind one, and `revoked_at`."""
    revoking = ChangeItem.objects.filter(
        request__revokes=OuterRef("request"), request__act=Act.REVOKE, kind=OuterRef("kind"), key=OuterRef("key"), state=ItemState.APPLIED
    )
    return versions.annotate(
        revoked_by=Subquery(revoking.values("request__number")[:1]), revoked_at=Subquery(revoking.values("request__applied_at")[:1])
    )


def revoking_version(version: RecordVersion) -> RecordVersion | None:
    """The version by which the signature behind `version` was revoked."""
    later = RecordVersion.objects.filter(kind=version.kind, key=version.key, request__revokes=version.request_id)
    return later.select_related("request").order_by("version").first()


def signed_manifests(request: ChangeRequest) -> list[Manifest]:
    return [one.manifest for one in _approvals(request).filter(signature__isnull=False).select_related("manifest") if one.manifest]


def _approvals(request: ChangeRequest) -> QuerySet[Decision]:
    return Decision.objects.filter(stage__request=request, verdict=Verdict.APPROVE).order_by("stage__number", "pk")


def _changed_since(items: QuerySet[ChangeItem]) -> list[int]:
    leaves: list[int] = []
    for kind in sorted(set(items.order_by().values_list("kind", flat=True))):
        live = target(kind).live._meta.db_table
        sql, params = items.filter(kind=kind, op=Op.UPDATE).order_by().values("leaf_index", "key", "base_version").query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(
                f"select i.leaf_index from ({sql}) i(leaf_index, key, base_version) "
                f"join {live} l on l.id = i.key and l.version <> i.base_version + 1",
                params,
            )
            leaves += [leaf for (leaf,) in cursor.fetchall()]
    return sorted(leaves)
