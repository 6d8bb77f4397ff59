"""Printing one person's file. What is class A is on paper only by right and with a reason, and every print is in the read log."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import override

from orgtree import clock
from orgtree.models import User
from registry.choices import PaperForm, PaperFormat
from registry.models import StaffProfile
from registry.paper.content import Content, derived, masked, masked_names
from registry.paper.render import form_render
from registry.selectors.texts import KIND, document_get, document_texts
from registry.services.photos import photo_file
from registry.services.reads import may_reveal
from workflows.choices import ReadAction
from workflows.documents import Document
from workflows.errors import NotAllowed
from workflows.models import RecordVersion
from workflows.services.marks import withheld
from workflows.services.reads import read_record, reason_check

CONTENT_TYPES = {
    PaperFormat.PDF: "application/pdf",
    PaperFormat.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


@dataclass(frozen=True)
class Printed:
    """A filled form: its bytes, and a name for the file that says no more than the form, the staff number and the day."""

    body: bytes
    content_type: str
    name: str


def profile_print(
    *,
    actor: User,
    profile: StaffProfile,
    form: PaperForm,
    format_: PaperFormat,
    whole: bool,
    reason: str = "",
    note: str = "",
    address: str | None = None,
) -> Printed:
    """The filled form; `whole` with class-A values, which needs the right and a reason, else masked with a note that says so.

    Raises NotAllowed, PurposeMissing, or TemplateBroken when the agency's own template has an error: nothing is printed or logged then.
    """
    if whole:
        if not may_reveal(actor, profile.using_unit):
            raise NotAllowed
        reason_check(reason, note)
    with override("vi"):  # the forms are the State's, in Vietnamese, whatever language the reader works in
        body = form_render(form=form, format_=format_, content=_content(actor, profile, whole))
    read_record(
        actor=actor,
        action=ReadAction.PRINT,
        kind=KIND,
        records=[(profile.pk, profile.using_unit_id)],
        what=f"{form.value}.{format_.value}{' +A' if whole else ''}",
        reason=reason if whole else "",
        note=note,
        address=address,
    )
    stem = f"{form.value}-{profile.staff_number or str(profile.pk)[:8]}-{clock.today():%Y%m%d}"
    return Printed(body, CONTENT_TYPES[format_], f"{''.join(sign if sign.isalnum() or sign in '-_' else '-' for sign in stem)}.{format_.value}")


def _content(actor: User, profile: StaffProfile, whole: bool) -> Content:
    origin = _origin(actor, profile)
    if withheld(kind=KIND, keys=[profile.pk]):
        origin = _("STATE SECRET: DOES NOT LEAVE THE AGENCY") + f". {origin}"
    content = content_of(document_get(profile=profile), whole=whole, version=_version(profile), origin=origin)
    picture = photo_file(profile)
    return content if picture is None else replace(content, photo=picture.read_bytes())


def content_of(document: Document, *, whole: bool, version: str = "", origin: str = "") -> Content:
    """What the forms are filled with, masked unless `whole`."""
    texts = document_texts(document)
    shown = texts if whole else masked(texts)
    note = "" if whole else ", ".join(masked_names(texts))
    return Content(shown, derived(document, shown, version=version), note, origin)


def _version(profile: StaffProfile) -> str:
    version = RecordVersion.objects.get(kind=KIND, key=profile.pk, version=profile.version)
    return _("Version {number}, recorded on {day}").format(number=version.version, day=f"{version.recorded_at.astimezone(clock.ZONE):%d/%m/%Y}")


def _origin(actor: User, profile: StaffProfile) -> str:
    """The foot of each page: from which version it was printed, by whom and when, so that a sheet found later can be traced."""
    words = _("Printed from Hồ Sơ on {day} by {who}; version {number}, digest {digest}")
    day = f"{clock.now().astimezone(clock.ZONE):%d/%m/%Y %H:%M}"
    return words.format(day=day, who=actor.display_name, number=profile.version, digest=bytes(profile.digest).hex()[:16])
