"""Scanned decisions as evidence of a request: added and taken away by its author until it is submitted, then frozen with it.

The manifest that is signed does not name them (its schema is frozen). What was attached at submit is kept in the request's `evidence`
instead, which a trigger freezes and the request's seal holds, and in the audit event of the submission.
"""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID

from django.core.files import File
from django.db import transaction

from orgtree import scope
from orgtree.choices import Action
from orgtree.locks import Lock, advisory_lock
from orgtree.models import User
from workflows.choices import RequestState
from workflows.errors import EvidenceRefused, NotAllowed
from workflows.evidence_files import file_keep, files_sweep, named_above
from workflows.locks import request_lock
from workflows.models import Attachment, ChangeRequest
from workflows.services.audit import audit

MOST = 20
OPEN = (RequestState.DRAFT, RequestState.CHECKING, RequestState.READY)


def may_attach(user: User, request: ChangeRequest) -> bool:
    """The author, before the request is submitted."""
    return request.author_id == user.pk and request.state in OPEN


def attachment_add(*, actor: User, request_id: UUID, file: File, name: str) -> Attachment:
    """Attach a file. The same bytes twice are one attachment.

    Raises NotAllowed for others than the author, EvidenceRefused when the request is submitted, or the file is not what may be attached.
    """
    kept = file_keep(file)
    with transaction.atomic():
        request = _taken(actor, request_id)
        advisory_lock(Lock.EVIDENCE)  # the sweep looks at rows and files together
        if (already := request.attachments.filter(sha256=kept.sha256).first()) is not None:
            return already
        if request.attachments.count() >= MOST:
            raise EvidenceRefused.too_many(MOST)
        attachment = request.attachments.create(sha256=kept.sha256, name=shown_name(name), kind=kept.kind, size=kept.size, added_by=actor)
        audit(actor=actor, action="attachment.added", request=request, sha256=kept.sha256, size=kept.size)
    return attachment


def attachment_remove(*, actor: User, request_id: UUID, attachment_id: UUID) -> None:
    """Take an attachment away. The file goes with the next sweep, unless another request holds the same one."""
    with transaction.atomic():
        request = _taken(actor, request_id)
        attachment = request.attachments.get(pk=attachment_id)
        audit(actor=actor, action="attachment.removed", request=request, sha256=attachment.sha256)
        attachment.delete()


def attachments_statement(request: ChangeRequest) -> list[dict[str, Any]]:
    """What is attached, as it is frozen at submit: hash and size of each file, in the order of the hashes."""
    files = request.attachments.order_by("sha256").values_list("sha256", "size")
    return [{"sha256": sha256, "size": size} for sha256, size in files]


def evidence_sweep() -> int:
    """Delete files that nothing names any more; returns how many."""
    with transaction.atomic():
        advisory_lock(Lock.EVIDENCE)
        return files_sweep(named={*Attachment.objects.values_list("sha256", flat=True).distinct(), *named_above()})


def shown_name(name: str) -> str:
    """What the sender called the file, for people to read: without folders, control characters and the marks that turn text around."""
    last = PureWindowsPath(PurePosixPath(unicodedata.normalize("NFC", name)).name).name
    clean = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C").strip()
    stem, dot, suffix = clean.rpartition(".")
    return (f"{stem[: 199 - len(suffix)]}.{suffix}" if dot and len(suffix) <= 10 else clean[:200]) or "–"


def _taken(actor: User, request_id: UUID) -> ChangeRequest:
    request = request_lock(request_id)
    if request.author_id != actor.pk or (request.unit_id is not None and not scope.can(actor, Action.EDIT, request.unit_id)):
        raise NotAllowed
    if request.state not in OPEN:
        raise EvidenceRefused.settled()
    return request
