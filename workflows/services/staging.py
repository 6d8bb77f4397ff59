"""Staging: from proposals to a checked request. Records with an error never become items; they come back to the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from orgtree.models import OrgUnit, User
from workflows.choices import Act, Ground, ItemState, RequestState
from workflows.errors import NotAllowed, ReasonMissing
from workflows.models import ChangeRequest, Contribution, Finding
from workflows.rules import Found
from workflows.services.audit import audit
from workflows.services.candidates import CHUNK, MAXIMUM, Checked, Proposal, proposals_checked
from workflows.services.moves import request_move
from workflows.targets import target

__all__ = ["MAXIMUM", "Checked", "Proposal", "Staged", "proposals_checked", "request_stage"]


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
    revokes: ChangeRequest | None = None,
    ground: Ground | None = None,
    on_progress: Callable[[str, int], None] | None = None,
) -> Staged:
    """Check the proposals and make one request, in state ready, of those without an error.

    `actor` writes by their own rights; without an actor `system` names the program and `allowed` the units it may touch. With both,
    the caller has judged by what right the actor proposes (a person, their own file), and `allowed` is how far that reaches.
    `act` and `reason` say what the change is meant as; a correction without a reason raises ReasonMissing.
    `follows` is the ended request of which this one tries records once more, `revokes` the applied one whose signatures it revokes on `ground`
    (services.revoking). `contributors` are further people by part (uploader,
    repairer). Raises TooLarge beyond 100,000 records and NotAllowed when a system request names no units; findings are returned, never raised.
    """
    if actor is None and (not system or allowed is None):
        raise NotAllowed
    if act == Act.CORRECT and not reason.strip():
        raise ReasonMissing(_("Say why the value on file is wrong, and on what paper the right one stands."))
    with proposals_checked(actor=actor, proposals=proposals, allowed=allowed, on_progress=on_progress) as checked:
        request = None
        if checked.clean:
            request = ChangeRequest.objects.create(
                author=actor,
                system=system,
                unit=unit,
                title=title,
                state=RequestState.CHECKING,
                count=checked.clean,
                kinds=dict(checked.kinds),
                risk=checked.risk,
                evidence=dict(evidence or {}),
                act=act or "",
                reason=reason.strip(),
                follows=follows,
                revokes=revokes,
                ground=ground or "",
            )
            _contributors_add(request, {"author": [actor] if actor else [], **(contributors or {})})
            leaves = _items_insert(request, sorted(checked.kinds, key=lambda kind: target(kind).order))
            Finding.objects.bulk_create(
                [
                    Finding(request=request, leaf_index=leaves[f.ref], code=f.code, severity=f.severity, field=f.field, value=f.value)
                    for f in checked.remarks
                ],
                batch_size=CHUNK,
            )
            request_move(request, RequestState.READY)
            counts: dict[str, Any] = {
                "staged": checked.clean,
                "returned": len(checked.returned),
                "unchanged": len(checked.unchanged),
                "act": act or "",
            }
            audit(actor=actor, action="request.staged", request=request, **counts)
        return Staged(request, checked.clean, checked.unchanged, checked.returned, checked.remarks)


def _contributors_add(request: ChangeRequest, parts: Mapping[str, Iterable[User]]) -> None:
    Contribution.objects.bulk_create(
        [Contribution(request=request, user=user, part=part) for part, users in parts.items() for user in users], ignore_conflicts=True
    )


def _items_insert(request: ChangeRequest, order: Sequence[str]) -> dict[int, int]:
    """Candidates become items by `order` of kinds (units before people), then in the author's order; returns leaf index by ref."""
    with connection.cursor() as cursor:
        cursor.execute(
            "with kept as (insert into workflows_storeddocument(digest, body) "
            "select distinct on (digest) digest, body from candidate on conflict (digest) do nothing) "
            "insert into workflows_changeitem"
            "(request_id, leaf_index, ref, kind, key, op, base_version, document_id, changed, units, natural_hash, state, risk) "
            "select %s, row_number() over (order by array_position(%s::text[], kind), ref) - 1, "
            "ref, kind, key, op, base_version, digest, changed, units, natural_hash, %s, risk "
            "from candidate returning ref, leaf_index",
            [request.pk, list(order), ItemState.DRAFT],
        )
        return dict(cursor.fetchall())
