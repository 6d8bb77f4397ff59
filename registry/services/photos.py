"""The photograph (form item 0e): a picture kept by its hash, proposed like any other change and seen by who may view the file.

The document holds the SHA-256 alone. The picture is evidence of the request that brings it, so it is stored, swept and sealed as such.
"""

from __future__ import annotations

from pathlib import Path

from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext as _

from orgtree.models import User
from registry.errors import PhotoRefused
from registry.models import StaffProfile
from registry.paper.pdf import picture_is_sound
from registry.selectors.texts import KIND
from workflows.choices import AttachmentKind
from workflows.evidence_files import file_keep, path_of
from workflows.models import ChangeRequest
from workflows.services.attachments import attachment_add
from workflows.services.staging import Proposal, request_stage

MOST_BYTES = 5 * 1024 * 1024
PICTURES = (AttachmentKind.JPEG, AttachmentKind.PNG)


def photo_propose(*, actor: User, profile: StaffProfile, file: File, name: str) -> ChangeRequest:
    """A request, ready to submit, that gives the file this photograph.

    Raises PhotoRefused for anything but a new JPEG or PNG of at most 5 MB, NotAllowed without the right to edit (from staging).
    """
    if (file.size or 0) > MOST_BYTES:
        raise PhotoRefused.too_large(MOST_BYTES // 1024 // 1024)
    kept = file_keep(file)
    if kept.kind not in PICTURES or not picture_is_sound(path_of(kept.sha256).read_bytes()):
        raise PhotoRefused.no_picture()
    with transaction.atomic():
        staged = request_stage(
            actor=actor,
            unit=profile.using_unit,
            title=_("Photograph of {name}").format(name=profile.birth_name)[:300],
            proposals=[Proposal(kind=KIND, key=profile.pk, patch={"photo": kept.sha256}, base_version=profile.version, ref=1)],
        )
        if staged.request is None:
            raise PhotoRefused.unchanged() if staged.unchanged else PhotoRefused.returned()
        attachment_add(actor=actor, request_id=staged.request.pk, file=file, name=name)
    return staged.request


def photo_file(profile: StaffProfile) -> Path | None:
    """The picture on file, or None where there is none, or it is kept elsewhere."""
    if not profile.photo:
        return None
    path = path_of(profile.photo)
    return path if path.is_file() else None
