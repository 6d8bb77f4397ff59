"""Taking an applied upload back: one request that puts the values before it in place again, and leaves later edits alone.

A cell is reverted while the file still holds what the upload wrote; what somebody changed since is a conflict, shown and kept. New
files are not deleted, since nothing is: they are counted, and ended by the ways in which a file is ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.utils.translation import gettext as _

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import User
from registry.models import Upload, UploadSubmission
from registry.services.upload_old_cards import old_cards_recorded, old_cards_undo
from registry.services.upload_rows import KIND
from workflows.choices import Act
from workflows.errors import NotAllowed, WrongState
from workflows.selectors.differences import FieldChange, cell_changes
from workflows.services.audit import audit
from workflows.services.staging import Proposal, Staged, request_stage

CHUNK = 5_000
# Cells that the upload's requests changed: what stood before, what they wrote, what stands now.
_CELLS = """
select i.key, i.ref, l.version, l.birth_name, f.name as field, d0.body -> f.name as before, d1.body -> f.name as written, d2.body -> f.name as now
from workflows_changeitem i
join registry_staffprofile l on l.id = i.key
join workflows_recordversion v on v.kind = i.kind and v.key = i.key and v.version = i.base_version
join lateral (select convert_from(body, 'UTF8')::jsonb as body from workflows_storeddocument where digest = v.document_id offset 0) d0 on true
join lateral (select convert_from(body, 'UTF8')::jsonb as body from workflows_storeddocument where digest = i.document_id offset 0) d1 on true
join lateral (select convert_from(body, 'UTF8')::jsonb as body from workflows_storeddocument where digest = l.digest offset 0) d2 on true
cross join lateral unnest(i.changed) f(name)
where i.request_id = any(%(requests)s) and i.kind = %(kind)s and i.state = 'applied' and i.op = 'update'
"""
_PATCHES = f"""
select key, min(ref), version, jsonb_object_agg(field, before)::text from ({_CELLS}) c
where now is not distinct from written and now is distinct from before and key > %(after)s
group by key, version order by key limit %(limit)s
"""  # noqa: S608 a constant
_COUNTS = f"""
select count(*) filter (where now is not distinct from written and now is distinct from before),
    count(distinct key) filter (where now is not distinct from written and now is distinct from before),
    count(*) filter (where now is distinct from written and now is distinct from before) from ({_CELLS}) c
"""  # noqa: S608
_CONFLICTS = f"""
select ref, birth_name, field, written::text, now::text from ({_CELLS}) c
where now is distinct from written and now is distinct from before order by ref, field limit %(limit)s
"""  # noqa: S608
_NEW = "select count(*) from workflows_changeitem where request_id = any(%(requests)s) and kind = %(kind)s and state = 'applied' and op = 'create'"
_ZERO = UUID(int=0)


@dataclass(frozen=True)
class UndoConflict:
    """A cell that somebody changed after the upload: `change` says what the upload wrote and what stands now. It stays."""

    sheet_row: int
    name: str
    change: FieldChange


@dataclass(frozen=True)
class Undo:
    """What taking an upload back would do."""

    cells: int
    people: int
    new_files: int
    conflict_count: int
    conflicts: Sequence[UndoConflict]
    old_cards: int = 0


def undo_preview(*, upload: Upload, shown: int = 100) -> Undo:
    named = _named(upload)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, named)
        cells, people, conflicts = cursor.fetchone()
        cursor.execute(_NEW, named)
        (new_files,) = cursor.fetchone()
        cursor.execute(_CONFLICTS, {**named, "limit": shown})
        rows = cursor.fetchall()
    texts = cell_changes(KIND, [(number, row[2], _value(row[3]), _value(row[4])) for number, row in enumerate(rows)])
    shown_conflicts = [UndoConflict(row[0], row[1], texts[number]) for number, row in enumerate(rows)]
    return Undo(cells, people, new_files, conflicts, shown_conflicts, len(old_cards_recorded(requests=named["requests"])))


def upload_undo(*, actor: User, upload: Upload, reason: str) -> Staged:
    """One request, ready to be submitted by `actor`, that takes the upload back. What the gate returns of it is in the answer.

    Raises NotAllowed, ReasonMissing, WrongState when nothing of the upload stands any more.
    """
    if not scope.can(actor, Action.EDIT, upload.unit):
        raise NotAllowed
    with transaction.atomic():
        staged = request_stage(
            actor=actor,
            unit=upload.unit,
            title=_("Undo of the workbook {name}").format(name=upload.name)[:300],
            proposals=chain(_proposals(upload), old_cards_undo(requests=_named(upload)["requests"], reason=reason)),
            contributors={"uploader": [upload.uploader]},
            act=Act.CORRECT,
            reason=reason,
        )
        if staged.request is None and not staged.returned:
            raise WrongState
        if staged.request is not None:
            UploadSubmission.objects.create(upload=upload, request=staged.request, actor=actor, rows=staged.staged, undoes=True)
            audit(actor=actor, action="upload.undone", unit=upload.unit, upload=str(upload.pk), request_number=staged.request.number)
    return staged


def _proposals(upload: Upload) -> Iterator[Proposal]:
    named, after = _named(upload), _ZERO
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_PATCHES, {**named, "after": after, "limit": CHUNK})
            rows = cursor.fetchall()
        for key, ref, version, patch in rows:
            yield Proposal(kind=KIND, key=key, patch=_value(patch), base_version=version, ref=ref)
        if len(rows) < CHUNK:
            return
        after = rows[-1][0]


def _named(upload: Upload) -> dict[str, Any]:
    requests = UploadSubmission.objects.filter(upload=upload, undoes=False).values_list("request_id", flat=True)
    return {"requests": list(requests), "kind": KIND}


def _value(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
